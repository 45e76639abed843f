package web

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/agent"
	"github.com/ewsprobe/ewsprobe/probe/agent/history"
	"github.com/ewsprobe/ewsprobe/probe/agent/peer"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// card is a target as the pages show it, of this agent or of a peer. Its texts are made
// harmless before they are shown, and escaped by the template.
type card struct {
	*agent.Target           // without what its runs have shown
	Peer          string    // the agent that checks it; "": this one
	Expires       time.Time // its certificate
	SignsIn       bool
	Remedies      []finding.Remedy
	More          int // remedies that the page of the target has
	Chart         chart
	MayAct        bool

	run    int64 // the last whole one; 0: none
	record func(context.Context) (evidence.Record, error)
}

// firstRemedies are shown without a click.
const firstRemedies = 3

// cardOf is the card of a target of this agent, without its chart.
func (s *Server) cardOf(t *agent.Target, mayAct bool) card {
	shown := *t
	shown.Whole, shown.Partial, shown.Spans = nil, nil, nil
	c := card{Target: &shown, Expires: t.Certificate(), SignsIn: t.Whole != nil, MayAct: mayAct}
	if d := t.Deciding(); d != nil && t.Status != finding.OK {
		if i := slices.IndexFunc(d.Report.Findings, func(f finding.Finding) bool { return f.Code == t.Code }); i >= 0 {
			all := d.Report.Findings[i].Remedies
			c.Remedies = all[:min(firstRemedies, len(all))]
			c.More = len(all) - len(c.Remedies)
		}
	}
	if t.Whole != nil {
		c.run = t.Whole.Run.ID
		c.record = func(ctx context.Context) (evidence.Record, error) {
			raw, err := s.o.History.Record(ctx, t.Name, c.run)
			if err != nil {
				return evidence.Record{}, err
			}
			return report.Load(raw)
		}
	}
	return c
}

// peerCard is the card of a peer's target.
func peerCard(of string, t peer.Target) card {
	c := card{Peer: of, Target: &agent.Target{
		Name: t.Name, Endpoint: t.Endpoint, View: t.View,
		State: agent.State{Status: t.Status, Code: t.Code, Summary: t.Summary, Since: t.Since},
	}}
	if !t.LastRun.IsZero() {
		c.LastRun = &agent.Run{Run: history.Run{Started: t.LastRun}}
	}
	if t.Record != nil {
		c.run, c.record = t.RunID, func(context.Context) (evidence.Record, error) { return *t.Record, nil }
	}
	return c
}

// fullName is how a sentence calls a target.
func (c card) fullName() string {
	if c.Peer == "" {
		return c.Name
	}
	return c.Name + " of " + c.Peer
}

// maxChanges are shown of a change of status; its comparison has all.
const maxChanges = 3

// changes are what was different when a status began: what explains it, or else what
// was met first.
func changes(list []history.Change) (says []string) {
	explains := slices.ContainsFunc(list, func(c history.Change) bool { return c.Explains })
	for _, c := range list {
		if c.Explains == explains && len(says) < maxChanges {
			says = append(says, changed(c))
		}
	}
	return says
}

// changed says what was different: what is gone and what is new of the lists that
// probe/diff gives.
func changed(c history.Change) string {
	gone, come := missing(c.Before, c.After), missing(c.After, c.Before)
	var parts []string
	switch {
	case gone != "" && come != "":
		parts = append(parts, gone+" → "+come)
	case gone != "":
		parts = append(parts, "gone: "+gone)
	case come != "":
		parts = append(parts, "new: "+come)
	}
	if c.Explains {
		parts = append(parts, "(explains the verdict)")
	}
	return c.What + ": " + strings.Join(parts, " ")
}

// missing are the facts of a that b has not. A fact is what stands between commas.
func missing(a, b []string) string {
	have := strings.Split(strings.Join(b, ", "), ", ")
	var list []string
	for fact := range strings.SplitSeq(strings.Join(a, ", "), ", ") {
		if !slices.Contains(have, fact) && !slices.Contains(list, fact) {
			list = append(list, fact)
		}
	}
	return strings.Join(list, ", ")
}

// statusCount is how many have a status.
type statusCount struct {
	Status finding.Status
	N      int
}

func (c statusCount) String() string { return fmt.Sprintf("%d %s", c.N, c.Status) }

// tally lists how many have which status, the worst first, and last those without one.
func tally(n map[finding.Status]int) (list []statusCount) {
	for _, status := range append(finding.WorstFirst(), "not checked yet") {
		if n[status] > 0 {
			list = append(list, statusCount{status, n[status]})
		}
	}
	return list
}
