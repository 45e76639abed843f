package config

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/publicsuffix"

	"github.com/ewsprobe/ewsprobe/ews/kerberos"
	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/config/address"
	"github.com/ewsprobe/ewsprobe/probe/lockout"
)

// findDomain settles the account's domain, its controllers and what Kerberos signs
// in with. None of it ever comes from the EWS server.
func (s *Settings) findDomain(ctx context.Context, getenv func(string) string, cfg *probe.Config) {
	ks := s.Keys
	if s.DC != "" {
		if _, _, ok := address.HostPort(s.DC, "636"); !ok {
			ks.usage("{dc} %q is not a host name or an IP address; give it like dc1.contoso.com or dc1.contoso.com:636", s.DC)
		}
	}
	if s.Domain != "" && !address.IsDomain(s.Domain) {
		ks.usage("{domain} %q is not the DNS name of a domain; give it like contoso.com", s.Domain)
	}
	if s.SPN != "" && !isServiceName(s.SPN) {
		ks.usage("{spn} %q is not a service principal name; give it like HTTP/mail.contoso.com", s.SPN)
	}
	cfg.Controller, cfg.Kerberos.SPN = s.DC, s.SPN
	cfg.Domain = strings.ToLower(strings.TrimSuffix(s.Domain, "."))
	cfg.Kerberos.Keytab = s.readKerberos(ctx, "keytab", s.Keytab)
	cfg.Kerberos.Cache = s.readKerberos(ctx, "ccache", s.CCache)
	if cfg.CurrentUser {
		cfg.User = loggedOnUser()
	}
	cfg.Kerberos.Named = s.Domain+s.DC+s.Keytab+s.CCache+s.SPN != ""
	searches := cfg.FromAddress != "" && cfg.Autodiscover == nil && cfg.ProfileAuth != probe.ProfileOAuth // for service connection points
	if !cfg.Kerberos.Named && !cfg.Explain && !searches && cfg.ProfileAuth != probe.ProfileNegotiate || cfg.NoCredentials {
		return
	}
	conf, err := readKrb5Conf(ctx, getenv("KRB5_CONFIG"))
	if err != nil && (cfg.Kerberos.Named || cfg.Explain) {
		ks.Invalid("%v; correct it, or name another file with KRB5_CONFIG", err)
	}
	if s.takeCache(cfg) {
		findRealm(cfg, conf, machineDomain())
	}
}

// isServiceName: CLASS/HOST, with a third part and a realm or without.
func isServiceName(s string) bool {
	name, realm, found := strings.Cut(s, "@")
	parts := strings.Split(name, "/")
	return !strings.ContainsAny(s, " \t\r\n") && len(parts) > 1 && len(parts) < 4 && !slices.Contains(parts, "") &&
		(!found || realm != "" && !strings.ContainsAny(realm, "/@"))
}

// takeCache makes the owner of a credential cache the account.
func (s *Settings) takeCache(cfg *probe.Config) bool {
	if len(cfg.Kerberos.Cache) == 0 {
		return true
	}
	stored, err := kerberos.ReadCCache(cfg.Kerberos.Cache)
	if err != nil || len(stored.Client.Components) != 1 { // an error was noted when it was read
		s.Keys.Invalid("{ccache} holds tickets of %s, which is not a user", stored.Client)
		return false
	}
	owner := stored.Client.Components[0]
	if cfg.User != "" && !lockout.SameAccount(cfg.User, owner) {
		s.Keys.usage("{user} %s is not the owner of the tickets in {ccache} (%s); leave {user} out", cfg.User, stored.Client)
	}
	cfg.Kerberos.Realm = stored.Client.Realm
	cfg.User = owner + "@" + stored.Client.Realm
	return true
}

// findRealm settles whose domain the account is in: the one that was named, the
// cache's, the one that krb5.conf has for the account's suffix, that of the named
// controller, this machine's own, the account's suffix. A suffix alone is taken for
// a realm only where the controller was named, or where the machine's own realm has
// nothing to do with the account: many systems come with a krb5.conf that names a
// realm of strangers, and nobody outside of the user's domain is asked unless the
// user named them.
func findRealm(cfg *probe.Config, conf kerberos.Config, machine string) {
	_, suffix, _ := strings.Cut(cfg.User, "@")
	own := strings.ToUpper(conf.DefaultRealm)
	if own == "" {
		own = strings.ToUpper(machine)
	}
	mapped := ""
	if suffix != "" {
		mapped = strings.ToUpper(conf.Realm("host." + suffix))
	}
	host, _, _ := address.HostPort(cfg.Controller, "636")
	_, parent, qualified := strings.Cut(host, ".")
	realm := &cfg.Kerberos.Realm
	switch {
	case cfg.Domain != "":
		*realm = strings.ToUpper(cfg.Domain)
	case *realm != "": // the cache's
	case suffix != "" && len(conf.KDCs(strings.ToUpper(suffix))) > 0:
		*realm = strings.ToUpper(suffix)
	case mapped != "":
		*realm = mapped
	case qualified && !address.IsIP(host) && strings.Contains(parent, "."):
		*realm = strings.ToUpper(parent)
	case own != "" && related(own, cfg, machine != ""):
		*realm = own
	case own != "" || cfg.Controller != "":
		*realm = strings.ToUpper(suffix)
	}
	if cfg.Domain == "" {
		cfg.Domain = strings.ToLower(*realm)
	}
	cfg.Kerberos.KDCs = conf.KDCs(*realm)
}

// related says whether the machine's own realm has to do with the account: it and
// the suffix of its name belong to one owner, or it has the NetBIOS name among its
// labels. A bare name is one of the machine's own domain on Windows; elsewhere the
// realm has to have the owner of EWS or of the mailbox.
func related(realm string, cfg *probe.Config, joined bool) bool {
	if netbios, _, ok := strings.Cut(cfg.User, `\`); ok {
		return netbios == "." || slices.Contains(strings.Split(realm, "."), strings.ToUpper(netbios))
	}
	if _, suffix, ok := strings.Cut(cfg.User, "@"); ok {
		return sameOwner(realm, suffix)
	}
	_, domain, _ := strings.Cut(cfg.Mailbox, "@")
	return joined || sameOwner(realm, domain) || cfg.URL != nil && sameOwner(realm, cfg.URL.Hostname())
}

// sameOwner: one name below the other, or both below one that can be bought.
func sameOwner(a, b string) bool {
	a, b = strings.ToLower(strings.TrimSuffix(a, ".")), strings.ToLower(strings.TrimSuffix(b, "."))
	if a == "" || b == "" || address.IsIP(b) {
		return false
	}
	first, err := publicsuffix.EffectiveTLDPlusOne(a)
	second, err2 := publicsuffix.EffectiveTLDPlusOne(b)
	return a == b || err == nil && err2 == nil && first == second
}

// readKrb5Conf reads the first file that KRB5_CONFIG names, else the system's, and what
// it includes; without one the result is empty.
func readKrb5Conf(ctx context.Context, named string) (kerberos.Config, error) {
	name := filepath.FromSlash("/etc/krb5.conf")
	if list := filepath.SplitList(named); len(list) > 0 {
		name = list[0]
	}
	files := krb5Files{ctx: ctx, left: maxKerberosFile, seen: map[string]bool{filepath.Clean(name): true}}
	raw, err := files.open(name)
	if errors.Is(err, fs.ErrNotExist) && named == "" {
		return kerberos.Config{}, nil
	}
	if err != nil {
		return kerberos.Config{}, err
	}
	return kerberos.ReadConfig(raw, files.included)
}

// krb5Files reads a krb5.conf and what it includes, each file once, and in all no more
// than one file may have.
type krb5Files struct {
	ctx  context.Context
	left int // bytes
	seen map[string]bool
}

// open reads one of them. However short it is, it counts for a kibibyte, so that there
// are not too many of them.
func (k *krb5Files) open(name string) ([]byte, error) {
	f, err := Open(k.ctx, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	limited := io.LimitedReader{R: f, N: int64(k.left) + 1}
	raw, err := ReadAll(&limited, k.left)
	k.left = max(0, min(int(limited.N)-1, k.left-1<<10))
	if err != nil {
		return nil, fileError(name + " " + err.Error())
	}
	if _, err := kerberos.ReadConfig(raw, nil); err != nil {
		return nil, fileError(name + ": " + err.Error())
	}
	return raw, nil
}

// included has the contents that a directive stands for. What cannot be read, is damaged
// or is too much is left out.
func (k *krb5Files) included(directive, name string) (all [][]byte) {
	names := []string{name}
	if directive == "includedir" && k.left > 0 && !k.seen[name] {
		k.seen[name] = true
		names = included(name)
	}
	for _, file := range names {
		if file = filepath.Clean(file); k.left == 0 || k.seen[file] {
			continue
		}
		k.seen[file] = true
		if raw, err := k.open(file); err == nil {
			all = append(all, raw)
		}
	}
	return all
}

// included are the files of a folder that includedir reads: those whose names end in
// .conf or are words alone, so that what an editor or a package leaves behind is not.
func included(folder string) (files []string) {
	list, _ := os.ReadDir(folder)
	for _, e := range list {
		name := e.Name()
		word := !strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '_' })
		if !e.IsDir() && (word || strings.HasSuffix(name, ".conf") && name[0] != '.') {
			files = append(files, filepath.Join(folder, name))
		}
	}
	return files
}
