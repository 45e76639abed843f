package web

import (
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/agent"
	"github.com/ewsprobe/ewsprobe/probe/agent/history"
	"github.com/ewsprobe/ewsprobe/probe/diff"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// onePage is one target: its state, its history, and the last report.
type onePage struct {
	Card        card
	Charts      []chart
	Transitions []history.Transition
	Runs        []runLine
	Older       string // the link to older runs
	Mailboxes   []report.Row
	LastID      int64
	report      template.HTML
}

// Report is not among the texts that are made harmless: report.HTMLPart has done so.
func (p onePage) Report() template.HTML { return p.report }

// runLine is a run with the link to what changed since the run before.
type runLine struct {
	history.Run
	Diff string
}

// How many lines of each kind the page of a target has.
const (
	mostTransitions = 20
	mostRuns        = 25
	mostMailboxes   = 200
)

func (s *Server) targetPage(w http.ResponseWriter, r *http.Request, t *agent.Target) {
	now, ctx := time.Now(), r.Context()
	q, err := queryOf(r.URL.Query())
	if err != nil {
		fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	q.Limit = mostRuns
	page := onePage{Card: cardOf(t, now)}
	page.Card.MayAct = s.mayNot(r) == ""
	for i := range ranges {
		page.Charts = append(page.Charts, chartOf(t, i, now))
	}
	if page.Transitions, _, err = s.o.History.Transitions(ctx, t.Name, mostTransitions, 0); err != nil {
		s.broken(w, r, err)
		return
	}
	runs, more, err := s.runs(ctx, t, q)
	if err != nil {
		s.broken(w, r, err)
		return
	}
	for i, one := range runs {
		page.Runs = append(page.Runs, runLine{one, sinceBefore(one, runs[i+1:])})
	}
	if more {
		page.Older = "/targets/" + t.Name + "?after=" + number(int(runs[len(runs)-1].ID)) + "#runs"
	}
	if page.Mailboxes, err = s.mailboxLines(r, t.Name); err != nil {
		s.broken(w, r, err)
		return
	}
	if d := t.Deciding(); d != nil {
		whole := *d.Report
		if raw, err := s.o.History.Record(ctx, t.Name, d.Run.ID); err == nil {
			page.LastID = d.Run.ID
			_ = json.Unmarshal(raw, &whole) // else without the evidence
		}
		if page.report, err = whole.HTMLPart(); err != nil {
			s.broken(w, r, err)
			return
		}
	}
	show(s, w, r, "target", t.Name, page)
}

func diffLink(target string, a, b int64) string {
	return "/targets/" + target + "/diff?a=" + number(int(a)) + "&b=" + number(int(b))
}

// diffOf is the link to the comparison that a transition rests on; "" without one.
func diffOf(t history.Transition) string {
	if t.Previous == 0 || t.Run == 0 {
		return ""
	}
	return diffLink(t.Target, t.Previous, t.Run)
}

// sinceBefore is the link to what changed since the run of the same kind before it;
// "": nothing did.
func sinceBefore(r history.Run, older []history.Run) string {
	i := slices.IndexFunc(older, func(before history.Run) bool { return before.Credential == r.Credential })
	if i < 0 || r.ID == 0 || older[i].Code == r.Code {
		return ""
	}
	return diffLink(r.Target, older[i].ID, r.ID)
}

// mailboxLines are the mailboxes of the last batch that are not ok.
func (s *Server) mailboxLines(r *http.Request, target string) ([]report.Row, error) {
	_, rows, err := s.o.History.Batch(r.Context(), target)
	if errors.Is(err, history.ErrNone) {
		return nil, nil
	}
	var list []report.Row
	for line := range strings.Lines(string(rows)) {
		var row report.Row
		if len(list) == mostMailboxes || json.Unmarshal([]byte(line), &row) != nil {
			break
		}
		list = append(list, row)
	}
	return list, err
}

// onRun is the page of a run.
type onRun struct {
	history.Run
	report template.HTML
}

// Report is made by report.HTMLPart.
func (p onRun) Report() template.HTML { return p.report }

func (s *Server) runPage(w http.ResponseWriter, r *http.Request, t *agent.Target) {
	id, asJSON := strings.CutSuffix(r.PathValue("id"), ".json")
	run, raw := s.record(w, r, t.Name, id)
	if raw == nil {
		return
	}
	if asJSON {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Disposition", `attachment; filename="`+t.Name+"-"+number(int(run.ID))+`.json"`)
		_, _ = w.Write(raw)
		return
	}
	var whole report.Report
	err := json.Unmarshal(raw, &whole)
	page := onRun{Run: run}
	if err == nil {
		page.report, err = whole.HTMLPart()
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	show(s, w, r, "run", t.Name+", run "+number(int(run.ID)), page)
}

// onDiff is the page of a comparison.
type onDiff struct {
	SideA, SideB diffSide
	Conclusion   string
	Explanation  []string
	Differences  []diff.Difference
	Causes       []string
}

type diffSide struct {
	history.Run
	Letter  string
	Verdict finding.Verdict
}

func (s *Server) diffPage(w http.ResponseWriter, r *http.Request, t *agent.Target) {
	values := r.URL.Query()
	names := [2]string{t.Name, t.Name}
	if other := values.Get("with"); other != "" {
		if s.o.Agent.Target(other) == nil {
			fail(w, r, http.StatusNotFound, noTarget)
			return
		}
		names[1] = other
	}
	var sides [2]diffSide
	var records [2]evidence.Record
	for i, key := range []string{"a", "b"} {
		if !values.Has(key) {
			fail(w, r, http.StatusBadRequest, "a and b have to be the ids of two runs")
			return
		}
		run, raw := s.record(w, r, names[i], values.Get(key))
		if raw == nil {
			return
		}
		var err error
		if records[i], err = report.Load(raw); err != nil {
			s.broken(w, r, err)
			return
		}
		sides[i] = diffSide{Letter: strings.ToUpper(key), Run: run}
	}
	d := diff.Compare(records[0], records[1])
	sides[0].Verdict, sides[1].Verdict = d.A.Verdict, d.B.Verdict
	show(s, w, r, "diff", "Comparison of two runs of "+t.Name, onDiff{
		SideA: sides[0], SideB: sides[1], Conclusion: report.Conclusion(d, "A", "B"), Explanation: report.Explanation(d),
		Differences: d.Differences, Causes: report.CauseDifferences(d),
	})
}
