package probe

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// The plan is what -v prints before anything is sent: one line per case, the
// planned logons in order.
func TestPlan(t *testing.T) {
	tests := []struct {
		name string
		cfg  Config
		want string
	}{
		{"basic", Config{ProfileAuth: ProfileBasic}, "Basic:0 NTLM/right:1 Basic:7 NTLM/none:3 Basic:4 NTLM/none:4 NTLM/foreign:4 NTLM/zero:4"},
		{"auto", Config{ProfileAuth: ProfileAuto}, "Basic:0 NTLM/right:1 Basic:7 NTLM/none:3 Basic:4 NTLM/none:4 NTLM/foreign:4 NTLM/zero:4"},
		{"ntlm", Config{ProfileAuth: ProfileNTLM}, "NTLM/right:0 Basic:2 NTLM/none:3 Basic:4 NTLM/none:4 NTLM/foreign:4 NTLM/zero:4"},
		{"negotiate", Config{ProfileAuth: ProfileNegotiate}, "NTLM/right:0 Basic:2 NTLM/none:3 Basic:4 NTLM/none:4 NTLM/foreign:4 NTLM/zero:4"},
		{"negotiate in a realm", Config{ProfileAuth: ProfileNegotiate, Kerberos: Kerberos{Realm: "CONTOSO.COM"}}, "NTLM/right:0 Kerberos/right:6 Basic:2 NTLM/none:3 Basic:4 NTLM/none:4 NTLM/foreign:4 NTLM/zero:4"},
		{"a realm that nobody named is for negotiate alone", Config{ProfileAuth: ProfileNTLM, Kerberos: Kerberos{Realm: "CONTOSO.COM"}}, "NTLM/right:0 Basic:2 NTLM/none:3 Basic:4 NTLM/none:4 NTLM/foreign:4 NTLM/zero:4"},
		{"the domain named", Config{ProfileAuth: ProfileBasic, Kerberos: Kerberos{Realm: "CONTOSO.COM", Named: true}}, "Basic:0 NTLM/right:1 Kerberos/right:6 Basic:7 NTLM/none:3 Basic:4 NTLM/none:4 NTLM/foreign:4 NTLM/zero:4"},
		{"explained: the directory before a second scheme", Config{ProfileAuth: ProfileBasic, Explain: true}, "Basic:0 LDAPS:5 NTLM/right:1 Basic:7 NTLM/none:3 Basic:4 NTLM/none:4 NTLM/foreign:4 NTLM/zero:4"},
		{"keytab", Config{ProfileAuth: ProfileNegotiate, Kerberos: Kerberos{Keytab: []byte{5, 2}}}, "Kerberos/right:6 Kerberos/none:8"},
		{"current user", Config{ProfileAuth: ProfileNTLM, CurrentUser: true}, "current user/right:0"},
		{"oauth", Config{ProfileAuth: ProfileOAuth}, ""},
		{"no credentials", Config{ProfileAuth: ProfileBasic, NoCredentials: true}, ""},
		{"http", Config{ProfileAuth: ProfileBasic, URL: &url.URL{Scheme: "http", Host: "mail"}}, ""},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			if c.cfg.URL == nil {
				c.cfg.URL = &url.URL{Scheme: "https", Host: "mail"}
			}
			c.cfg.MaxRejections = 2
			p := NewPlan(c.cfg)
			var got []string
			for _, l := range p.Logons {
				s := string(l.Scheme)
				if l.Binding != "" {
					s += "/" + l.Binding
				}
				got = append(got, s+":"+string(rune('0'+l.When)))
			}
			if g := strings.Join(got, " "); g != c.want {
				t.Errorf("%s, want %s", g, c.want)
			}
			if !slices.IsSortedFunc(p.Logons, func(a, b Logon) int { return rank(a) - rank(b) }) {
				t.Errorf("not in the order of the contract: %s", got)
			}
			if said := p.String(); len(p.Logons) == 0 && !strings.Contains(said, "no credential is sent") ||
				len(p.Logons) > 0 && !strings.Contains(said, "at most 2 refused logons") {
				t.Errorf("the plan does not say what it may cost:\n%s", said)
			}
		})
	}
}

// rank is the place of a row in the order that the contract names (section 4):
// the profile's own scheme, what explains or proves, NTLM without its binding, and
// the comparisons last.
func rank(l Logon) int {
	switch {
	case l.When == IfOffered, l.When == ByTicket && l.Scheme == Ticket && l.Binding == evidence.BindingNone:
		return 0
	case l.When == WithoutBinding:
		return 2
	case l.When == ToCompare, l.When == TicketAgain:
		return 3
	}
	return 1
}

// followsPlan checks that every use of the credential was planned, in the order
// of the plan at each address, and that the printed plan says so in that order.
func followsPlan(t *testing.T, p Plan, r evidence.Record) {
	t.Helper()
	said, rest := p.String(), p.String()
	for _, row := range p.Logons {
		_, after, found := strings.Cut(rest, ". "+row.String()+"\n")
		if rest = after; !found {
			t.Errorf("%q is not printed in its place:\n%s", row, said)
		}
	}
	next := map[string]int{} // row at an address
	for _, item := range r.Items {
		l := item.Logon
		if l == nil || l.Result == evidence.Skipped || l.Result == evidence.Unfinished && !l.Counted || // no credential went
			item.Request != nil && item.Request.Purpose != "" || item.Discovery != nil {
			continue
		}
		row := next[item.Address]
		for row < len(p.Logons) && !plans(p.Logons[row], l) {
			row++
		}
		if next[item.Address] = row; row == len(p.Logons) {
			t.Errorf("%s %s %s (%s) was sent, which is not planned there:\n%s", l.Scheme, l.Mechanism, l.Binding, l.Result, said)
			return
		}
	}
}

// plans says whether a row is the one of a logon that was sent.
func plans(row Logon, l *evidence.Logon) bool {
	scheme := map[string]Scheme{"Basic": Basic, "NTLM": Windows, "Negotiate": Windows, evidence.SchemeLDAPS: Directory, evidence.SchemeKerberos: Ticket}[l.Scheme]
	switch {
	case l.Mechanism == evidence.MechanismKerberos && row.Scheme == Ticket:
		scheme = Ticket
	case l.Scheme == evidence.SchemeKerberos: // at the domain controller, for the ticket
		return row.Scheme == Ticket
	case row.Scheme == CurrentUser:
		return true
	}
	comparison := row.When == ToCompare || row.When == TicketAgain
	return row.Scheme == scheme && row.Binding == l.Binding && row.OtherForm == l.OtherForm && comparison == l.Comparison
}
