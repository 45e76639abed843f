package probe

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/cloud"
	"github.com/ewsprobe/ewsprobe/ews/dataverse"
	"github.com/ewsprobe/ewsprobe/ews/entra"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/ews/secret"
	"github.com/ewsprobe/ewsprobe/ews/wire"
	"github.com/ewsprobe/ewsprobe/probe/dynamics"
)

// Environment is the environment of Dynamics that is read, and who reads it.
type Environment struct {
	URL, Entra  *url.URL
	Application entra.Application // without an ID: Token
	Token       string
	Outside     wire.Outside
	Mailbox     string // of a check: whose record is read
	ProfileAuth string
	Timeout     time.Duration // of the whole command
	Given       *evidence.Given
	// Follow is told each item as it is written; nil nobody.
	Follow func(evidence.Item)
}

// Target is what a record of the environment alone is about.
func (e *Environment) Target() evidence.Target {
	return evidence.Target{
		Cloud: true, DynamicsURL: e.URL.String(), DynamicsTenant: e.Application.Tenant, UserAgent: e.Outside.UserAgent, View: "inside",
		Mailbox: e.Mailbox, ProfileAuth: e.ProfileAuth, Given: e.Given, Zone: time.Now().Format("-07:00"),
	}
}

// Unreadable is why a list breaks off.
type Unreadable = dataverse.Unreadable

// open begins to read. The tenant of the application is the one that was named, else
// the one that Dynamics' own challenge names; the credential goes to Entra and to
// nobody else, and the token is for the origin that was named.
func (e *Environment) open(ctx context.Context) *dataverse.Reader {
	recorder := ews.NewRecorder(&secret.Vault{}, e.Follow)
	recorder.Prefix = "dynamics-"
	for _, known := range []string{e.Token, e.Application.Secret} {
		if known != "" {
			recorder.Tokens.AddText(known)
		}
	}
	limited, cancel := context.WithTimeout(ctx, cloud.Limit)
	challenge := cloud.New(cloud.Client{Entra: e.Entra, Outside: e.Outside, Recorder: recorder}).DynamicsTenant(limited, e.URL)
	cancel()
	if brought := entra.Brought(e.Token); e.Application.ID == "" && brought.Claims.Audience != "" {
		token := &evidence.Token{Proof: evidence.ProofToken, Claims: &brought.Claims}
		recorder.Add(evidence.Item{Step: evidence.StepDataverseToken, At: time.Now(), Token: token})
	}
	application := e.Application
	application.Tenant = cmp.Or(application.Tenant, challenge.Cloud.Tenant)
	source := entra.NewSource(func(ctx context.Context) *entra.Token {
		if application.Tenant == "" {
			return nil // the item of the challenge says why it is not known
		}
		client := entra.Client{Outside: e.Outside, Entra: e.Entra}
		return client.Request(ctx, recorder, evidence.StepDataverseToken, application, e.URL.String()+"/.default")
	})
	return &dataverse.Reader{
		URL: e.URL, Outside: e.Outside, Recorder: recorder,
		Profile: func(row []byte) (*evidence.Profile, error) { return dynamics.ReadProfile(bytes.NewReader(row)) },
		Token: func(ctx context.Context) string {
			if application.ID == "" {
				return e.Token
			}
			if t := source.Token(ctx); t != nil {
				recorder.Tokens.AddText(t.Value())
				return t.Value()
			}
			return ""
		},
	}
}

// MailboxReading is what Dynamics has of one mailbox.
type MailboxReading struct {
	Items   []evidence.Item
	Profile *evidence.Profile // its own; nil: not known
	Record  *evidence.DynamicsMailbox
}

// ReadMailbox reads the record of the mailbox, its profile, its user and the alerts
// about it, within half of the command's time: a check goes on with it.
func (e *Environment) ReadMailbox(ctx context.Context) MailboxReading {
	ctx, cancel := context.WithTimeout(ctx, e.Timeout/2)
	defer cancel()
	r := e.open(ctx)
	defer r.Close()
	found := MailboxReading{Record: r.Mailbox(ctx, e.Mailbox).Dataverse.Mailbox}
	if m := found.Record; m != nil {
		profiles := r.Profiles(ctx).Dataverse
		if i := slices.IndexFunc(profiles.Profiles, func(p evidence.Profile) bool { return m.ProfileID != "" && p.ID == m.ProfileID }); i >= 0 {
			found.Profile = &profiles.Profiles[i]
		}
		profiles.Profiles = nil // the one that matters is the check's own
		if m.UserID != "" {
			r.User(ctx, m.UserID)
		}
		if m.ID != "" {
			r.Alerts(ctx, m.ID)
		}
	}
	found.Items = r.Recorder.Items()
	return found
}

// Overview reads what there is of everything.
func (e *Environment) Overview(ctx context.Context) []evidence.Item {
	r := e.open(ctx)
	defer r.Close()
	r.Organization(ctx)
	r.Profiles(ctx)
	r.Statuses(ctx)
	r.Alerts(ctx, "")
	return r.Recorder.Items()
}

// List is the list of the mailboxes of a profile, read page after page.
type List struct {
	io.Reader
	reading *dataverse.Reader
	Profile *evidence.Profile
}

// Items are what was written down so far.
func (l *List) Items() []evidence.Item { return l.reading.Recorder.Items() }

// Close ends the connection.
func (l *List) Close() error {
	l.reading.Close()
	return nil
}

// NotListed is why there is no list: the profile cannot be told, or was not read.
type NotListed struct {
	Text  string
	Items []evidence.Item
	Wrong bool // what was asked for is wrong, not what was read
}

func (n *NotListed) Error() string { return n.Text }

// Mailboxes opens the list of the mailboxes of the profile of that name; "" is the
// only one for Exchange on one's own servers.
func (e *Environment) Mailboxes(ctx context.Context, name string) (*List, error) {
	r := e.open(ctx)
	item := r.Profiles(ctx)
	var fit []evidence.Profile
	var names []string
	for _, p := range item.Dataverse.Profiles {
		names = append(names, fmt.Sprintf("%q (%s)", p.Name, p.ServerType.Name()))
		onPremises := p.ServerType.Is(evidence.ServerExchange, evidence.ServerHybrid)
		if name == "" && onPremises || name != "" && (strings.EqualFold(p.Name, name) || strings.EqualFold(p.ID, name)) {
			fit = append(fit, p)
		}
	}
	not := &NotListed{Items: r.Recorder.Items(), Wrong: item.Dataverse.Visible}
	has := "it has none at all"
	if len(names) > 0 {
		has = "it has " + strings.Join(names, ", ")
	}
	switch {
	case !item.Dataverse.Visible:
		not.Text = "Dynamics could not be read"
	case len(fit) == 0 && name == "":
		not.Text = "Dynamics has no e-mail server profile for Exchange on your own servers; " + has
	case len(fit) == 0:
		not.Text = fmt.Sprintf("Dynamics has no active e-mail server profile %q; %s", name, has)
	case len(fit) > 1:
		not.Text = "more than one e-mail server profile of Dynamics fits; name one with --server-profile; " + has
	case !front.IsGUID(fit[0].ID):
		not.Text = fmt.Sprintf("the e-mail server profile %q has no identifier", fit[0].Name)
	default:
		return &List{Reader: r.Mailboxes(ctx, fit[0].ID), reading: r, Profile: &fit[0]}, nil
	}
	r.Close()
	return nil, not
}
