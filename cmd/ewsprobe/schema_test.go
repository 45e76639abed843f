package main

import "testing"

// The reports of all scenarios are as the schema says.
func TestSchemaOfScenarios(t *testing.T) {
	slow(t)
	for name, raw := range played() {
		t.Run(name, func(t *testing.T) { asSchema(t, "report", raw) })
	}
}
