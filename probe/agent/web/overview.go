package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/agent"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// overviewPage is all targets, the worst first.
type overviewPage struct {
	Ranges    []rangeLink
	Counts    []statusCount
	Groups    []group
	NotStored string
	Peers     []peerLine
}

type rangeLink struct {
	Name, Title string
	Chosen      bool
}

type statusCount struct {
	Status finding.Status
	N      int
}

// group are targets of one endpoint, side by side; a target of none is alone.
type group struct {
	Endpoint string
	Cards    []card
	Differs  []difference
}

// Several says whether there is something to be compared.
func (g group) Several() bool { return len(g.Cards) > 1 }

// difference is what explains that two targets of an endpoint are judged
// differently.
type difference struct{ Says, Link string }

func (s *Server) overview(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	which := max(0, slices.IndexFunc(ranges[:], func(one struct{ name, title string }) bool { return one.name == r.URL.Query().Get("range") }))
	page := overviewPage{}
	for i, one := range ranges {
		page.Ranges = append(page.Ranges, rangeLink{one.name, one.title, i == which})
	}
	targets := s.o.Agent.Snapshot()
	page.Counts = counts(targets)
	page.Groups = s.groups(r.Context(), targets, which, now)
	mayAct := s.mayNot(r) == ""
	for i := range page.Groups {
		for j := range page.Groups[i].Cards {
			c := &page.Groups[i].Cards[j]
			c.MayAct = mayAct && c.Peer == ""
		}
	}
	if n, why := s.o.Agent.NotStored(); why != "" {
		page.NotStored = count(n, "run") + " could not be stored: " + why
	}
	page.Peers = s.peerLines(now)
	title := "All targets"
	if n := len(targets); n > 0 {
		title = counted(page.Counts)
	}
	show(s, w, r, "overview", title, page)
}

func counts(targets []*agent.Target) []statusCount {
	var list []statusCount
	for _, status := range append(finding.WorstFirst(), "") {
		n := 0
		for _, t := range targets {
			if t.Status == status {
				n++
			}
		}
		if n > 0 {
			list = append(list, statusCount{cmp.Or(status, "not checked yet"), n})
		}
	}
	return list
}

func counted(list []statusCount) string {
	var parts []string
	for _, c := range list {
		parts = append(parts, number(c.N)+" "+string(c.Status))
	}
	return strings.Join(parts, ", ")
}

// groups puts the targets of an endpoint together, with those of peers. The worst is
// first, among groups and in each.
func (s *Server) groups(ctx context.Context, targets []*agent.Target, which int, now time.Time) []group {
	var list []group
	at := map[string]int{}
	for _, t := range targets {
		c := cardOf(t, now)
		c.Chart = chartOf(t, which, now)
		i, ok := at[t.Endpoint]
		if !ok || t.Endpoint == "" {
			i = len(list)
			list = append(list, group{Endpoint: t.Endpoint})
			at[t.Endpoint] = i
		}
		list[i].Cards = append(list[i].Cards, c)
	}
	for _, c := range s.peerCards(now) {
		if i, ok := at[c.Endpoint]; ok && c.Endpoint != "" {
			list[i].Cards = append(list[i].Cards, c)
		}
	}
	worse := func(a, b card) int { return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.Name, b.Name)) }
	for i := range list {
		slices.SortFunc(list[i].Cards, worse)
	}
	slices.SortStableFunc(list, func(a, b group) int { return worse(a.Cards[0], b.Cards[0]) })
	until := time.Now().Add(patience) // at least one is made
	for i := range list {
		if len(list[i].Cards) > 1 {
			list[i].Differs = s.differences(ctx, list[i].Cards, until)
		}
	}
	return list
}

// differences compares the worst of a group with each of the others that is judged
// differently.
func (s *Server) differences(ctx context.Context, cards []card, until time.Time) []difference {
	var list []difference
	worst := cards[0]
	a, loadA := s.lastWhole(ctx, worst)
	for _, c := range cards[1:] {
		b, loadB := s.lastWhole(ctx, c)
		if a == 0 || b == 0 || c.Code == worst.Code && c.Status == worst.Status {
			continue
		}
		p := pair{worst.fullName(), c.fullName(), a, b}
		says := s.compare.get(p, until, func() (ra, rb evidence.Record, err error) {
			if ra, err = loadA(); err == nil {
				rb, err = loadB()
			}
			return ra, rb, err
		})
		d := difference{Says: says}
		if worst.Peer == "" && c.Peer == "" {
			d.Link = diffLink(worst.Name, a, b) + "&with=" + c.Name
		}
		if d != (difference{}) {
			list = append(list, d)
		}
	}
	return list
}

// fullName is how a sentence calls a target.
func (c card) fullName() string {
	if c.Peer == "" {
		return c.Name
	}
	return c.Name + " of " + c.Peer
}

// lastWhole is the id of the last whole run of a target and how to read its record;
// 0: there is none.
func (s *Server) lastWhole(ctx context.Context, c card) (int64, func() (evidence.Record, error)) {
	if c.Peer != "" {
		return c.peerRecord()
	}
	t := s.o.Agent.Target(c.Name)
	if t == nil || t.Whole == nil {
		return 0, nil
	}
	return t.Whole.Run.ID, func() (evidence.Record, error) { return s.recordOf(ctx, c.Name, t.Whole.Run.ID) }
}
