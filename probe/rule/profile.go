package rule

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// What the exported Dynamics profile says, held against itself and against what
// was seen; and what Dynamics itself wrote down at its last try.

// exported is the item that says a profile was read, so that findings can name
// it as their evidence.
func (v *view) exported() []string {
	for i := range v.rec.Items {
		if v.rec.Items[i].Step == evidence.StepProfile {
			return []string{v.rec.Items[i].ID}
		}
	}
	return nil
}

// contradiction is one thing in a profile that does not fit.
type contradiction struct {
	critical bool   // Dynamics cannot work with it
	short    string // what the profile does, for the summary
	sentence string
}

func profileContradiction(v *view) *hit {
	p := v.rec.Target.Profile
	if p == nil {
		return nil
	}
	var list []contradiction
	if p.OtherProtocol() {
		list = []contradiction{{
			true, fmt.Sprintf("is of type %s and not for EWS", p.ServerType.Label),
			fmt.Sprintf("The profile is of type %s: this is not EWS, so Dynamics never asks the endpoint that was checked, and no 401 of EWS can come from this profile.", p.ServerType.Label),
		}}
	} else {
		list = slices.Concat(locationContradictions(p), userContradictions(p), v.schemeContradictions(p), impersonationContradictions(p), directionContradictions(p))
	}
	if len(list) == 0 {
		return nil
	}
	slices.SortStableFunc(list, func(a, b contradiction) int { return boolRank(a.critical) - boolRank(b.critical) })
	h := &hit{confidence: finding.Confirmed, evidence: v.exported(), summary: "The exported Dynamics profile " + list[0].short}
	if p.Name != "" {
		h.summary = fmt.Sprintf("The exported Dynamics profile %q %s", p.Name, list[0].short)
	}
	if more := len(list) - 1; more > 0 {
		h.summary += fmt.Sprintf(" (and %d more)", more)
	}
	if !list[0].critical {
		h.status = finding.Warning
	}
	var sentences []string
	for _, c := range list {
		sentences = append(sentences, c.sentence)
	}
	h.detail = strings.Join(append(sentences, v.profileNotes(p)...), " ")
	return h
}

func boolRank(first bool) int {
	if first {
		return 0
	}
	return 1
}

func userContradictions(p *evidence.Profile) []contradiction {
	var list []contradiction
	for _, user := range slices.Compact([]string{p.Incoming.User, p.Outgoing.User}) {
		if strings.Contains(user, `\`) {
			list = append(list, contradiction{
				true, "has a user name with a backslash",
				fmt.Sprintf("Its user name %s has a backslash, but must be a UPN (user@domain): Dynamics' Test Connection uses it as the SMTP address to impersonate, and Exchange knows no mailbox of that name.", user),
			})
		}
	}
	return list
}

// locationContradictions looks at the URLs; with Autodiscover Dynamics does not
// use them.
func locationContradictions(p *evidence.Profile) []contradiction {
	if on := p.AutoDiscover; on != nil && *on {
		if p.Incoming.Credentials.Is(evidence.CredentialsHybridModern) {
			return []contradiction{{
				false, "uses hybrid modern authentication and Autodiscover",
				"It uses hybrid modern authentication, for which the server location has to be entered, but leaves the server to Autodiscover.",
			}}
		}
		return nil
	}
	var list []contradiction
	add := func(short, format string, args ...any) {
		list = append(list, contradiction{true, short, fmt.Sprintf(format, args...)})
	}
	// Tokens for Exchange Online are what such a profile is for; hybrid modern
	// authentication is for servers of one's own.
	online := p.Tokens() && !p.Incoming.Credentials.Is(evidence.CredentialsHybridModern)
	type place struct{ way, location string }
	places := []place{{"incoming", p.Incoming.Location}}
	if !strings.EqualFold(p.Outgoing.Location, p.Incoming.Location) {
		places = append(places, place{"outgoing", p.Outgoing.Location})
	}
	for _, at := range places {
		u := locationURL(at.location)
		if u == nil {
			continue // none, withheld, or of another making
		}
		if p.ServerType.Is(evidence.ServerExchange, evidence.ServerHybrid) && !online && front.OnlineHost(u.Hostname()) {
			add("points at Exchange Online", "It is of type %s, which is for servers of your own, but its %s server location is %s, and that is Exchange Online: assign the Exchange Online profile to mailboxes there (cause 2).", p.ServerType.Label, at.way, u.Hostname())
		}
		if strings.EqualFold(u.Scheme, "http") {
			add("has a server location with http", "Its %s server location begins with http://, and Dynamics needs https.", at.way)
		}
		if !strings.HasSuffix(strings.ToLower(u.Path), "/ews/exchange.asmx") {
			add("has a server location that is not EWS", "Its %s server location does not end in /EWS/Exchange.asmx, which is where EWS answers.", at.way)
		}
	}
	return list
}

// locationURL reads a server location, which may be a host name alone; nil: it
// is neither.
func locationURL(location string) *url.URL {
	if !strings.Contains(location, "://") {
		location = "https://" + location
	}
	if u, err := url.Parse(location); err == nil && u.Host != "" {
		return u
	}
	return nil
}

// schemeContradictions: an NTLM profile where Basic is offered. Where the check
// was made for NTLM, basic-and-ntlm says so.
func (v *view) schemeContradictions(p *evidence.Profile) []contradiction {
	if p.Auth() != "ntlm" || v.holds(basicAndNTLM) != nil {
		return nil
	}
	for _, n := range v.nodes {
		if n.challenged() && n.offer("Basic") && !v.isOnline(n) && !v.plain() {
			return []contradiction{{
				false, "uses NTLM while EWS offers Basic",
				fmt.Sprintf("It uses NTLM, and the documented prerequisite for that is Basic being off, but EWS offers Basic [%s].", n.ask.ID),
			}}
		}
	}
	return nil
}

func impersonationContradictions(p *evidence.Profile) []contradiction {
	off := func(s evidence.ProfileSide) bool {
		return s.Credentials.Is(evidence.CredentialsProfile) && s.Impersonation != nil && !*s.Impersonation
	}
	if !p.ServerType.Is(evidence.ServerHybrid) || !off(p.Incoming) && !off(p.Outgoing) {
		return nil
	}
	return []contradiction{{
		false, "has one account for all mailboxes but no impersonation",
		"It signs in with the one account of the profile but has Use Impersonation off: the account then needs rights of its own on every mailbox, and appointments, contacts and tasks are not supported.",
	}}
}

// directionContradictions compares incoming with outgoing settings, where the
// export has both and Dynamics uses both.
func directionContradictions(p *evidence.Profile) []contradiction {
	if same := p.SameForOutgoing; same != nil && *same {
		return nil
	}
	in, out := p.Incoming, p.Outgoing
	var differ []string
	compare := func(what, a, b string) {
		if a != "" && b != "" && !strings.EqualFold(a, b) {
			differ = append(differ, what)
		}
	}
	truth := func(b *bool) string {
		if b == nil {
			return ""
		}
		return fmt.Sprint(*b)
	}
	port := func(n int) string {
		if n == 0 {
			return ""
		}
		return fmt.Sprint(n)
	}
	compare("server location", in.Location, out.Location)
	compare("port", port(in.Port), port(out.Port))
	compare("authentication protocol", in.Protocol.Name(), out.Protocol.Name())
	compare("credential retrieval", in.Credentials.Name(), out.Credentials.Name())
	compare("impersonation", truth(in.Impersonation), truth(out.Impersonation))
	compare("user name", in.User, out.User)
	if len(differ) == 0 {
		return nil
	}
	return []contradiction{{
		false, "differs between incoming and outgoing",
		fmt.Sprintf("Its incoming and outgoing settings differ (%s), and only the incoming ones were checked.", strings.Join(differ, ", ")),
	}}
}

// holds asks a rule of addresses at all of them.
func (v *view) holds(at func(*view, *node) *hit) *hit {
	for _, n := range v.nodes {
		if h := at(v, n); h != nil {
			return h
		}
	}
	return nil
}

// profileNotes name what other findings say of the same profile, and what the
// check could not follow.
func (v *view) profileNotes(p *evidence.Profile) []string {
	var notes, codes []string
	for _, r := range []struct {
		code string
		hit  *hit
	}{
		{"endpoint-online", v.holds(endpointOnline)},
		{"basic-disabled", v.holds(basicDisabled)},
		{"ntlm-disabled", v.holds(ntlmDisabled)},
		{"negotiate-disabled", v.holds(negotiateDisabled)},
		{"oauth-disabled", v.holds(oauthDisabled)},
		{"user-name-not-upn", userNameNotUPN(v)},
		{"basic-and-ntlm", v.holds(basicAndNTLM)},
	} {
		if r.hit != nil {
			codes = append(codes, r.code)
		}
	}
	if len(codes) > 0 {
		notes = append(notes, fmt.Sprintf("What was seen at the endpoint is told beside this: %s.", strings.Join(codes, ", ")))
	}
	if on := p.AutoDiscover; on != nil && *on && v.rec.Target.FromAddress == "" {
		notes = append(notes, "It leaves the server to Autodiscover, so Dynamics may use another URL than the one checked.")
	}
	if u := locationURL(p.Incoming.Location); u != nil && !strings.EqualFold(u.Hostname(), v.rec.Target.Host) {
		notes = append(notes, fmt.Sprintf("Its server location is on %s; %s was checked.", u.Hostname(), v.host()))
	}
	return notes
}

// Dynamics is what Dynamics itself wrote down at its last try, read by the
// catalogue of alerts; nil: nothing was exported.
type Dynamics struct {
	At        string          `json:"at"`
	Execution string          `json:"execution"`
	Text      string          `json:"text"`
	Alerts    []DynamicsAlert `json:"alerts"`
}

// DynamicsAlert is a sentence or code that is known.
type DynamicsAlert struct {
	Key     string         `json:"key"`
	Meaning string         `json:"meaning"`
	Codes   []finding.Code `json:"codes"`
}

func (v *view) dynamics() *Dynamics {
	p := v.rec.Target.Profile
	if p == nil {
		return nil
	}
	t := p.LastTest
	d := &Dynamics{At: t.At, Execution: t.Execution.Name(), Text: t.Saw()}
	if d.At == "" && d.Execution == "" && d.Text == "" {
		return nil
	}
	for _, a := range finding.MatchAlert(d.Text) {
		d.Alerts = append(d.Alerts, DynamicsAlert{Key: a.Key, Meaning: a.Meaning, Codes: a.Codes})
	}
	return d
}

// recreatedByDynamics: Dynamics itself wrote that it misses the user.
func recreatedByDynamics(v *view) *hit {
	d := v.dynamics()
	if d == nil || !slices.ContainsFunc(d.Alerts, func(a DynamicsAlert) bool { return a.Key == finding.AlertUserRecreated }) {
		return nil
	}
	when := ""
	if d.At != "" {
		when = fmt.Sprintf(" at its last test (%s)", d.At)
	}
	return &hit{
		confidence: finding.Confirmed, evidence: v.exported(),
		summary: "Dynamics or Entra ID still remembers a user or mailbox that was deleted and made again",
		detail:  fmt.Sprintf("Dynamics itself wrote down%s: %q. EWS cannot show this, and whatever was seen at the endpoint does not change it.", when, excerpt(d.Text)),
	}
}

var recreatedSign = regexp.MustCompile(`(?i)nouserfoundwithgivenclaims|user\s+does\s+not\s+exist\s+in\s+tenant`)

// excerpt is the part of a text that tells of a re-created user.
func excerpt(text string) string {
	const before, most = 80, 300
	part := text
	if at := recreatedSign.FindStringIndex(text); at != nil {
		part = strings.ToValidUTF8(text[max(0, at[0]-before):], "")
	}
	if len(part) > most {
		part = strings.ToValidUTF8(part[:most], "") + "…"
	}
	return part
}
