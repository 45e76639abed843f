package web

import (
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/agent/history"
	"github.com/ewsprobe/ewsprobe/probe/diff"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// onePage is one target: its state, its history, and the last report.
type onePage struct {
	Card        card
	Charts      []chart
	Transitions []transitionLine
	Runs        []runLine
	Older       string // the link to older runs
	Mailboxes   []mailboxLine
	LastID      int64
	report      template.HTML
}

// Report is not among the texts that are made harmless: report.HTMLPart has done so.
func (p onePage) Report() template.HTML { return p.report }

type transitionLine struct {
	At, From string
	Status   finding.Status
	Code     finding.Code
	Changes  []string
	Run      int64
	Diff     string // the link
}

type runLine struct {
	ID            int64 // 0: not stored
	At, Took      string
	Status        finding.Status
	Code          finding.Code
	Summary, Kind string
	Diff          string // the link to what changed since the run before
}

type mailboxLine struct {
	Name, Summary string
	Status        finding.Status
	Code          finding.Code
}

// How many lines of each kind the page of a target has.
const (
	mostTransitions = 20
	mostRuns        = 25
	mostMailboxes   = 200
)

func (s *Server) targetPage(w http.ResponseWriter, r *http.Request) {
	t := s.target(w, r)
	if t == nil {
		return
	}
	now, ctx := time.Now(), r.Context()
	q, err := queryOf(r.URL.Query())
	if err != nil {
		fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	q.Limit = mostRuns
	page := onePage{Card: cardOf(t, 0, now)}
	page.Card.MayAct = s.mayNot(r) == ""
	for i, one := range ranges {
		page.Charts = append(page.Charts, chartOf(one.title, history.Widths[i], bars(t)[i], now))
	}
	transitions, _, err := s.o.History.Transitions(ctx, t.Name, mostTransitions, 0)
	if err != nil {
		s.broken(w, r, err)
		return
	}
	for _, one := range transitions {
		page.Transitions = append(page.Transitions, transition(one))
	}
	runs, more, err := s.o.History.Runs(ctx, t.Name, q.Query)
	if err != nil {
		s.broken(w, r, err)
		return
	}
	if last := t.LastRun; last != nil && !last.Stored && q.After == 0 && q.fits(last.Run) {
		runs = append([]history.Run{last.Run}, runs...)
	}
	for i, one := range runs {
		page.Runs = append(page.Runs, lineOf(one, runs[i+1:]))
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

func transition(t history.Transition) transitionLine {
	line := transitionLine{At: moment(t.At), From: strings.TrimSpace(string(t.From) + " " + string(t.FromCode)), Status: t.To, Code: t.ToCode, Run: t.Run}
	line.Changes = changes(t.Changes)
	if t.Previous != 0 && t.Run != 0 {
		line.Diff = diffLink(t.Target, t.Previous, t.Run)
	}
	return line
}

func diffLink(target string, a, b int64) string {
	return "/targets/" + target + "/diff?a=" + number(int(a)) + "&b=" + number(int(b))
}

// lineOf is a run in the list, with a link to what changed since the run of the same
// kind before it.
func lineOf(r history.Run, older []history.Run) runLine {
	line := runLine{ID: r.ID, At: moment(r.Started), Took: roughly(r.Duration), Status: r.Status, Code: r.Code, Summary: r.Summary, Kind: "anonymous"}
	if r.Credential {
		line.Kind = "whole"
	}
	for _, before := range older {
		if before.Credential == r.Credential {
			if r.ID != 0 && before.Code != r.Code {
				line.Diff = diffLink(r.Target, before.ID, r.ID)
			}
			break
		}
	}
	return line
}

// mailboxLines are the mailboxes of the last batch that are not ok.
func (s *Server) mailboxLines(r *http.Request, target string) ([]mailboxLine, error) {
	_, rows, err := s.o.History.Batch(r.Context(), target)
	if errors.Is(err, history.ErrNone) {
		return nil, nil
	}
	var list []mailboxLine
	for line := range strings.Lines(string(rows)) {
		var row report.Row
		if len(list) == mostMailboxes || json.Unmarshal([]byte(line), &row) != nil {
			break
		}
		list = append(list, mailboxLine{row.Title(), row.Verdict.Summary, row.Verdict.Status, row.Verdict.Code})
	}
	return list, err
}

// onRun is the page of a run.
type onRun struct {
	Target, At string
	ID         int64
	report     template.HTML
}

// Report is made by report.HTMLPart.
func (p onRun) Report() template.HTML { return p.report }

func (s *Server) runPage(w http.ResponseWriter, r *http.Request) {
	id, asJSON := strings.CutSuffix(r.PathValue("id"), ".json")
	run, raw := s.record(w, r, id)
	if raw == nil {
		return
	}
	if asJSON {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Disposition", `attachment; filename="`+r.PathValue("name")+"-"+number(int(run.ID))+`.json"`)
		_, _ = w.Write(raw)
		return
	}
	var whole report.Report
	err := json.Unmarshal(raw, &whole)
	page := onRun{Target: r.PathValue("name"), At: moment(run.Started), ID: run.ID}
	if err == nil {
		page.report, err = whole.HTMLPart()
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	show(s, w, r, "run", r.PathValue("name")+", run "+number(int(run.ID)), page)
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
	Letter, Target, At string
	ID                 int64
	Verdict            finding.Verdict
}

func (s *Server) diffPage(w http.ResponseWriter, r *http.Request) {
	t := s.target(w, r)
	if t == nil {
		return
	}
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
		run, raw, err := s.load(r, names[i], values.Get(key))
		if errors.Is(err, history.ErrNone) {
			fail(w, r, http.StatusNotFound, "there is no such run, or it is no longer kept")
			return
		}
		if err == nil {
			records[i], err = report.Load(raw)
		}
		if err != nil {
			s.broken(w, r, err)
			return
		}
		sides[i] = diffSide{Letter: strings.ToUpper(key), Target: names[i], At: moment(run.Started), ID: run.ID}
	}
	d := diff.Compare(records[0], records[1])
	sides[0].Verdict, sides[1].Verdict = d.A.Verdict, d.B.Verdict
	show(s, w, r, "diff", "Comparison of two runs of "+t.Name, onDiff{
		SideA: sides[0], SideB: sides[1], Conclusion: report.Conclusion(d, "A", "B"), Explanation: report.Explanation(d),
		Differences: d.Differences, Causes: report.CauseDifferences(d),
	})
}
