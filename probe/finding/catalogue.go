package finding

import (
	"embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// document is one code's part of a file text/codes-*.yaml: its head, which is
// read at once, and the rest, which is parsed when it is first asked for.
type document struct {
	Head
	raw   string
	entry func() Entry
}

// catalogue lists every code once. The order of the files, and of the documents
// in a file, is the order in which codes of one status take precedence.
//
// To add a code, write its document at its place in the order; TestEveryCodeIsWhole
// in package rule names what is missing then.
var catalogue = sync.OnceValue(func() []document {
	var list []document
	for _, raw := range documents() {
		d := document{Head: headOf(raw), raw: raw}
		d.entry = sync.OnceValue(func() Entry { return load(d.Head, raw) })
		list = append(list, d)
	}
	return list
})

func position(c Code) int {
	return slices.IndexFunc(catalogue(), func(d document) bool { return d.Code == c })
}

// headOf reads the first lines of a document, which hold one value each: parsing
// YAML for sixty codes would cost more than a whole check does.
func headOf(raw string) Head {
	var h Head
	for line := range strings.Lines(raw) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "code":
			h.Code = Code(value)
		case "block":
			h.Block = Block(value)
		case "status":
			h.Status = Status(value)
		case "cause":
			h.Cause, _ = strconv.Atoi(value)
		case "title":
			if h.Title = value; strings.HasPrefix(value, `"`) {
				h.Title, _ = strconv.Unquote(value)
			}
			return h
		}
	}
	return h
}

// Heads lists the head of every code, in the order of the catalogue.
func Heads() []Head {
	list := make([]Head, len(catalogue()))
	for i, d := range catalogue() {
		list[i] = d.Head
	}
	return list
}

// HeadOf finds the head of a code.
func HeadOf(c Code) (Head, bool) {
	if i := position(c); i >= 0 {
		return catalogue()[i].Head, true
	}
	return Head{}, false
}

// Catalogue lists every code once, in the order in which codes of one status
// take precedence.
func Catalogue() []Entry {
	all := make([]Entry, len(catalogue()))
	for i, d := range catalogue() {
		all[i] = d.entry()
	}
	return all
}

// Lookup finds the entry of a code. What is in it belongs to the catalogue.
func Lookup(c Code) (Entry, bool) {
	if i := position(c); i >= 0 {
		return catalogue()[i].entry(), true
	}
	return Entry{}, false
}

// Order is the position of a code in the catalogue; a code that is not in it
// comes last.
func Order(c Code) int {
	if i := position(c); i >= 0 {
		return i
	}
	return len(catalogue())
}

// load parses the document of a code and puts in what it names of shared.yaml.
func load(h Head, raw string) Entry {
	e := Entry{Head: h}
	decode(raw, &e)
	whole(e.Remedies)
	for _, list := range e.Cases {
		whole(list)
	}
	return e
}

// whole replaces the names in remedies by what they stand for.
func whole(remedies []Remedy) {
	for i := range remedies {
		r := &remedies[i]
		if r.Use != "" {
			*r = at[Remedy](sharedText, "remedies", r.Use)
		}
		if r.Run != "" {
			r.Command, r.Run = at[string](sharedText, "commands", r.Run), ""
		}
		if r.Check != "" {
			r.Command = CheckCommand(*r, Placeholders)
		}
		r.Link = link(r.Link)
	}
}

// completed is a copy of remedies with what their names stand for.
func completed(remedies []Remedy) []Remedy {
	list := slices.Clone(remedies)
	whole(list)
	return list
}

// link is the page behind a name; "" stays.
func link(name string) string { return at[string](sharedText, "links", name) }

// texts holds everything that the program says of what it finds, as YAML. A file
// is parsed when it is first needed. That each of them can be read, and holds no
// key that nothing reads, is tested; a text that cannot be read panics.
//
//go:embed text/*.yaml
var texts embed.FS

// What every report needs is not copied to be read.
var (
	//go:embed text/causes.yaml
	causesText string
	//go:embed text/shared.yaml
	sharedText string
	//go:embed text/phrases.tmpl
	phrasesText string
	//go:embed text/devices.yaml
	devicesText string

	// The codes, in their order.
	//go:embed text/codes-1-ask.yaml
	askCodes string
	//go:embed text/codes-2-endpoint.yaml
	endpointCodes string
	//go:embed text/codes-3-signin.yaml
	signInCodes string
	//go:embed text/codes-4-mailbox.yaml
	mailboxCodes string
	//go:embed text/codes-5-warning.yaml
	warningCodes string
	//go:embed text/codes-6-directory.yaml
	directoryCodes string
	//go:embed text/codes-7-ok.yaml
	okCodes string
)

func file(name string) string {
	raw, err := texts.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// documents are those of all codes.
func documents() (list []string) {
	for _, file := range []string{askCodes, endpointCodes, signInCodes, mailboxCodes, warningCodes, directoryCodes, okCodes} {
		list = append(list, strings.Split(file, "\n---\n")...)
	}
	return list
}

// at is the value that a text of YAML has under keys, the zero value if there is none.
func at[T any](text string, keys ...string) (value T) {
	text, found := under(text, keys...)
	if !found {
		return value
	}
	var one struct{ Value T }
	if word, ok := any(&one.Value).(*string); !ok || !plain(text, word) {
		decode("value:"+text, &one)
	}
	return one.Value
}

// plain reads a text of YAML that is one line and stands for itself, bare or in single
// quotes. To parse it takes longer than to make the sentence.
func plain(text string, word *string) bool {
	*word = strings.TrimSpace(text)
	if inner, quoted := strings.CutPrefix(*word, "'"); quoted {
		*word, quoted = strings.CutSuffix(inner, "'")
		return quoted && !strings.ContainsAny(*word, "'\n")
	}
	return *word != "" && unicode.IsLetter(rune((*word)[0])) && !strings.ContainsAny(*word, "#\n") && !strings.Contains(*word+" ", ": ")
}

// under is the part of a text of YAML that stands under keys, each indented by two
// blanks more than the one before. To parse a whole file takes longer than a logon.
func under(text string, keys ...string) (string, bool) {
	for depth, key := range keys {
		indent, found := "\n"+strings.Repeat("  ", depth), true
		if _, text, found = strings.Cut(text, indent+key+":"); !found || key == "" {
			return "", false
		}
		end := strings.IndexByte(text, '\n')
		for strings.HasPrefix(text[end:], indent+"  ") {
			end += 1 + strings.IndexByte(text[end+1:], '\n')
		}
		text = text[:end+1]
	}
	return text, true
}

func decode(raw string, into any) {
	d := yaml.NewDecoder(strings.NewReader(raw))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		panic(fmt.Sprintf("finding: %v in %q", err, raw[:min(60, len(raw))]))
	}
}
