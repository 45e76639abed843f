package agentfile

import (
	_ "embed"
	"encoding/json"
	"maps"

	"github.com/ewsprobe/ewsprobe/probe/config"
)

//go:embed example.yaml
var example string

// Example is a commented configuration to begin with.
func Example() string { return example }

// Schema is the JSON Schema (draft 2020-12) of the configuration, for editors.
func Schema() []byte {
	object := func(keys any, more map[string]any, required ...string) map[string]any {
		properties := config.KeysOf(keys, "agent").Schema()
		maps.Copy(properties, more)
		o := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
		if len(required) > 0 {
			o["required"] = required
		}
		return o
	}
	list := func(of any, about string) map[string]any {
		return map[string]any{"type": "array", "items": of, "description": about}
	}
	of := object(&Target{}, map[string]any{"labels": map[string]any{
		"type": "object", "description": "labels of its metrics and notifications", "maxProperties": maxLabels,
		"propertyNames":        map[string]any{"pattern": "^[a-zA-Z_][a-zA-Z0-9_]{0,62}$"},
		"additionalProperties": map[string]any{"type": "string", "maxLength": longestText},
	}})
	of["properties"].(map[string]any)["name"].(map[string]any)["pattern"] = "^[a-z0-9][a-z0-9._-]{0,62}$"
	required := maps.Clone(of)
	required["required"] = []string{"name"}
	email := object(&Email{}, nil, "smarthost", "from", "to")
	webhook := object(&Webhook{}, nil, "url_file")
	doc := object(&Keys{}, map[string]any{
		"defaults":    of,
		"targets":     list(required, "what is checked"),
		"notify":      list(object(&Channel{}, map[string]any{"email": email, "webhook": webhook}, "name"), "who is told of changes"),
		"peers":       list(object(&Peer{}, nil, "name", "url"), "other agents, whose targets stand beside those of the same endpoint"),
		"maintenance": list(object(&Window{}, nil, "from", "for"), "when nobody is told"),
	}, "targets")
	doc["$schema"], doc["title"] = "https://json-schema.org/draft/2020-12/schema", "configuration of ewsprobe agent"
	raw, err := json.MarshalIndent(doc, "", "  ")
	if err != nil { // it is made of maps and texts
		panic(err)
	}
	return append(raw, '\n')
}
