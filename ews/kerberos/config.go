package kerberos

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/jcmturner/gokrb5/v8/config"
)

// ErrConfig: a krb5.conf that cannot be read. The text says where.
var ErrConfig = errors.New("krb5.conf cannot be read")

// Config is what a check takes from a krb5.conf.
type Config struct {
	DefaultRealm string
	// NotRead are the files and folders that it includes, which are not read.
	NotRead []string

	config *config.Config
}

const maxConfigLine = 1024

// ReadConfig reads the content of a krb5.conf. The library refuses a whole file
// for a directive that is of no interest here and breaks at a block within a
// realm's block, so that it is given only the lines that are of interest.
func ReadConfig(raw []byte) (Config, error) {
	if len(raw) > maxFile {
		return Config{}, fmt.Errorf("%w: longer than %d bytes", ErrConfig, maxFile)
	}
	var f configFilter
	for i, line := range strings.Split(strings.ToValidUTF8(string(raw), "\uFFFD"), "\n") {
		if err := f.line(strings.TrimSpace(line)); err != nil {
			return Config{}, fmt.Errorf("%w: line %d: %w", ErrConfig, i+1, err)
		}
	}
	if f.depth > 0 {
		return Config{}, fmt.Errorf("%w: a block in [%s] is not closed", ErrConfig, printable(f.section))
	}
	c := Config{NotRead: f.includes}
	err := guarded(func() (err error) {
		c.config, err = config.NewFromString(f.text())
		return err
	})
	if err != nil || c.config == nil {
		return Config{}, fmt.Errorf("%w: its realms are written in a way that is not understood", ErrConfig)
	}
	c.DefaultRealm = printable(c.config.LibDefaults.DefaultRealm)
	return c, nil
}

// configFilter keeps default_realm, the KDCs of realms and the realms of domains.
type configFilter struct {
	section  string
	depth    int    // of blocks
	pending  string // the name of a block whose brace is on the next line
	includes []string

	defaults, realms, domains []string
}

func (f *configFilter) line(s string) error {
	if s == "" || s[0] == '#' || s[0] == ';' {
		return nil
	}
	if word, rest, _ := strings.Cut(s, " "); f.depth == 0 && slices.Contains([]string{"include", "includedir", "module"}, word) {
		if len(f.includes) < maxListed {
			f.includes = append(f.includes, printable(strings.TrimSpace(rest)))
		}
		return nil
	}
	if s[0] == '[' {
		name, _, found := strings.Cut(s[1:], "]")
		if !found {
			return errors.New("a section without its closing bracket")
		}
		if f.depth > 0 {
			return fmt.Errorf("section [%s] begins before the block above it is closed", printable(name))
		}
		f.section, f.pending = strings.ToLower(strings.TrimSpace(name)), ""
		return nil
	}
	if s[0] == '}' {
		if f.depth == 0 {
			return errors.New("a closing brace without its block")
		}
		if f.depth--; f.depth == 0 && f.section == "realms" {
			f.realms = append(f.realms, "}")
		}
		return nil
	}
	if s[0] == '{' {
		f.open(f.pending)
		return nil
	}
	key, value, found := strings.Cut(s, "=")
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	switch {
	case !found:
		return nil
	case strings.HasPrefix(value, "{"):
		f.open(key)
		return nil
	}
	f.pending = key
	return f.keep(key, value)
}

func (f *configFilter) open(name string) {
	if f.depth == 0 && f.section == "realms" {
		f.realms = append(f.realms, name+" = {")
	}
	f.depth++
	f.pending = ""
}

// keep takes a relation over. Comments behind a value are not the format's, but
// people write them.
func (f *configFilter) keep(key, value string) error {
	if at := strings.IndexAny(value, "#;"); at >= 0 {
		value = strings.TrimSpace(value[:at])
	}
	value = strings.Trim(value, `"`)
	if value == "" {
		return nil
	}
	kept := key + " = " + value
	switch {
	case f.section == "libdefaults" && f.depth == 0 && strings.EqualFold(key, "default_realm"):
		f.defaults = append(f.defaults, kept)
	case f.section == "realms" && f.depth == 1 && strings.EqualFold(key, "kdc"):
		f.realms = append(f.realms, kept)
	case f.section == "domain_realm" && f.depth == 0:
		f.domains = append(f.domains, kept)
	default:
		return nil
	}
	if len(kept) > maxConfigLine || strings.ContainsAny(kept, "{}\r") {
		return fmt.Errorf("the value of %s is not understood", printable(key))
	}
	return nil
}

func (f *configFilter) text() string {
	return strings.Join(slices.Concat(
		[]string{"[libdefaults]"}, f.defaults,
		[]string{"[realms]"}, f.realms,
		[]string{"[domain_realm]"}, f.domains,
	), "\n")
}

// KDCs are the KDCs of a realm as host:port, in the file's order; none where DNS
// has to be asked. Those behind an HTTPS proxy ([MS-KKDCP]) are left out.
func (c Config) KDCs(realm string) []string {
	var list []string
	if c.config == nil {
		return nil
	}
	for _, r := range c.config.Realms {
		if r.Realm != realm {
			continue
		}
		for _, k := range r.KDC {
			if k = hostPort(k); k != "" && !slices.Contains(list, k) {
				list = append(list, k)
			}
		}
	}
	return list
}

// hostPort takes the transport off, which is always TCP here, and adds a port
// where an IPv6 address hid that it is missing.
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
	return printable(kdc)
}

// Realm is the realm of a host by [domain_realm], "" where the file does not say.
func (c Config) Realm(host string) string {
	if c.config == nil {
		return ""
	}
	return printable(c.config.ResolveRealm(strings.ToLower(host)))
}
