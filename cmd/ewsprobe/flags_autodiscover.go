package main

import (
	"net/url"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/probe"
)

// configureDiscovery reads --autodiscover and sees to it that what belongs
// together is there.
func configureDiscovery(cfg *probe.Config, raw string) error {
	if cfg.FollowAutodiscover && raw == "" && cfg.FromAddress == "" {
		return usage("--follow-autodiscover needs a mailbox address as TARGET, or --autodiscover URL: else Autodiscover is not asked")
	}
	if raw == "" {
		return nil
	}
	if !strings.Contains(raw, "://") {
		return usage("--autodiscover is not a URL; give it like https://autodiscover.contoso.com%s", ews.AutodiscoverPath)
	}
	u, err := parseURL("--autodiscover", raw, ews.AutodiscoverPath)
	if err != nil {
		return err
	}
	if u.Scheme != "https" {
		return usage("--autodiscover must begin with https://: it is asked with the password")
	}
	cfg.Autodiscover = u
	if !cfg.NoCredentials && cfg.ProfileAuth != probe.ProfileOAuth && cfg.FromAddress == "" && cfg.Mailbox == "" && !mailboxAddress.MatchString(cfg.User) {
		return usage("--autodiscover asks about an address; give it with --mailbox, or --user as user@domain")
	}
	return nil
}

// portOf is the port of EWS, where it is to be found that of https.
func portOf(u *url.URL) string {
	if u == nil {
		return "443"
	}
	return probe.Port(u)
}
