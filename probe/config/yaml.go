package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// A Place is where a mapping of YAML was read from, and how what it says ranks.
type Place struct {
	File     string // as problems name it
	Dir      string // what relative names of files are relative to
	Defaults bool   // of other mappings, which win

	Belongs func(key string) string // where in the file a key belongs; "" nowhere
}

// YAML reads a mapping, as a target of the agent's file is one. A key that is no
// setting goes to also, which says whether it knows it. What is wrong is noted with
// its place, and told by Err or Config.
func (ks *Keys) YAML(node *yaml.Node, in Place, also func(key string, value *yaml.Node) bool) {
	ks.place, ks.node = in, node
	for node.Kind == yaml.DocumentNode && len(node.Content) > 0 {
		node = node.Content[0]
	}
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.Kind != yaml.MappingNode {
		ks.At(node, "keys with values are expected here, like `name: value`")
		return
	}
	known, seen := ks.names((*Key).YAML), []string{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		for value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		at := slices.Index(known, key.Value)
		switch {
		case slices.Contains(seen, key.Value):
			ks.At(key, "%s is given twice", key.Value)
		case at >= 0:
			ks.fromNode(ks.List[at], key, value)
		case also != nil && also(key.Value, value):
			if value.ShortTag() == "!!null" {
				ks.At(key, "%s has no value", key.Value)
			}
		case strings.ContainsRune(key.Value, '\u00a0'):
			ks.At(key, "the line has a no-break space (U+00A0), as text copied from a page has; type a space in its place")
		default:
			ks.At(key, "there is no key %s; %s", key.Value, ks.instead(key.Value, known))
		}
		seen = append(seen, key.Value)
	}
}

// instead is what a key that does not exist may mean: one that belongs elsewhere in the
// file, one that other tools call so, a misspelt one.
func (ks *Keys) instead(key string, known []string) string {
	if slices.Contains(passwordNames, key) && slices.Contains(known, "password_file") {
		return "no password stands in this file; save it in a file of its own, and give password_file"
	}
	if ks.place.Belongs != nil {
		if where := ks.place.Belongs(key); where != "" {
			return "it belongs " + where
		}
	}
	meant, _, _ := strings.Cut(strings.Trim(foreignFlag(strings.ReplaceAll(key, "_", "-")), "{}"), " ")
	near := strings.ReplaceAll(strings.TrimSuffix(meant, "}"), "-", "_")
	if near == "targets" || near == "target" && slices.Contains(known, "profile_auth") {
		return "did you mean " + near + "?"
	}
	if !slices.Contains(known, near) {
		near = Nearest(key, known)
	}
	if near == "" {
		return "see `ewsprobe agent example`"
	}
	ks.from[ks.List[slices.Index(known, near)].Name] = origin{name: near, rank: byFlag} // it was meant, and is not missing
	return "did you mean " + near + "?"
}

// ReadTarget reads TARGET of check from a mapping.
func (s *Settings) ReadTarget(value *yaml.Node) {
	if value.ShortTag() != "!!str" || value.Value == "" {
		s.Keys.At(value, "target must be text")
		return
	}
	s.Target = value.Value
	s.Keys.from["target"] = origin{s.Keys.at(value), "target", byVariable}
}

// At notes what is wrong at a place in the file.
func (ks *Keys) At(node *yaml.Node, format string, args ...any) {
	ks.problems = append(ks.problems, Problem{ks.at(node), fmt.Sprintf(format, args...), true})
}

func (ks *Keys) at(node *yaml.Node) Position { return Position{ks.place.File, node.Line, node.Column} }

// fromNode sets a key of its node. Types are strict: a number in quotes is a text.
// One text may stand for a list of one, as a flag does that can be repeated.
func (ks *Keys) fromNode(k *Key, key, node *yaml.Node) {
	tag, what := k.kind().tag, k.kind().what
	if tag == "!!seq" && node.ShortTag() == "!!str" {
		tag = "!!str"
	}
	values := []*yaml.Node{node}
	right := node.ShortTag() == tag
	if tag == "!!seq" && right {
		values = node.Content
		right = !slices.ContainsFunc(values, func(n *yaml.Node) bool { return n.ShortTag() != "!!str" })
	}
	switch {
	case node.ShortTag() == "!!null" || right && tag == "!!str" && node.Value == "":
		ks.failed[k.Name] = true
		ks.At(key, "%s has no value", key.Value)
	case k.IsFile() && strings.ContainsFunc(node.Value, unicode.IsControl):
		ks.failed[k.Name] = true
		ks.At(node, "%s has a control character: in double quotes a backslash begins an escape; use single quotes", key.Value)
	case !right:
		ks.failed[k.Name] = true
		ks.At(node, "%s must be %s", key.Value, what)
	default:
		texts := make([]string, len(values))
		for i, n := range values {
			if texts[i] = n.Value; k.IsFile() && n.Value != "-" && !filepath.IsAbs(n.Value) && ks.place.Dir != "" {
				texts[i] = filepath.Join(ks.place.Dir, n.Value)
			}
		}
		by := origin{ks.at(node), key.Value, byFlag}
		if ks.place.Defaults {
			by.rank = byVariable
		}
		ks.give(k, by, texts...)
	}
}
