package probe

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/challenge"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/ews/signin"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

// node is one address and what it said to the anonymous questions.
type node struct {
	*run
	address   string
	client    *ews.Client
	userAgent string
	reply     evidence.Item // the anonymous POST
	bearer    evidence.Item
	conn      *wire.Conn      // still open after reply, else nil
	handshake *signin.Attempt // type 1 answered; may be spent once
	session   signin.FollowUp // of accepted logons
	// challenged is what the server's NTLM challenge said of itself, nil if
	// there was none.
	challenged *evidence.NTLM
	offers     []challenge.Challenge
	// refusedAtLogon are the user agents under which a logon was answered 403.
	refusedAtLogon []string
}

// askAddress asks an address the anonymous questions: the three steps run beside each
// other, each on a connection of its own.
func (r *run) askAddress(ctx context.Context, address string, connect time.Duration) *node {
	n := &node{run: r, address: address, client: r.client(address), userAgent: r.Config.UserAgent}
	n.client.ConnectLimit = connect
	n.client.ViaProxy = r.Config.Proxy != nil && r.dialer.Proxy == nil
	if n.client.ViaProxy {
		n.client.Address = wire.ProxyAddress(r.Config.Proxy)
	}
	n.ask(ctx)
	if n.wantsCookie() {
		n.close()
		n.ask(ctx)
	}
	if agents := !r.Config.NoUserAgentProbe && !n.online(); agents && n.reply.Request != nil && ews.Lost(n.reply) {
		n.tryDynamicsAgents(ctx)
	} else if agents && n.reply.Response != nil && n.reply.Response.Status == http.StatusForbidden {
		n.tryDynamicsAgents(ctx)
	}
	n.legacySuites(ctx)
	return n
}

// wantsCookie: the answer leads back to the same URL and sets a cookie, which has to
// come with the request.
func (n *node) wantsCookie() bool {
	r := n.reply.Response
	if r == nil || r.Status/100 != 3 || r.First("Set-Cookie") == "" || n.online() {
		return false
	}
	to, err := n.Config.URL.Parse(r.First("Location"))
	return err == nil && strings.EqualFold(to.Host, n.Config.URL.Host) && strings.EqualFold(to.Path, n.Config.URL.Path)
}

// ask sends the anonymous POST and, over TLS, the two steps beside it. These are
// not waited for much longer than the POST took: they explain, they do not
// decide.
func (n *node) ask(ctx context.Context) {
	aside, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	var beside sync.WaitGroup
	for _, q := range n.plan.questions {
		if q.ask != nil && n.dialer.TLS {
			beside.Go(func() { q.ask(aside, n) })
		}
	}
	n.reply, n.conn = n.patiently(ctx)
	if n.reply.Response == nil {
		giveUp(wire.ErrGivenUp())
	} else {
		stop := time.AfterFunc(max(n.Config.Timeout/6, time.Second), func() { giveUp(wire.ErrGivenUp()) })
		defer stop.Stop()
		n.offers = front.Offers(n.reply.Response)
	}
	beside.Wait()
	if n.dialer.TLS && n.asksCredential() && !n.online() && !n.offersScheme("NTLM") && n.offersScheme("Negotiate") {
		// Windows answers a raw type 1 inside Negotiate as well.
		n.handshake.Close()
		n.handshake = signin.ByNTLM("Negotiate").Begin(aside, n.client, n.userAgent)
	}
	n.askOtherFrontEnds(ctx)
	if h := n.handshake; h != nil && h.Item.NTLM != nil && h.Item.NTLM.Problem == "" {
		n.challenged = h.Item.NTLM
	}
}

// askOtherFrontEnds asks anonymously again, on new connections and without the cookies that
// bind a client to one server, while front ends have answered of which it is not
// known what they offer.
func (n *node) askOtherFrontEnds(ctx context.Context) {
	const most = 4
	for range most {
		if ctx.Err() != nil || n.online() || n.reply.Response.First("X-FEServer") == "" || !n.unaskedFrontEnd() {
			return
		}
		n.askAside(ctx)
	}
}

// unaskedFrontEnd says whether a front end has answered at the address, to whatever it
// was, that has not answered the anonymous question.
func (n *node) unaskedFrontEnd() bool {
	known, met := map[string]bool{"": true}, []string(nil)
	for _, item := range n.recorder.Items() {
		if item.Address != n.address || item.Step.Autodiscover() {
			continue
		}
		name := strings.ToLower(item.Response.First("X-FEServer"))
		if item.Step == evidence.StepAnonymous {
			known[name] = true
		}
		met = append(met, name)
	}
	return slices.ContainsFunc(met, func(s string) bool { return !known[s] })
}

// askAside asks anonymously on a connection of its own, as a client that was never
// here before.
func (n *node) askAside(ctx context.Context) {
	client := *n.client
	client.Cookies = &wire.Cookies{}
	_, conn := client.Anonymous(ctx, n.userAgent, evidence.StepAnonymous)
	conn.Close()
}

// balanced: something that spreads connections over servers has shown itself, and one
// server alone has answered. It may have chosen the same one each time.
func (n *node) balanced() bool {
	return !n.online() && n.reply.Response.First("X-FEServer") != "" && slices.ContainsFunc(n.answers(), front.Balanced)
}

// unsteady: EWS answers at the address, and some of the connections ended without an answer
// or brought an error.
func (n *node) unsteady() bool {
	return n.asksCredential() && slices.ContainsFunc(n.recorder.Items(), func(item evidence.Item) bool {
		return item.Address == n.address && faulty(item)
	})
}

// faulty: the connection ended without an answer, or the answer is a server's error and no
// EWS.
func faulty(item evidence.Item) bool {
	return ews.Lost(item) || item.Response != nil && item.Response.Status >= 500 && !item.EWS.Answered()
}

// askMore asks at once a few times more where a balancer or a fault has shown itself: of
// two servers that take connections at random, one is missed once in a hundred runs.
func (n *node) askMore(ctx context.Context) {
	const more = 4
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	var asks sync.WaitGroup
	for range more {
		asks.Go(func() { n.askAside(ctx) })
	}
	asks.Wait()
}

// patiently repeats the POST while the server asks for patience and the time allows it, and
// twice where the connection ended without an answer or a server failed: a fault most often
// meets one connection, a rule every one.
func (n *node) patiently(ctx context.Context) (item evidence.Item, conn *wire.Conn) {
	again := 2
	item = ews.Retry(ctx, 0, func() evidence.Item {
		conn.Close()
		item, conn = n.client.Anonymous(ctx, n.userAgent, evidence.StepAnonymous)
		return item
	}, func(item evidence.Item) (time.Duration, bool) {
		if wait, asked := ews.Unavailable(item.Response); asked {
			return wait, true
		}
		again--
		return 0, again >= 0 && item.Request != nil && faulty(item)
	})
	return item, conn
}

// legacySuites asks, after a failed handshake, for the suites that Dataverse
// accepts and Go does not have.
func (n *node) legacySuites(ctx context.Context) {
	f := n.reply.Error
	if f == nil || f.Phase != "tls" || f.Detail.Is("certificate-unread", "tls-unread") ||
		f.Code != evidence.TLSHandshake && f.Code != evidence.ConnectionReset && f.Code != evidence.ConnectionClosed {
		return
	}
	item := evidence.Item{Step: evidence.StepLegacySuites, Address: n.address, At: time.Now()}
	item.TLS, item.Error = n.dialer.LegacySuite(ctx, n.client.Address)
	n.recorder.Add(item)
}

// dataverseTLS asks whether the server would agree on what Dataverse accepts.
// That is needed only where the handshake that was made does not show it.
func (n *node) dataverseTLS(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	item := evidence.Item{Step: evidence.StepDataverseTLS, Address: n.address, At: time.Now()}
	item.TLS, item.Error = n.dialer.OfferDataverse(limited, n.client.Address)
	n.recorder.Add(item)
}

// doubtfulTLS: the handshake was made with something that Dataverse does not
// accept.
func (n *node) doubtfulTLS() bool {
	t := n.reply.TLS
	return n.reply.Response != nil && t != nil && t.CipherSuite != "" && !wire.DataverseAccepts(t.CipherSuite)
}

func (n *node) connected() bool {
	return n.reply.Response != nil || n.reply.Error == nil || n.reply.Error.Phase != "connect"
}

// online says whether Exchange Online answered any of the questions.
func (n *node) online() bool {
	is := func(r *evidence.Response) bool { return front.Identify(r).Online }
	return front.OnlineHost(n.Config.URL.Hostname()) || slices.ContainsFunc(n.answers(), is)
}

// answers are those to the anonymous questions.
func (n *node) answers() []*evidence.Response {
	list := []*evidence.Response{n.reply.Response, n.bearer.Response}
	if n.handshake != nil {
		list = append(list, n.handshake.Item.Response)
	}
	return list
}

// asks: EWS asks for what the check signs in with.
func (n *node) asks() bool { return n.asksCredential() && !n.Config.sendsToken() || n.asksToken() }

// asksCredential: EWS answered 401 and offered at least one scheme.
func (n *node) asksCredential() bool {
	r := n.reply.Response
	return r != nil && r.Status == http.StatusUnauthorized && len(n.offers) > 0
}

func (n *node) offersScheme(name string) bool {
	_, ok := challenge.Find(n.offers, name)
	return ok
}

func (n *node) close() {
	n.conn.Close()
	n.handshake.Close()
	n.session.Close()
	n.conn, n.handshake = nil, nil
}

// syncFirst is the user agent of synchronization if it is in the list, else the first.
func syncFirst(agents []string) string {
	if i := slices.IndexFunc(agents, evidence.SyncAgent); i > 0 {
		return agents[i]
	}
	return append(agents, "")[0]
}

// tryDynamicsAgents asks again, once under each of Dynamics' user agents, after
// the tool's own was refused with 403: Exchange, and devices in front of it, can
// allow and block by agent. The check goes on under one that passes, that of
// synchronization before any other.
func (n *node) tryDynamicsAgents(ctx context.Context) {
	var passing []string
	for _, agent := range n.Config.DynamicsAgents {
		item, conn := n.client.Anonymous(ctx, agent, evidence.StepUserAgent)
		conn.Close()
		if item.Response != nil && item.Response.Status != http.StatusForbidden {
			passing = append(passing, agent)
		}
	}
	if len(passing) == 0 {
		return
	}
	n.close()
	n.userAgent = syncFirst(passing)
	n.ask(ctx)
}

// nextAgent is the user agent under which a logon that was answered 403 is made
// again: each of Dynamics' once, that of synchronization first, since one more
// logon may be all that is allowed. "" when none is left.
func (n *node) nextAgent() string {
	n.refusedAtLogon = append(n.refusedAtLogon, n.userAgent)
	if n.Config.NoUserAgentProbe {
		return ""
	}
	return syncFirst(slices.DeleteFunc(slices.Clone(n.Config.DynamicsAgents), func(agent string) bool {
		return slices.Contains(n.refusedAtLogon, agent)
	}))
}
