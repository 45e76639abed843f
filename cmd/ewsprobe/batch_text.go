package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/probe/batch"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// prose is the text for a person: a line per mailbox, then the summary.
type prose struct {
	w     io.Writer
	style report.Style
}

func (p *prose) row(r batch.Result) error {
	name := r.Address
	if name == "" {
		name = fmt.Sprintf("line %d", r.Line)
	}
	if user := r.Account.User; user != "" {
		name += " (" + user + ")"
	}
	summary := ""
	if r.Verdict.Code != "ok" {
		summary = "  " + r.Shape.Summary(r.Address)
	}
	_, err := fmt.Fprintf(p.w, "%-8s  %s  %s%s\n", strings.ToUpper(string(r.Verdict.Status)), report.Clean(name, 330), r.Verdict.Code, report.Clean(summary, 2000))
	return err
}

func (p *prose) summary(s batch.Summary, endpoint *report.Report) error {
	_, err := io.WriteString(p.w, "\n"+report.Batch(batchReport(s, endpoint), p.style))
	return err
}

// batchReport is what the summary has to say.
func batchReport(s batch.Summary, endpoint *report.Report) report.BatchSummary {
	b := report.BatchSummary{Verdict: s.Verdict, Endpoint: endpoint, Stopped: s.Stopped}
	var counts []string
	for _, status := range []finding.Status{finding.Critical, finding.Unknown, finding.Warning, finding.OK} {
		if n := s.ByStatus[status]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, status))
		}
	}
	b.Counts = fmt.Sprintf("%s reported: %s", count(s.Reported+s.Resumed, "mailbox row", "mailbox rows"), strings.Join(counts, ", "))
	if len(counts) == 0 {
		b.Counts = "no row was reported"
	}
	fact := func(name, format string, args ...any) {
		b.Facts = append(b.Facts, [2]string{name, fmt.Sprintf(format, args...)})
	}
	if s.Shard != "" {
		fact("shard", "%s of an input with %s", s.Shard, count(s.Rows, "row", "rows"))
	}
	if s.Resumed > 0 {
		fact("resumed", "%s reported by an earlier run", count(s.Resumed, "row was", "rows were"))
	}
	if s.Requests > 0 {
		fact("requests", "%d in %s, %.1f mailboxes per second; %s", s.Requests, seconds(s.Duration), float64(s.Reported)/max(s.Duration.Seconds(), 0.001), count(s.Retries, "try repeated", "tries repeated"))
	}
	if s.Pauses > 0 {
		fact("throttled", "the server asked for a pause or was away %s, %s in all", count(s.Pauses, "time", "times"), seconds(s.Paused))
	}
	if s.Answers.Max > 0 {
		fact("answers after", "half within %s, 90 %% within %s, 99 %% within %s, the slowest after %s", seconds(s.Answers.P50), seconds(s.Answers.P90), seconds(s.Answers.P99), seconds(s.Answers.Max))
		var slow []string
		for _, m := range s.Slowest {
			slow = append(slow, fmt.Sprintf("%s (%s)", m.Mailbox, seconds(m.Took)))
		}
		fact("slowest", "%s", strings.Join(slow, ", "))
	}
	if len(s.FrontEnds) > 0 {
		names := make([]string, 0, len(s.FrontEnds))
		for name, n := range s.FrontEnds {
			names = append(names, fmt.Sprintf("%s (%d)", name, n))
		}
		slices.Sort(names)
		fact("front ends", "%s", strings.Join(names, ", "))
	}
	for _, g := range s.Groups {
		if g.Verdict.Code == "ok" {
			continue
		}
		b.Groups = append(b.Groups, report.BatchGroup{Verdict: g.Verdict, Count: g.Count, Examples: g.Examples, Stand: batch.Stand})
	}
	return b
}

func count(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}
