package report

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/probe/rule"
)

// seenGroup are lines of what was seen in one place; "" where there is but one.
type seenGroup struct {
	Where string
	Lines [][2]string
}

// seenGroups are all of them, in their order.
func seenGroups(r Report, s Style) []seenGroup {
	v := view{r, s}
	about := func(name string) seenGroup { return seenGroup{"", rows(name, v)} }
	list := []seenGroup{about("seen-profile")}
	if r.Target.FromAddress != "" {
		list = append(list, about("seen-autodiscover")) // it came first
	}
	for _, n := range r.Nodes {
		where := n.Address
		if len(r.Nodes) == 1 {
			where = ""
		}
		list = append(list, seenGroup{where, v.at(n.Address)})
	}
	if len(r.Nodes) == 0 {
		list = append(list, seenGroup{"", v.at("")})
	}
	list = append(list, seenGroup{"the domain controller", rows("seen-directory", v)}, about("seen-outside"))
	if r.Target.FromAddress == "" {
		list = append(list, about("seen-autodiscover"))
	}
	return slices.DeleteFunc(list, func(g seenGroup) bool { return len(g.Lines) == 0 })
}

// view is a report in a style, as words.tmpl tells what was seen. Its texts are harmless.
type view struct {
	Report
	Style
}

// Tight says whether a line is folded, so that its end is cut first.
func (v view) Tight() bool { return v.tight >= folding }

// seenAt is what was seen at an address.
type seenAt struct {
	view
	Items       []evidence.Item // before the logons, and beside them
	Logons      []logon
	Further     []evidence.Item // calls after the sign-in
	Nodes       []rule.Node
	Certificate *evidence.TLS
}

// at are the lines of one address: what was asked and what came back.
func (v view) at(address string) [][2]string { return repeated(rows("seen-at", v.seenAt(address))) }

func (v view) seenAt(address string) seenAt {
	seen := seenAt{view: v}
	further := map[string]bool{}
	for _, item := range v.Evidence {
		if item.Step == evidence.StepResolve && address == "" {
			seen.Items = append(seen.Items, item)
		}
		if item.Address != address || item.Step.Cloud() || item.Step.Autodiscover() || item.Step == evidence.StepResolve {
			continue
		}
		if seen.Certificate == nil && item.TLS != nil && item.TLS.Certificate != nil {
			seen.Certificate = item.TLS
		}
		if q := item.Request; q != nil && q.Purpose != "" {
			further[item.ID] = true
			seen.Further = append(seen.Further, item)
		} else if item.Logon == nil {
			seen.Items = append(seen.Items, item)
		}
	}
	for _, a := range v.Attempts {
		if a.Address == address && a.Service != "autodiscover" && !further[a.ID] && !(v.tight > folding && shownBelow(v.Report, a)) {
			seen.Logons = append(seen.Logons, v.logon(a))
		}
	}
	for _, n := range v.Report.Nodes {
		if !v.Whole {
			n.Server.NetBIOSDomain = "" // it would take a line
		}
		if n.Address == address {
			seen.Nodes = append(seen.Nodes, n)
		}
	}
	return seen
}

// repeated are the lines with equal ones that follow each other told once.
func repeated(lines [][2]string) (told [][2]string) {
	for i := 0; i < len(lines); {
		n := 1
		for i+n < len(lines) && lines[i+n] == lines[i] {
			n++
		}
		if n > 1 {
			lines[i][1] += fmt.Sprintf(" (%d times)", n)
		}
		told, i = append(told, lines[i]), i+n
	}
	return told
}

// JudgedByBearer: what an OAuth profile is judged by, and the only offer of a server
// that takes tokens alone.
func (v view) JudgedByBearer() bool {
	return v.Target.ProfileAuth == "oauth" || v.Verdict.Code == "no-scheme"
}

// shownBelow says whether a logon was made for the line of Extended Protection.
func shownBelow(r Report, a rule.Attempt) bool {
	return (a.Binding == evidence.BindingNone || a.Binding == evidence.BindingForeign) && slices.ContainsFunc(r.Nodes, func(n rule.Node) bool {
		return n.Address == a.Address && n.Server.ExtendedProtection != ""
	})
}

// authorizer says whether a Bearer challenge names where to get a token.
func authorizer(r *evidence.Response) string {
	c, ok := front.Offer(r, "Bearer")
	if !ok {
		return ""
	}
	if uri, ok := c.Param("authorization_uri"); ok && uri != "" {
		return "; tokens from " + uri
	}
	return "; names no authorization_uri"
}

// logon is an attempt, as the template of that name tells it: what came back, when it was
// sent, how it ended. In a glance the account is named only where it is not the one that
// was asked for.
type logon struct {
	rule.Attempt
	Whole  bool
	Named  bool   // its account is told
	Clock  string // when it was sent
	Answer string // of EWS to one that was accepted
}

func (v view) logon(a rule.Attempt) logon {
	l := logon{a, v.Whole, v.Whole || !strings.EqualFold(a.Account, v.Target.User), v.clock(a.At), ""}
	for _, item := range v.Evidence {
		if item.ID == a.ID && a.Result == string(evidence.Accepted) && item.EWS.Answered() {
			l.Answer = item.EWS.Code
		}
	}
	return l
}

// Discovering is the logon at Autodiscover that an item is.
func (v view) Discovering(item evidence.Item) logon {
	i := slices.IndexFunc(v.Attempts, func(a rule.Attempt) bool { return a.ID == item.ID })
	if i < 0 {
		return v.logon(rule.Attempt{})
	}
	l := v.logon(v.Attempts[i])
	if v.tight >= folding && l.Result == string(evidence.Accepted) && v.Autodiscover != nil && v.Autodiscover.EwsURL != "" {
		l.Why = "" // the URL has a line of its own
	}
	return l
}

// schemeOf is a scheme with what was inside it.
func schemeOf(a rule.Attempt) string {
	if a.Mechanism != "" && a.Mechanism != a.Scheme {
		return a.Scheme + "/" + a.Mechanism
	}
	return a.Scheme
}

// Name is the scheme with what was inside it.
func (l logon) Name() string { return schemeOf(l.Attempt) }

// LookUps are the items outside the network, in the order in which they are shown.
func (v view) LookUps() []evidence.Item {
	list := slices.DeleteFunc(slices.Clone(v.Evidence), func(item evidence.Item) bool {
		return stepOrder(item.Step) < 0 || item.Cloud == nil && item.Step != evidence.StepHMAToken
	})
	slices.SortStableFunc(list, func(a, b evidence.Item) int { return cmp.Compare(stepOrder(a.Step), stepOrder(b.Step)) })
	return list
}

// SameAsChecked compares a URL with that of the target as Exchange does, without case and
// usual port.
func (v view) SameAsChecked(to string) bool {
	normal := func(s string) string {
		u, err := url.Parse(strings.ToLower(s))
		if err != nil {
			return s
		}
		return u.Scheme + "://" + u.Hostname() + ":" + strings.TrimPrefix(u.Port(), "443") + u.Path
	}
	return normal(to) == normal(v.Target.URL)
}
