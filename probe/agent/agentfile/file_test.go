package agentfile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/ewsprobe/ewsprobe/probe/config"
)

// folder has the files that a configuration can name.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"p": "S3cret\n", "secret.txt": "S3cretS3cret\n", "svc-crm.txt": "S3cret\n", "hook.txt": "https://hooks.contoso.com/S3cret\n", "plain.txt": "http://hooks.contoso.com/S3cret\n",
		"empty.txt": "", "token": "eyJ0eXAiOiJKV1Qi.eyJhdWQiOiJodHRw.c2ln\n", "m.csv": "address\nanna@contoso.com\n", "web.yml": "{}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func load(t *testing.T, dir, text string) (*File, error) {
	t.Helper()
	name := filepath.Join(dir, "a.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(context.Background(), name, "1.0", func(key string) string { return map[string]string{"STATE_DIRECTORY": "/state:/other"}[key] })
}

func TestLoad(t *testing.T) {
	f, err := load(t, folder(t), `
targets:
  - {name: a, user: svc@contoso.com, password_file: p, labels: {site: fra}, interval: 5m, max_rejections: 3}
  - {name: b, user: 'CONTOSO\SVC', password_env: PASSWORD, timeout: 10s}
  - {name: c, no_credentials: true, interval: 1h}
  - {name: d, profile_auth: oauth, tenant: contoso.com, hma_client_id: 11111111-2222-3333-4444-555555555555, hma_client_secret_file: secret.txt}
defaults: {target: mail.contoso.com, timeout: 45s, labels: {tier: x}}
notify: [{name: n, webhook: {url_file: hook.txt}}]
`)
	if err != nil {
		t.Fatal(err)
	}
	a, b, c := f.Find("a"), f.Find("b"), f.Find("c")
	if a.Check.Timeout != 45*time.Second || b.Check.Timeout != 10*time.Second || a.Labels["site"] != "fra" || a.Labels["tier"] != "x" || c.Labels["site"] != "" {
		t.Errorf("defaults: %s, %s, %v, %v", a.Check.Timeout, b.Check.Timeout, a.Labels, c.Labels)
	}
	if a.Check.MaxRejections != 2 || b.Check.MaxRejections != 2 {
		t.Errorf("limits of one account: %d, %d", a.Check.MaxRejections, b.Check.MaxRejections)
	}
	if !filepath.IsAbs(a.PasswordFile) || f.Storage != "/state" || f.Listen != "127.0.0.1:9719" || f.Retention != 400*24*time.Hour {
		t.Errorf("%s, %s, %s, %s", a.PasswordFile, f.Storage, f.Listen, f.Retention)
	}
	if every, between := a.Of(); every != 5*time.Minute || between != time.Minute {
		t.Errorf("a every %s and %s", every, between)
	}
	if every, between := c.Of(); every != time.Minute || between != 0 {
		t.Errorf("c every %s and %s", every, between)
	}
	// A token is sent with the whole check, and costs no logon.
	if d := f.Find("d"); !d.SendsCredential() || d.SignsIn() || d.NeedsPassword() {
		t.Errorf("d sends %v, signs in %v, needs a password %v", d.SendsCredential(), d.SignsIn(), d.NeedsPassword())
	}
	if n := f.Notify[0]; n.After != 2 || !slices.Contains(n.On, "warning") || slices.Contains(n.On, "ok") {
		t.Errorf("%+v", n)
	}
}

// Everything that is wrong is told, each with its place.
func TestProblems(t *testing.T) {
	const target = "targets: [{name: a, target: h.example, no_credentials: true}]\n"
	const dynamics = ", password_file: p, dynamics_url: 'https://contoso.crm4.dynamics.com', dynamics_token_file: token"
	account := func(more string) string {
		return "targets: [{name: a, target: h.example, user: u@contoso.com" + more + "}]\n"
	}
	for _, c := range []struct{ text, want string }{
		{target, ""},
		{"", "1:1: the configuration is empty"},
		{"listen: [\n", "1:1: this is not YAML"},
		{"a:\n\tb: 1\n", "2:1: this is not YAML: the line is indented with a tab"},
		{"a:\n  b: 1\n\tc: 2\n", "3:1: this is not YAML: the line is indented with a tab"},
		{"a: [1,\n\t2]\nb: 1\nc: {d: 1\n", "4:1: this is not YAML: a bracket or brace that opens here is not closed"},
		{"a: 1\nb: \"C:\\pw\\x\"\nc: 1\n", "2:1: this is not YAML: a backslash means something else between double quotes; use single quotes"},
		{"a: 1\nb: \"C:\\Users\\x\"\nc: 1\n", "2:1: this is not YAML: a backslash"},
		{"a: 1\nb:\n  c: %ProgramData%\\x\n  d: 1\n", "3:1: this is not YAML: a value that begins with one of @ % ` * needs single quotes"},
		{"a: 1\nb: *anna\n", "2:1: this is not YAML: a value that begins"},
		{"a: 1\npassword: @S3cret\n", "2:1: this is not YAML: no password stands in this file"},
		{"a: 1\nb: \"d\x0ce\"\n", "2:1: this is not YAML: a control character"},
		{"a: 1\nb: 'abc\nc: 2\n", "2:1: this is not YAML: a quote that opens here is not closed"},
		{"a:\n  b: 1\n  c: 'it's'\n  d: 2\n", "3:1: this is not YAML: something follows a closing quote"},
		{"a:\n  b: 1\n  c: CONTOSO: x\n", "3:1: this is not YAML: a value with a colon"},
		{"a: 1\nlisten:127.0.0.1:1\nb: 1\n", "2:1: this is not YAML: a space is missing behind the colon or the hyphen"},
		{"a:\n    b: 1\n  c: 2\n", "3:1: this is not YAML: the line is not indented as the lines above it"},
		{target + "timeout: 30s\n", "2:1: there is no key timeout; it belongs to a target, or to defaults"},
		{target + "username: x\n", "2:1: there is no key username; see"},
		{account(", password: S3cret"), "there is no key password; no password stands in this file; save it in a file of its own, and give password_file"},
		{account(", cacert: x"), "there is no key cacert; did you mean ca_file?"},
		{account(", retention: 7d"), "there is no key retention; it belongs to the file itself"},
		{"- a\n", "1:1: keys with values are expected"},
		{target + "---\na: b\n", "a second document starts here"},
		{"listen: 127.0.0.1:1\n", "targets is missing"},
		{"targets: []\n", "targets is missing or empty"},
		{target + "colour: red\n", "2:1: there is no key colour"},
		{target + "listen: 127.0.0.1:1\nlisten: 127.0.0.1:2\n", "3:1: listen is given twice"},
		{target + "listen: 0.0.0.0:9719\n", "2:9: listen 0.0.0.0:9719 can be reached from other machines"},
		{target + "listen: ':9719'\n", "2:9: listen :9719 can be reached"},
		{target + "listen: 0.0.0.0:9719\nweb_config: web.yml\n", ""},
		{target + "listen: nowhere\n", "2:9: listen \"nowhere\" is not an address"},
		{target + "web_config: none.yml\n", "2:13: web_config "},
		{target + "retention: 10\n", "2:12: retention must be a time with a unit"},
		{target + "retention:\n", "2:1: retention has no value"},
		{target + "max_concurrent_checks: '8'\n", "2:24: max_concurrent_checks must be a whole number"},
		{target + "defaults: {interval: 1x}\n", "2:22: interval \"1x\" is not a time with a unit"},
		{target + "defaults: {name: b}\n", "2:18: name is not allowed in defaults"},
		{"targets: [{name: A, target: h, no_credentials: true}]", "1:18: name \"A\" is not allowed"},
		{"targets: [{target: h, no_credentials: true}]", "1:11: name is missing"},
		{"targets: [{name: a, target: h, no_credentials: true}, {name: a, target: h, no_credentials: true}]", "1:62: name a is used twice"},
		{"targets: [{name: a, target: h, no_credentials: true, interval: 0s}]", "interval 0s is out of range; use 1s to"},
		{"targets: [{name: a, target: h, no_credentials: true, labels: {target: x}}]", "label target is used by the agent itself"},
		{"targets: [{name: a, target: h, no_credentials: true, labels: {a-b: x}}]", "label \"a-b\" is not allowed"},
		{"targets: [{name: a, target: h, no_credentials: true, labels: {site: 5}}]", "label site must be text"},
		{"targets: [{name: a, target: h, no_credentials: true, endpoint: 'A B'}]", "endpoint \"A B\" is not allowed"},
		{account(""), "1:46: user has no password"},
		{account(", password_file: none.txt"), "1:76: password_file"},
		{account(", password_file: empty.txt"), "is empty"},
		{account(", password_file: p, password_env: X"), "password_file and password_env exclude each other"},
		{account(", password_file: '-'"), "cannot be standard input"},
		{account(", password_credential: ../x"), "must be the name of a credential, not a path"},
		{account(", password_file: p, mailboxes_file: none.csv"), "mailboxes_file"},
		{account(", password_file: p, column: c"), "column needs mailboxes_file"},
		{account(", password_file: p, mailboxes_from_dynamics: true"), "mailboxes_from_dynamics needs dynamics_url"},
		{account(dynamics), "dynamics_url needs mailbox, or mailboxes_from_dynamics"},
		{account(dynamics + ", mailbox: anna@contoso.com"), ""},
		{account(dynamics + ", mailboxes_from_dynamics: true, server_profile: On premises"), ""},
		{account(dynamics + ", mailboxes_from_dynamics: true, mailboxes_file: p"), "exclude each other"},
		{account(dynamics + ", mailboxes_from_dynamics: true, server_profile: On premises, column: c"), "column is for mailboxes_file"},
		{account(", password_file: p, dynamics_token_file: token, mailbox: anna@contoso.com"), "dynamics_url is missing"},
		{target + "notify: [{name: n}]\n", "a channel needs exactly one of email, webhook and event_log"},
		{target + "notify: [{name: n, webhook: {url_file: plain.txt}}]\n", "contains an address that is not https"},
		{target + "notify: [{name: n, webhook: {url_file: p}}]\n", "contains no URL"},
		{target + "notify: [{name: n, on: [red], webhook: {url_file: hook.txt}}]\n", "on \"red\" is unknown"},
		{target + "notify: [{name: n, email: {smarthost: 'h:25', from: a@b.example, to: [c@d.example], user: u, password_file: p, tls: none}}]\n", "tls none would send the password"},
		{target + "notify: [{name: n, email: {smarthost: 'h', from: a, to: []}}]\n", "smarthost \"h\" is not HOST:PORT"},
		{target + "peers: [{name: p, url: 'http://other:9719'}]\n", "is not the address of an agent"},
		{target + "maintenance: [{targets: [b], from: '22:00', for: 1h}]\n", "targets names b, but there is no such target"},
		{target + "maintenance: [{from: never, for: 1h}]\n", "from \"never\" is not a start time"},
	} {
		_, err := load(t, folder(t), c.text)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s\n got %s\nwant %s", c.text, got, c.want)
		}
		if strings.Contains(got, "S3cret") && !strings.Contains(c.text, "S3cret") {
			t.Errorf("%s: a secret is told", c.text)
		}
		var all config.Problems
		if err != nil && !errors.As(err, &all) {
			t.Errorf("%s: %v", c.text, err)
		}
		for _, p := range all {
			if p.File == "" || p.Line == 0 || p.Column == 0 {
				t.Errorf("%s: without its place: %s", c.text, p.Text)
			}
		}
	}
}

// TestMistaken: the search for the line of a mistake ends soon, however long the file is.
func TestMistaken(t *testing.T) {
	for _, c := range []struct {
		name                  string
		wrong, reported, read int
		exact                 bool
		want, most            int
	}{
		{"where the parser stopped", 40, 1, 40, false, 40, 1},
		{"some lines before", 40, 1, 60, false, 40, 21},
		{"exact", 5, 5, 9000, true, 5, 2},
		{"exact, but it is not", 8990, 5, 9000, true, 8990, 13},
		{"a bracket that is open to the end", 2, 3, 9000, false, 2, maxSteps + 14},
		{"the first line", 1, 1, 9, false, 1, 8},
	} {
		parses := 0
		got := mistaken(c.reported, c.read, c.exact, func(n int) bool { parses++; return n < c.wrong })
		if got != c.want || parses > c.most {
			t.Errorf("%s: line %d after %d parses", c.name, got, parses)
		}
	}
}

// The example is right once its files are in place, and the schema knows it.
func TestExampleAndSchema(t *testing.T) {
	dir := folder(t)
	if f, err := load(t, dir, Example()); err != nil || len(f.Targets) == 0 {
		t.Errorf("the example: %v", err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("config", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("config")
	if err != nil {
		t.Fatal(err)
	}
	fits := func(text string) error {
		var v any
		if err := yaml.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(value)
	}
	whole := Example()
	for _, commented := range []string{"notify:", "  - name: admins", "    email:", "  - name: teams", "    webhook:", "maintenance:", "  - {targets", "peers:", "  - {name: dmz"} {
		whole = strings.Replace(whole, "\n# "+commented, "\n"+commented, 1)
	}
	if err := fits(whole); err != nil || !strings.Contains(whole, "\npeers:") {
		t.Errorf("the schema refuses the example: %v", err)
	}
	for _, wrong := range []string{"{}", "targets: [{target: h}]", "targets: [{name: A}]", "targets: [{name: a, intervall: 1m}]", "targets: [{name: a}]\nretention: 10"} {
		if fits(wrong) == nil {
			t.Errorf("the schema takes %s", wrong)
		}
	}
}
