package probe

import (
	"cmp"
	"context"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/ews/signin"
	"github.com/ewsprobe/ewsprobe/ews/wire"
	"github.com/ewsprobe/ewsprobe/probe/lockout"
)

// Limits of the search.
const (
	maxRedirects = 10 // of every kind together
	maxAddresses = 3  // of one host, until one can be connected to
	maxServices  = 2  // SRV records
)

// autodiscoverSearch is the search for EWS by Autodiscover. Every endpoint is first asked
// without a credential; only an answer that asks for one may get it, and only
// where it may go (credentialPolicy). One 401 decides nothing: the next candidate is tried.
type autodiscoverSearch struct {
	*run
	mailbox string          // whom the question is about
	ews     *url.URL        // what was found
	settled bool            // an answer that ends the search, found or not
	restart string          // the address to begin again with
	hops    int             // redirects so far
	asked   map[string]bool // endpoints
}

// discover makes the search, or asks the endpoint that was named, and returns
// the EWS URL that was found, nil if none was.
func (r *run) discover(ctx context.Context, share time.Duration) *url.URL {
	ctx, cancel := context.WithTimeout(ctx, share)
	defer cancel()
	l := &autodiscoverSearch{run: r, mailbox: r.Config.discoveryMailbox(), asked: map[string]bool{}}
	candidatePlaces := l.candidatePlaces()
	if r.Config.Autodiscover != nil {
		candidatePlaces = []place{{url: r.Config.Autodiscover}}
	}
	for l.tryCandidates(ctx, candidatePlaces); l.restart != ""; l.tryCandidates(ctx, candidatePlaces) {
		l.mailbox, l.restart = l.restart, ""
		candidatePlaces = l.candidatePlaces()
	}
	return l.ews
}

// discoveryMailbox is the address that Autodiscover is asked about.
func (c Config) discoveryMailbox() string { return cmp.Or(c.FromAddress, c.Mailbox, c.User) }

// candidatePlaces are the endpoints that the mailbox's domain suggests, in the order of
// [MS-OXDISCO] and of what Exchange's own clients do. The service connection
// points in Active Directory come before all of them (servicePoints), and SRV
// after (tryCandidates).
func (l *autodiscoverSearch) candidatePlaces() []place {
	domain := domainOf(l.mailbox)
	at := func(scheme, host string) place {
		return place{url: &url.URL{Scheme: scheme, Host: host, Path: ews.AutodiscoverPath}, direct: true}
	}
	return []place{at("https", domain), at("https", "autodiscover."+domain), at("http", "autodiscover."+domain)}
}

// tryCandidates asks the candidates without a credential, beside each other and beside the
// domain controller, and then goes through the answers in their order.
func (l *autodiscoverSearch) tryCandidates(ctx context.Context, candidatePlaces []place) {
	first := make([]*endpointAnswer, len(candidatePlaces))
	var services []place
	var points *evidence.ServicePoints
	var wg sync.WaitGroup
	for i, p := range candidatePlaces {
		l.asked[endpointKey(p.url)] = true
		wg.Go(func() { first[i] = l.ask(ctx, p) })
	}
	if len(candidatePlaces) > 1 {
		wg.Go(func() { services = l.services(ctx) })
		wg.Go(func() { points = l.servicePoints(ctx, candidatePlaces) })
	}
	wg.Wait()
	first = l.before(ctx, first, l.pointed(points))
	defer func() {
		for _, a := range first {
			a.close()
		}
	}()
	for _, a := range first {
		l.take(ctx, a)
	}
	for _, p := range services {
		if !l.over(ctx) && !l.asked[endpointKey(p.url)] {
			l.asked[endpointKey(p.url)] = true
			l.take(ctx, l.ask(ctx, p))
		}
	}
}

func (l *autodiscoverSearch) over(ctx context.Context) bool {
	return l.settled || l.restart != "" || ctx.Err() != nil
}

// services are the endpoints that SRV records name.
func (l *autodiscoverSearch) services(ctx context.Context) []place {
	ctx, cancel := context.WithTimeout(ctx, l.patience())
	defer cancel()
	domain := domainOf(l.mailbox)
	item := evidence.Item{Step: evidence.StepAutodiscoverService, At: time.Now()}
	hosts, fail := l.Config.resolver().Service(ctx, domain)
	hosts = hosts[:min(len(hosts), maxServices)]
	item.Error, item.Resolution = fail, &evidence.Resolution{Name: "_autodiscover._tcp." + domain, Addresses: hosts}
	l.recorder.Add(item)
	var places []place
	for _, h := range hosts {
		u := &url.URL{Scheme: "https", Host: strings.TrimSuffix(h, ":443"), Path: ews.AutodiscoverPath}
		if front.OnlineHost(u.Hostname()) {
			l.recordSkipped(u.String(), evidence.HeldOnline)
			continue
		}
		places = append(places, place{url: u})
	}
	return places
}

// endpointAnswer is an endpoint and its anonymous answer.
type endpointAnswer struct {
	place
	client *ews.Client
	item   evidence.Item
	conn   *wire.Conn // still open, else nil
}

func (a *endpointAnswer) close() {
	if a != nil {
		a.conn.Close()
		a.conn = nil
	}
}

// patience is how long one endpoint may take for one answer.
func (l *autodiscoverSearch) patience() time.Duration {
	return max(min(l.Config.Timeout/6, 5*time.Second), time.Second/2)
}

// ask sends the anonymous question, to the first address of the host that can be
// connected to.
func (l *autodiscoverSearch) ask(ctx context.Context, p place) *endpointAnswer {
	ctx, cancel := context.WithTimeout(ctx, l.patience())
	defer cancel()
	a := &endpointAnswer{place: p}
	for _, address := range l.addressesOf(ctx, p.url) {
		a.client = l.discoverer(p.url, address)
		a.item, a.conn = a.client.AskWhere(ctx, l.Config.UserAgent)
		if a.item.Error == nil || a.item.Error.Phase != "connect" {
			break
		}
	}
	return a
}

// addressesOf are the addresses of an endpoint. What --address says holds for
// EWS, and for Autodiscover where it is at the same host and port.
func (l *autodiscoverSearch) addressesOf(ctx context.Context, u *url.URL) []string {
	host, port := u.Hostname(), wire.Port(u)
	switch {
	case l.Config.URL != nil && len(l.Config.Addresses) > 0 && wire.SameHost(u, l.Config.URL):
		return l.Config.Addresses[:min(len(l.Config.Addresses), maxAddresses)]
	case net.ParseIP(host) != nil, l.Config.Proxy != nil:
		return []string{net.JoinHostPort(host, port)}
	}
	return l.resolve(ctx, evidence.StepAutodiscoverResolve, host, port, maxAddresses)
}

// discoverer is the client for an endpoint at an address. It never goes past an
// untrusted certificate.
func (l *autodiscoverSearch) discoverer(u *url.URL, address string) *ews.Client {
	c := l.client(address)
	form := evidence.DiscoveryPOX
	if strings.HasSuffix(strings.ToLower(u.Path), ".svc") {
		form = evidence.DiscoverySOAP // autodiscover.svc is the SOAP service ([MS-OXWSADISC])
	}
	c.URL, c.Discover = u, &ews.Discover{Form: form, Mailbox: l.mailbox}
	c.Dialer = l.dialer.ForHost(u.Hostname(), u.Scheme == "https")
	switch p := l.Config.Proxy; {
	case p == nil:
	case u.Scheme == "https", p.Scheme == "https":
		c.Dialer.Proxy = p
	default:
		c.ViaProxy, c.Address = true, wire.ProxyAddress(p)
	}
	return c
}

// take goes on from an anonymous answer: along redirects, or with the question.
func (l *autodiscoverSearch) take(ctx context.Context, a *endpointAnswer) {
	chain := map[string]bool{endpointKey(a.url): true}
	for a != nil && !l.over(ctx) {
		next := l.examine(ctx, a)
		a.close()
		if next == "" || l.over(ctx) {
			return
		}
		a = l.onward(ctx, a.place, next, chain)
	}
}

// examine looks at what an endpoint said, asks it about the mailbox where that
// is allowed, and returns where it leads on to, "" nowhere.
func (l *autodiscoverSearch) examine(ctx context.Context, a *endpointAnswer) string {
	r := a.item.Response
	switch {
	case r == nil:
		return ""
	case r.Status/100 == 3 && r.Status != 304:
		return r.First("Location")
	case a.url.Scheme != "https":
		return "" // over http nothing but a redirect is of use
	case r.Status == 401:
		return l.question(ctx, a)
	case a.item.Discovery.Answered():
		// It answers without a sign-in. The mailbox is named only where the
		// credential might have gone too.
		if l.Config.credentialPolicy(a.place, r) != "" {
			return ""
		}
		return l.readAnswer(a.client.LookUp(ctx, l.Config.UserAgent))
	case r.Status != 404 && r.Status != 405:
	case l.Config.credentialPolicy(a.place, r) == "" && strings.EqualFold(a.url.Path, ews.AutodiscoverPath):
		// POX is not there: SOAP may be.
		u := *a.url
		u.Path = ews.AutodiscoverSOAPPath
		if l.asked[endpointKey(&u)] {
			return ""
		}
		l.asked[endpointKey(&u)] = true
		second := l.ask(ctx, place{url: &u, direct: a.direct, within: a.within})
		defer second.close()
		if p := second.item.Response; p != nil && p.Status == 401 {
			return l.question(ctx, second)
		}
	}
	return ""
}

// question asks about the mailbox where a sign-in is wanted.
func (l *autodiscoverSearch) question(ctx context.Context, a *endpointAnswer) string {
	held := l.Config.credentialPolicy(a.place, a.item.Response)
	if !l.Config.SendsPassword() {
		if held != "" {
			l.recordSkipped(a.url.String(), held)
			return ""
		}
		if !strings.Contains(l.mailbox, "@") {
			return "" // there is nobody to ask about
		}
		c := *a.client
		c.URL, c.Discover = ews.JSONLookup(a.url, l.mailbox), &ews.Discover{Form: evidence.DiscoveryJSON, Mailbox: l.mailbox}
		limited, cancel := context.WithTimeout(ctx, l.patience())
		defer cancel()
		return l.readAnswer(c.LookUp(limited, l.Config.UserAgent))
	}
	scheme, why := l.passwordScheme(a.item.Response)
	switch {
	case held != "":
		l.withhold(a.client.Address, a.url, held, evidence.Logon{Scheme: scheme, Detail: evidence.Say(heldWhy[held])})
		return ""
	case scheme == "":
		l.withhold(a.client.Address, a.url, evidence.HeldNoScheme, evidence.Logon{Detail: why})
		return ""
	}
	budget := l.account.Budget(ctx, lockout.Use{At: a.url})
	defer budget.Close()
	if denied := budget.Reserve(); denied != nil {
		l.withhold(a.client.Address, a.url, evidence.HeldBudget, evidence.Logon{
			Scheme: scheme, Account: denied.Account, Detail: denied.Detail, Remembered: denied.Remembered(),
		})
		return ""
	}
	item := l.signIn(ctx, a, scheme, budget)
	switch item.Logon.Result {
	case evidence.Refused:
		if item.Response.Locked() {
			l.account.Settle(evidence.Say("locked"))
		}
		if l.refusedByOwn() {
			l.account.Settle(evidence.Say("refused-by-controller"))
		}
	case evidence.Accepted:
		l.provedAside = true
		return l.readAnswer(item)
	}
	if r := item.Response; r != nil && r.Status/100 == 3 {
		return r.First("Location")
	}
	return ""
}

// passwordScheme is what an answer lets the password be sent by: Basic, which asks the
// least of what is on the way, else NTLM, also inside Negotiate. Where the profile signs
// in by NTLM or Negotiate, Basic is only for explaining a refusal, as it is at EWS: it
// shows the password to whatever ends TLS. With "" it says why there is none.
func (l *autodiscoverSearch) passwordScheme(answer *evidence.Response) (scheme string, none *evidence.Detail) {
	none = evidence.Say("no-password-scheme")
	for _, name := range signin.PasswordSchemes() {
		_, offered := front.Offer(answer, name)
		switch {
		case !offered:
		case name == "Basic" && l.Config.ntlmFirst() && l.account.Refused() == 0:
			none = evidence.Say("basic-of-another-profile", l.Config.ProfileAuth)
		default:
			return name, nil
		}
	}
	return "", none
}

// signIn spends the credential once. It is a logon like any other: counted from
// the moment it is sent until it is accepted.
func (l *autodiscoverSearch) signIn(ctx context.Context, a *endpointAnswer, scheme string, budget *lockout.Budget) evidence.Item {
	ctx, cancel := context.WithTimeout(ctx, 2*l.patience())
	defer cancel()
	way, conn := signin.ByPassword(scheme), a.conn
	a.conn = nil
	var note evidence.Logon
	if !way.Traits.EachRequest {
		conn.Close()
		conn, note.Binding = nil, evidence.BindingRight
	}
	attempt := way.Begin(ctx, a.client, l.Config.UserAgent)
	if conn != nil {
		attempt.On(conn)
	}
	defer attempt.Close()
	return attempt.Finish(ctx, note, budget)
}

// readAnswer reads an answer about the mailbox.
func (l *autodiscoverSearch) readAnswer(item evidence.Item) string {
	d := item.Discovery
	if !d.Answered() {
		return ""
	}
	switch {
	case d.RedirectAddr != "":
		l.readdressed(d.RedirectAddr)
	case d.RedirectURL != "":
		return d.RedirectURL
	case d.ErrorCode == "500" || d.ErrorCode == "InvalidUser":
		l.settled = true // Exchange answered: it does not know the address
	case d.ErrorCode == "" && d.EwsURL != "":
		switch u, held := usable(d.EwsURL); {
		case held != "":
			l.recordSkipped(d.EwsURL, held)
		case l.Config.FromAddress != "" && l.Config.ProfileAuth != "oauth" && front.OnlineHost(u.Hostname()):
			l.recordSkipped(d.EwsURL, evidence.HeldOnline)
			l.settled = true
		default:
			l.ews, l.settled = u, true
		}
	}
	return ""
}

// readdressed: the mailbox is to be asked for under another address. One of
// Exchange Online ends the search, for that is the answer; another one is gone
// after only with leave, for its domain is not the user's.
func (l *autodiscoverSearch) readdressed(address string) {
	l.hops++
	switch domain := domainOf(address); {
	case strings.HasSuffix("."+domain, ".onmicrosoft.com"), !strings.Contains(address, "@"):
	case !l.Config.FollowAutodiscover:
		l.recordSkipped("https://autodiscover."+domain+ews.AutodiscoverPath, evidence.HeldUnnamed)
	case l.hops > maxRedirects:
		l.recordSkipped("https://autodiscover."+domain+ews.AutodiscoverPath, evidence.HeldTooMany)
	default:
		l.restart = address
		return
	}
	l.settled = true
}

// onward asks where a redirect leads to, if that may be.
func (l *autodiscoverSearch) onward(ctx context.Context, from place, location string, chain map[string]bool) *endpointAnswer {
	l.hops++
	u, held := (*url.URL)(nil), evidence.HeldUnusable
	if to, err := from.url.Parse(location); err == nil { // it may be relative (RFC 9110 10.2.2)
		u, held = usable(to.String())
	}
	switch {
	case held != "":
	case l.hops > maxRedirects:
		held = evidence.HeldTooMany
	case u.Scheme != "https":
		held = evidence.HeldNotHTTPS
	case front.OnlineHost(u.Hostname()):
		held = evidence.HeldOnline
	case front.SignIn(u.String()) != "":
		held = evidence.HeldSignInPage
	case chain[endpointKey(u)]:
		held = evidence.HeldLoop
	}
	if held != "" {
		l.recordSkipped(location, held)
		return nil
	}
	chain[endpointKey(u)] = true
	if l.asked[endpointKey(u)] {
		return nil // a candidate of its own, or reached on another way
	}
	l.asked[endpointKey(u)] = true
	return l.ask(ctx, place{url: u, direct: from.direct && wire.SameHost(from.url, u), within: from.within})
}

// usable reads a URL that a server wrote.
func usable(raw string) (*url.URL, evidence.HeldBack) {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.User != nil || len(raw) > 2048 {
		return nil, evidence.HeldUnusable
	}
	u.Scheme, u.Host, u.Fragment = strings.ToLower(u.Scheme), strings.ToLower(u.Host), ""
	if u.Scheme != "https" && u.Scheme != "http" {
		return nil, evidence.HeldUnusable
	}
	return u, ""
}

func endpointKey(u *url.URL) string {
	return u.Scheme + "://" + net.JoinHostPort(dnsName(u.Hostname()), wire.Port(u)) + strings.ToLower(u.EscapedPath()) + "?" + u.RawQuery
}

// recordSkipped writes down a way that was not gone.
func (l *autodiscoverSearch) recordSkipped(endpoint string, held evidence.HeldBack) {
	l.recorder.Add(evidence.Item{
		Step: evidence.StepAutodiscoverSkipped, At: time.Now(), Discovery: &evidence.Discovery{Endpoint: endpoint, HeldBack: held},
	})
}

// withhold writes down a logon that was not sent.
func (r *run) withhold(address string, u *url.URL, held evidence.HeldBack, note evidence.Logon) {
	note.OtherForm = note.Account != ""
	note.Account, note.Result = cmp.Or(note.Account, r.Config.User), evidence.Skipped
	note.Detail = evidence.Say("at-host", u.Host, note.Detail)
	r.recorder.Add(evidence.Item{
		Step: evidence.StepAutodiscoverSkipped, Address: address, At: time.Now(),
		Discovery: &evidence.Discovery{Endpoint: u.String(), HeldBack: held}, Logon: &note,
	})
}

var heldWhy = map[evidence.HeldBack]evidence.DetailCode{
	evidence.HeldUnnamed:    "host-unnamed",
	evidence.HeldNoExchange: "host-not-exchange",
	evidence.HeldOnline:     "host-online",
	evidence.HeldNotHTTPS:   "host-not-https",
}
