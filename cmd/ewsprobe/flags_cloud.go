package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
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
		&cli.StringFlag{Name: "entra-url", Value: cloud.EntraURL, Usage: "where Entra is asked"},
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
	for _, name := range []string{"dynamics-url", "tenant", "token-file"} {
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
		if k.Token, err = readToken(c.String("token-file")); err != nil {
			return nil, err
		}
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

// readToken reads an access token as a password is read: one line end goes.
func readToken(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", unusable("the token file cannot be read (%v)", err)
	}
	raw, err := io.ReadAll(io.LimitReader(f, 4*maxToken))
	if err = errors.Join(err, f.Close()); err != nil {
		return "", unusable("the token file cannot be read (%v)", err)
	}
	text, err := decodeText(raw)
	if err != nil {
		return "", unusable("the token in %s is %v; save it as UTF-8", name, err)
	}
	if t, ok := strings.CutSuffix(text, "\n"); ok {
		text = strings.TrimSuffix(t, "\r")
	}
	switch {
	case text == "":
		return "", unusable("the token in %s is empty", name)
	case len(text) > maxToken:
		return "", unusable("the token in %s is longer than %d bytes; is it the right file?", name, maxToken)
	case !bearerToken.MatchString(text):
		return "", unusable("the token in %s holds a character that no access token has (a space, a second line, a quote?); save the token alone, without the word Bearer", name)
	case len(text) < shortestToken:
		return "", unusable("the token in %s has only %d characters, which no access token has; is it the right file?", name, len(text))
	}
	return text, nil
}

// shortestToken is far below any access token; a shorter text could not be kept
// out of a report, because every text may hold it by chance.
const shortestToken = 8
