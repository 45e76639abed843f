package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/agent"
	"github.com/ewsprobe/ewsprobe/probe/agent/history"
	"github.com/ewsprobe/ewsprobe/probe/diff"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// How many lines of each kind the page of a target has.
const (
	maxTransitions = 20
	maxRuns        = 25
	maxMailboxes   = 200
)

// targetPage is one target: its state, its history, and the last report.
func (s *Server) targetPage(w http.ResponseWriter, r *http.Request, t *agent.Target) error {
	q, err := queryOf(r.URL.Query())
	if err != nil {
		return err
	}
	q.Limit = maxRuns
	page := struct {
		Card        card
		Charts      []chart
		Transitions []history.Transition
		Runs        []history.Run
		Older       bool // there are older runs
		Mailboxes   []report.Row
		Reported    bool
		LastID      int64 // of the run that is reported; 0: it is not stored
	}{Card: s.cardOf(t, s.mayNot(r) == "")}
	for i := range ranges {
		page.Charts = append(page.Charts, chartOf(t, i, time.Now()))
	}
	var wrong [3]error
	page.Transitions, _, wrong[0] = s.o.History.Transitions(r.Context(), t.Name, maxTransitions, 0)
	page.Runs, page.Older, wrong[1] = s.runs(r.Context(), t, q)
	page.Mailboxes, wrong[2] = s.mailboxLines(r, t.Name)
	if err := errors.Join(wrong[:]...); err != nil {
		return err
	}
	var last template.HTML
	if d := t.Deciding(); d != nil {
		whole := *d.Report
		if raw, err := s.o.History.Record(r.Context(), t.Name, d.Run.ID); err == nil {
			page.LastID = d.Run.ID
			_ = json.Unmarshal(raw, &whole) // else without the evidence
		}
		page.Reported = true
		if last, err = whole.HTMLPart(); err != nil {
			return err
		}
	}
	return show(s, w, "target", t.Name, page, last)
}

// diffOf is the link to the comparison that a transition rests on; "" without one.
func diffOf(t history.Transition) string {
	if t.Previous == 0 || t.Run == 0 {
		return ""
	}
	return diffLink(t.Target, t.Previous, t.Run)
}

// sinceBefore is the link to what changed between a run of a list and the one of the same
// kind before it; "": nothing did.
func sinceBefore(runs []history.Run, at int) string {
	r, older := runs[at], runs[at+1:]
	i := slices.IndexFunc(older, func(before history.Run) bool { return before.Credential == r.Credential })
	if i < 0 || r.ID == 0 || older[i].Code == r.Code {
		return ""
	}
	return diffLink(r.Target, older[i].ID, r.ID)
}

// mailboxLines are the mailboxes of the last batch that are not ok.
func (s *Server) mailboxLines(r *http.Request, target string) ([]report.Row, error) {
	rows, err := s.o.History.Batch(r.Context(), target)
	if errors.Is(err, history.ErrNone) {
		return nil, nil
	}
	var list []report.Row
	for line := range strings.Lines(string(rows)) {
		var row report.Row
		if len(list) == maxMailboxes || json.Unmarshal([]byte(line), &row) != nil {
			break
		}
		list = append(list, row)
	}
	return list, err
}

// runPage is the report of a run.
func (s *Server) runPage(w http.ResponseWriter, r *http.Request, t *agent.Target) error {
	id, asJSON := strings.CutSuffix(r.PathValue("id"), ".json")
	run, raw, err := s.record(r.Context(), t.Name, id)
	if err != nil {
		return err
	}
	if asJSON {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s-%d.json"`, t.Name, run.ID))
		_, _ = w.Write(raw)
		return nil
	}
	var whole report.Report
	if err := json.Unmarshal(raw, &whole); err != nil {
		return err
	}
	part, err := whole.HTMLPart()
	if err != nil {
		return err
	}
	return show(s, w, "run", fmt.Sprintf("%s, run %d", t.Name, run.ID), run, part)
}

// diffPage is the comparison of two runs.
func (s *Server) diffPage(w http.ResponseWriter, r *http.Request, t *agent.Target) error {
	values := r.URL.Query()
	if !values.Has("a") || !values.Has("b") {
		return refusal{http.StatusBadRequest, "a and b have to be the ids of two runs"}
	}
	with := t
	if other := values.Get("with"); other != "" {
		if with = s.o.Agent.Target(other); with == nil {
			return agent.ErrUnknown
		}
	}
	var page struct {
		Runs       [2]history.Run
		Result     diff.Result
		Conclusion string
		// Explanation and Causes are sentences.
		Explanation, Causes []string
	}
	var records [2]evidence.Record
	for i, name := range []string{t.Name, with.Name} {
		run, raw, err := s.record(r.Context(), name, values.Get([]string{"a", "b"}[i]))
		if err == nil {
			records[i], err = report.Load(raw)
		}
		if err != nil {
			return err
		}
		page.Runs[i] = run
	}
	d := diff.Compare(records[0], records[1])
	page.Result, page.Conclusion = d, report.Conclusion(d, "A", "B")
	page.Explanation, page.Causes = report.Explanation(d), report.CauseDifferences(d)
	return show(s, w, "diff", "Comparison of two runs of "+t.Name, page, "")
}
