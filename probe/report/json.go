package report

import (
	"bytes"
	"embed"
	"encoding/json"
	"io"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// JSON writes the report as one object, indented, with a final line end.
func (r Report) JSON() ([]byte, error) { return indented(r) }

func asJSON[T any](r T, _ Style) ([]byte, error) { return indented(r) }

func indented(v any) ([]byte, error) {
	raw, err := evidence.Encode(v)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// lines writes a batch as JSON, one object per line. What was read from such lines
// goes through as it is, with all that a newer version wrote.
type lines struct {
	open
	w io.Writer
}

func newLines(o Output) (Sink, error) { return &lines{w: o.W}, nil }

func (l *lines) Row(r Row) error { return l.line(r, r.raw) }

func (l *lines) End(s Summary) error {
	if s.endpoint == nil {
		return l.line(s, nil)
	}
	s.Endpoint = nil
	raw, err := evidence.Encode(s)
	if err != nil {
		return err
	}
	return l.line(nil, append(bytes.TrimSuffix(raw, []byte(`null}`)), append(s.endpoint, '}')...))
}

// line writes v, or raw where there is such a thing.
func (l *lines) line(v any, raw []byte) (err error) {
	if raw == nil {
		if raw, err = evidence.Encode(v); err != nil {
			return err
		}
	}
	_, err = l.w.Write(append(raw, '\n'))
	return err
}

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
