package probe

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/cloud"
	"github.com/ewsprobe/ewsprobe/ews/entra"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

// Cloud is what may be looked up outside the network; a Config without one looks
// up nothing.
type Cloud struct {
	Entra, ExchangeOnline, Graph *url.URL
	Dynamics                     *url.URL // the organisation whose tenant is read; nil: not asked
	Tenant                       string   // Dynamics' tenant: a GUID, or a domain to look up; "" not given
	Token                        string   // for Graph; "" Graph is not asked, unless an application is given
	ClientID, ClientSecret       string   // an application of Tenant, to which Entra gives a token
	ClientTenant                 string   // where it is registered
	Proxy                        func(*url.URL) (*url.URL, error)
}

// mayAskGraph: there is a token, or what gets one.
func (k *Cloud) mayAskGraph() bool { return k.Token != "" || k.ClientID != "" }

// lookUp is one planned look-up.
type lookUp struct {
	Host, What string
	Post       bool // of the application's secret; else a GET
	shared     bool // the answer does not depend on the mailbox, only on what the look-up says
	planned    bool
	ask        func(context.Context, *cloud.Client)
}

// lookUps lists what the configuration leads to, in the order of the plan.
func (c Config) lookUps() []lookUp {
	k := c.Cloud
	if k == nil {
		return nil
	}
	graph := func(ask func(context.Context, *cloud.Client)) func(context.Context, *cloud.Client) {
		return func(ctx context.Context, l *cloud.Client) {
			if l.Authorize(ctx) { // else its own item says why not
				ask(ctx, l)
			}
		}
	}
	settings := func(ctx context.Context, l *cloud.Client) {
		if u := l.User(ctx, c.Mailbox).Cloud.Users; len(u) == 1 && front.IsGUID(u[0].ID) {
			l.Settings(ctx, u[0])
		}
	}
	tenant := func(step evidence.Step, domain string) func(context.Context, *cloud.Client) {
		return func(ctx context.Context, l *cloud.Client) { l.DomainTenant(ctx, step, domain) }
	}
	domain, named, asksGraph := c.domain(), k.Tenant != "" && !front.IsGUID(k.Tenant), k.mayAskGraph() && c.Mailbox != ""
	list := []lookUp{
		{
			Host: k.ExchangeOnline.Host, What: "where is the mailbox " + c.Mailbox, planned: c.Mailbox != "",
			ask: func(ctx context.Context, l *cloud.Client) { l.Location(ctx, c.Mailbox) },
		},
		{
			Host: k.Entra.Host, What: "which tenant has " + domain, shared: true, planned: domain != "",
			ask: tenant(evidence.StepCloudDomainTenant, domain),
		},
		{
			Host: k.Entra.Host, What: "which tenant has " + k.Tenant + ", where Dynamics is", shared: true, planned: named,
			ask: tenant(evidence.StepCloudNamedTenant, k.Tenant),
		},
	}
	read := slices.ContainsFunc(c.Before, func(i evidence.Item) bool { return i.Step == evidence.StepCloudDynamics })
	if k.Dynamics != nil && !read {
		list = append(list, lookUp{
			Host: k.Dynamics.Host, What: "which tenant is Dynamics in", shared: true, planned: true,
			ask: func(ctx context.Context, l *cloud.Client) { l.DynamicsTenant(ctx, k.Dynamics) },
		})
	}
	return slices.DeleteFunc(append(list, []lookUp{
		{
			Host: k.Entra.Host, Post: true, shared: true, planned: asksGraph && k.ClientID != "",
			What: "a token for " + k.Graph.Host + ", with the secret of the application " + k.ClientID,
			ask:  graph(func(context.Context, *cloud.Client) {}),
		},
		{
			Host: k.Graph.Host, planned: asksGraph, ask: graph(settings),
			What: "the user of the mailbox, its Exchange plans and whether it has a mailbox there, with the token",
		},
		{
			Host: k.Graph.Host, planned: asksGraph, What: "a deleted user with the same address, with the token",
			ask: graph(func(ctx context.Context, l *cloud.Client) { l.Deleted(ctx, c.Mailbox) }),
		},
	}...), func(l lookUp) bool { return !l.planned })
}

// domain is whose tenant is asked for: the mailbox's domain, else the one the
// account's name ends in.
func (c Config) domain() string {
	for _, name := range []string{c.Mailbox, c.User} {
		if at := strings.LastIndex(name, "@"); at >= 0 && strings.Contains(name[at+1:], ".") {
			return strings.ToLower(name[at+1:])
		}
	}
	return ""
}

// lookOutside makes the look-ups beside the check; the returned function waits for
// them. They end by themselves, within their own limit and a second before the
// check must.
func (r *run) lookOutside(ctx context.Context, started time.Time) (wait func()) {
	planned := r.Config.lookUps()
	if len(planned) == 0 {
		return func() {}
	}
	client := r.Config.cloudClient(r.recorder)
	limited, cancel := context.WithDeadline(ctx, started.Add(min(cloud.Limit, r.Config.Timeout-time.Second)))
	var all sync.WaitGroup
	for _, l := range planned {
		all.Go(func() { l.ask(limited, client) })
	}
	return func() {
		all.Wait()
		cancel()
	}
}

func (c Config) cloudClient(r *ews.Recorder) *cloud.Client {
	k := c.Cloud
	return cloud.New(cloud.Client{
		Entra: k.Entra, ExchangeOnline: k.ExchangeOnline, Graph: k.Graph,
		Outside: wire.Outside{Extra: c.Extra, Proxy: k.Proxy, UserAgent: c.UserAgent}, Token: k.Token, Recorder: r,
		Application: entra.Application{Tenant: cmp.Or(k.ClientTenant, k.Tenant), ID: k.ClientID, Secret: k.ClientSecret},
	})
}

// Outside makes the look-ups of a check for many mailboxes. What does not depend
// on the mailbox (tenants, the token) is asked once. It is safe for concurrent
// use.
type Outside struct {
	config Config
	client *cloud.Client

	mu     sync.Mutex
	shared map[string]sharedAnswer
}

// sharedAnswer is good until then.
type sharedAnswer struct {
	items []evidence.Item
	until time.Time
}

// How long a shared answer is good, and one that told nothing; and how many
// domains are kept.
const (
	answerKept = 30 * time.Minute
	vainKept   = time.Minute
	maxShared  = 1000
)

// Outside returns it; nil without look-ups.
func (c Config) Outside() *Outside {
	if c.Cloud == nil {
		return nil
	}
	return &Outside{config: c, client: c.cloudClient(ews.NewRecorder(c.NewVault(), nil)), shared: map[string]sharedAnswer{}}
}

// Mailbox looks up one mailbox and returns what was seen. What is asked of it
// ends within the time that look-ups may take, and so does each shared question.
func (o *Outside) Mailbox(ctx context.Context, address string) []evidence.Item {
	c := o.config
	c.Mailbox, c.User = address, ""
	list := c.lookUps()
	var items []evidence.Item
	for _, l := range list { // first, so that the others find the token
		if l.shared {
			items = append(items, o.sharedBy(ctx, l)...)
		}
	}
	limited, cancel := context.WithTimeout(ctx, cloud.Limit)
	defer cancel()
	client := o.client.Another()
	var all sync.WaitGroup
	for _, l := range list {
		if !l.shared {
			all.Go(func() { l.ask(limited, client) })
		}
	}
	all.Wait()
	items = slices.Concat(items, client.Recorder.Items())
	for i := range items {
		items[i].ID = fmt.Sprintf("outside-%d", i+1)
	}
	return items
}

// sharedBy asks what does not depend on the mailbox, unless it is known.
func (o *Outside) sharedBy(ctx context.Context, l lookUp) []evidence.Item {
	o.mu.Lock()
	defer o.mu.Unlock()
	if known, ok := o.shared[l.What]; ok && time.Now().Before(known.until) {
		return known.items
	}
	limited, cancel := context.WithTimeout(ctx, cloud.Limit)
	defer cancel()
	client := o.client.Another()
	l.ask(limited, client)
	answer := sharedAnswer{client.Recorder.Items(), time.Now().Add(answerKept)}
	for _, item := range answer.items {
		if r := item.Response; r == nil || r.Status == 429 || r.Status >= 500 {
			answer.until = time.Now().Add(vainKept)
		}
	}
	if len(o.shared) >= maxShared {
		clear(o.shared)
	}
	o.shared[l.What] = answer
	return answer.items
}
