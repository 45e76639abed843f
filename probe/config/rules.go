package config

import (
	_ "embed"
	"strings"
	"sync"
	"text/template"

	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/config/address"
)

//go:embed rules.tmpl
var ruleSource string

// rules are a template in parts, whose lines are sentences, each in the condition under
// which something is missing or contradicts something else.
var rules = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{
		"list":    func(names ...string) []string { return names },
		"mailbox": address.IsMailbox,
	}).Parse(ruleSource))
})

// refuse notes each sentence that a part of the rules comes to.
func (ks *Keys) refuse(part string, facts any) {
	for _, sentence := range sentences(part, facts) {
		ks.usage(strings.ReplaceAll(sentence, "%", "%%"))
	}
}

func sentences(part string, facts any) (list []string) {
	var b strings.Builder
	if err := rules().ExecuteTemplate(&b, part, facts); err != nil { // a test goes through all
		panic(err)
	}
	for line := range strings.Lines(b.String()) {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
	return list
}

// facts are what the rules ask for.
type facts struct {
	*Settings
	Cfg *probe.Config
}

func (f facts) OAuth() bool             { return f.Cfg.ProfileAuth == probe.ProfileOAuth }
func (f facts) Key() bool               { return f.Keytab+f.CCache != "" }
func (f facts) SSPI() bool              { return canSignInAsCurrentUser }
func (f facts) Command() string         { return f.Keys.command }
func (f facts) UsesHMA() bool           { return f.usesHMA() }
func (f facts) Proof(key string) proof  { return f.proof(key) }
func (f facts) DynamicsMailbox() string { return f.dynamicsMailbox() }
func (f facts) Has(key string) bool     { return f.Keys.Find(key) != nil }
func (f facts) Failed(key string) bool  { return f.Keys.failed[key] }

// Said says whether somebody gave the key, and not the profile.
func (f facts) Said(key string) bool { return f.Keys.from[key].rank > byProfile }
