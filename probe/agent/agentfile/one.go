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
	_ = root.Decode(&doc)  // what else is wrong is told by validate
	var nodes []*yaml.Node // that hold for the target
	var names []string
	for _, node := range doc.Targets {
		var is struct{ Name string }
		if _ = node.Decode(&is); is.Name == "" {
			continue
		}
		if names = append(names, is.Name); is.Name == name {
			nodes = []*yaml.Node{&node}
		}
	}
	if doc.Defaults.Kind == yaml.MappingNode {
		nodes = append([]*yaml.Node{&doc.Defaults}, nodes...)
	}
	if !slices.Contains(names, name) {
		return nil, config.Problems{{Text: fmt.Sprintf("%s has no target %q; it has %s", file, name, strings.Join(names, ", "))}}
	}
	t := &Target{}
	t.Settings.Init(t, "agent", "")
	of := t.Settings.Keys
	// Both are read twice: for what a check knows, and for what only a target has.
	for _, node := range nodes {
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
