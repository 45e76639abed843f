package service

import (
	"bytes"
	"embed"
	"encoding/xml"
	"fmt"
	"path"
	"slices"
	"strings"
	"text/template"
	"unicode"

	"github.com/ewsprobe/ewsprobe/probe/config"
)

//go:embed text/*.tmpl
var texts embed.FS

// Definition is what the service is: which program runs with which configuration.
type Definition struct {
	Program string   // absolute
	File    string   // the configuration, absolute
	Secrets []string // files with secrets that the configuration names, absolute
}

// Text is the service as an operating system reads it: the unit of systemd, the
// property list of launchd, the commands that make it a service of Windows.
func (d Definition) Text(goos string) (string, error) {
	for _, p := range slices.Concat([]string{d.Program, d.File}, d.Secrets) {
		if strings.ContainsFunc(p, unicode.IsControl) || strings.ContainsAny(p, `"{}`) {
			return "", fmt.Errorf("the name %q cannot be used for a service: it contains a control character, a quote or a brace", p)
		}
	}
	credentials, err := d.credentials()
	if err != nil && goos == "linux" {
		return "", err
	}
	file := map[string]string{"linux": "ewsprobe.service", "darwin": "ewsprobe.plist", "windows": "windows"}[goos]
	if file == "" {
		return "", fmt.Errorf("services are not supported on %s", goos)
	}
	funcs := template.FuncMap{"quote": unitQuote, "plain": unitPlain, "xml": xmlText}
	t, err := template.New("").Funcs(funcs).ParseFS(texts, "text/"+file+".tmpl")
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	err = t.ExecuteTemplate(&b, file+".tmpl", struct {
		Definition
		Name, DisplayName, Description, User string
		Credentials                          []credential
	}{d, name, displayName, description, windowsUser, credentials})
	return b.String(), err
}

func (d Definition) arguments() []string { return []string{"agent", "run", "--config", d.File} }

// credential is a file or a folder that systemd hands over.
type credential struct{ ID, Path string }

// credentials are those for the secrets. The folder secrets beside the configuration
// is handed over as a whole, so that a file can be added without a new unit.
func (d Definition) credentials() ([]credential, error) {
	folder := path.Join(path.Dir(d.File), "secrets")
	var list []credential
	if len(d.Secrets) == 0 || slices.ContainsFunc(d.Secrets, func(p string) bool { return path.Dir(p) == folder }) {
		list = append(list, credential{"secrets", folder})
	}
	of := map[string]string{}
	for _, p := range slices.Sorted(slices.Values(d.Secrets)) {
		id := config.CredentialName(p)
		if before, ok := of[id]; ok && before != p {
			return nil, fmt.Errorf("%s and %s would be the same systemd credential (%s); rename one of the files", before, p, id)
		} else if ok || path.Dir(p) == folder {
			continue
		}
		of[id] = p
		list = append(list, credential{id, p})
	}
	return list, nil
}

// unitPlain is a value of a unit, in which % begins a specifier.
func unitPlain(s string) string { return strings.ReplaceAll(s, "%", "%%") }

// unitQuote is a word of a command line in a unit (systemd.service(5), "Command
// lines").
func unitQuote(s string) string {
	s = strings.NewReplacer(`\`, `\\`, "$", "$$").Replace(unitPlain(s))
	if strings.ContainsAny(s, " '\\;") {
		return `"` + s + `"`
	}
	return s
}

func xmlText(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}
