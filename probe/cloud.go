package probe

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/cloud"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Cloud is what may be looked up outside the network; a Config without one looks
// up nothing.
type Cloud struct {
	Entra, ExchangeOnline, Graph *url.URL
	Dynamics                     *url.URL // the organisation whose tenant is read; nil: not asked
	Tenant                       string   // Dynamics' tenant: a GUID, or a domain to look up; "" not given
	Token                        string   // for Graph; "" Graph is not asked
	Proxy                        func(*url.URL) (*url.URL, error)
}

// lookUp is one planned look-up.
type lookUp struct {
	host, what string
	ask        func(context.Context, *cloud.Client)
}

// lookUps lists what the configuration leads to, in the order of the plan.
func (c Config) lookUps() []lookUp {
	k := c.Cloud
	if k == nil {
		return nil
	}
	var list []lookUp
	if c.Mailbox != "" {
		list = append(list, lookUp{k.ExchangeOnline.Host, "where is the mailbox " + c.Mailbox, func(ctx context.Context, l *cloud.Client) { l.Location(ctx, c.Mailbox) }})
	}
	if d := c.domain(); d != "" {
		list = append(list, lookUp{k.Entra.Host, "which tenant has " + d, func(ctx context.Context, l *cloud.Client) { l.DomainTenant(ctx, evidence.StepCloudDomainTenant, d) }})
	}
	if k.Tenant != "" && !cloud.IsGUID(k.Tenant) {
		list = append(list, lookUp{k.Entra.Host, "which tenant has " + k.Tenant + ", where Dynamics is", func(ctx context.Context, l *cloud.Client) {
			l.DomainTenant(ctx, evidence.StepCloudNamedTenant, k.Tenant)
		}})
	}
	if k.Dynamics != nil {
		list = append(list, lookUp{k.Dynamics.Host, "which tenant is Dynamics in", func(ctx context.Context, l *cloud.Client) { l.DynamicsTenant(ctx, k.Dynamics) }})
	}
	if k.Token != "" && c.Mailbox != "" {
		list = append(
			list,
			lookUp{k.Graph.Host, "the user of the mailbox, its Exchange plans and whether it has a mailbox there, with the token", func(ctx context.Context, l *cloud.Client) {
				if u := l.User(ctx, c.Mailbox).Cloud.Users; len(u) == 1 && cloud.IsGUID(u[0].ID) {
					l.Settings(ctx, u[0])
				}
			}},
			lookUp{k.Graph.Host, "a deleted user with the same address, with the token", func(ctx context.Context, l *cloud.Client) { l.Deleted(ctx, c.Mailbox) }},
		)
	}
	return list
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
	client := cloud.New(cloud.Client{
		Entra: r.Cloud.Entra, ExchangeOnline: r.Cloud.ExchangeOnline, Graph: r.Cloud.Graph,
		Extra: r.Extra, Proxy: r.Cloud.Proxy, UserAgent: r.UserAgent, Token: r.Cloud.Token, Recorder: r.recorder,
	})
	limited, cancel := context.WithDeadline(ctx, started.Add(min(cloud.Limit, r.Timeout-time.Second)))
	var all sync.WaitGroup
	for _, l := range planned {
		all.Go(func() { l.ask(limited, client) })
	}
	return func() {
		all.Wait()
		cancel()
	}
}

// describe tells the look-ups of a plan.
func describe(list []lookUp) []string {
	var lines []string
	for _, l := range list {
		lines = append(lines, fmt.Sprintf("GET from %s: %s", l.host, l.what))
	}
	return lines
}
