package kerberos

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// ErrConfig: a krb5.conf that cannot be read. The text says where.
var ErrConfig = errors.New("krb5.conf cannot be read")

// Config is what a check takes from a krb5.conf: default_realm, the KDCs of realms
// and the realms of domains.
type Config struct {
	DefaultRealm string

	kdcs    map[string][]string // by realm, as host:port, in the file's order
	domains map[string]string   // their realms, by the domain in small letters
}

const maxConfigLine = 1024

// ReadConfig reads the content of a krb5.conf. The library's reader is not used: it
// refuses a whole file for a directive that is of no interest here and breaks at a
// block within a realm's block. included are the contents that a directive, include or
// includedir, stands for; nil: none are read.
func ReadConfig(raw []byte, included func(directive, name string) [][]byte) (Config, error) {
	r := configReader{Config: Config{kdcs: map[string][]string{}, domains: map[string]string{}}, included: included}
	if err := r.read(raw); err != nil {
		return Config{}, err
	}
	return r.Config, nil
}

// read reads one file. What it includes is read in its place, with sections of its own.
func (r *configReader) read(raw []byte) error {
	if len(raw) > maxFile {
		return fmt.Errorf("%w: longer than %d bytes", ErrConfig, maxFile)
	}
	for i, line := range strings.Split(strings.ToValidUTF8(string(raw), "\uFFFD"), "\n") {
		if err := r.line(strings.TrimSpace(line)); err != nil {
			return fmt.Errorf("%w: line %d: %w", ErrConfig, i+1, err)
		}
	}
	if len(r.blocks) > 0 {
		return fmt.Errorf("%w: a block in [%s] is not closed", ErrConfig, printable(r.section))
	}
	return nil
}

// configReader is a Config and where in the file it is being read.
type configReader struct {
	Config
	included func(directive, name string) [][]byte
	section  string
	blocks   []string // the names of those that are open, the outermost first
	pending  string   // the name of a block whose brace is on the next line
}

func (r *configReader) line(s string) error {
	if s == "" || s[0] == '#' || s[0] == ';' {
		return nil
	}
	directives := []string{"include", "includedir", "module"}
	if words := strings.Fields(s); len(words) > 1 && words[1][0] != '=' && slices.Contains(directives, words[0]) {
		r.include(words[0], strings.TrimSpace(s[len(words[0]):]))
		return nil
	}
	switch s[0] {
	case '[':
		name, _, found := strings.Cut(s[1:], "]")
		if !found {
			return errors.New("a section without its closing bracket")
		}
		if len(r.blocks) > 0 {
			return fmt.Errorf("section [%s] begins before the block above it is closed", printable(name))
		}
		r.section, r.pending = strings.ToLower(strings.TrimSpace(name)), ""
		return nil
	case '}':
		if len(r.blocks) == 0 {
			return errors.New("a closing brace without its block")
		}
		r.blocks = r.blocks[:len(r.blocks)-1]
		return nil
	case '{':
		r.blocks = append(r.blocks, r.pending)
		return nil
	}
	key, value, found := strings.Cut(s, "=")
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	switch {
	case !found:
		return nil
	case strings.HasPrefix(value, "{"):
		r.blocks = append(r.blocks, key)
		return nil
	}
	r.pending = key
	return r.keep(key, value)
}

// include reads what a directive stands for. What is damaged there is left out.
func (r *configReader) include(directive, name string) {
	if r.included == nil || directive == "module" {
		return
	}
	for _, raw := range r.included(directive, name) {
		inner := configReader{Config: r.Config, included: r.included}
		_ = inner.read(raw)
		r.Config = inner.Config
	}
}

// keep takes a relation over. The first value of a name counts, as for MIT. Comments
// behind a value are not the format's, but people write them.
func (r *configReader) keep(key, value string) error {
	if at := strings.IndexAny(value, "#;"); at >= 0 {
		value = strings.TrimSpace(value[:at])
	}
	value = strings.Trim(value, `"`)
	isDefault := r.section == "libdefaults" && len(r.blocks) == 0 && strings.EqualFold(key, "default_realm")
	isKDC := r.section == "realms" && len(r.blocks) == 1 && strings.EqualFold(key, "kdc")
	isDomain := r.section == "domain_realm" && len(r.blocks) == 0
	switch {
	case value == "" || !isDefault && !isKDC && !isDomain:
	case len(key)+len(value) > maxConfigLine || strings.ContainsAny(key+value, "{}\r"):
		return fmt.Errorf("the value of %s is not understood", printable(key))
	case isDefault && r.DefaultRealm == "":
		r.DefaultRealm = printable(value)
	case isDomain && r.domains[strings.ToLower(key)] == "":
		r.domains[strings.ToLower(key)] = printable(value)
	case !isKDC: // there is one already
	default:
		realm := r.blocks[0]
		if k := hostPort(value); k != "" && !slices.Contains(r.kdcs[realm], k) {
			r.kdcs[realm] = append(r.kdcs[realm], k)
		}
	}
	return nil
}

// KDCs are the KDCs of a realm as host:port, in the file's order; none where DNS
// has to be asked. Those behind an HTTPS proxy ([MS-KKDCP]) are left out.
func (c Config) KDCs(realm string) []string { return slices.Clone(c.kdcs[realm]) }

// hostPort takes the transport off, which is always TCP here, and adds a port
// where it is missing; "" for what is no host.
func hostPort(kdc string) string {
	for _, p := range []string{"tcp/", "udp/"} {
		kdc = strings.TrimPrefix(kdc, p)
	}
	if strings.Contains(kdc, "/") {
		return ""
	}
	if a, err := netip.ParseAddr(strings.Trim(kdc, "[]")); err == nil && a.Is6() {
		return "[" + a.String() + "]:88"
	}
	if !strings.Contains(kdc, ":") {
		kdc += ":88"
	}
	return printable(kdc)
}

// Realm is the realm of a host by [domain_realm], "" where the file does not say: of
// the host itself, else of the nearest domain above it.
func (c Config) Realm(host string) string {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	realm := c.domains[host]
	for found := host != ""; realm == "" && found; realm = c.domains["."+host] {
		_, host, found = strings.Cut(host, ".")
	}
	return realm
}
