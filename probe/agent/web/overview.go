package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/agent"
	"github.com/ewsprobe/ewsprobe/probe/agent/peer"
	"github.com/ewsprobe/ewsprobe/probe/diff"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// group are targets of one endpoint, side by side; a target of none is alone.
type group struct {
	Endpoint string
	Cards    []card
	Differs  []difference
}

// difference is what explains that two targets of an endpoint are judged
// differently.
type difference struct{ Says, Link string }

// overview is all targets, the worst first.
func (s *Server) overview(w http.ResponseWriter, r *http.Request, _ *agent.Target) error {
	which := max(0, slices.IndexFunc(ranges[:], func(one span) bool { return one.Name == r.URL.Query().Get("range") }))
	page := struct {
		Range     string
		Counts    []statusCount
		Groups    []group
		NotStored string
		Peers     []peer.State // that do not answer
	}{Range: ranges[which].Name}
	targets, n := s.o.Agent.Snapshot(), map[finding.Status]int{}
	for _, t := range targets {
		n[cmp.Or(t.Status, "not checked yet")]++
	}
	page.Counts = tally(n)
	page.Groups = s.groups(r.Context(), targets, which, s.mayNot(r) == "")
	if n, why := s.o.Agent.NotStored(); why != "" {
		page.NotStored = count(n, "run") + " could not be stored: " + why
	}
	for _, p := range s.o.Peers() {
		if p.Targets = nil; p.Error != "" {
			page.Peers = append(page.Peers, p)
		}
	}
	var title []string
	for _, c := range page.Counts {
		title = append(title, c.String())
	}
	return show(s, w, "overview", cmp.Or(strings.Join(title, ", "), "All targets"), page, "")
}

// groups puts the targets of an endpoint together, with those of peers. The worst is
// first, among groups and in each.
func (s *Server) groups(ctx context.Context, targets []*agent.Target, which int, mayAct bool) []group {
	var list []group
	at := map[string]int{}
	for _, t := range targets {
		c := s.cardOf(t, mayAct)
		c.Chart = chartOf(t, which, time.Now())
		i, ok := at[t.Endpoint]
		if !ok || t.Endpoint == "" {
			i = len(list)
			list = append(list, group{Endpoint: t.Endpoint})
			at[t.Endpoint] = i
		}
		list[i].Cards = append(list[i].Cards, c)
	}
	for _, p := range s.o.Peers() {
		for _, t := range p.Targets {
			if i, ok := at[t.Endpoint]; ok && t.Endpoint != "" {
				list[i].Cards = append(list[i].Cards, peerCard(p.Name, t))
			}
		}
	}
	worse := func(a, b card) int {
		return cmp.Or(cmp.Compare(a.Status.Rank(), b.Status.Rank()), cmp.Compare(a.Name, b.Name))
	}
	for i := range list {
		slices.SortFunc(list[i].Cards, worse)
	}
	slices.SortStableFunc(list, func(a, b group) int { return worse(a.Cards[0], b.Cards[0]) })
	until := time.Now().Add(patience) // at least one is made
	for i := range list {
		list[i].Differs = s.differences(ctx, list[i].Cards, until)
	}
	return list
}

// differences compares the worst of a group with each of the others that is judged
// differently.
func (s *Server) differences(ctx context.Context, cards []card, until time.Time) (list []difference) {
	worst := cards[0]
	for _, c := range cards[1:] {
		if worst.run == 0 || c.run == 0 || c.Code == worst.Code && c.Status == worst.Status {
			continue
		}
		p := pair{worst.fullName(), c.fullName(), worst.run, c.run}
		d := difference{Says: s.compare.get(p, until, func() (a, b evidence.Record, err error) {
			if a, err = worst.record(ctx); err == nil {
				b, err = c.record(ctx)
			}
			return a, b, err
		})}
		if worst.Peer+c.Peer == "" {
			d.Link = diffLink(worst.Name, worst.run, c.run) + "&with=" + c.Name
		}
		if d != (difference{}) {
			list = append(list, d)
		}
	}
	return list
}

// diffLink leads to the comparison of two runs.
func diffLink(target string, a, b int64) string {
	return fmt.Sprintf("/targets/%s/diff?a=%d&b=%d", target, a, b)
}

// comparisons remembers what probe/diff says of two runs: it judges many times, and
// a page is asked for often.
type comparisons struct {
	mu   sync.Mutex
	says map[pair]string
}

// pair is two runs of targets of this agent, or of peers.
type pair struct {
	a, b   string // the names of the targets
	ra, rb int64
}

// maxComparisons is how many are remembered.
const maxComparisons = 1000

// patience is how long the page of all targets compares what it does not know yet.
// The rest is there the next time.
const patience = 200 * time.Millisecond

// get is what explains the difference of two runs; "": it is not known yet, and
// until has passed.
func (c *comparisons) get(p pair, until time.Time, load func() (a, b evidence.Record, err error)) string {
	c.mu.Lock()
	says, ok := c.says[p]
	c.mu.Unlock()
	if ok || time.Now().After(until) {
		return says
	}
	a, b, err := load()
	if err != nil {
		return ""
	}
	says = report.Conclusion(diff.Compare(a, b), p.a, p.b)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.says == nil || len(c.says) >= maxComparisons {
		c.says = map[pair]string{}
	}
	c.says[p] = says
	return says
}
