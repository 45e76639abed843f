package main

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/ewsprobe/ewsprobe/ews/standin"
)

// line is the command line of a scenario's check, and where it goes.
type line struct {
	standin.Check
	URL       string
	Endpoint  string // of Autodiscover
	Addresses []string
	DC        string
	CA        []byte
	CloudURL  string
}

// lineTo is the check c against s, at every node if the check wants it.
func lineTo(s *standin.Server, c standin.Check) line {
	addresses := s.Addresses()
	if !c.EachNode {
		addresses = addresses[:1]
	}
	return line{
		Check: c, URL: s.URL(), Endpoint: s.AutodiscoverURL(), Addresses: addresses, DC: s.Controller(), CA: s.CA(), CloudURL: s.CloudURL(),
	}
}

// scenarioArguments has a line for each argument of ewsprobe check, a flag with its value.
//
//go:embed scenario.tmpl
var scenarioArguments string

// arguments are those of ewsprobe check. The files that they name are written into
// dir.
func (l line) arguments(dir string) (args []string, err error) {
	t, err := template.New("scenario").Funcs(template.FuncMap{
		"file": func(name string, content any) (string, error) {
			name = filepath.Join(dir, name)
			return name, os.WriteFile(name, fmt.Appendf(nil, "%s", content), 0o600)
		},
		"constant": func(name string) string {
			return map[string]string{
				"domain": standin.Domain, "hma-application": standin.HMAApplicationID, "tenant": standin.Tenant,
				"application": standin.ApplicationID, "dataverse-token": standin.DataverseToken,
			}[name]
		},
	}).Parse(scenarioArguments)
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
