package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/ews/cloud"
	"github.com/ewsprobe/ewsprobe/probe"
)

// cloudFlags are the flags about look-ups outside the network.
func cloudFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "cloud", Usage: "also look up, outside the network, where the mailbox is and which tenant it is in"},
		&cli.StringFlag{Name: "dynamics-url", Usage: "read Dynamics' tenant from its own `URL`, like https://contoso.crm4.dynamics.com; implies --cloud"},
		&cli.StringFlag{Name: "tenant", Usage: "Dynamics' tenant, a `GUID` or a domain in it; implies --cloud"},
		&cli.StringFlag{Name: "token-file", Usage: "ask Microsoft Graph about the mailbox's user with the access token in `FILE`; implies --cloud"},
		&cli.StringFlag{Name: "client-id", Usage: "ask Microsoft Graph as the application with this `GUID`, registered in the tenant of --tenant; needs --client-secret-file"},
		&cli.StringFlag{Name: "client-secret-file", Usage: "read the application's client secret from `FILE`"},
		&cli.StringFlag{Name: "entra-url", Value: cloud.EntraURL, Usage: "where Entra is asked; the client secret is sent there"},
		&cli.StringFlag{Name: "exchange-online-url", Value: cloud.ExchangeOnlineURL, Usage: "where Exchange Online is asked"},
		&cli.StringFlag{Name: "graph-url", Value: cloud.GraphURL, Usage: "where Microsoft Graph is asked; the token is sent there"},
	}
}

// configureCloud reads these flags; nil means that nothing is looked up.
func configureCloud(c *cli.Context) (*probe.Cloud, error) {
	var k probe.Cloud
	var err error
	for _, base := range []struct {
		flag string
		to   **url.URL
	}{{"entra-url", &k.Entra}, {"exchange-online-url", &k.ExchangeOnline}, {"graph-url", &k.Graph}} {
		if *base.to, err = parseBase(base.flag, c.String(base.flag), false); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"dynamics-url", "tenant", "token-file", "client-id", "client-secret-file"} {
		if c.IsSet(name) && c.String(name) == "" {
			return nil, usage("--%s is empty; give its value, or leave the flag out", name)
		}
	}
	if c.IsSet("dynamics-url") {
		if k.Dynamics, err = parseBase("dynamics-url", c.String("dynamics-url"), true); err != nil {
			return nil, err
		}
	}
	if k.Tenant = strings.ToLower(strings.TrimSpace(c.String("tenant"))); k.Tenant != "" && !cloud.IsGUID(k.Tenant) && !tenantDomain.MatchString(k.Tenant) {
		return nil, usage("--tenant %q is neither a GUID nor a domain; give it like 72f988bf-0000-0000-0000-2d7cd011db47 or contoso.com", c.String("tenant"))
	}
	if c.IsSet("token-file") {
		if k.Token, err = readToken(c.Context, c.String("token-file")); err != nil {
			return nil, err
		}
	}
	if err := configureApplication(c, &k); err != nil {
		return nil, err
	}
	if !c.Bool("cloud") && k.Dynamics == nil && k.Tenant == "" && k.Token == "" {
		return nil, nil
	}
	// Only here is the environment's proxy used: EWS goes direct, or by --proxy.
	k.Proxy = func(u *url.URL) (*url.URL, error) { return http.ProxyFromEnvironment(&http.Request{URL: u}) }
	return &k, nil
}

// tenantDomain is a domain name with a dot, in its xn-- form if international.
var tenantDomain = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$`)

// parseBase reads the URL of a service. Of a page's address, as it is copied
// from a browser, only the host matters.
func parseBase(flag, raw string, page bool) (*url.URL, error) {
	raw = strings.TrimSpace(raw)
	// The text of a parse error would repeat a password in the URL.
	if _, rest, ok := strings.Cut(raw, "://"); ok {
		if authority, _, _ := strings.Cut(rest, "/"); strings.Contains(authority, "@") {
			return nil, usage("--%s holds a user name or password, and process lists are public; take it out", flag)
		}
	}
	u, err := url.Parse(raw)
	if err == nil && u.Scheme == "" {
		return nil, usage("--%s has no scheme; write https:// in front of it", flag)
	}
	if err == nil && !strings.EqualFold(u.Scheme, "https") {
		return nil, usage("--%s is not https, and look-ups go over https only", flag)
	}
	if err != nil || net.ParseIP(u.Hostname()) == nil && !hostLabelled.MatchString(u.Hostname()) || strings.HasSuffix(u.Host, ":") || u.Port() != "" && !validPort(u.Port()) {
		return nil, usage("--%s is not a URL that can be understood; give it like https://HOST", flag)
	}
	if !page && (strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "") {
		return nil, usage("--%s has a path; give only https://HOST", flag)
	}
	return &url.URL{Scheme: "https", Host: strings.ToLower(u.Host)}, nil
}

// maxToken is far above an access token of Entra (some kilobytes, by group
// memberships).
const maxToken = 32 << 10

// bearerToken is RFC 6750 section 2.1: nothing else may stand in the header.
var bearerToken = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

// clientSecret is RFC 6749 appendix A.2 without the space: Entra makes none with
// one, but an editor leaves one at the end.
var clientSecret = regexp.MustCompile(`^[\x21-\x7e]+$`)

// readToken reads an access token.
func readToken(ctx context.Context, name string) (string, error) {
	text, err := readLine(ctx, "token", name)
	if err == nil && !bearerToken.MatchString(text) {
		err = unusable("the token in %s holds a character that no access token has (a space, a second line, a quote?); save the token alone, without the word Bearer", name)
	}
	return text, err
}

// configureApplication reads what an application signs in with.
func configureApplication(c *cli.Context, k *probe.Cloud) error {
	if !c.IsSet("client-id") && !c.IsSet("client-secret-file") {
		return nil
	}
	k.ClientID = strings.ToLower(strings.TrimSpace(c.String("client-id")))
	switch {
	case !c.IsSet("client-id"):
		return usage("--client-secret-file needs --client-id GUID: whose secret it is")
	case !cloud.IsGUID(k.ClientID):
		return usage("--client-id %q is not a GUID; give the Application (client) ID as Entra shows it", c.String("client-id"))
	case !c.IsSet("client-secret-file"):
		return usage("--client-id needs --client-secret-file FILE: the secret that the application proves itself with")
	case c.IsSet("token-file"):
		return usage("--client-id gets a token and --token-file brings one; leave one of them out")
	case k.Tenant == "":
		return usage("--client-id needs --tenant GUID or DOMAIN: where the application is registered")
	}
	var err error
	if k.ClientSecret, err = readLine(c.Context, "client secret", c.String("client-secret-file")); err != nil {
		return err
	}
	if !clientSecret.MatchString(k.ClientSecret) {
		return unusable("the client secret in %s holds a character that no client secret has (a space, a second line?); save its value alone", c.String("client-secret-file"))
	}
	if cloud.IsGUID(k.ClientSecret) {
		return unusable("the client secret in %s is a GUID, so it is the secret's ID; save its value, which Entra shows only once", c.String("client-secret-file"))
	}
	return nil
}

// readLine reads a secret as a password is read: one line end goes. what says
// what it is.
func readLine(ctx context.Context, what, name string) (string, error) {
	f, err := openNamed(ctx, name)
	if err != nil {
		return "", unusable("the %s file cannot be read (%v)", what, err)
	}
	raw, err := io.ReadAll(io.LimitReader(f, 4*maxToken))
	if err = errors.Join(err, f.Close()); err != nil {
		return "", unusable("the %s file cannot be read (%v)", what, err)
	}
	text, err := decodeText(raw)
	if err != nil {
		return "", unusable("the %s in %s is %v; save it as UTF-8", what, name, err)
	}
	if t, ok := strings.CutSuffix(text, "\n"); ok {
		text = strings.TrimSuffix(t, "\r")
	}
	switch {
	case text == "":
		return "", unusable("the %s in %s is empty", what, name)
	case len(text) > maxToken:
		return "", unusable("the %s in %s is longer than %d bytes; is it the right file?", what, name, maxToken)
	case len(text) < shortestToken:
		return "", unusable("the %s in %s has only %d characters, which none has; is it the right file?", what, name, len(text))
	}
	return text, nil
}

// shortestToken is far below any access token and any secret that Entra makes (40
// characters); a shorter text could not be kept out of a report, because every text may hold it by chance.
const shortestToken = 8
