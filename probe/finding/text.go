package finding

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"

	"go.yaml.in/yaml/v3"
)

// texts holds everything that the program says of what it finds, as YAML. A file
// is parsed when it is first needed. That each of them can be read, and holds no
// key that nothing reads, is tested; a text that cannot be read panics.
//
//go:embed text/*.yaml text/phrases.tmpl
var texts embed.FS

func file(name string) string {
	raw, err := texts.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// documents are the YAML documents of all files of a pattern, in the order of the
// files' names.
func documents(pattern string) []string {
	names, err := fs.Glob(texts, pattern)
	if err != nil {
		panic(err)
	}
	var list []string
	for _, name := range names {
		list = append(list, strings.Split(file(name), "\n---\n")...)
	}
	return list
}

func decode(raw string, into any) {
	d := yaml.NewDecoder(strings.NewReader(raw))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		panic(fmt.Sprintf("finding: %v in %q", err, raw[:min(60, len(raw))]))
	}
}
