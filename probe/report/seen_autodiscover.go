package report

import (
	"net/url"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/rule"
)

// seenOfAutodiscover are the lines of Autodiscover: each endpoint and what came
// back, then what it says of EWS.
func seenOfAutodiscover(r Report, s Style) [][2]string {
	var lines pairs
	add := lines.add
	answer := func(item evidence.Item, said string) {
		if where := asked(item.Request, item); s.tight > 0 {
			add("Autodiscover", "%s; %s", said, where) // the end is cut first
		} else {
			add("Autodiscover", "%s: %s", where, said)
		}
	}
	attempts := map[string]rule.Attempt{}
	for _, a := range r.Attempts {
		attempts[a.ID] = a
	}
	for _, item := range r.Evidence {
		switch item.Step {
		case evidence.StepAutodiscoverSCP:
			add("Autodiscover", "%s", say("service-points", item.Points, ""))
		case evidence.StepAutodiscoverAsk:
			answer(item, outcome(item))
		case evidence.StepAutodiscoverLookup:
			answer(item, strings.TrimSpace(outcome(item)+", "+say("discovered", item.Discovery, "")))
		case evidence.StepAutodiscoverLogon:
			logon := attempts[item.ID]
			if s.tight > 0 && logon.Result == string(evidence.Accepted) && r.Autodiscover != nil && r.Autodiscover.EwsURL != "" {
				logon.Why = "" // the URL has a line of its own
			}
			add("  "+item.Logon.Scheme, "%s", attempt(r, logon, s))
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
				add("Autodiscover", "%s: -    %s", d.Endpoint, say("discovered", d, ""))
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
