package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/secret"
	"github.com/ewsprobe/ewsprobe/probe/dynamics"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// maxProfile bounds --profile: one row has some kilobytes.
const maxProfile = 8 << 20

// subject is what the check is about: TARGET, or with --profile the mailbox
// whose server Autodiscover has to find, or the URL in that file. The file also
// gives their values to flags that were left out; a flag wins over the file.
func subject(c *cli.Context) (target string, profile *evidence.Profile, err error) {
	if !c.IsSet("profile") || c.NArg() > 0 {
		if target, err = oneArgument(c, "TARGET"); err != nil {
			return "", nil, err
		}
	}
	file := c.String("profile")
	if file == "" {
		return target, nil, nil
	}
	if profile, err = readProfile(c.Context, file); err != nil {
		return "", nil, profileUnreadable(file, err)
	}
	if c.NArg() == 0 {
		setting := ""
		if target, setting, err = profileTarget(profile, c.String("mailbox")); err != nil {
			return "", nil, unusable("--profile %s: %v", file, err)
		}
		if setting == "url" {
			if _, err := parseTarget(target); err != nil {
				return "", nil, unusable("--profile %s: the server location in it cannot be checked: %v", file, err)
			}
		}
		profile.Taken = append(profile.Taken, setting)
	}
	return target, profile, fillFlags(c, profile)
}

// profileUnreadable is a sentence that names the file, and the line in it.
func profileUnreadable(file string, err error) error {
	var own *dynamics.Error
	if errors.As(err, &own) && own.Line > 0 {
		return unusable("--profile %s, %v", file, err)
	}
	return unusable("--profile %s: %v", file, err)
}

func readProfile(ctx context.Context, file string) (*evidence.Profile, error) {
	f, err := openNamed(ctx, file)
	if err != nil {
		return nil, fmt.Errorf("it cannot be read (%w)", err)
	}
	defer f.Close()
	in := &io.LimitedReader{R: f, N: maxProfile + 1}
	p, err := dynamics.ReadProfile(in)
	if in.N <= 0 {
		return nil, errors.New("it is larger than 8 MiB; is it the right file?")
	}
	return p, err
}

// profileTarget is the URL at which Dynamics looks for EWS; where it leaves that
// to Autodiscover, the mailbox that is to be found.
func profileTarget(p *evidence.Profile, mailbox string) (target, setting string, err error) {
	switch {
	case p.OtherProtocol():
		return "", "", fmt.Errorf("this is a profile for %s, which does not use EWS; give TARGET to check an EWS endpoint all the same", p.ServerType.Label)
	case p.AutoDiscover != nil && *p.AutoDiscover && mailboxAddress.MatchString(mailbox):
		return mailbox, "autodiscover", nil // whatever location is left in the profile: Dynamics does not use it
	case p.Incoming.Location != "":
		return p.Incoming.Location, "url", nil
	case p.Outgoing.Location != "":
		return p.Outgoing.Location, "url", nil
	case p.AutoDiscover != nil && *p.AutoDiscover:
		return "", "", fmt.Errorf("%w; give --mailbox ADDRESS to look for it in the same way, or TARGET", errNoLocation)
	}
	return "", "", errors.New("the column incomingserverlocation is missing or empty; export it too, or give TARGET")
}

// fillFlags sets the flags that were left out. A POP3 or IMAP profile says
// nothing about EWS.
func fillFlags(c *cli.Context, p *evidence.Profile) error {
	if p.OtherProtocol() {
		return nil
	}
	take := func(name, value, setting string) error {
		if value == "" || c.IsSet(name) {
			return nil
		}
		p.Taken = append(p.Taken, setting)
		return c.Set(name, value)
	}
	user := ""
	if p.Incoming.Credentials == nil || p.Incoming.Credentials.Is(evidence.CredentialsProfile, evidence.CredentialsWindows) {
		user = p.Incoming.User // else Dynamics takes another name, or none
	}
	impersonate := ""
	if on := p.Incoming.Impersonation; on != nil && *on && (c.String("mailbox") != "" || c.Command.Name == "batch") {
		impersonate = "true"
	}
	return errors.Join(take("profile-auth", p.Auth(), "profile_auth"), take("impersonate", impersonate, "impersonate"), take("user", user, "user"))
}

// profileStory tells what the profile says and what was taken from it. The
// password may stand in the wrong field of the file.
func profileStory(p *evidence.Profile, password string) string {
	if p == nil {
		return ""
	}
	vault := &secret.Vault{}
	vault.AddText(password)
	var b strings.Builder
	line := func(what, setting, value string) {
		from := "not used: TARGET or a flag decides, or there is nothing to use it for"
		if slices.Contains(p.Taken, setting) {
			from = "taken"
		}
		if value == "" {
			value, from = "-", "not said"
		} else if from != "taken" {
			value = vault.Clean(value)
		}
		fmt.Fprintf(&b, "  %-15s %s (%s)\n", what, report.Clean(value, followLimit), from)
	}
	auth := p.Auth()
	if name := p.Incoming.Protocol.Name(); name != "" {
		auth += " (" + name + ")"
	}
	impersonate := ""
	if on := p.Incoming.Impersonation; on != nil {
		impersonate = map[bool]string{true: "yes", false: "no"}[*on]
	}
	auto := ""
	if on := p.AutoDiscover; on != nil {
		auto = map[bool]string{true: "yes", false: "no"}[*on]
	}
	b.WriteString("the exported profile says:\n")
	line("URL", "url", p.Incoming.Location)
	line("auto-discover", "autodiscover", auto)
	line("authentication", "profile_auth", strings.TrimSpace(auth))
	line("impersonation", "impersonate", impersonate)
	line("user", "user", p.Incoming.User)
	return b.String()
}

var errNoLocation = errors.New("the column incomingserverlocation is empty, because the profile leaves the server to Autodiscover")
