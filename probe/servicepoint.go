package probe

import (
	"cmp"
	"context"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/probe/lockout"
)

// maxPoints is how many service connection points are asked: every Exchange
// server has one, and mostly they all name the same URL.
const maxPoints = 3

// asksServicePoints says whether service connection points are asked for: a domain or a
// controller is known, never from the server, and there is a password to sign in
// with, for Active Directory shows its configuration to nobody else.
func (c Config) asksServicePoints() bool {
	return c.FromAddress != "" && c.Autodiscover == nil && c.SendsPassword() && (c.Domain != "" || c.Controller != "")
}

// servicePoints looks for the service connection points, once in a run. The bind
// is a logon like any other, but the only one of the search that is sent before
// an endpoint asked for one: so what the candidates have refused before is consulted
// too.
func (l *autodiscoverSearch) servicePoints(ctx context.Context, candidatePlaces []place) *evidence.ServicePoints {
	if !l.Config.asksServicePoints() || !l.once(pointsAsked) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, l.patience())
	defer cancel()
	use := lockout.Use{At: l.Config.controllerURL()}
	for _, p := range candidatePlaces {
		if p.url.Scheme == "https" {
			use.Also = append(use.Also, p.url)
		}
	}
	leave, denied := l.account.Begin(ctx, use)
	if denied != nil {
		l.skip("", evidence.SchemeLDAPS, denied)
		points := &evidence.ServicePoints{Domain: l.Config.Domain, Detail: denied.Detail}
		l.recorder.Add(evidence.Item{Step: evidence.StepAutodiscoverSCP, At: time.Now(), Points: points})
		return nil
	}
	bind, found := l.kdc.ServicePoints(ctx, leave.End)
	l.bound = &bind
	if found.Points.Problem == "" && found.Error == nil && bind.Logon != nil && bind.Logon.Result == evidence.Accepted {
		l.forest = l.Config.Domain
	}
	return found.Points
}

// refusedByOwn says that the bind was refused by a controller which knows the
// account: this machine's own domain need not be the account's.
func (r *run) refusedByOwn() bool {
	b := r.bound
	return b != nil && b.Logon != nil && b.Logon.Result == evidence.Refused && r.decisive(*b) && b.Bind.Data != "525"
}

// controllerURL is what a refusal by a domain controller is remembered under:
// all controllers of a domain hold the same password.
func (c Config) controllerURL() *url.URL {
	host := strings.Trim(cmp.Or(c.Domain, c.Controller), "[]")
	return &url.URL{Scheme: "ldaps", Host: net.JoinHostPort(host, "636")}
}

// pointed are the endpoints that the service connection points name. They are
// the word of the domain's administrators, so the credential may go to those
// below the domain that was asked, as it may to those below the mailbox's
// (credentialPolicy). A pointer leads to another directory, and is not gone after.
func (l *autodiscoverSearch) pointed(points *evidence.ServicePoints) []place {
	if points == nil {
		return nil
	}
	var list []place
	seen := map[string]bool{}
	for _, p := range points.Points {
		if p.Pointer {
			if slices.ContainsFunc(p.Domains, func(d string) bool { return strings.EqualFold(d, domainOf(l.mailbox)) }) {
				l.recordSkipped(p.URL, evidence.HeldPointer)
			}
			continue
		}
		u, held := usable(p.URL)
		switch {
		case held != "":
		case u.Scheme != "https":
			held = evidence.HeldNotHTTPS
		case front.OnlineHost(u.Hostname()):
			held = evidence.HeldOnline
		}
		key := p.URL
		if u != nil {
			key = endpointKey(u)
		}
		if seen[key] || len(list) == maxPoints {
			continue
		}
		if seen[key] = true; held != "" {
			l.recordSkipped(p.URL, held)
			continue
		}
		list = append(list, place{url: u, direct: true, within: l.forest})
	}
	return list
}

// before puts what the service connection points name in front of the candidates. An
// endpoint that is a candidate too has been asked already, and moves up.
func (l *autodiscoverSearch) before(ctx context.Context, candidatePlaces []*endpointAnswer, points []place) []*endpointAnswer {
	order := make([]*endpointAnswer, len(points))
	var wg sync.WaitGroup
	for i, p := range points {
		key := endpointKey(p.url)
		for k, a := range candidatePlaces {
			if a != nil && endpointKey(a.url) == key {
				a.within = p.within
				order[i], candidatePlaces[k] = a, nil
			}
		}
		if order[i] == nil && !l.asked[key] {
			l.asked[key] = true
			wg.Go(func() { order[i] = l.ask(ctx, p) })
		}
	}
	wg.Wait()
	for _, a := range candidatePlaces {
		if a != nil {
			order = append(order, a)
		}
	}
	return order
}
