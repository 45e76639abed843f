// Package diff lays two records side by side: inside and outside, before and
// after, works here and not there. It says what differs, and which difference
// explains that they are judged differently.
//
// That is not guessed from a table of differences. Judging is a pure function of
// a record, so the question can be asked of it: if A had seen in this one place
// what B saw, would it be judged as B is? Each difference is put from one record
// into the other, one at a time and then two at a time, and judged again. What
// turns the verdict into the other's, explains it; what does so in both
// directions, explains it wholly.
//
// Pure functions on data: no file, no clock, no network.
package diff

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/rule"
	"github.com/ewsprobe/ewsprobe/soap"
)

// Schema names the form of the result as JSON.
const Schema = "ewsprobe/diff/1"

// Result is what comes of comparing two records.
type Result struct {
	Schema      string       `json:"schema"`
	A           Side         `json:"a"`
	B           Side         `json:"b"`
	Same        bool         `json:"same_verdict"`
	Differences []Difference `json:"differences"`
	// Together are two differences that explain the verdicts together, where none
	// explains them wholly alone.
	Together []string `json:"together"`
}

// Side is one of the two.
type Side struct {
	File     string                `json:"file"`
	Started  time.Time             `json:"started"`
	Target   string                `json:"target"`
	Verdict  finding.Verdict       `json:"verdict"`
	Causes   []finding.CauseReport `json:"causes"`
	Findings []finding.Code        `json:"findings"`
}

// Explains says in which direction a difference turns one verdict into the
// other.
type Explains string

// Both: A with B's part is judged as B, and B with A's part as A. OnlyA and
// OnlyB: the one alone; the other record has more that keeps its verdict.
const (
	Both    Explains = "both"
	OnlyA   Explains = "a" // A with B's part is judged as B
	OnlyB   Explains = "b" // B with A's part is judged as A
	Neither Explains = "no"
)

// Difference is one thing that is not the same in both.
type Difference struct {
	What     string   `json:"what"`
	A        []string `json:"seen_in_a"`
	B        []string `json:"seen_in_b"`
	Explains Explains `json:"explains"`
}

// Compare lays two records side by side.
func Compare(a, b evidence.Record) Result {
	ja, jb := rule.Judge(a), rule.Judge(b)
	r := Result{Schema: Schema, A: side(a, ja), B: side(b, jb), Same: alike(ja.Verdict, jb.Verdict)}
	var parts []part
	for _, p := range allParts {
		if in, with := p.show(a), p.show(b); !slices.Equal(in, with) {
			parts = append(parts, p)
			r.Differences = append(r.Differences, Difference{What: p.what, A: in, B: with, Explains: Neither})
		}
	}
	if r.Same {
		return r
	}
	half, whole := false, false
	for i, p := range parts {
		e := explains(a, b, ja.Verdict, jb.Verdict, p)
		r.Differences[i].Explains = e
		half, whole = half || e != Neither, whole || e == Both
	}
	if !whole {
		r.Together = pair(a, b, ja.Verdict, jb.Verdict, parts, !half)
	}
	return r
}

func side(rec evidence.Record, j rule.Judgement) Side {
	s := Side{Started: rec.Started, Target: cmp.Or(rec.Target.URL, rec.Target.FromAddress), Verdict: j.Verdict, Causes: j.Causes}
	for _, f := range j.Findings {
		s.Findings = append(s.Findings, f.Code)
	}
	return s
}

// alike: the same answer; how sure it is belongs to it.
func alike(a, b finding.Verdict) bool {
	return a.Code == b.Code && a.Status == b.Status && a.Cause == b.Cause && a.Confidence == b.Confidence && a.Reason == b.Reason
}

func explains(a, b evidence.Record, va, vb finding.Verdict, parts ...part) Explains {
	intoA, intoB := a, b
	for _, p := range parts {
		intoA, intoB = p.put(intoA, b), p.put(intoB, a)
	}
	asB, asA := alike(rule.Judge(intoA).Verdict, vb), alike(rule.Judge(intoB).Verdict, va)
	switch {
	case asA && asB:
		return Both
	case asB:
		return OnlyA
	case asA:
		return OnlyB
	}
	return Neither
}

// pair finds two differences that explain the verdicts together, wholly if there
// are such; else, where halfWill is true, in one direction.
func pair(a, b evidence.Record, va, vb finding.Verdict, parts []part, halfWill bool) []string {
	var half []string
	for i, p := range parts {
		for _, q := range parts[i+1:] {
			switch explains(a, b, va, vb, p, q) {
			case Both:
				return []string{p.what, q.what}
			case OnlyA, OnlyB:
				if half == nil && halfWill {
					half = []string{p.what, q.what}
				}
			}
		}
	}
	return half
}

// Answers are what Exchange answered Dynamics, as Dynamics wrote it down, beside what
// it answers here.
type Answers struct {
	Dynamics string `json:"dynamics"` // a code of EWS, or a status of HTTP
	Here     string `json:"here"`
	Same     bool   `json:"same"`
	// Verdict is what the check would conclude, had Exchange answered here as it
	// answered Dynamics; "" where both are the same.
	Verdict finding.Code `json:"verdict"`
}

// WithDynamics compares the two; nil: one of them is not known. What the difference
// means is not guessed: the answer that Dynamics got is put into the record, and the
// record judged again.
func WithDynamics(rec evidence.Record) *Answers {
	told, known := rule.ToldDynamics(rec)
	last := -1
	for i := range rec.Items {
		if item := &rec.Items[i]; item.Logon != nil && atEWS(item) && item.Request != nil && item.Response != nil {
			if last < 0 || item.EWS.Answered() || !rec.Items[last].EWS.Answered() {
				last = i
			}
		}
	}
	if !known || last < 0 {
		return nil
	}
	a := &Answers{Dynamics: told.Code, Here: here(rec.Items[last])}
	if told.Code == "" {
		a.Dynamics = fmt.Sprintf("HTTP %d", told.Status)
	}
	if a.Same = a.Dynamics == a.Here; a.Same {
		return a
	}
	as := rec
	as.Items = slices.Clone(rec.Items)
	for i := range as.Items {
		if item := &as.Items[i]; item.Logon != nil && atEWS(item) && item.Logon.Result == evidence.Accepted {
			as.Items[i] = answered(*item, told)
		}
	}
	a.Verdict = rule.Judge(as).Verdict.Code
	return a
}

func here(item evidence.Item) string {
	if item.EWS.Answered() && item.EWS.Code != "" {
		return item.EWS.Code
	}
	return fmt.Sprintf("HTTP %d", item.Response.Status)
}

// answered is a step as if Exchange had answered it so.
func answered(item evidence.Item, told rule.Told) evidence.Item {
	logon, response := *item.Logon, *item.Response
	item.Logon, item.Response = &logon, &response
	if told.Code == "" {
		logon.Result, logon.Status, response.Status, item.EWS = evidence.Refused, told.Status, told.Status, nil
		return item
	}
	ews := evidence.EWS{}
	if item.EWS != nil {
		ews = *item.EWS
	}
	ews.Code, ews.Class = told.Code, soap.ClassError
	if told.Code == soap.CodeNoError {
		ews.Class = soap.ClassSuccess
	}
	item.EWS = &ews
	return item
}
