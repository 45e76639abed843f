package report

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/rule"
)

// seenOfAutodiscover are the lines of Autodiscover: each endpoint and what came
// back, then what it says of EWS.
func seenOfAutodiscover(r Report, s Style) [][2]string {
	var lines pairs
	add := lines.add
	attempts := map[string]rule.Attempt{}
	for _, a := range r.Attempts {
		attempts[a.ID] = a
	}
	for _, item := range r.Evidence {
		switch item.Step {
		case evidence.StepAutodiscoverSCP:
			add("Autodiscover", "%s", servicePoints(item))
		case evidence.StepAutodiscoverAsk:
			add("Autodiscover", "%s: %s", asked(item.Request, item), outcome(item))
		case evidence.StepAutodiscoverLookup:
			add("Autodiscover", "%s: %s", asked(item.Request, item), strings.TrimSpace(outcome(item)+", "+discovered(item.Discovery)))
		case evidence.StepAutodiscoverLogon:
			add("  "+item.Logon.Scheme, "%s", attempt(r, attempts[item.ID], s))
		case evidence.StepAutodiscoverService:
			names := "no SRV record"
			if f := item.Error; f != nil {
				names = f.Text
			} else if n := item.Resolution; n != nil && len(n.Addresses) > 0 {
				names = strings.Join(n.Addresses, ", ")
			}
			add("Autodiscover", "%s: -    %s", nameOf(item), names)
		case evidence.StepAutodiscoverResolve:
			if f := item.Error; f != nil {
				add("Autodiscover", "%s: -    %s", nameOf(item), f.Text)
			}
		case evidence.StepAutodiscoverSkipped:
			if l := item.Logon; l != nil {
				what := "not sent"
				if l.Result != evidence.Skipped {
					what = l.Scheme + " " + string(l.Result)
				}
				add("  sign-in", "-    %s: %s", what, l.Why)
			} else if d := item.Discovery; d != nil {
				add("Autodiscover", "%s: -    %s", d.Endpoint, discovered(d))
			}
		}
	}
	if a := r.Autodiscover; a != nil && a.EwsURL != "" {
		same := "as checked"
		switch {
		case r.Target.URL == "":
			same = "not checked"
		case !sameEndpoint(a.EwsURL, r.Target.URL):
			same = "not the one checked"
		}
		add("EWS URL named", "%s, %s", a.EwsURL, same)
	}
	if a := r.Autodiscover; a != nil && a.PrimarySMTP != "" {
		add("primary address", "%s", a.PrimarySMTP)
	}
	return lines
}

func nameOf(item evidence.Item) string {
	if item.Resolution == nil {
		return "a name"
	}
	return item.Resolution.Name
}

func asked(r *evidence.Request, item evidence.Item) string {
	switch {
	case r != nil:
		return r.URL
	case item.Discovery != nil:
		return item.Discovery.Endpoint
	}
	return item.Address
}

// sameEndpoint compares URLs as Exchange does, without case and usual port.
func sameEndpoint(a, b string) bool {
	normal := func(s string) string {
		u, err := url.Parse(strings.ToLower(s))
		if err != nil {
			return s
		}
		return u.Scheme + "://" + u.Hostname() + ":" + strings.TrimPrefix(u.Port(), "443") + u.Path
	}
	return normal(a) == normal(b)
}

// servicePoints is what the search for service connection points found, in a
// line.
func servicePoints(item evidence.Item) string {
	p := item.Points
	if p == nil {
		return ""
	}
	s := "service connection points"
	if p.Domain != "" {
		s += " in " + p.Domain
	}
	switch {
	case p.Why != "":
		return s + ": -    " + p.Why
	case len(p.Points) == 0:
		return s + ": none"
	}
	var urls []string
	for _, one := range p.Points {
		where := map[evidence.Nearness]string{evidence.NearOwn: " (own site)", evidence.NearOther: " (other site)"}[one.Place]
		if one.Pointer {
			where = " (pointer)"
		}
		if line := one.URL + where; !slices.Contains(urls, line) {
			urls = append(urls, line)
		}
	}
	const most = 5
	if more := len(urls) - most; more > 0 {
		urls = append(urls[:most], fmt.Sprintf("%d more", more))
	}
	return s + ": " + strings.Join(urls, ", ")
}

// discovered is what an answer of Autodiscover says, in a few words.
func discovered(d *evidence.Discovery) string {
	switch {
	case d == nil:
		return ""
	case d.HeldBack != "":
		return "not asked: " + strings.ReplaceAll(string(d.HeldBack), "-", " ")
	case d.RedirectAddr != "":
		return "Autodiscover redirects to the address " + d.RedirectAddr
	case d.RedirectURL != "":
		return "Autodiscover redirects to " + d.RedirectURL
	case d.ErrorCode != "":
		return "Autodiscover answers error " + d.ErrorCode
	case d.EwsURL != "":
		return "Autodiscover names " + d.EwsURL
	}
	return ""
}
