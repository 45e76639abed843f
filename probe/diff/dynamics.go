package diff

import (
	"fmt"
	"slices"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/rule"
	"github.com/ewsprobe/ewsprobe/soap"
)

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
