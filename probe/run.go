package probe

import (
	"cmp"
	"context"
	"math"
	"net"
	"sync"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/directory"
	"github.com/ewsprobe/ewsprobe/ews/entra"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/signin"
	"github.com/ewsprobe/ewsprobe/ews/wire"
	"github.com/ewsprobe/ewsprobe/probe/lockout"
	"github.com/ewsprobe/ewsprobe/soap"
)

// Run carries out a check and returns what was seen. It always ends within
// c.Timeout and always returns a record: what a server does, and ctx being
// cancelled, is evidence, not an error. The error is for what the tool itself
// could not do and did not need (the memory of refused passwords).
func Run(ctx context.Context, c Config) (evidence.Record, error) {
	_, record, err := carryOut(ctx, c)
	return record, err
}

func carryOut(ctx context.Context, c Config) (*run, evidence.Record, error) {
	started := time.Now()
	bounded, cancel := context.WithDeadline(ctx, started.Add(c.Timeout))
	defer cancel()

	vault := c.NewVault()
	r := &run{
		Config: c, plan: NewPlan(c), account: c.Account(), begun: map[onceStep]bool{},
		recorder: ews.NewRecorder(vault, c.Follow),
		dialer:   &wire.Dialer{TLS: true, Extra: c.Extra, Public: c.Public},
	}
	r.kdc = r.newKDC()
	if c.URL != nil {
		r.dialer.Host, r.dialer.TLS, r.dialer.Insecure = c.URL.Hostname(), c.URL.Scheme == "https", c.Insecure
		r.throughProxy()
	}
	if r.dialer.TLS {
		go wire.LoadRoots()
	}
	r.recorder.Take(c.Before)
	profile := r.recorder.Profile(c.Profile, started)
	lookedUp := r.lookOutside(bounded, started)
	r.examine(bounded)
	lookedUp()

	target := r.Config.Target()
	target.Profile = profile
	target.Addresses = r.addresses
	target.EveryAddress = len(c.Addresses) > 0 || c.EachAddress
	record := evidence.Record{Started: started.UTC(), Duration: time.Since(started), Target: target, Items: r.recorder.Items()}
	if ctx.Err() != nil {
		record.Stopped = evidence.StoppedByUser
	}
	return r, record, r.account.Trouble()
}

// run is one check under way.
type run struct {
	Config    Config
	plan      Plan
	account   *lockout.Account
	recorder  *ews.Recorder
	dialer    *wire.Dialer
	addresses []string

	kdc         *directory.KDC
	bound       *evidence.Item    // the one bind at a domain controller; nil: not made
	forest      string            // the domain that has answered with service connection points
	token       signin.TokenMaker // of a Kerberos ticket
	tokens      *entra.Source     // of Entra, for EWS; nil: none is sent
	ticketOf    string            // whose ticket it is, "" the account's
	provedHere  bool              // EWS accepted a logon
	provedAside bool              // Autodiscover did
	begun       map[onceStep]bool
}

// onceStep is what a run does once, at whichever address.
type onceStep int

const (
	discovered     onceStep = iota // what --autodiscover names was asked
	pointsAsked                    // service connection points were looked for
	directoryAsked                 // why the account is refused
	ticketAsked                    // for a Kerberos ticket
	primaryAsked                   // which address of the mailbox is the primary one
	testAsked                      // what Test Connection would ask
)

// once says that what is now to be begun was not before.
func (r *run) once(what onceStep) bool {
	before := r.begun[what]
	r.begun[what] = true
	return !before
}

// throughProxy sends the connections to EWS through the proxy.
func (r *run) throughProxy() {
	if p := r.Config.Proxy; p != nil && (r.dialer.TLS || len(r.Config.Addresses) > 0 || p.Scheme == "https") {
		r.dialer.Proxy = p // else plain http goes through it in absolute form
	}
}

// find looks for the EWS of the mailbox address that was given in place of a
// URL, and makes it the endpoint of the run.
func (r *run) find(ctx context.Context) bool {
	u := r.discover(ctx, r.Config.Timeout/2)
	if u == nil {
		return false
	}
	r.Config.URL = u
	r.dialer = r.dialer.ForHost(u.Hostname(), u.Scheme == "https")
	r.dialer.Insecure = r.Config.Insecure && r.Config.named(u)
	r.throughProxy()
	return true
}

// discoverBeside asks the named Autodiscover endpoint beside an EWS that was
// named too: once, before a second scheme is tried there.
func (r *run) discoverBeside(ctx context.Context) {
	if r.Config.Autodiscover != nil && r.Config.FromAddress == "" && r.once(discovered) {
		r.discover(ctx, r.Config.Timeout/3)
	}
}

func (r *run) examine(ctx context.Context) {
	if r.Config.FromAddress != "" && !r.find(ctx) {
		return
	}
	defer r.beginToken(ctx)()
	families, stopFamilies := context.WithCancelCause(ctx)
	var aside sync.WaitGroup
	nodes := r.reach(ctx, func(unused []string) {
		aside.Go(func() { r.addressFamilies(families, unused) })
	})
	defer func() {
		for _, n := range nodes {
			n.close()
		}
		// What the side question has not learnt by now is not worth waiting for
		// when the check was stopped.
		if ctx.Err() != nil {
			stopFamilies(wire.ErrGivenUp())
		}
		aside.Wait()
		stopFamilies(nil)
	}()
	for _, n := range nodes {
		if n.doubtfulTLS() {
			aside.Go(func() { n.dataverseTLS(families) })
		}
		if n.balanced() || n.unsteady() {
			aside.Go(func() { n.askMore(families) })
		}
	}
	if !r.mayAskCredential(nodes) {
		r.discoverBeside(ctx)
		return
	}
	r.signInAt(ctx, nodes)
	for _, n := range nodes {
		n.askOtherFrontEnds(ctx) // whom the logon and the calls met
	}
}

// reach finds the addresses and asks each the anonymous questions. aside is
// called with the resolved addresses that are not asked.
func (r *run) reach(ctx context.Context, aside func([]string)) []*node {
	addresses, all := r.candidates(ctx)
	if len(addresses) == 0 {
		return nil
	}
	if !all {
		// One address is enough: the first that can be connected to.
		for i, a := range addresses {
			last := i == len(addresses)-1
			n := r.askAddress(ctx, a, connectLimit(r.Config.Timeout, last))
			r.addresses = append(r.addresses, a)
			if n.connected() || last || ctx.Err() != nil {
				aside(addresses[i+1:])
				return []*node{n}
			}
		}
	}
	r.addresses = addresses
	nodes := make([]*node, len(addresses))
	if len(addresses) > 1 {
		// A silent address must leave the others time to be signed in to.
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.Config.Timeout/2)
		defer cancel()
	}
	var wg sync.WaitGroup
	for i, a := range addresses {
		wg.Go(func() { nodes[i] = r.askAddress(ctx, a, connectLimit(r.Config.Timeout, len(addresses) == 1)) })
	}
	wg.Wait()
	return nodes
}

// connectLimit keeps a dead address from eating the time of the others.
func connectLimit(timeout time.Duration, only bool) time.Duration {
	if only {
		return timeout
	}
	return min(timeout/4, 5*time.Second)
}

// candidates are the addresses to connect to; all says that every one of them
// is asked, not only the first that answers.
func (r *run) candidates(ctx context.Context) (addresses []string, all bool) {
	if len(r.Config.Addresses) > 0 {
		return r.Config.Addresses, true
	}
	host, port := r.Config.URL.Hostname(), wire.Port(r.Config.URL)
	if net.ParseIP(host) != nil || r.Config.Proxy != nil {
		return []string{net.JoinHostPort(host, port)}, true // behind a proxy the proxy resolves
	}
	return r.resolve(ctx, evidence.StepResolve, host, port, math.MaxInt), r.Config.EachAddress
}

// resolve finds the addresses of a host, so many at most.
func (r *run) resolve(ctx context.Context, step evidence.Step, host, port string, most int) []string {
	item := evidence.Item{Step: step, At: time.Now()}
	addresses, fail := r.Config.resolver().Addresses(ctx, host, port)
	addresses = addresses[:min(len(addresses), most)]
	item.Timing.Resolve = wire.Millis(time.Since(item.At))
	item.Error, item.Resolution = fail, &evidence.Resolution{Name: host, Addresses: addresses}
	r.recorder.Add(item)
	return addresses
}

// addressFamilies asks IPv6 addresses that were published but not used whether
// they answer at all: Dynamics prefers them. Only where this machine has a
// route, and never for a name of this machine itself.
func (r *run) addressFamilies(ctx context.Context, unused []string) {
	var wg sync.WaitGroup
	for _, a := range unused {
		host, _, _ := net.SplitHostPort(a)
		ip := net.ParseIP(host)
		if ip == nil || ip.To4() != nil || ip.IsLoopback() || !wire.HasRoute(a) {
			continue
		}
		wg.Go(func() {
			limited, cancel := context.WithTimeout(ctx, 3*time.Second)
			defer cancel()
			item := evidence.Item{Step: evidence.StepAddressFamily, Address: a, At: time.Now()}
			item.Error = wire.Reach(limited, a)
			r.recorder.Add(item)
		})
	}
	wg.Wait()
}

func (r *run) client(address string) *ews.Client {
	return &ews.Client{
		URL: r.Config.URL, Address: address, Dialer: r.dialer, Recorder: r.recorder, Cookies: &wire.Cookies{},
		Credential: ews.Credential{User: r.Config.User, Password: r.Config.Password},
		Question:   ews.Question{Call: soap.Call{Mailbox: r.Config.Mailbox, Impersonate: r.Config.Impersonate}},
	}
}

// note writes down a logon that was not sent, or a handshake that ended before
// its last message.
func (r *run) note(address string, l evidence.Logon) {
	l.Account = cmp.Or(l.Account, r.Config.User)
	r.recorder.Add(evidence.Item{Step: evidence.StepSkipped, Address: address, At: time.Now(), Logon: &l})
}

// skip writes down a logon that may not be sent. What was refused is told under
// the name that was refused.
func (r *run) skip(address, scheme string, d *lockout.Denial) {
	r.note(address, evidence.Logon{
		Scheme: scheme, Account: d.Account, OtherForm: d.Account != "", Result: evidence.Skipped, Detail: d.Detail, Remembered: d.Remembered(),
	})
}
