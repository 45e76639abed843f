package agentfile

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ewsprobe/ewsprobe/probe/config"
)

// Apply gives the settings of a check or a batch all that a target of the agent's file
// has; a flag wins. It returns the keys that only a target has. What is wrong with the
// target is noted in the settings, the error is about the file.
func Apply(ctx context.Context, s *config.Settings, file, name string) (*Target, error) {
	root, place, err := open(ctx, file)
	if err != nil {
		return nil, err
	}
	place.Defaults = true
	var doc struct {
		Defaults yaml.Node
		Targets  []yaml.Node
	}
	_ = root.Decode(&doc) // what else is wrong is told by validate
	if doc.Defaults.Kind != yaml.MappingNode {
		doc.Defaults = yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	}
	var found *yaml.Node
	var names []string
	for _, node := range doc.Targets {
		if n := valueOf(&node, "name"); n != nil {
			if names = append(names, n.Value); n.Value == name {
				found = &node
			}
		}
	}
	if found == nil {
		return nil, config.Problems{{Text: fmt.Sprintf("%s has no target %q; it has %s", file, name, strings.Join(names, ", "))}}
	}
	t := &Target{}
	t.Settings.Init(t, "agent", "")
	of := t.Settings.Keys
	// Both are read twice: for what a check knows, and for what only a target has.
	for _, node := range []*yaml.Node{without(&doc.Defaults, found), found} {
		of.YAML(node, place, func(key string, _ *yaml.Node) bool { return key == "labels" })
		s.Keys.YAML(node, place, func(key string, value *yaml.Node) bool {
			if key == "target" {
				s.ReadTarget(value)
			}
			return key == "labels" || of.Find(strings.ReplaceAll(key, "_", "-")) != nil
		})
	}
	s.PasswordEnv, s.PasswordCredential = t.PasswordEnv, t.PasswordCredential
	return t, nil
}

func valueOf(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; mapping.Kind == yaml.MappingNode && i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// without is a mapping without the keys that another has.
func without(mapping, other *yaml.Node) *yaml.Node {
	rest := *mapping
	rest.Content = nil
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if valueOf(other, mapping.Content[i].Value) == nil {
			rest.Content = slices.Concat(rest.Content, mapping.Content[i:i+2])
		}
	}
	return &rest
}
