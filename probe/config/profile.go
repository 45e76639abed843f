package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/config/address"
	"github.com/ewsprobe/ewsprobe/probe/dynamics"
)

// readProfile reads the exported profile and takes from it what nobody gave.
func (s *Settings) readProfile(ctx context.Context) *evidence.Profile {
	if s.dynamics != nil {
		s.TakeProfile(s.dynamics)
		return s.dynamics
	}
	if s.Profile == "" {
		return nil
	}
	raw, err := Read(ctx, s.Profile, maxProfile)
	if err != nil {
		s.Keys.Invalid("{profile} %s %v; it is the file of the profile that Dynamics exported, as CSV or JSON", s.Profile, err)
		return nil
	}
	p, err := dynamics.ReadProfile(bytes.NewReader(raw))
	if err != nil {
		mark := ":"
		if own := (*dynamics.Error)(nil); errors.As(err, &own) && own.Line > 0 {
			mark = "," // the text begins with the line
		}
		s.Keys.Invalid("{profile} %s%s %v", s.Profile, mark, err)
		return nil
	}
	s.TakeProfile(p)
	return p
}

// TakeProfile takes from a profile what no flag, variable or key said. A POP3 or
// IMAP profile says nothing about EWS.
func (s *Settings) TakeProfile(p *evidence.Profile) {
	take := func(key, value, setting string) {
		if k := s.Keys.Find(key); value != "" && k != nil && !s.Given(key) {
			p.Taken = append(p.Taken, setting)
			s.Keys.give(k, origin{name: "the profile", rank: byProfile}, value)
		}
	}
	if !s.Given("target") {
		target, setting, err := s.profileTarget(p)
		if err == nil && setting == "url" {
			if _, wrong := targetURL(target); wrong != "" {
				err = fmt.Errorf("its server location %s", s.Keys.named(wrong))
			}
		}
		if err != nil {
			s.Keys.Invalid("%s: %v", s.profileName(), err)
			s.Keys.failed["profile"] = true
		} else {
			p.Taken = append(p.Taken, setting)
			s.Target, s.Keys.from["target"] = target, origin{name: "the profile", rank: byProfile}
		}
	}
	if p.OtherProtocol() {
		return
	}
	if s.Given("hma-certificate") || s.Given("hma-client-secret-file") {
		take("hma-client-id", p.Application, "hma_client_id")
		take("tenant", p.ApplicationTenant, "tenant")
		take("hma-resource", p.Resource, "hma_resource")
	}
	take("profile-auth", p.Auth(), "profile_auth")
	if on := p.Incoming.Impersonation; on != nil && *on && (s.Mailbox != "" || s.Keys.Find("mailbox") == nil) {
		take("impersonate", "true", "impersonate")
	}
	// Else Dynamics takes another name, or none.
	named := p.Incoming.Credentials == nil || p.Incoming.Credentials.Is(evidence.CredentialsProfile, evidence.CredentialsWindows)
	if named && s.UserColumn == "" {
		take("user", p.Incoming.User, "user")
	}
}

// profileTarget is the URL at which Dynamics looks for EWS; where it leaves that to
// Autodiscover, the mailbox that is to be found.
func (s *Settings) profileTarget(p *evidence.Profile) (target, setting string, err error) {
	give := s.Keys.named("give {target}")
	if s.Keys.Find("mailbox") != nil {
		give = s.Keys.named("give {mailbox} ADDRESS to find it the same way, or give {target}")
	}
	auto, mailbox := p.AutoDiscover != nil && *p.AutoDiscover, address.Clean(s.Mailbox)
	switch {
	case p.OtherProtocol():
		return "", "", errors.New("this is a profile for " + p.ServerType.Label + ", which does not use EWS; " +
			s.Keys.named("to check an EWS endpoint, give {target}"))
	case auto && address.IsMailbox(mailbox):
		return mailbox, "autodiscover", nil // whatever location is left in the profile: Dynamics does not use it
	case p.Incoming.Location != "":
		return p.Incoming.Location, "url", nil
	case p.Outgoing.Location != "":
		return p.Outgoing.Location, "url", nil
	case auto:
		return "", "", errors.New("the column incomingserverlocation is empty, because the profile uses Autodiscover; " + give)
	}
	return "", "", errors.New(s.Keys.named("the column incomingserverlocation is missing or empty; export it too, or give {target}"))
}

// profileName is how a profile that something is wrong with is called.
func (s *Settings) profileName() string {
	if s.dynamics != nil {
		return fmt.Sprintf("the profile %q in Dynamics", s.dynamics.Name)
	}
	return s.Keys.named("{profile} ") + s.Profile
}
