package standin

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

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
