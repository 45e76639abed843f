package report

import "embed"

//go:embed *-1.schema.json
var schemas embed.FS

// SchemaNames are what has a schema: the report, and the two kinds of lines that
// a batch writes.
var SchemaNames = []string{"report", "row", "summary"}

// SchemaDocument is the JSON Schema (draft 2020-12) of what is called by name,
// one of SchemaNames. It describes everything since the first version: what later
// versions added is not required.
func SchemaDocument(name string) ([]byte, bool) {
	raw, err := schemas.ReadFile(name + "-1.schema.json")
	return raw, err == nil
}
