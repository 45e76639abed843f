package diff

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
)

// part is something of a record that can be shown, and put from one record into
// another.
type part struct {
	what string
	show func(evidence.Record) []string
	put  func(into, from evidence.Record) evidence.Record
}

// allParts are in the order in which a check learns them: what was asked for,
// what answered, what was let in, what the mailbox said, what others say.
var allParts = []part{
	setting("URL", "URL", "Host"),
	setting("addresses", "Addresses", "EveryAddress"),
	setting("seen from", "View"),
	setting("scheme of the profile", "ProfileAuth"),
	setting("account", "User", "Ticket", "CurrentUser", "Domain"),
	setting("a credential may be sent", "Credentials"),
	setting("mailbox", "Mailbox", "Impersonate", "FromAddress"),
	setting("--insecure", "Insecure"),
	setting("look-ups outside the network", "Cloud", "DynamicsURL", "Tenant", "Token"),
	{
		what: "accepted findings",
		show: func(rec evidence.Record) []string {
			var list []string
			for _, a := range rec.Target.Accepted {
				list = append(list, strings.TrimSpace(fmt.Sprintf("%s until %s %s", a.Code, a.Until, a.Host)))
			}
			return list
		},
		put: setting("", "Accepted").put,
	},
	{
		what: "exported Dynamics profile",
		show: func(rec evidence.Record) []string { return evidence.Facts(rec.Target.Profile) },
		put: func(into, from evidence.Record) evidence.Record {
			into.Target.Profile = from.Target.Profile
			return swap(into, from, steps(evidence.StepProfile))
		},
	},
	{
		what: "day of the check",
		show: func(rec evidence.Record) []string { return []string{rec.Started.UTC().Format("2006-01-02")} },
		put: func(into, from evidence.Record) evidence.Record {
			into.Started = from.Started
			return into
		},
	},
	items("name resolution", steps(evidence.StepResolve, evidence.StepAddressFamily)),
	{what: "TLS and certificate", show: shownTLS, put: putTLS},
	items("answer to the anonymous request", steps(evidence.StepAnonymous, evidence.StepUserAgent)),
	items("answer to an empty Bearer token", steps(evidence.StepEmptyBearer)),
	items("NTLM challenge", steps(evidence.StepNTLMNegotiate, evidence.StepKeepTest)),
	items("logons by Basic and what EWS answered", func(i *evidence.Item) bool { return atEWS(i) && i.Logon.Scheme == "Basic" }),
	items("logons by NTLM or Negotiate and what EWS answered", func(i *evidence.Item) bool { return atEWS(i) && i.Logon.Scheme != "Basic" }),
	items("further calls after the sign-in", func(i *evidence.Item) bool {
		return i.Request != nil && i.Request.Purpose != "" && !i.Step.Autodiscover()
	}),
	items("Autodiscover", func(i *evidence.Item) bool { return i.Step.Autodiscover() }),
	items("domain controllers", (*evidence.Item).AtDirectory),
	items("look-ups in the cloud", func(i *evidence.Item) bool { return i.Step.Cloud() }),
}

func steps(list ...evidence.Step) func(*evidence.Item) bool {
	return func(i *evidence.Item) bool { return slices.Contains(list, i.Step) }
}

// beside: a step that did not talk to the endpoint.
func beside(i *evidence.Item) bool { return i.Step.Cloud() || i.Step.Autodiscover() || i.AtDirectory() }

// atEWS: a logon of the check's own at EWS, made or not.
func atEWS(i *evidence.Item) bool {
	return i.Logon != nil && !i.AtDirectory() && !i.Step.Autodiscover() && (i.Request == nil || i.Request.Purpose == "")
}

// setting is a part of what was asked for: fields of the target.
func setting(what string, fields ...string) part {
	return part{
		what: what,
		show: func(rec evidence.Record) []string {
			var list []string
			for _, name := range fields {
				switch v := reflect.ValueOf(rec.Target).FieldByName(name).Interface().(type) {
				case string:
					list = append(list, v)
				case bool:
					list = append(list, map[bool]string{true: "yes"}[v])
				case []string:
					list = append(list, strings.Join(v, ", "))
				}
			}
			return slices.Compact(slices.DeleteFunc(list, func(s string) bool { return s == "" }))
		},
		put: func(into, from evidence.Record) evidence.Record {
			for _, name := range fields {
				reflect.ValueOf(&into.Target).Elem().FieldByName(name).Set(reflect.ValueOf(from.Target).FieldByName(name))
			}
			return into
		},
	}
}

// items is the part of a record that these items are.
func items(what string, which func(*evidence.Item) bool) part {
	return part{
		what: what,
		show: func(rec evidence.Record) []string {
			var list []string
			several := len(places(rec)) > 1
			for i := range rec.Items {
				item := &rec.Items[i]
				if !which(item) {
					continue
				}
				s := described(item)
				if several && s != "" && item.Address != "" {
					s = item.Address + ": " + s
				}
				list = append(list, s)
			}
			return unique(list)
		},
		put: func(into, from evidence.Record) evidence.Record { return swap(into, from, which) },
	}
}

// places are the addresses of the endpoint that a record talked to, in the order
// in which they first occur.
func places(rec evidence.Record) []string {
	var list []string
	for _, item := range rec.Items {
		if item.Step == evidence.StepAnonymous {
			list = append(list, item.Address)
		}
	}
	return unique(list)
}

// unique are the texts of a list, each once, without empty ones.
func unique(list []string) (texts []string) {
	for _, s := range list {
		if s != "" && !slices.Contains(texts, s) {
			texts = append(texts, s)
		}
	}
	return texts
}

// swap gives a record the items of another one in place of its own of that kind.
// They come to stand at its own addresses, first to first.
func swap(into, from evidence.Record, which func(*evidence.Item) bool) evidence.Record {
	own, theirs := places(into), places(from)
	meant := func(item evidence.Item) bool { return which(&item) }
	list := slices.DeleteFunc(slices.Clone(into.Items), meant)
	at := slices.IndexFunc(into.Items, meant)
	if at < 0 {
		at = len(list)
	}
	var come []evidence.Item
	for _, item := range from.Items {
		if !which(&item) {
			continue
		}
		item.ID = "other-" + item.ID
		if item.Connection != 0 { // those of two records are not the same
			item.Connection += 10000
		}
		if i := slices.Index(theirs, item.Address); i >= 0 && len(own) > 0 {
			item.Address = own[min(i, len(own)-1)]
		}
		come = append(come, item)
	}
	into.Items = slices.Insert(list, at, come...)
	return into
}

func shownTLS(rec evidence.Record) []string {
	var list []string
	for i := range rec.Items {
		item := &rec.Items[i]
		t := item.TLS
		if beside(item) {
			continue
		}
		if item.Error != nil && item.Error.Phase == "tls" {
			list = append(list, item.Error.Text)
		}
		if t != nil && t.Certificate != nil {
			list = append(list, strings.Join(evidence.Facts(*t), ", "))
		}
	}
	return unique(list)
}

// putTLS gives every step of EWS the handshake that the other record saw first,
// and the other's steps about cipher suites.
func putTLS(into, from evidence.Record) evidence.Record {
	suites := steps(evidence.StepLegacySuites, evidence.StepDataverseTLS)
	ews := func(i *evidence.Item) bool { return i.TLS != nil && !suites(i) && !beside(i) }
	at := slices.IndexFunc(from.Items, func(i evidence.Item) bool { return ews(&i) })
	into = swap(into, from, suites)
	for i := range into.Items {
		if item := &into.Items[i]; at >= 0 && ews(item) {
			item.TLS = from.Items[at].TLS // the list is swap's own copy
		}
	}
	return into
}

// described is an item by what came of it, and by what its headers say of who
// answered.
func described(i *evidence.Item) string {
	var parts []string
	switch {
	case !i.Step.Autodiscover():
	case i.Request != nil:
		parts = append(parts, i.Request.URL)
	case i.Resolution != nil:
		parts = append(parts, i.Resolution.Name)
	}
	c := *i
	c.Step = ""
	if i.Resolution != nil { // in any order
		c.Resolution = &evidence.Resolution{Addresses: slices.Sorted(slices.Values(i.Resolution.Addresses))}
	}
	return strings.Join(append(append(parts, evidence.Facts(c)...), answerer(i.Response)...), ", ")
}

// answerer is what the rules read in the headers of an answer: the schemes, where
// it leads to, who it is of.
func answerer(r *evidence.Response) []string {
	if r == nil {
		return nil
	}
	var parts []string
	if names := front.Names(front.Offers(r)); len(names) > 0 {
		parts = append(parts, "offers "+strings.Join(names, ", "))
	}
	bearer, _ := front.Offer(r, "Bearer")
	if uri, _ := bearer.Param("authorization_uri"); uri != "" {
		parts = append(parts, "authorization_uri "+uri)
	}
	if to := r.First("Location"); to != "" {
		parts = append(parts, "to "+to)
	}
	who := front.Identify(r)
	switch {
	case who.Online:
		parts = append(parts, "Exchange Online, by "+who.OnlineSign)
	case who.Exchange:
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("Exchange %s %s", who.FrontEnd, who.Version)))
	}
	if who.Device != "" {
		parts = append(parts, "in front: "+who.Device)
	}
	return parts
}
