package main

import (
	"strconv"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/batch"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// summaryOf is what a run found, as reports are made of it; the endpoint's own
// report comes later.
func summaryOf(s batch.Summary) report.Summary {
	l := report.Summary{
		Schema: report.SummarySchema, Tool: report.Tool{Name: "ewsprobe", Version: version()},
		Started: s.Started, DurationMS: s.Duration.Milliseconds(), Rows: s.Rows, Reported: s.Reported, Resumed: s.Resumed, Shard: s.Shard,
		ByStatus: map[string]int{}, ByCode: map[string]int{}, ByCause: map[string]int{}, Requests: s.Requests, Retries: s.Retries,
		Pauses: s.Pauses, PausedMS: s.Paused.Milliseconds(), FrontEnds: s.FrontEnds, Stopped: s.Stopped,
	}
	for k, n := range s.ByStatus {
		l.ByStatus[string(k)] = n
	}
	for k, n := range s.ByCode {
		l.ByCode[string(k)] = n
	}
	for k, n := range s.ByCause {
		l.ByCause[strconv.Itoa(k)] = n
	}
	if s.Answers.Max > 0 {
		l.AnswersMS = &report.Percentiles{P50: millis(s.Answers.P50), P90: millis(s.Answers.P90), P99: millis(s.Answers.P99), Max: millis(s.Answers.Max)}
	}
	for _, slow := range s.Slowest {
		l.Slowest = append(l.Slowest, report.SlowMailbox{Mailbox: slow.Mailbox, TookMS: millis(slow.Took)})
	}
	for _, g := range s.Groups {
		example := ""
		if len(g.Examples) > 0 {
			example = g.Examples[0]
		}
		l.Groups = append(l.Groups, report.BatchGroup{
			Code: g.Verdict.Code, Status: g.Verdict.Status, Reason: g.Verdict.Reason, Summary: batch.About(g.Verdict.Summary, example), Count: g.Count, Examples: g.Examples,
		})
	}
	if s.Verdict.Code != "" {
		l.Verdict = &s.Verdict
	}
	return l
}
