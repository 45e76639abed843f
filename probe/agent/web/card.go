package web

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/agent"
	"github.com/ewsprobe/ewsprobe/probe/agent/history"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// card is a target as the pages show it. Its texts are made harmless before they are
// shown, and escaped by the template.
type card struct {
	Name, Endpoint, View, URL string
	Peer                      string // the agent that checks it; "": this one
	Labels                    []string
	Status                    finding.Status
	Code                      finding.Code
	Summary                   string
	Since, For                string // the time of the status, and how long ago that is
	Changed                   []string
	Remedies                  []finding.Remedy
	More                      int // remedies that the page of the target has
	Chart                     chart
	Certificate               string
	Expiring                  bool // the certificate, soon
	Logons                    string
	LastRun, NextRun          string
	NotStored                 bool
	Withheld                  *agent.Withheld
	Muted                     string
	Silenced                  bool
	Mailboxes                 string
	MayAct                    bool

	rank   int
	run    int64 // of a peer's target, and its record
	record *evidence.Record
}

// firstRemedies are shown without a click.
const firstRemedies = 3

// cardOf puts a target into words, without its chart.
func cardOf(t *agent.Target, now time.Time) card {
	c := card{
		Name: t.Name, Endpoint: t.Endpoint, View: t.View, URL: t.URL, Status: t.Status, Code: t.Code, Summary: t.Summary,
		NextRun: nextRun(t, now), Withheld: t.Withheld, rank: t.Status.Rank(),
	}
	for _, name := range slices.Sorted(maps.Keys(t.Labels)) {
		c.Labels = append(c.Labels, name+"="+t.Labels[name])
	}
	if t.Status == "" {
		c.Status, c.Summary = "none", "not checked yet"
	}
	if !t.Since.IsZero() {
		c.Since, c.For = moment(t.Since), ago(now.Sub(t.Since))
	}
	c.Changed = changes(t.Changed)
	if d := t.Deciding(); d != nil && t.Status != finding.OK {
		for _, f := range d.Report.Findings {
			if f.Code == t.Code {
				c.Remedies = f.Remedies[:min(firstRemedies, len(f.Remedies))]
				c.More = len(f.Remedies) - len(c.Remedies)
				break
			}
		}
	}
	if end := t.Certificate(); !end.IsZero() {
		c.Certificate, c.Expiring = expiry(end, now), end.Sub(now) < 30*24*time.Hour
	}
	if r := t.LastRun; r != nil {
		c.LastRun = fmt.Sprintf("%s ago, took %s", ago(now.Sub(r.Started)), roughly(r.Duration))
		c.NotStored = r.ID == 0
	}
	if t.Whole != nil && t.Withheld == nil {
		c.Logons = count(t.LogonsLeft, "logon") + " may still be refused"
	}
	switch {
	case t.SilencedUntil.After(now):
		c.Muted, c.Silenced = "silent until "+moment(t.SilencedUntil), true
	case t.Muted:
		c.Muted = "maintenance"
	}
	if t.Mailboxes != nil {
		c.Mailboxes = mailboxes(t)
	}
	return c
}

func nextRun(t *agent.Target, now time.Time) string {
	switch {
	case t.Running:
		return "under way"
	case t.NextRun.IsZero():
		return ""
	case !t.NextRun.After(now):
		return "now"
	}
	return "in " + ago(t.NextRun.Sub(now))
}

func expiry(end, now time.Time) string {
	days := int(end.Sub(now) / (24 * time.Hour))
	if end.Before(now) {
		return "expired on " + end.UTC().Format("2006-01-02")
	}
	return fmt.Sprintf("%s left, until %s", count(days, "day"), end.UTC().Format("2006-01-02"))
}

func mailboxes(t *agent.Target) string {
	var parts []string
	for _, s := range finding.WorstFirst() {
		if n := t.Mailboxes[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "none") + ", " + moment(t.MailboxesAt)
}

// mostChanges are shown of a change of status; its comparison has all.
const mostChanges = 3

// changes are what was different when a status began: what explains it, or else what
// was met first.
func changes(list []history.Change) []string {
	var explaining, others []string
	for _, c := range list {
		if c.Explains {
			explaining = append(explaining, changed(c))
		} else {
			others = append(others, changed(c))
		}
	}
	if len(explaining) > 0 {
		others = nil
	}
	all := append(explaining, others...)
	return all[:min(mostChanges, len(all))]
}

// changed says what was different: what is gone and what is new of the lists that
// probe/diff gives.
func changed(c history.Change) string {
	gone, come := missing(c.Before, c.After), missing(c.After, c.Before)
	var parts []string
	switch {
	case len(gone) > 0 && len(come) > 0:
		parts = append(parts, strings.Join(gone, ", ")+" → "+strings.Join(come, ", "))
	case len(gone) > 0:
		parts = append(parts, "gone: "+strings.Join(gone, ", "))
	case len(come) > 0:
		parts = append(parts, "new: "+strings.Join(come, ", "))
	}
	if c.Explains {
		parts = append(parts, "(explains the verdict)")
	}
	return c.What + ": " + strings.Join(parts, " ")
}

// missing are the facts of a that b has not. A fact is what stands between commas.
func missing(a, b []string) []string {
	facts := func(list []string) []string {
		var all []string
		for _, s := range list {
			for fact := range strings.SplitSeq(s, ", ") {
				all = append(all, fact)
			}
		}
		return all
	}
	have := facts(b)
	var list []string
	for _, fact := range facts(a) {
		if !slices.Contains(have, fact) && !slices.Contains(list, fact) {
			list = append(list, fact)
		}
	}
	return list
}
