package config

import (
	"fmt"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
)

// YAML reads the mapping that a target of the agent's file is. A key that is no
// setting goes to also, which says whether it knows it. What is wrong is noted with
// its line and column, and told by Err or Config.
func (s *Settings) YAML(node *yaml.Node, also func(key string, value *yaml.Node) bool) {
	ks := s.Keys
	ks.yaml = true
	for node.Kind == yaml.DocumentNode && len(node.Content) > 0 {
		node = node.Content[0]
	}
	if node.Kind != yaml.MappingNode {
		ks.at(node, "a target is a mapping of keys to values")
		return
	}
	var known, seen []string
	for _, k := range ks.List {
		known = append(known, k.YAML())
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		for value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		at := slices.Index(known, key.Value)
		switch {
		case slices.Contains(seen, key.Value):
			ks.at(key, "%s is there twice", key.Value)
		case at >= 0:
			ks.fromNode(ks.List[at], key, value)
		case also != nil && also(key.Value, value):
		default:
			text := fmt.Sprintf("there is no key %s here", key.Value)
			if near := Nearest(key.Value, known); near != "" {
				text += fmt.Sprintf("; did you mean %s?", near)
			}
			ks.at(key, "%s", text)
		}
		seen = append(seen, key.Value)
	}
}

// at notes what is wrong at a place in the file.
func (ks *Keys) at(node *yaml.Node, format string, args ...any) {
	ks.problems = append(ks.problems, Problem{Text: fmt.Sprintf(format, args...), Invalid: true, Line: node.Line, Column: node.Column})
}

// fromNode sets a key of its node. Types are strict: a number in quotes is a text.
func (ks *Keys) fromNode(k *Key, key, node *yaml.Node) {
	tag, what := "!!str", "a text"
	switch k.field.Interface().(type) {
	case bool:
		tag, what = "!!bool", "true or false"
	case int:
		tag, what = "!!int", "a whole number"
	case time.Duration:
		what = "a number with its unit, like 30s or 2m"
	case []string:
		tag, what = "!!seq", "a list of texts"
	}
	values := []*yaml.Node{node}
	right := node.ShortTag() == tag
	if tag == "!!seq" && right {
		values = node.Content
		right = !slices.ContainsFunc(values, func(n *yaml.Node) bool { return n.ShortTag() != "!!str" })
	}
	switch {
	case node.ShortTag() == "!!null" || right && tag == "!!str" && node.Value == "":
		ks.at(key, "%s has no value", key.Value)
	case !right:
		ks.at(node, "%s must be %s", key.Value, what)
	default:
		texts := make([]string, len(values))
		for i, n := range values {
			texts[i] = n.Value
		}
		ks.give(k, origin{name: key.Value, rank: byFlag, line: node.Line, column: node.Column}, texts...)
	}
}
