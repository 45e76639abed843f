// Package redact takes out of a record what names its owner, and leaves what a
// verdict hangs on. A record goes in, a record comes out, and every report is
// made of the second.
//
// What is kept is named; everything else goes. Nothing is searched for: a text
// of which nothing is known is replaced by a number, and the same text has the
// same number in the whole run.
//
//	mail.contoso.com           host-1.domain-1.example     the part below a domain stays below it
//	EX01, ex01.contoso.com     host-2, host-2.domain-1.example
//	10.0.0.11:443              192.0.2.1:443               documentation addresses (RFC 5737, RFC 3849); loopback stays
//	CONTOSO\svc, svc@contoso.com, the mailbox svc@…        nt-1\account-1, account-1@domain-1.example
//	a tenant, any GUID         00000000-0000-0000-0000-000000000001; Microsoft's own applications stay
//	a certificate              certificate-1, its names as hosts, CN=issuer-1, its dates
//	a cookie, an unknown header, an unknown step of a path   cookie-1, X-Header-1, path-1
//	any other word             [text-1]
//
// What the rules look at, and so stays: the names of Microsoft's clouds (what
// stands in front of them goes: a tenant's name), "autodiscover", builds and
// versions, the names of schemes, of known headers, of the cookies by which
// devices are told apart, the parts of paths by which sign-in pages are told,
// codes of EWS, of Kerberos and of Entra, HRESULTs, and in sentences the words
// that this program uses itself. Bodies of answers go. Times stay.
//
// Pure functions on data: no file, no clock, no network.
package redact

import (
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"sync"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Redactor gives out placeholders. The same name has the same placeholder for as
// long as the Redactor lives. Safe for concurrent use.
type Redactor struct {
	mu     sync.Mutex
	tables map[string]table
	forms  []string // of placeholders, by their number in the tables
	seed   maphash.Seed
}

// table holds what was met, by a hash of it: a batch has a hundred thousand
// mailboxes. Two names that share a hash of 64 bits would share a placeholder,
// and say less than they should, never more.
type table map[uint64]place

type place struct {
	number int32
	form   uint8
}

// New returns a Redactor that knows nothing yet.
func New() *Redactor { return &Redactor{tables: map[string]table{}, seed: maphash.MakeSeed()} }

// numbered is the placeholder of a text in one of the tables, made by format of
// its number where the text is new. Case is no difference.
func (r *Redactor) numbered(table, format, text string) string {
	p := r.placed(table, format, text)
	return fmt.Sprintf(r.forms[p.form], p.number)
}

func (r *Redactor) placed(name, form, text string) place {
	t := r.tables[name]
	if t == nil {
		t = table{}
		r.tables[name] = t
	}
	key := maphash.String(r.seed, strings.ToLower(text))
	p, ok := t[key]
	if !ok {
		at := slices.Index(r.forms, form)
		if at < 0 {
			at = len(r.forms)
			r.forms = append(r.forms, form)
		}
		p = place{int32(len(t) + 1), uint8(at)}
		t[key] = p
	}
	return p
}

// met is the placeholder that a text already has in a table.
func (r *Redactor) met(table, text string) (string, bool) {
	p, ok := r.tables[table][maphash.String(r.seed, strings.ToLower(text))]
	if !ok {
		return "", false
	}
	return fmt.Sprintf(r.forms[p.form], p.number), true
}

// Record is the record without what names its owner.
func (r *Redactor) Record(rec evidence.Record) evidence.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	rec.Target = r.target(rec.Target)
	items := make([]evidence.Item, len(rec.Items))
	for i, item := range rec.Items {
		items[i] = r.item(item)
	}
	rec.Items = items
	if rec.Stopped != "" && rec.Stopped != evidence.StoppedByUser {
		rec.Stopped = r.words(rec.Stopped)
	}
	return rec
}

// Target learns the names of a check before it begins, so that they have the
// first numbers.
func (r *Redactor) Target(t evidence.Target) evidence.Target {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.target(t)
}

// Item is one item, for whoever tells the story while it happens.
func (r *Redactor) Item(item evidence.Item) evidence.Item {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.item(item)
}

// Text is a text of this program's own, of one or more lines, with the names in
// it replaced.
func (r *Redactor) Text(s string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.words(s)
}

// Mailbox is the placeholder of an address.
func (r *Redactor) Mailbox(s string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mail(s)
}

// User is the placeholder of an account's name.
func (r *Redactor) User(s string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.user(s)
}

// Host is the placeholder of a server's name.
func (r *Redactor) Host(s string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.host(s)
}

// Word is a word of a closed list of this program's own, such as a code. In a
// file from elsewhere it may be anything, and what has not the form of one goes.
func (r *Redactor) Word(s string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.vocabularyWord(s)
}

func (r *Redactor) target(t evidence.Target) evidence.Target {
	t.URL = r.url(t.URL)
	t.Host = r.host(t.Host)
	t.User = r.user(t.User)
	t.Mailbox = r.mail(t.Mailbox)
	t.Addresses = each(t.Addresses, r.endpoint)
	t.ProfileAuth, t.View, t.Ticket = r.vocabularyWord(t.ProfileAuth), r.vocabularyWord(t.View), r.vocabularyWord(t.Ticket)
	t.Domain = r.host(t.Domain)
	t.UserAgent = r.agent(t.UserAgent)
	t.DynamicsURL = r.url(t.DynamicsURL)
	t.Tenant = r.tenant(t.Tenant)
	t.Autodiscover = r.url(t.Autodiscover)
	t.FromAddress = r.mail(t.FromAddress)
	t.Profile = r.profile(t.Profile)
	accepted := make([]evidence.Acceptance, len(t.Accepted))
	for i, a := range t.Accepted {
		accepted[i] = evidence.Acceptance{Code: r.vocabularyWord(a.Code), Host: r.host(a.Host), Mailbox: r.mail(a.Mailbox), Reason: r.words(a.Reason), Until: r.keep(a.Until, dateLike)}
	}
	if t.Accepted != nil {
		t.Accepted = accepted
	}
	return t
}

func each(list []string, f func(string) string) []string {
	if list == nil {
		return nil
	}
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = f(s)
	}
	return out
}

// part is a copy of what a pointer points to, changed; nil stays nil.
func part[T any](p *T, change func(*T)) *T {
	if p == nil {
		return nil
	}
	c := *p
	change(&c)
	return &c
}

func (r *Redactor) item(i evidence.Item) evidence.Item {
	if !itemID.MatchString(i.ID) {
		i.ID = r.numbered("id", "item-%d", i.ID)
	}
	i.Step = evidence.Step(r.vocabularyWord(string(i.Step)))
	i.Address = r.endpoint(i.Address)
	i.ClosedBy = r.words(i.ClosedBy)
	// What has a form first: the sentences after it may repeat the names.
	i.TLS = part(i.TLS, r.tls)
	i.NTLM = part(i.NTLM, r.ntlm)
	i.Resolution = part(i.Resolution, func(n *evidence.Resolution) {
		n.Name, n.Addresses = r.host(n.Name), each(n.Addresses, r.endpoint)
	})
	i.Request = part(i.Request, r.request)
	i.Response = part(i.Response, r.response)
	i.EWS = part(i.EWS, r.ews)
	i.Discovery = part(i.Discovery, r.discovery)
	i.Points = part(i.Points, r.servicePoints)
	i.Cloud = part(i.Cloud, r.cloud)
	i.Kerberos = part(i.Kerberos, r.kerberos)
	i.Bind = part(i.Bind, func(b *evidence.Bind) {
		b.Data = r.keep(b.Data, hexadecimal)
		b.Problem = evidence.Problem(r.vocabularyWord(string(b.Problem)))
		b.Message, b.Why = r.words(b.Message), r.words(b.Why)
	})
	i.Logon = part(i.Logon, func(l *evidence.Logon) {
		l.Scheme, l.Mechanism, l.Binding = r.scheme(l.Scheme), r.scheme(l.Mechanism), r.vocabularyWord(l.Binding)
		l.Account, l.Why = r.user(l.Account), r.words(l.Why)
		l.Result = evidence.Result(r.vocabularyWord(string(l.Result)))
	})
	i.Error = part(i.Error, func(f *evidence.Failure) {
		f.Code, f.Phase = evidence.FailureCode(r.vocabularyWord(string(f.Code))), r.vocabularyWord(f.Phase)
		f.Text = r.words(f.Text)
	})
	i.Sentences(func(text *string, d **evidence.Detail) {
		if *d != nil {
			*d = r.detail(**d)
			*text = (*d).String()
		}
	})
	return i
}

// detail is a sentence about placeholders.
func (r *Redactor) detail(d evidence.Detail) *evidence.Detail {
	kinds := d.Code.ArgKinds()
	args := make([]string, len(d.Args))
	for i, a := range d.Args {
		kind := evidence.ArgError
		if i < len(kinds) {
			kind = kinds[i]
		}
		args[i] = r.argument(kind, a)
	}
	out := evidence.Detail{Code: evidence.DetailCode(r.vocabularyWord(string(d.Code)))}
	if d.Args != nil {
		out.Args = args
	}
	for _, inner := range d.Inner {
		out.Inner = append(out.Inner, *r.detail(inner))
	}
	return &out
}

func (r *Redactor) argument(kind, a string) string {
	switch kind {
	case "host", "endpoint":
		return r.endpoint(a)
	case "service":
		return r.service(a)
	case "issuer":
		return r.whole("issuer", "CN=issuer-%d", a)
	case evidence.ArgHosts:
		if a == "" {
			return ""
		}
		return strings.Join(each(strings.Split(a, ", "), r.certified), ", ")
	case evidence.ArgFailure:
		return r.vocabularyWord(a)
	}
	return r.words(a)
}

func (r *Redactor) tls(t *evidence.TLS) {
	t.Version, t.CipherSuite = r.words(t.Version), r.keep(t.CipherSuite, suite)
	t.ServerName = r.host(t.ServerName)
	t.Certificate = part(t.Certificate, func(c *evidence.Certificate) {
		c.SHA256 = r.whole("certificate", "certificate-%d", c.SHA256)
		c.Subject = r.whole("subject", "CN=subject-%d", c.Subject)
		c.Issuer = r.whole("issuer", "CN=issuer-%d", c.Issuer)
		c.Names = each(c.Names, r.certified)
		c.Signature = r.keep(c.Signature, signature)
	})
	problems := make([]evidence.CertificateProblem, len(t.Problems))
	for i, p := range t.Problems {
		problems[i] = evidence.CertificateProblem{Code: r.vocabularyWord(p.Code), Text: r.words(p.Text), Detail: p.Detail}
	}
	if t.Problems != nil {
		t.Problems = problems
	}
}

func (r *Redactor) ntlm(n *evidence.NTLM) {
	n.Scheme = r.scheme(n.Scheme)
	n.NetBIOSComputer, n.DNSComputer = r.host(n.NetBIOSComputer), r.host(n.DNSComputer)
	n.NetBIOSDomain = r.whole("nt", "nt-%d", n.NetBIOSDomain)
	n.DNSDomain, n.DNSForest = r.host(n.DNSDomain), r.host(n.DNSForest)
	if n.StandAlone {
		n.TargetName = r.host(n.TargetName)
	} else {
		n.TargetName = r.whole("nt", "nt-%d", n.TargetName)
	}
	n.OSBuild = r.build(n.OSBuild)
	n.Problem = r.words(n.Problem)
}

func (r *Redactor) request(q *evidence.Request) {
	q.Method = r.keep(q.Method, method)
	q.URL = r.url(q.URL)
	q.UserAgent = r.agent(q.UserAgent)
	q.Authorization = r.words(q.Authorization)
	q.Headers = r.headers(q.Headers)
	q.Operation = r.keep(q.Operation, operation)
	q.Mailbox = r.user(q.Mailbox) // Test Connection sends a user name in its place
	q.Purpose = evidence.Purpose(r.vocabularyWord(string(q.Purpose)))
}

func (r *Redactor) response(p *evidence.Response) {
	p.Reason = r.words(p.Reason)
	p.Proto = r.keep(p.Proto, proto)
	p.Headers = r.headers(p.Headers)
	if p.Body != "" {
		p.Body, p.Withheld = "", "redacted"
	}
	p.Withheld = r.words(p.Withheld)
	p.Page = part(p.Page, func(g *evidence.Page) { g.Title = r.words(g.Title) })
}

func (r *Redactor) ews(e *evidence.EWS) {
	e.Kind = r.vocabularyWord(e.Kind)
	e.Operation, e.Class = r.keep(e.Operation, operation), r.keep(e.Class, class)
	e.Code, e.InnerCode = r.keep(e.Code, ewsCode), r.keep(e.InnerCode, ewsCode)
	e.Message, e.Problem = r.words(e.Message), r.words(e.Problem)
	e.Version = r.build(e.Version)
	e.Folder = r.keep(e.Folder, folder)
	resolved := make([]evidence.Resolved, len(e.Resolved))
	for i, one := range e.Resolved {
		resolved[i] = evidence.Resolved{Address: r.mail(one.Address), Type: r.keep(one.Type, entryType)}
	}
	if e.Resolved != nil {
		e.Resolved = resolved
	}
}

func (r *Redactor) discovery(d *evidence.Discovery) {
	d.Form, d.Action = r.vocabularyWord(d.Form), r.keep(d.Action, discoveryAction)
	d.ErrorCode = r.keep(d.ErrorCode, discoveryCode)
	d.Message, d.Problem = r.words(d.Message), r.words(d.Problem)
	d.RedirectAddr, d.PrimarySMTP = r.mail(d.RedirectAddr), r.mail(d.PrimarySMTP)
	d.RedirectURL, d.EwsURL, d.InternalEwsURL, d.Endpoint = r.url(d.RedirectURL), r.url(d.EwsURL), r.url(d.InternalEwsURL), r.url(d.Endpoint)
	d.Version = r.build(d.Version)
	d.HeldBack = evidence.HeldBack(r.vocabularyWord(string(d.HeldBack)))
}

func (r *Redactor) servicePoints(p *evidence.ServicePoints) {
	p.Domain = r.host(p.Domain)
	p.Context, p.Site = r.whole("context", "CN=Configuration,DC=domain-%d", p.Context), r.whole("site", "site-%d", p.Site)
	points := make([]evidence.ServicePoint, len(p.Points))
	for i, one := range p.Points {
		points[i] = evidence.ServicePoint{
			URL: r.url(one.URL), Pointer: one.Pointer, Place: evidence.Nearness(r.vocabularyWord(string(one.Place))),
			Sites: each(one.Sites, func(s string) string { return r.whole("site", "site-%d", s) }), Domains: each(one.Domains, r.host),
		}
	}
	if p.Points != nil {
		p.Points = points
	}
	p.Problem = evidence.Problem(r.vocabularyWord(string(p.Problem)))
	p.Why = r.words(p.Why)
}

func (r *Redactor) cloud(c *evidence.Cloud) {
	c.Host, c.Subject = r.endpoint(c.Host), r.subject(c.Subject)
	c.Location = evidence.Location(r.vocabularyWord(string(c.Location)))
	c.EWSURL, c.Redirect = r.url(c.EWSURL), r.endpoint(c.Redirect)
	c.Tenant = r.tenant(c.Tenant)
	c.Region = r.keep(c.Region, region)
	c.Instance, c.Authority = r.endpoint(c.Instance), r.endpoint(c.Authority)
	c.Code = r.keep(c.Code, cloudCode)
	c.Message, c.Problem = r.words(c.Message), r.words(c.Problem)
	users := make([]evidence.CloudUser, len(c.Users))
	for i, u := range c.Users {
		u.ID, u.Principal, u.Mail = r.tenant(u.ID), r.mail(u.Principal), r.mail(u.Mail)
		u.Addresses = each(u.Addresses, r.mail)
		plans := make([]evidence.CloudPlan, len(u.Plans))
		for k, p := range u.Plans {
			plans[k] = evidence.CloudPlan{ID: r.plan(p.ID), Status: r.keep(p.Status, planStatus)}
		}
		if u.Plans != nil {
			u.Plans = plans
		}
		users[i] = u
	}
	if c.Users != nil {
		c.Users = users
	}
}

func (r *Redactor) kerberos(k *evidence.Kerberos) {
	k.Realm = r.host(k.Realm)
	k.Principal, k.Service = r.user(k.Principal), r.service(k.Service)
	k.Error = r.keep(k.Error, kerberosError)
	k.Text, k.Why = r.words(k.Text), r.words(k.Why)
	k.NTStatus = r.keep(k.NTStatus, status)
	k.EncType = r.keep(k.EncType, encType)
	k.Problem = evidence.Problem(r.vocabularyWord(string(k.Problem)))
}

func (r *Redactor) profile(p *evidence.Profile) *evidence.Profile {
	return part(p, func(p *evidence.Profile) {
		p.Name = r.whole("profile", "profile-%d", p.Name)
		p.ServerType = r.option(p.ServerType)
		p.Incoming, p.Outgoing = r.side(p.Incoming), r.side(p.Outgoing)
		p.Tenant = r.tenant(p.Tenant)
		p.Taken = each(p.Taken, r.vocabularyWord)
		t := &p.LastTest
		t.Execution, t.Validation, t.Authorization = r.option(t.Execution), r.option(t.Validation), r.option(t.Authorization)
		for _, s := range []*string{&t.At, &t.Request, &t.Response, &t.Message, &t.SyncError, &t.SyncErrorCode} {
			*s = r.words(*s)
		}
	})
}

func (r *Redactor) side(s evidence.ProfileSide) evidence.ProfileSide {
	s.Location, s.User = r.url(s.Location), r.user(s.User)
	s.Protocol, s.Credentials = r.option(s.Protocol), r.option(s.Credentials)
	return s
}

func (r *Redactor) option(o *evidence.Option) *evidence.Option {
	return part(o, func(o *evidence.Option) { o.Label = r.words(o.Label) })
}
