package diff

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/challenge"
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
	setting("URL", func(t *evidence.Target) []any { return []any{&t.URL, &t.Host} }),
	setting("addresses", func(t *evidence.Target) []any { return []any{&t.Addresses, &t.EveryAddress} }),
	setting("seen from", func(t *evidence.Target) []any { return []any{&t.View} }),
	setting("profile signs in by", func(t *evidence.Target) []any { return []any{&t.ProfileAuth} }),
	setting("account", func(t *evidence.Target) []any { return []any{&t.User, &t.Ticket, &t.CurrentUser, &t.Domain} }),
	setting("a credential may be sent", func(t *evidence.Target) []any { return []any{&t.Credentials} }),
	setting("mailbox", func(t *evidence.Target) []any { return []any{&t.Mailbox, &t.Impersonate, &t.FromAddress} }),
	setting("--insecure", func(t *evidence.Target) []any { return []any{&t.Insecure} }),
	setting("look-ups outside the network", func(t *evidence.Target) []any { return []any{&t.Cloud, &t.DynamicsURL, &t.Tenant, &t.Token} }),
	{
		what: "accepted findings",
		show: func(rec evidence.Record) []string {
			var list []string
			for _, a := range rec.Target.Accepted {
				list = append(list, strings.TrimSpace(fmt.Sprintf("%s until %s %s", a.Code, a.Until, a.Host)))
			}
			return list
		},
		put: func(into, from evidence.Record) evidence.Record {
			into.Target.Accepted = from.Target.Accepted
			return into
		},
	},
	{
		what: "exported Dynamics profile",
		show: func(rec evidence.Record) []string { return profileOf(rec.Target.Profile) },
		put: func(into, from evidence.Record) evidence.Record {
			into.Target.Profile = from.Target.Profile
			return swap(into, from, func(i *evidence.Item) bool { return i.Step == evidence.StepProfile })
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
	items("name resolution", resolution, func(i *evidence.Item) bool {
		return i.Step == evidence.StepResolve || i.Step == evidence.StepAddressFamily
	}),
	{what: "TLS and certificate", show: shownTLS, put: putTLS},
	items("answer to the anonymous request", answered, func(i *evidence.Item) bool {
		return i.Step == evidence.StepAnonymous || i.Step == evidence.StepUserAgent
	}),
	items("answer to an empty Bearer token", answered, func(i *evidence.Item) bool { return i.Step == evidence.StepEmptyBearer }),
	items("NTLM challenge", challenged, func(i *evidence.Item) bool {
		return i.Step == evidence.StepNTLMNegotiate || i.Step == evidence.StepKeepTest
	}),
	items("logons by Basic and what EWS answered", loggedOn, func(i *evidence.Item) bool { return atEWS(i) && i.Logon.Scheme == "Basic" }),
	items("logons by NTLM or Negotiate and what EWS answered", loggedOn, func(i *evidence.Item) bool { return atEWS(i) && i.Logon.Scheme != "Basic" }),
	items("further calls after the sign-in", further, func(i *evidence.Item) bool {
		return i.Request != nil && i.Request.Purpose != "" && !i.Step.Autodiscover()
	}),
	items("Autodiscover", discovered, func(i *evidence.Item) bool { return i.Step.Autodiscover() }),
	items("domain controllers", directory, func(i *evidence.Item) bool { return i.AtDirectory() }),
	items("look-ups in the cloud", lookedUp, func(i *evidence.Item) bool { return i.Step.Cloud() }),
}

// atEWS: a logon of the check's own at EWS, made or not.
func atEWS(i *evidence.Item) bool {
	return i.Logon != nil && !i.AtDirectory() && !i.Step.Autodiscover() && (i.Request == nil || i.Request.Purpose == "")
}

// setting is a part of what was asked for.
func setting(what string, fields func(*evidence.Target) []any) part {
	return part{
		what: what,
		show: func(rec evidence.Record) []string {
			var list []string
			for _, f := range fields(&rec.Target) {
				switch v := f.(type) {
				case *string:
					list = append(list, *v)
				case *bool:
					if *v {
						list = append(list, "yes")
					} else {
						list = append(list, "")
					}
				case *[]string:
					list = append(list, strings.Join(*v, ", "))
				}
			}
			list = slices.DeleteFunc(list, func(s string) bool { return s == "" })
			return slices.Compact(list)
		},
		put: func(into, from evidence.Record) evidence.Record {
			theirs := fields(&from.Target)
			for i, f := range fields(&into.Target) {
				switch v := f.(type) {
				case *string:
					*v = *theirs[i].(*string)
				case *bool:
					*v = *theirs[i].(*bool)
				case *[]string:
					*v = *theirs[i].(*[]string)
				}
			}
			return into
		},
	}
}

// items is the part of a record that these items are.
func items(what string, say func(*evidence.Item) string, which func(*evidence.Item) bool) part {
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
				s := say(item)
				if several && s != "" && item.Address != "" {
					s = item.Address + ": " + s
				}
				if s != "" && !slices.Contains(list, s) {
					list = append(list, s)
				}
			}
			return list
		},
		put: func(into, from evidence.Record) evidence.Record { return swap(into, from, which) },
	}
}

// places are the addresses of the endpoint that a record talked to, in the order
// in which they first occur.
func places(rec evidence.Record) []string {
	var list []string
	for i := range rec.Items {
		item := &rec.Items[i]
		if item.Step == evidence.StepAnonymous && item.Address != "" && !slices.Contains(list, item.Address) {
			list = append(list, item.Address)
		}
	}
	return list
}

// swap gives a record the items of another one in place of its own of that kind.
// They come to stand at its own addresses, first to first.
func swap(into, from evidence.Record, which func(*evidence.Item) bool) evidence.Record {
	own, theirs := places(into), places(from)
	var list []evidence.Item
	at := -1
	for _, item := range into.Items {
		if which(&item) {
			if at < 0 {
				at = len(list)
			}
			continue
		}
		list = append(list, item)
	}
	if at < 0 {
		at = len(list)
	}
	var come []evidence.Item
	for _, item := range from.Items {
		if !which(&item) {
			continue
		}
		item.ID = "other-" + item.ID
		item.Connection = elsewhere(item.Connection)
		if i := slices.Index(theirs, item.Address); i >= 0 && len(own) > 0 {
			item.Address = own[min(i, len(own)-1)]
		}
		come = append(come, item)
	}
	into.Items = slices.Insert(list, at, come...)
	return into
}

// elsewhere keeps connections of two records apart.
func elsewhere(connection int) int {
	if connection == 0 {
		return 0
	}
	return connection + 10000
}

func shownTLS(rec evidence.Record) []string {
	var list []string
	add := func(s string) {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	for i := range rec.Items {
		item := &rec.Items[i]
		t := item.TLS
		if item.Step.Cloud() || item.Step.Autodiscover() || item.AtDirectory() {
			continue
		}
		if item.Error != nil && item.Error.Phase == "tls" {
			add(item.Error.Text)
		}
		if t == nil || t.Certificate == nil {
			continue
		}
		state := "trusted"
		if !t.Trusted() {
			state = "not trusted: " + t.Problems[0].Code
		}
		add(fmt.Sprintf("%s %s, SHA-256 %s of %s, valid until %s, %s", t.Version, t.CipherSuite, t.Certificate.SHA256, t.Certificate.Issuer, t.Certificate.NotAfter.UTC().Format("2006-01-02"), state))
	}
	return list
}

// putTLS gives every leg of EWS the handshake that the other record saw first,
// and the other's legs about cipher suites.
func putTLS(into, from evidence.Record) evidence.Record {
	suites := func(i *evidence.Item) bool {
		return i.Step == evidence.StepLegacySuites || i.Step == evidence.StepDataverseTLS
	}
	ews := func(i *evidence.Item) bool {
		return i.TLS != nil && !suites(i) && !i.Step.Cloud() && !i.Step.Autodiscover() && !i.AtDirectory()
	}
	at := slices.IndexFunc(from.Items, func(i evidence.Item) bool { return ews(&i) })
	into = swap(into, from, suites)
	for i := range into.Items {
		if item := &into.Items[i]; at >= 0 && ews(item) {
			item.TLS = from.Items[at].TLS // the list is swap's own copy
		}
	}
	return into
}

func profileOf(p *evidence.Profile) []string {
	if p == nil {
		return nil
	}
	var list []string
	add := func(name, value string) {
		if value != "" {
			list = append(list, name+": "+value)
		}
	}
	add("name", p.Name)
	add("server type", p.ServerType.Name())
	for name, s := range map[string]evidence.ProfileSide{"incoming": p.Incoming, "outgoing": p.Outgoing} {
		add(name+" location", s.Location)
		add(name+" protocol", s.Protocol.Name())
		add(name+" credentials", s.Credentials.Name())
		add(name+" user", s.User)
		if s.Impersonation != nil {
			add(name+" impersonation", fmt.Sprint(*s.Impersonation))
		}
	}
	add("last test", p.LastTest.Saw())
	slices.Sort(list)
	return list
}

func failed(i *evidence.Item) string {
	if i.Error == nil {
		return ""
	}
	return i.Error.Text
}

func resolution(i *evidence.Item) string {
	if i.Resolution == nil {
		return failed(i)
	}
	addresses := slices.Clone(i.Resolution.Addresses)
	slices.Sort(addresses)
	return strings.TrimSpace(strings.Join(addresses, ", ") + " " + failed(i))
}

// answered is an answer by what the rules look at: status, schemes, who it is.
func answered(i *evidence.Item) string {
	r := i.Response
	if r == nil {
		return failed(i)
	}
	parts := []string{fmt.Sprintf("HTTP %d", r.Status)}
	var names []string
	for _, c := range challenge.Parse(r.Header("WWW-Authenticate")) {
		names = append(names, c.Scheme)
	}
	if len(names) > 0 {
		parts = append(parts, "offers "+strings.Join(names, ", "))
	}
	if c, ok := challenge.Find(challenge.Parse(r.Header("WWW-Authenticate")), "Bearer"); ok {
		if uri, _ := c.Param("authorization_uri"); uri != "" {
			parts = append(parts, "authorization_uri "+uri)
		}
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
	if r.Page != nil && r.Page.Title != "" {
		parts = append(parts, fmt.Sprintf("a page titled %q", r.Page.Title))
	}
	if i.EWS.Answered() {
		parts = append(parts, "EWS answers "+i.EWS.Code)
	}
	if i.Error != nil {
		parts = append(parts, "then "+i.Error.Text)
	}
	return strings.Join(parts, ", ")
}

func challenged(i *evidence.Item) string {
	n := i.NTLM
	switch {
	case n == nil && i.Response != nil:
		return fmt.Sprintf("HTTP %d", i.Response.Status)
	case n == nil:
		return failed(i)
	case n.Problem != "":
		return n.Problem
	}
	s := fmt.Sprintf("%s in %s, Windows build %s", n.NetBIOSComputer, n.NetBIOSDomain, n.OSBuild)
	if n.ClockSkewMS != nil {
		if skew := (time.Duration(*n.ClockSkewMS) * time.Millisecond).Round(time.Minute); skew != 0 {
			s += ", clock off by " + skew.String()
		}
	}
	return s
}

func loggedOn(i *evidence.Item) string {
	l := i.Logon
	s := l.Scheme
	if l.Mechanism != "" && l.Mechanism != l.Scheme {
		s += "/" + l.Mechanism
	}
	if l.Binding != "" {
		s += " with binding " + l.Binding
	}
	s += ": " + string(l.Result)
	if l.Status != 0 {
		s += fmt.Sprintf(", HTTP %d", l.Status)
	}
	if i.EWS.Answered() {
		s += ", EWS answers " + i.EWS.Code
	} else if l.Why != "" {
		s += ", " + l.Why
	}
	return s
}

func further(i *evidence.Item) string {
	s := i.Request.Operation + " (" + string(i.Request.Purpose) + "): "
	if i.EWS.Answered() {
		s += i.EWS.Code
		for _, e := range i.EWS.Resolved {
			s += ", " + e.Address
		}
		return strings.TrimSpace(s)
	}
	return s + answered(i)
}

func discovered(i *evidence.Item) string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	switch {
	case i.Request != nil:
		add("%s", i.Request.URL)
	case i.Resolution != nil:
		add("%s", i.Resolution.Name)
	}
	if l := i.Logon; l != nil {
		add("%s %s", l.Scheme, l.Result)
	}
	if d := i.Discovery; d != nil {
		for _, s := range []string{d.Endpoint, string(d.HeldBack), d.ErrorCode, d.RedirectAddr, d.RedirectURL, d.EwsURL, d.PrimarySMTP} {
			if s != "" {
				add("%s", s)
			}
		}
	}
	if i.Response != nil {
		add("HTTP %d", i.Response.Status)
	}
	if i.Error != nil {
		add("%s", i.Error.Text)
	}
	return strings.Join(parts, ", ")
}

func directory(i *evidence.Item) string {
	var parts []string
	if l := i.Logon; l != nil {
		parts = append(parts, l.Scheme+" "+string(l.Result))
	}
	if k := i.Kerberos; k != nil {
		parts = append(parts, k.Error, k.NTStatus, k.Text, k.Why)
	}
	if b := i.Bind; b != nil {
		if b.Data != "" {
			parts = append(parts, "data "+b.Data)
		}
		parts = append(parts, b.Why)
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}

func lookedUp(i *evidence.Item) string {
	c := i.Cloud
	if c == nil {
		return failed(i)
	}
	parts := []string{strings.TrimPrefix(string(i.Step), "cloud-"), string(c.Location), c.Redirect, c.Tenant, c.Code, c.Problem, failed(i)}
	if c.NoTenant {
		parts = append(parts, "in no tenant")
	}
	for _, u := range c.Users {
		parts = append(parts, "user "+u.Principal)
		for _, p := range u.Plans {
			parts = append(parts, "plan "+p.ID+" "+p.Status)
		}
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}
