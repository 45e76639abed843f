package standin

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/template"
	"time"

	"go.yaml.in/yaml/v3"
)

// Scenario is a server, how the real check is run against it, and what the check
// must find.
type Scenario struct {
	Name      string    `yaml:"name,omitempty"`
	Title     string    `yaml:"title,omitempty"`
	Behaviour Behaviour `yaml:"server,omitempty"`
	Check     Check     `yaml:"check,omitempty"`
	Expect    Expect    `yaml:"expect,omitempty"`
}

// Check is how the real check is run against a scenario.
type Check struct {
	User         string        `yaml:"user,omitempty"` // without a User: --no-credentials
	Password     string        `yaml:"password,omitempty"`
	ProfileAuth  string        `yaml:"profile-auth,omitempty"` // "" means basic
	Mailbox      string        `yaml:"mailbox,omitempty"`
	Impersonate  bool          `yaml:"impersonate,omitempty"`
	Insecure     bool          `yaml:"insecure,omitempty"`
	NoCA         bool          `yaml:"no-ca,omitempty"` // the server's CA is not given as trusted
	View         string        `yaml:"view,omitempty"`
	Timeout      time.Duration `yaml:"timeout,omitempty"`       // 0 is the program's own
	PlainHTTP    bool          `yaml:"plain-http,omitempty"`    // the URL begins with http://
	EachNode     bool          `yaml:"each-node,omitempty"`     // the address of every node is given
	Explain      bool          `yaml:"explain,omitempty"`       // --explain-rejection, at the server's own domain controller
	Profile      string        `yaml:"profile,omitempty"`       // content of the exported Dynamics profile, "" none
	Cloud        bool          `yaml:"cloud,omitempty"`         // look-ups outside the network are made, in the behaviour's cloud
	Dynamics     bool          `yaml:"dynamics,omitempty"`      // the organisation in that cloud is asked for its tenant
	ReadDynamics bool          `yaml:"read-dynamics,omitempty"` // that organisation is read, with a token of its own, and no TARGET is given
	Tenant       string        `yaml:"tenant,omitempty"`        // Dynamics' tenant is given
	Token        string        `yaml:"token,omitempty"`         // a token for Graph is given
	Secret       string        `yaml:"secret,omitempty"`        // of the application that gets a token for Graph in Tenant
	Autodiscover bool          `yaml:"autodiscover,omitempty"`  // --autodiscover names the stand-in's
	ByAddress    bool          `yaml:"by-address,omitempty"`    // TARGET is Mailbox, and EWS has to be found by Autodiscover
	HMA          HMACredential `yaml:"hma,omitempty"`           // the application signs in with it
	HMAResource  string        `yaml:"hma-resource,omitempty"`  // the profile's Entra resource id
}

// Expect is what the check must find, and what it may cost the account.
type Expect struct {
	Code         string `yaml:"code,omitempty"`
	Status       string `yaml:"status,omitempty"`
	Cause        int    `yaml:"cause,omitempty"` // of KB 3212785, 0 for none
	MaxBadLogons int    `yaml:"max-bad-logons,omitempty"`
	Causes       string `yaml:"causes,omitempty"` // the statuses of the six causes, by a space; "" is not looked at
}

//go:embed scenarios.yaml
var scenariosFile string

// scenarios reads the file once, when somebody asks for a scenario.
var scenarios = sync.OnceValue(func() []Scenario {
	names := strings.NewReplacer(
		"$tenant", Tenant, "$other-tenant", OtherTenant, "$exchange-plan", ExchangePlan,
		"$token", Token, "$secret", ApplicationSecret, "$old-secret", OldSecret)
	var file struct {
		Parts     []yaml.Node `yaml:"parts"` // what the scenarios have in common
		Scenarios []Scenario  `yaml:"scenarios"`
	}
	d := yaml.NewDecoder(strings.NewReader(names.Replace(scenariosFile)))
	d.KnownFields(true)
	if err := d.Decode(&file); err != nil { // a test reads the file
		panic("standin: scenarios.yaml: " + err.Error())
	}
	return file.Scenarios
})

// Scenarios returns all scenarios in the order in which to show them. The caller
// may change them.
func Scenarios() []Scenario {
	list := slices.Clone(scenarios())
	for i, s := range list {
		raw, _ := yaml.Marshal(s.Behaviour) // a copy in depth of what came from YAML
		list[i].Behaviour = Behaviour{}
		_ = yaml.Unmarshal(raw, &list[i].Behaviour)
	}
	return list
}

// Find returns the scenario of the given name.
func Find(name string) (Scenario, bool) {
	list := Scenarios()
	i := slices.IndexFunc(list, func(s Scenario) bool { return s.Name == name })
	if i < 0 {
		return Scenario{}, false
	}
	return list[i], true
}

// Line is the command line of a scenario's check, and where it goes.
type Line struct {
	Check
	URL       string
	Endpoint  string // of Autodiscover
	Addresses []string
	DC        string
	CA        []byte
	CloudURL  string
}

// Line is the check c against s, at every node if the check wants it.
func (s *Server) Line(c Check) Line {
	addresses := s.Addresses()
	if !c.EachNode {
		addresses = addresses[:1]
	}
	return Line{
		Check: c, URL: s.URL(), Endpoint: s.AutodiscoverURL(), Addresses: addresses, DC: s.Controller(), CA: s.CA(), CloudURL: s.CloudURL(),
	}
}

// lineSource has a line for each argument of ewsprobe check, a flag with its value.
//
//go:embed line.txt
var lineSource string

// Arguments are those of ewsprobe check. The files that they name are written into
// dir.
func (l Line) Arguments(dir string) (args []string, err error) {
	t, err := template.New("line").Funcs(template.FuncMap{
		"file": func(name string, content any) (string, error) {
			name = filepath.Join(dir, name)
			return name, os.WriteFile(name, fmt.Appendf(nil, "%s", content), 0o600)
		},
		"constant": func(name string) string {
			return map[string]string{
				"domain": Domain, "hma-application": HMAApplicationID, "tenant": Tenant,
				"application": ApplicationID, "dataverse-token": DataverseToken,
			}[name]
		},
	}).Parse(lineSource)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	if err := t.Execute(&b, l); err != nil {
		return nil, err
	}
	for text := range strings.Lines(b.String()) {
		flag, value, valued := strings.Cut(strings.TrimSuffix(text, "\n"), " ")
		if flag != "" {
			args = append(args, flag)
		}
		if valued {
			args = append(args, value)
		}
	}
	return args, nil
}
