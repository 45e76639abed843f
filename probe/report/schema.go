package report

import (
	_ "embed"
	"slices"
)

//go:embed report-1.schema.json
var reportSchema []byte

// SchemaDocument is the JSON Schema (draft 2020-12) of what is called by name,
// of which there is "report". It describes every report since the first version:
// what later versions added is not required.
func SchemaDocument(name string) ([]byte, bool) {
	if name != "report" {
		return nil, false
	}
	return slices.Clone(reportSchema), true
}
