package standin

import (
	"embed"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"text/template"
	"time"

	"github.com/google/uuid"
	"go.yaml.in/yaml/v3"
)

//go:embed *.tmpl
var formFiles embed.FS

// forms are the answers as they are sent; front.tmpl says how one is written.
var forms = sync.OnceValue(func() *template.Template {
	constant := func(value string) func() string { return func() string { return value } }
	return template.Must(template.New("").Funcs(template.FuncMap{
		"xml": escape, "json": quoted, "begins": strings.HasPrefix, "guid": uuid.NewString,
		"put": func(form, value string) string { return strings.Replace(form, "%s", value, 1) },
		"now": func() string { return time.Now().UTC().Format("2006-01-02 15:04:05Z") },
		"ago": hoursAgo, "tenant": constant(Tenant), "elsewhere": constant(ElsewhereURL), "foundationPlan": constant(FoundationPlan),
	}).ParseFS(formFiles, "*.tmpl"))
})

func quoted(v any) (string, error) {
	raw, err := json.Marshal(v)
	return string(raw), err
}

// hoursAgo is a time as Graph and Dataverse write it.
func hoursAgo(n int) string {
	return time.Now().UTC().Add(-time.Duration(n) * time.Hour).Format(time.RFC3339)
}

// bodyTypes are those that a form names by a word.
var bodyTypes = map[string]string{"html": htmlType, "xml": xmlType, "json": "application/json; charset=utf-8"}

// say is an answer in one of the forms, nil if it is empty. Without a node it is none of
// Exchange's.
func (n *node) say(form string, data any) *response {
	var b strings.Builder
	if err := forms().ExecuteTemplate(&b, form, data); err != nil { // every test fills the forms
		panic("standin: " + err.Error())
	}
	head, body, _ := strings.Cut(b.String(), "\n\n")
	first, lines, _ := strings.Cut(head, "\n")
	status, words, _ := strings.Cut(first, " ")
	if status == "" {
		return nil
	}
	code, err := strconv.Atoi(status)
	if err != nil {
		panic("standin: the form " + form + " has no status")
	}
	a := newResponse(code)
	for word := range strings.FieldsSeq(words) {
		if word == "exchange" {
			a = n.exchangeResponse(code)
		} else {
			a.with("Content-Type", bodyTypes[word])
		}
		if _, has := a.header["request-id"]; word == "json" && !has {
			a.with("request-id", uuid.NewString())
		}
	}
	for line := range strings.Lines(lines) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		a.header[name] = append(a.header[name], value)
	}
	a.body = body
	return a
}

//go:embed answers.yaml
var answersFile string

//go:embed cloud.yaml
var cloudFile string

// refusal is a refusal of a token, of Entra's or of Exchange's.
type refusal struct{ Error, Says string }

// words are what the answers are made of: read once, when somebody is answered.
var words = sync.OnceValue(func() (file struct {
	Texts         map[string]string // of Exchange's codes
	Operations    string
	Places        []place
	Accounts      []*account
	Mailboxes     []mailbox
	Refusals      map[int]refusal
	TokenRefusals map[int]refusal `yaml:"token-refusals"`
	Records       map[string]map[string]any
	Dataverse     map[string]struct {
		Status     int
		Code, Says string
	}
},
) {
	if err := yaml.Unmarshal([]byte(answersFile+cloudFile), &file); err != nil { // every test reads them
		panic("standin: " + err.Error())
	}
	return file
})

// record is a record of the file, filled with values for its words.
func record(name string, values ...string) map[string]any {
	raw, _ := json.Marshal(words().Records[name]) // what YAML holds always marshals
	for i := 1; i < len(values); i += 2 {
		value, _ := json.Marshal(values[i])
		values[i] = string(value[1 : len(value)-1])
	}
	var filled map[string]any
	_ = json.Unmarshal([]byte(strings.NewReplacer(values...).Replace(string(raw))), &filled)
	return filled
}

func inJSON(status int, v any) *response {
	body, _ := json.Marshal(v) // what is given here always marshals
	return newResponse(status).with("request-id", uuid.NewString()).withBody(bodyTypes["json"], string(body))
}
