package main

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/urfave/cli/v2"
	"golang.org/x/crypto/x509roots/fallback/bundle"

	"github.com/ewsprobe/ewsprobe/probe"
)

const ewsPath = "/EWS/Exchange.asmx"

// checkFlags are the flags of check.
func checkFlags() []cli.Flag {
	return slices.Concat([]cli.Flag{
		&cli.StringFlag{Name: "user", Usage: `the account, DOMAIN\user or user@domain`},
		&cli.StringFlag{Name: "password-file", Usage: "read the password from `FILE` (- for standard input); else EWSPROBE_PASSWORD, else a prompt"},
		&cli.BoolFlag{Name: "password-from-keyring", Usage: "take the password from the credential store of the operating system, where ewsprobe secret set keeps it"},
		&cli.StringFlag{Name: "mailbox", Usage: "the mailbox `ADDRESS` that Dynamics uses"},
		&cli.BoolFlag{Name: "impersonate", Usage: "reach the mailbox by impersonation, as the profile does"},
		&cli.StringFlag{Name: "profile-auth", Value: probe.ProfileBasic, Usage: "what the Dynamics e-mail server profile uses: basic, ntlm, negotiate, oauth or auto"},
		&cli.StringFlag{Name: "profile", Usage: "the e-mail server profile as exported from Dynamics: `FILE` in CSV or Web API JSON; sets what no flag does, TARGET too"},
		&cli.BoolFlag{Name: "no-credentials", Usage: "no account: only what can be learnt anonymously (a token for Graph is still used)"},
		&cli.StringFlag{Name: "view", Value: "inside", Usage: "from where the endpoint is seen: inside or public"},
		&cli.StringFlag{Name: "autodiscover", Usage: "the Autodiscover endpoint to ask where EWS is, a `URL`"},
		&cli.BoolFlag{Name: "follow-autodiscover", Usage: "sign in at hosts too that Autodiscover names and you did not"},
		&cli.StringSliceFlag{Name: "address", Usage: "connect to `IP[:PORT]`, keep the host name; repeatable"},
		&cli.BoolFlag{Name: "each-address", Usage: "check every address of the name"},
		&cli.StringFlag{Name: "ca-file", Usage: "trust the certificates in `FILE` (PEM or DER) beside the system's"},
		&cli.BoolFlag{Name: "insecure", Usage: "go on past an untrusted certificate, password included"},
		&cli.StringFlag{Name: "proxy", Usage: "reach EWS through this http proxy `URL`"},
		&cli.DurationFlag{Name: "timeout", Value: probe.DefaultTimeout, Usage: "hard limit of the whole check"},
		&cli.StringFlag{Name: "user-agent", Usage: "the user agent to send", Value: userAgent(), DefaultText: userAgent()},
		&cli.StringFlag{Name: "dynamics-user-agent", Usage: "the user agent to try after a 403, instead of the known ones of Dynamics"},
		&cli.BoolFlag{Name: "no-user-agent-probe", Usage: "do not try Dynamics' user agents after a 403"},
		&cli.IntFlag{Name: "max-rejections", Value: probe.DefaultMaxRejections, Usage: "how many refused logons the account may cost in one run"},
		&cli.BoolFlag{Name: "retry-refused", Usage: "send a password all the same that was refused within the last 60 minutes"},
		&cli.BoolFlag{Name: "explain-rejection", Usage: "if the account is refused, ask a domain controller why: Kerberos for free, then LDAPS at the cost of one logon"},
		&cli.StringFlag{Name: "dc", Usage: "the domain controller `HOST[:PORT]` to ask, the port being that of LDAPS (636)"},
		&cli.StringFlag{Name: "domain", Usage: "the DNS `NAME` of the account's domain; else that of this machine"},
		&cli.StringFlag{Name: "keytab", Usage: "sign in with Kerberos, by the key in `FILE` instead of a password"},
		&cli.StringFlag{Name: "ccache", Usage: "sign in with Kerberos, by the ticket in the credential cache `FILE`"},
		&cli.StringFlag{Name: "spn", Usage: "the service principal `NAME` of EWS; else HTTP/ and the host name"},
		&cli.BoolFlag{Name: "current-user", Usage: "sign in as the logged-on user (Windows only)"},
		&cli.IntFlag{Name: "cert-warn", Value: probe.DefaultCertWarnDays, Usage: "warn when the certificate expires within this many `DAYS`"},
		&cli.BoolFlag{Name: "v", Usage: "tell the story leg by leg on standard error", Count: new(int)},
		&cli.BoolFlag{Name: "vv", Usage: "show the wire too, secrets masked"},
	}, outputFlags(), cloudFlags())
}

func userAgent() string { return "ewsprobe/" + version() }

// configure turns flags and TARGET into a complete configuration, without the
// password.
func configure(c *cli.Context, target string) (probe.Config, error) {
	cfg := probe.Config{
		User: c.String("user"), Mailbox: c.String("mailbox"), Impersonate: c.Bool("impersonate"), ProfileAuth: c.String("profile-auth"),
		View: c.String("view"), EachAddress: c.Bool("each-address"), Insecure: c.Bool("insecure"), Timeout: c.Duration("timeout"),
		UserAgent: c.String("user-agent"), NoUserAgentProbe: c.Bool("no-user-agent-probe"), MaxRejections: c.Int("max-rejections"),
		RetryRefused: c.Bool("retry-refused"), NoCredentials: c.Bool("no-credentials"), CertWarnDays: c.Int("cert-warn"),
		DynamicsAgents: probe.DynamicsUserAgents, FollowAutodiscover: c.Bool("follow-autodiscover"),
	}
	for _, name := range []string{"user", "mailbox", "password-file", "ca-file", "proxy", "dc", "domain", "keytab", "ccache", "spn", "profile", "autodiscover", "baseline"} {
		if c.IsSet(name) && c.String(name) == "" {
			return cfg, usage("--%s is empty; give its value, or leave the flag out", name)
		}
	}
	var err error
	if address := strings.TrimSpace(target); mailboxAddress.MatchString(address) {
		cfg.FromAddress = address
		cfg.Mailbox = cmp.Or(cfg.Mailbox, address)
	} else if cfg.URL, err = parseTarget(target); err != nil {
		return cfg, err
	}
	if err := configureDiscovery(&cfg, c.String("autodiscover")); err != nil {
		return cfg, err
	}
	if !slices.Contains([]string{probe.ProfileBasic, probe.ProfileNTLM, probe.ProfileNegotiate, probe.ProfileOAuth, probe.ProfileAuto}, cfg.ProfileAuth) {
		return cfg, usage("--profile-auth %q is unknown; use basic, ntlm, negotiate, oauth or auto", cfg.ProfileAuth)
	}
	if cfg.View != "inside" && cfg.View != "public" {
		return cfg, usage("--view %q is unknown; use inside or public", cfg.View)
	}
	if cfg.Timeout < time.Second || cfg.Timeout > time.Hour {
		return cfg, usage("--timeout %s is out of range; use 1s to 1h", cfg.Timeout)
	}
	if cfg.MaxRejections < 1 || cfg.MaxRejections > 10 {
		return cfg, usage("--max-rejections %d is out of range; use 1 to 10, or --no-credentials to send no password", cfg.MaxRejections)
	}
	if cfg.CertWarnDays < 0 || cfg.CertWarnDays > 3650 {
		return cfg, usage("--cert-warn %d is out of range; use 0 (never) to 3650 days", cfg.CertWarnDays)
	}
	if cfg.Accepted, err = readBaseline(c); err != nil {
		return cfg, err
	}
	if err := configureDomain(c, &cfg); err != nil {
		return cfg, err
	}
	if err := checkAccount(cfg, c.IsSet("user-column")); err != nil {
		return cfg, err
	}
	if agent := c.String("dynamics-user-agent"); c.IsSet("dynamics-user-agent") {
		cfg.DynamicsAgents = []string{agent}
	}
	for _, agent := range append([]string{cfg.UserAgent}, cfg.DynamicsAgents...) {
		if strings.TrimSpace(agent) == "" || strings.ContainsFunc(agent, unicode.IsControl) {
			return cfg, usage("a user agent must be a line of text; leave the flag out for the usual one")
		}
	}
	if cfg.Addresses, err = parseAddresses(c.StringSlice("address"), portOf(cfg.URL)); err != nil {
		return cfg, err
	}
	if len(cfg.Addresses) > 0 && cfg.EachAddress {
		return cfg, usage("--address and --each-address exclude each other; use one of them")
	}
	if cfg.Extra, err = readCertificates(c.Context, c.String("ca-file")); err != nil {
		return cfg, err
	}
	if cfg.Proxy, err = parseProxy(c.String("proxy")); err != nil {
		return cfg, err
	}
	if cfg.Proxy != nil && cfg.EachAddress {
		return cfg, usage("--each-address needs the name resolved here, but with --proxy the proxy resolves it; use --address")
	}
	if cfg.Cloud, err = configureCloud(c); err != nil {
		return cfg, err
	}
	if cfg.View == "public" {
		cfg.Public = publicRoots()
	}
	return cfg, nil
}

func checkAccount(cfg probe.Config, inRows bool) error {
	if cfg.User == "" && !inRows && !cfg.NoCredentials && !cfg.CurrentUser && cfg.ProfileAuth != probe.ProfileOAuth {
		return usage(`--user is missing; give the account as DOMAIN\user or user@domain, or --no-credentials for what can be learnt without one`)
	}
	if unusableUser(cfg.User) {
		return usage("--user holds a colon or a control character, which no sign-in can carry; correct it")
	}
	if cfg.Mailbox != "" && !mailboxAddress.MatchString(cfg.Mailbox) {
		return usage("--mailbox %q is not an e-mail address; give one like anna@contoso.com", cfg.Mailbox)
	}
	return nil
}

func unusableUser(name string) bool {
	return strings.ContainsFunc(name, unicode.IsControl) || strings.Contains(name, ":")
}

// mailboxAddress wants a domain whose last label is no number, so that an IP
// address is none.
var mailboxAddress = regexp.MustCompile(`^[^\s@<>"\\(),:;\[\]\x00-\x1f\x7f]{1,64}@([\pL\pN]([\pL\pN-]{0,61}[\pL\pN])?\.)+[\pL][\pL\pN-]{1,62}$`)

var hostLabelled = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?\.?$`)

// parseTarget accepts an EWS URL, HOST or HOST:PORT.
func parseTarget(target string) (*url.URL, error) {
	target = strings.TrimSpace(target)
	lower := strings.ToLower(target)
	switch {
	case target == "":
		return nil, usage("TARGET is empty; give the EWS URL or the host name")
	case strings.ContainsFunc(target, unicode.IsControl):
		return nil, usage("TARGET holds control characters; give the EWS URL or the host name")
	case strings.HasPrefix(lower, "https://"), strings.HasPrefix(lower, "http://"):
		return parseEndpoint(target)
	case strings.Contains(target, "://"):
		scheme, _, _ := strings.Cut(target, "://")
		return nil, usage("%s:// is no way to reach EWS; use https://", scheme)
	case strings.Contains(target, "/"):
		return nil, usage("TARGET has a path but no scheme; write https:// in front of it")
	case strings.Contains(target, "@"):
		// Not repeated: what stands before the @ may be a password.
		return nil, usage("TARGET is neither a URL nor an e-mail address; give the EWS URL, the host name, or an address like anna@contoso.com")
	}
	if ip, err := netip.ParseAddr(target); err == nil && ip.Is6() {
		target = "[" + target + "]"
	}
	return parseEndpoint("https://" + target + ewsPath)
}

func parseEndpoint(raw string) (*url.URL, error) { return parseURL("TARGET", raw, ewsPath) }

// parseURL reads the URL that what gives; a path that is left out is usualPath.
func parseURL(what, raw, usualPath string) (*url.URL, error) {
	// The text of a parse error would repeat a password in the URL.
	if authority, _, _ := strings.Cut(raw[strings.Index(raw, "://")+3:], "/"); strings.Contains(authority, "@") {
		return nil, usage("%s holds a user name or password, and process lists are public; take it out and use --user and --password-file", what)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, usage("%s is not a URL that can be understood; give it like https://mail.contoso.com%s", what, usualPath)
	}
	host := u.Hostname()
	if net.ParseIP(host) == nil && !hostLabelled.MatchString(host) {
		return nil, usage("%s has no usable host name; give it like mail.contoso.com (international names in their xn-- form)", what)
	}
	if p := u.Port(); strings.HasSuffix(u.Host, ":") || p != "" && !validPort(p) {
		return nil, usage("the port of %s is not a number from 1 to 65535", what)
	}
	if u.Fragment != "" {
		return nil, usage("%s has a part after #, which is never sent; leave it out", what)
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	if u.Path == "" || u.Path == "/" {
		u.Path = usualPath
	}
	return u, nil
}

func validPort(p string) bool {
	var n int
	_, err := fmt.Sscanf(p, "%d", &n)
	return err == nil && n >= 1 && n <= 65535
}

func parseAddresses(values []string, port string) ([]string, error) {
	var addresses []string
	for _, v := range values {
		a := v
		if ip, err := netip.ParseAddr(strings.Trim(v, "[]")); err == nil {
			a = net.JoinHostPort(ip.String(), port)
		}
		ap, err := netip.ParseAddrPort(a)
		if err != nil || ap.Port() == 0 {
			return nil, usage("--address %q is not an IP address with or without a port; give it like 10.0.0.11 or 10.0.0.11:443", v)
		}
		if !slices.Contains(addresses, ap.String()) {
			addresses = append(addresses, ap.String())
		}
	}
	return addresses, nil
}

func parseProxy(raw string) (*url.URL, error) {
	if raw == "" {
		return nil, nil
	}
	if !strings.Contains(raw, "://") {
		raw = "http://" + raw
	}
	if authority, _, _ := strings.Cut(raw[strings.Index(raw, "://")+3:], "/"); strings.Contains(authority, "@") {
		return nil, usage("--proxy holds a user name or password, and process lists are public; use a proxy that needs none")
	}
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || u.Path != "" && u.Path != "/" {
		return nil, usage("--proxy is not the URL of an http proxy; give it like http://proxy.contoso.com:8080")
	}
	return u, nil
}

// maxCertificates is far above the bundle of a whole system (some hundred
// kilobytes).
const maxCertificates = 8 << 20

func readCertificates(ctx context.Context, file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	f, err := openNamed(ctx, file)
	if err != nil {
		return nil, unusable("--ca-file cannot be read (%v)", err)
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxCertificates+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, unusable("--ca-file cannot be read (%v)", err)
	}
	if len(raw) > maxCertificates {
		return nil, unusable("--ca-file %s is larger than 8 MiB; is it the right file?", file)
	}
	pool, n := x509.NewCertPool(), 0
	if cert, err := x509.ParseCertificate(raw); err == nil {
		// DER, as the Windows certificate export offers first.
		pool.AddCert(cert)
		return pool, nil
	}
	if text, err := decodeText(raw); err == nil {
		raw = []byte(text) // without a byte order mark
	}
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, unusable("--ca-file %s holds a certificate that cannot be read (%v)", file, err)
		}
		pool.AddCert(cert)
		n++
	}
	if n == 0 {
		return nil, unusable("--ca-file %s holds no certificate; export it as X.509, Base-64 encoded (PEM) or DER", file)
	}
	return pool, nil
}

// publicRoots are the roots that Mozilla's programme trusts, as the Go project
// publishes them: those of this machine may hold the company's own.
func publicRoots() *x509.CertPool {
	pool := x509.NewCertPool()
	for root := range bundle.Roots() {
		if cert, err := x509.ParseCertificate(root.Certificate); err == nil {
			if root.Constraint != nil {
				pool.AddCertWithConstraint(cert, root.Constraint)
			} else {
				pool.AddCert(cert)
			}
		}
	}
	return pool
}
