package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/ews/kerberos"
	"github.com/ewsprobe/ewsprobe/probe"
)

// The account's domain, its controllers and what Kerberos signs in with. None of
// it ever comes from the EWS server.

// maxKerberosFile is far above any keytab, cache or krb5.conf.
const maxKerberosFile = 1 << 20

var (
	domainName  = regexp.MustCompile(`^([\pL\pN_]([\pL\pN_-]{0,61}[\pL\pN_])?\.)*[\pL\pN_]([\pL\pN_-]{0,61}[\pL\pN_])?\.?$`)
	serviceName = regexp.MustCompile(`^[^\s/@]+(/[^\s/@]+){1,2}(@[^\s/@]+)?$`)
)

func configureDomain(c *cli.Context, cfg *probe.Config) error {
	cfg.Explain, cfg.Controller, cfg.Kerberos.SPN = c.Bool("explain-rejection"), c.String("dc"), c.String("spn")
	cfg.CurrentUser = c.Bool("current-user")
	if cfg.Controller != "" && !isController(cfg.Controller) {
		return usage("--dc %q is not a host name or address with or without a port; give it like dc1.contoso.com or dc1.contoso.com:636", cfg.Controller)
	}
	if d := c.String("domain"); d != "" {
		if net.ParseIP(d) != nil || !domainName.MatchString(d) || !strings.Contains(strings.TrimSuffix(d, "."), ".") {
			return usage("--domain %q is not the DNS name of a domain; give it like contoso.com", d)
		}
		cfg.Domain = strings.ToLower(strings.TrimSuffix(d, "."))
	}
	if s := cfg.Kerberos.SPN; s != "" && !serviceName.MatchString(s) {
		return usage("--spn %q is not a service principal name; give it like HTTP/mail.contoso.com", s)
	}
	var err error
	if cfg.Kerberos.Keytab, err = readKerberosFile(c.Context, c.String("keytab"), "keytab"); err != nil {
		return err
	}
	if cfg.Kerberos.Cache, err = readKerberosFile(c.Context, strings.TrimPrefix(c.String("ccache"), "FILE:"), "ccache"); err != nil {
		return err
	}
	if err := excludeEachOther(c, cfg); err != nil {
		return err
	}
	if cfg.CurrentUser {
		cfg.User = loggedOnUser()
	}
	return findRealm(c, cfg)
}

func excludeEachOther(c *cli.Context, cfg *probe.Config) error {
	key := len(cfg.Kerberos.Keytab) > 0 || len(cfg.Kerberos.Cache) > 0
	switch {
	case len(cfg.Kerberos.Keytab) > 0 && len(cfg.Kerberos.Cache) > 0:
		return usage("--keytab and --ccache exclude each other; use one of them")
	case key && cfg.ProfileAuth != probe.ProfileNegotiate:
		return usage("--keytab and --ccache sign in with Kerberos, which only a profile with Negotiate can use; add --profile-auth negotiate")
	case key && c.IsSet("password-file"):
		return usage("--password-file is not needed with --keytab or --ccache; leave one of them out")
	case cfg.CurrentUser && cfg.Insecure:
		return usage("--current-user and --insecure exclude each other: whoever stands in between could use the logged-on user's sign-in")
	case cfg.CurrentUser && (key || c.IsSet("user") || c.IsSet("password-file")):
		return usage("--current-user signs in as the logged-on user; leave --user, --password-file, --keytab and --ccache out")
	case cfg.CurrentUser && !canSignInAsCurrentUser:
		return usage("--current-user works on Windows only; use --user, or --ccache with a Kerberos ticket")
	case cfg.CurrentUser && cfg.ProfileAuth != probe.ProfileNTLM && cfg.ProfileAuth != probe.ProfileNegotiate:
		return usage("--current-user signs in with NTLM or Negotiate; add --profile-auth ntlm or --profile-auth negotiate")
	case key && cfg.NoCredentials:
		return usage("--keytab and --ccache are credentials; leave them or --no-credentials out")
	case cfg.Explain && (key || cfg.CurrentUser || cfg.NoCredentials || cfg.ProfileAuth == probe.ProfileOAuth):
		return usage("--explain-rejection needs a user name and a password to be refused; leave it out, or --keytab, --ccache, --current-user, --no-credentials, --profile-auth oauth")
	}
	return nil
}

func isController(s string) bool {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = s, "636"
		if inside, ok := strings.CutPrefix(s, "["); ok && strings.HasSuffix(s, "]") {
			host = strings.TrimSuffix(inside, "]")
		}
	}
	return validPort(port) && !strings.ContainsFunc(port, func(r rune) bool { return r < '0' || r > '9' }) && (net.ParseIP(host) != nil || hostLabelled.MatchString(host))
}

func readKerberosFile(ctx context.Context, name, flag string) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	f, err := openNamed(ctx, name)
	if err != nil {
		return nil, unusable("--%s cannot be read (%v)", flag, err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxKerberosFile+1))
	switch {
	case err != nil:
		return nil, unusable("--%s cannot be read (%v)", flag, err)
	case len(raw) > maxKerberosFile:
		return nil, unusable("--%s %s is larger than 1 MiB; is it the right file?", flag, name)
	case len(raw) == 0:
		return nil, unusable("--%s %s is empty", flag, name)
	}
	if flag == "keytab" {
		_, err = kerberos.ReadKeytab(raw)
	} else {
		_, err = kerberos.ReadCCache(raw)
	}
	if err != nil {
		return nil, unusable("--%s %s cannot be used: %v", flag, name, err)
	}
	return raw, nil
}

// findRealm settles whose domain the account is in: the one that was named, the
// one of krb5.conf for the account's suffix, the one of the named controller,
// this machine's own. A suffix alone is taken for a realm only where the
// controller to ask was named.
func findRealm(c *cli.Context, cfg *probe.Config) error {
	cfg.Kerberos.Named = slices.ContainsFunc([]string{"domain", "dc", "keytab", "ccache", "spn"}, c.IsSet)
	searches := cfg.FromAddress != "" && cfg.Autodiscover == nil && cfg.ProfileAuth != probe.ProfileOAuth // for service connection points
	if !cfg.Kerberos.Named && !cfg.Explain && !searches && cfg.ProfileAuth != probe.ProfileNegotiate || cfg.NoCredentials {
		return nil
	}
	conf, err := readKrb5Conf(c.Context)
	if err != nil && (cfg.Kerberos.Named || cfg.Explain) {
		return unusable("%v; correct it, or name another file with KRB5_CONFIG", err)
	}
	if len(cfg.Kerberos.Cache) > 0 {
		stored, err := kerberos.ReadCCache(cfg.Kerberos.Cache)
		if err != nil {
			return unusable("--ccache cannot be used: %v", err)
		}
		cfg.Kerberos.Realm = stored.Client.Realm
		if len(stored.Client.Components) != 1 {
			return unusable("--ccache holds the tickets of %s, which is no user", stored.Client)
		}
		owner := stored.Client.Components[0]
		if cfg.User != "" && probe.AccountKey(cfg.User) != probe.AccountKey(owner) {
			return usage("--user %s is not whose tickets --ccache holds (%s); leave --user out", cfg.User, stored.Client)
		}
		cfg.User = owner + "@" + stored.Client.Realm
	}
	_, suffix, _ := strings.Cut(cfg.User, "@")
	own := conf.DefaultRealm
	if own == "" {
		own = machineDomain()
	}
	host, _, err := net.SplitHostPort(cfg.Controller)
	if err != nil {
		host = cfg.Controller
	}
	_, parent, qualified := strings.Cut(host, ".")
	realm := &cfg.Kerberos.Realm
	switch {
	case cfg.Domain != "":
		*realm = strings.ToUpper(cfg.Domain)
	case *realm != "": // the cache's
	case suffix != "" && len(conf.KDCs(strings.ToUpper(suffix))) > 0:
		*realm = strings.ToUpper(suffix)
	case qualified && net.ParseIP(host) == nil && strings.Contains(parent, "."):
		*realm = strings.ToUpper(parent)
	case own != "":
		*realm = strings.ToUpper(own)
	case cfg.Controller != "":
		*realm = strings.ToUpper(suffix)
	}
	if cfg.Domain == "" {
		cfg.Domain = strings.ToLower(*realm)
	}
	cfg.Kerberos.KDCs = conf.KDCs(*realm)
	return nil
}

// readKrb5Conf reads the first file of KRB5_CONFIG, else the system's; without
// one the result is empty.
func readKrb5Conf(ctx context.Context) (kerberos.Config, error) {
	name := filepath.FromSlash("/etc/krb5.conf")
	named := os.Getenv("KRB5_CONFIG")
	if list := filepath.SplitList(named); len(list) > 0 {
		name = list[0]
	}
	f, err := openNamed(ctx, name)
	if errors.Is(err, fs.ErrNotExist) && named == "" {
		return kerberos.Config{}, nil
	}
	if err != nil {
		return kerberos.Config{}, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxKerberosFile))
	if err != nil {
		return kerberos.Config{}, err
	}
	conf, err := kerberos.ReadConfig(raw)
	if err != nil {
		return conf, fmt.Errorf("%s: %w", name, err)
	}
	return conf, nil
}
