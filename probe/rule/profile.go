package rule

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
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
	return ids(first(v.items, func(item *evidence.Item) bool { return item.Step == evidence.StepProfile }))
}

func profileContradiction(v *view) *hit {
	p := v.rec.Target.Profile
	if p == nil {
		return nil
	}
	list := v.contradictions(p)
	if len(list) == 0 {
		return nil
	}
	h := confirmed("", finding.Params{Profile: p.Name, Contradictions: list})
	h.evidence = v.exported()
	if !list[0].Critical {
		h.status = finding.Warning
	}
	v.profileNotes(p, &h.params)
	return h
}

// contradictions are those of a profile in itself and with what was seen, those that
// Dynamics cannot work with first.
func (v *view) contradictions(p *evidence.Profile) []finding.Contradiction {
	if p.OtherProtocol() {
		return []finding.Contradiction{{Kind: "other-protocol", Critical: true, Type: p.ServerType.Label}}
	}
	var critical, lesser []finding.Contradiction
	modern, auto := p.Incoming.Credentials.Is(evidence.CredentialsHybridModern), p.AutoDiscover != nil && *p.AutoDiscover
	if auto && modern {
		lesser = append(lesser, finding.Contradiction{Kind: "modern-autodiscover"})
	}
	if !auto { // else Dynamics does not use the URLs
		critical = append(critical, locationContradictions(p, "incoming", p.Incoming.Location)...)
		if !strings.EqualFold(p.Outgoing.Location, p.Incoming.Location) {
			critical = append(critical, locationContradictions(p, "outgoing", p.Outgoing.Location)...)
		}
	}
	for _, user := range slices.Compact([]string{p.Incoming.User, p.Outgoing.User}) {
		if strings.Contains(user, `\`) {
			critical = append(critical, finding.Contradiction{Kind: "backslash", Critical: true, User: user})
		}
	}
	// Where the check was made for NTLM, basic-and-ntlm says so.
	both := func(n *node) bool { return n.challenged() && n.offer("Basic") && !v.isOnline(n) && !v.plain() }
	if i := slices.IndexFunc(v.nodes, both); i >= 0 && p.Auth() == "ntlm" && !v.holds(basicAndNTLM) {
		lesser = append(lesser, finding.Contradiction{Kind: "ntlm-and-basic", Evidence: v.nodes[i].ask.ID})
	}
	off := func(s evidence.ProfileSide) bool {
		ofProfile := s.Credentials.Is(evidence.CredentialsProfile) || s.Credentials == nil && s.User != ""
		return ofProfile && s.Impersonation != nil && !*s.Impersonation
	}
	if p.ServerType.Is(evidence.ServerHybrid) && (off(p.Incoming) || off(p.Outgoing)) {
		lesser = append(lesser, finding.Contradiction{Kind: "no-impersonation"})
	}
	if differ := differentSettings(p); len(differ) > 0 {
		lesser = append(lesser, finding.Contradiction{Kind: "directions", Settings: differ})
	}
	return append(critical, lesser...)
}

// locationContradictions looks at a URL of a profile.
func locationContradictions(p *evidence.Profile, way, location string) (list []finding.Contradiction) {
	u := locationURL(location)
	if u == nil {
		return nil // none, withheld, or of another making
	}
	// Tokens for Exchange Online are what such a profile is for; hybrid modern
	// authentication is for servers of one's own.
	online := p.Tokens() && !p.Incoming.Credentials.Is(evidence.CredentialsHybridModern)
	host, hybrid := u.Hostname(), p.ServerType.Is(evidence.ServerHybrid) && !online
	for _, c := range []struct {
		kind  string
		holds bool
	}{
		{"online", p.ServerType.Is(evidence.ServerExchange, evidence.ServerHybrid) && !online && front.OnlineHost(host)},
		// Dynamics online looks the name up in public DNS; of an address that
		// nobody outside can reach, there is nothing to look up.
		{"inside-name", hybrid && insideOnly(host) == "name"},
		{"inside-address", hybrid && insideOnly(host) == "address"},
		{"http", strings.EqualFold(u.Scheme, "http")},
		{"path", !strings.HasSuffix(strings.ToLower(u.Path), "/ews/exchange.asmx")},
	} {
		if c.holds {
			list = append(list, finding.Contradiction{Kind: c.kind, Critical: true, Way: way, Host: host, Type: p.ServerType.Name()})
		}
	}
	return list
}

// insideOnly says whether a host is known inside a network alone: "name" for one
// label or a domain that public DNS does not have (RFC 6761, 6762, 8375), "address"
// for a private or link-local address (RFC 1918, 4193), "" for any other.
func insideOnly(host string) string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if a, err := netip.ParseAddr(host); err == nil {
		if a = a.Unmap(); a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsLoopback() {
			return "address"
		}
		return ""
	}
	at := strings.LastIndexByte(host, '.')
	switch host[at+1:] {
	case "local", "localdomain", "lan", "internal", "intranet", "intra", "corp", "home", "private", "localhost", "domain":
		return "name"
	}
	if at < 0 || strings.HasSuffix(host, ".home.arpa") {
		return "name"
	}
	return ""
}

// locationURL reads a server location, which may be a host name alone; nil: it
// is neither.
func locationURL(location string) *url.URL {
	if !strings.Contains(location, "://") {
		location = "https://" + location
	}
	if u := parsed(location); u.Host != "" {
		return u
	}
	return nil
}

// differentSettings are those of incoming and outgoing that differ, where the export has
// both and Dynamics uses both.
func differentSettings(p *evidence.Profile) (differ []string) {
	if p.SameForOutgoing != nil && *p.SameForOutgoing {
		return nil
	}
	settings := func(s evidence.ProfileSide) []string {
		port, impersonation := "", ""
		if s.Port != 0 {
			port = strconv.Itoa(s.Port)
		}
		if s.Impersonation != nil {
			impersonation = strconv.FormatBool(*s.Impersonation)
		}
		return []string{s.Location, port, s.Protocol.Name(), s.Credentials.Name(), impersonation, s.User}
	}
	in, out := settings(p.Incoming), settings(p.Outgoing)
	for i, name := range []string{"server location", "port", "authentication protocol", "credential retrieval", "impersonation", "user name"} {
		if in[i] != "" && out[i] != "" && !strings.EqualFold(in[i], out[i]) {
			differ = append(differ, name)
		}
	}
	return differ
}

// holds asks a rule of addresses at all of them.
func (v *view) holds(at func(*view, *node) *hit) bool {
	return slices.ContainsFunc(v.nodes, func(n *node) bool { return at(v, n) != nil })
}

// profileNotes adds what other findings say of the same profile, and what the
// check could not follow.
func (v *view) profileNotes(p *evidence.Profile, to *finding.Params) {
	for _, r := range []struct {
		code  string
		holds bool
	}{
		{"endpoint-online", v.holds(endpointOnline)},
		{"basic-disabled", v.holds(basicDisabled)},
		{"ntlm-disabled", v.holds(windowsDisabled("ntlm", "NTLM"))},
		{"negotiate-disabled", v.holds(windowsDisabled("negotiate", "Negotiate"))},
		{"oauth-disabled", v.holds(oauthDisabled)},
		{"user-name-not-upn", userNameNotUPN(v) != nil},
		{"basic-and-ntlm", v.holds(basicAndNTLM)},
	} {
		if r.holds {
			to.Codes = append(to.Codes, r.code)
		}
	}
	to.Leaves = p.AutoDiscover != nil && *p.AutoDiscover && v.rec.Target.FromAddress == ""
	if u := locationURL(p.Incoming.Location); u != nil && !strings.EqualFold(u.Hostname(), v.rec.Target.Host) {
		to.Elsewhere = u.Hostname()
	}
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
	d := &Dynamics{}
	if p := v.rec.Target.Profile; p != nil {
		d.At, d.Execution = p.LastTest.At, p.LastTest.Execution.Name()
	}
	var texts []string
	for _, note := range v.notes() {
		texts = append(texts, note.text)
		for _, a := range note.alerts {
			if !slices.ContainsFunc(d.Alerts, func(known DynamicsAlert) bool { return known.Key == a.Key }) {
				d.Alerts = append(d.Alerts, DynamicsAlert{Key: a.Key, Meaning: a.Meaning, Codes: a.Codes})
			}
		}
	}
	d.Text = strings.Join(texts, "\n")
	if d.At == "" && d.Execution == "" && d.Text == "" {
		return nil
	}
	return d
}

// recreatedByDynamics: Dynamics itself wrote that it misses the user.
func recreatedByDynamics(v *view) *hit {
	h := confirmed("alert", finding.Params{})
	for _, note := range v.notes() {
		user := func(a finding.Alert) bool { return a.Key == finding.AlertUserRecreated }
		if slices.ContainsFunc(note.alerts, user) {
			h.evidence = adding(h.evidence, note.id)
		}
	}
	if len(h.evidence) == 0 {
		return nil
	}
	d := v.dynamics()
	h.params.When, h.params.Message = finding.Moment(d.At), excerpt(d.Text)
	return h
}

// excerpt is the part of a text that tells of a re-created user.
func excerpt(text string) string {
	const before, most = 80, 300
	part := text
	if at := finding.FindAlert(finding.AlertUserRecreated, text); at >= 0 {
		part = strings.ToValidUTF8(text[max(0, at-before):], "")
	}
	if len(part) > most {
		part = strings.ToValidUTF8(part[:most], "") + "…"
	}
	return part
}
