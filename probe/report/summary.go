package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/rule"
)

// SummarySchema names the form of a summary's JSON.
const SummarySchema = "ewsprobe/summary/1"

// Summary is what a batch found on the whole: the last line of its JSON, of which
// every other format is made too.
type Summary struct {
	Schema     string           `json:"schema"`
	Tool       Tool             `json:"tool"`
	Started    time.Time        `json:"started"`
	DurationMS int64            `json:"duration_ms"`
	Rows       int              `json:"rows"`     // of the input, as far as it was read
	Reported   int              `json:"reported"` // of these, by this run
	Resumed    int              `json:"resumed"`  // by earlier ones
	Shard      string           `json:"shard"`
	ByStatus   map[string]int   `json:"by_status"`
	ByCode     map[string]int   `json:"by_code"`
	ByCause    map[string]int   `json:"by_cause"` // confirmed or likely
	Requests   int              `json:"requests"`
	Retries    int              `json:"retries"`
	Pauses     int              `json:"pauses"`
	PausedMS   int64            `json:"paused_ms"`
	AnswersMS  *Percentiles     `json:"answers_ms"`
	Slowest    []SlowMailbox    `json:"slowest"`
	FrontEnds  map[string]int   `json:"front_ends"`
	Groups     []BatchGroup     `json:"groups"`
	Verdict    *finding.Verdict `json:"verdict"` // the worst
	Stopped    string           `json:"stopped"`
	Incomplete string           `json:"incomplete"` // why these are not all rows of the input
	Notes      []string         `json:"notes"`      // what else has to be known
	Endpoint   *Report          `json:"endpoint"`

	endpoint []byte // as it was read: a newer version may have more to say
}

// Percentiles of the times of answers, in milliseconds.
type Percentiles struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// SlowMailbox is a mailbox and how long its answer took.
type SlowMailbox struct {
	Mailbox string  `json:"mailbox"`
	TookMS  float64 `json:"took_ms"`
}

// BatchGroup are rows with the same verdict: one paragraph with one remedy.
type BatchGroup struct {
	Code     finding.Code   `json:"code"`
	Status   finding.Status `json:"status"`
	Reason   string         `json:"reason"`  // as the verdicts have it
	Summary  string         `json:"summary"` // of the first of them
	Count    int            `json:"count"`
	Examples []string       `json:"examples"`
}

// Status is the batch's own, of which the exit code is made: that of the worst
// verdict, and unknown where it is not whole.
func (s Summary) Status() finding.Status {
	switch {
	case s.Stopped == evidence.StoppedByUser || s.Incomplete != "":
		return finding.Unknown
	case s.Verdict != nil:
		return s.Verdict.Status
	case s.Endpoint != nil:
		return s.Endpoint.Verdict.Status // there was no row
	}
	return finding.Unknown
}

// Code is the one that goes with Status.
func (s Summary) Code() finding.Code {
	switch status := s.Status(); {
	case s.Verdict != nil && s.Verdict.Status == status:
		return s.Verdict.Code
	case s.Verdict == nil && s.Endpoint != nil && s.Endpoint.Verdict.Status == status:
		return s.Endpoint.Verdict.Code
	}
	return "inconclusive"
}

// Counts is the answer in numbers: "300 mailbox rows reported: 3 critical, 297 ok".
func (s Summary) Counts() string { return say("counts", s, "") }

// Handled is how many rows have a result, of this run and of earlier ones.
func (s Summary) Handled() int { return s.Reported + s.Resumed }

// Notices are what the reader has to know before he relies on the numbers.
func (s Summary) Notices() []string { return parts("notices", s) }

// Worst is the sentence about the worst verdict; "" where all is well.
func (s Summary) Worst() string { return say("worst", s, "") }

// NextStep is the line that ends a batch of a file: what was done, what is left, what to
// do next. state and shard are what --resume and --shard were given.
func (s Summary) NextStep(file, state, shard string) string {
	return say("next-step", struct {
		Summary
		File, State, Part string
	}{s, file, state, shard}, "")
}

// Faults are the groups that are not simply in order, with what to say of each.
func (s Summary) Faults() (list []remedied) {
	for _, g := range s.Groups {
		if g.Code != "ok" {
			list = append(list, s.remedied(g))
		}
	}
	return list
}

// Began and Lasted are when the run began and how long it took, as people read it.
func (s Summary) Began() string  { return day(s.Started) }
func (s Summary) Lasted() string { return lasted(s.DurationMS) }

// Rate is how many mailboxes were reported in a second.
func (s Summary) Rate() float64 { return float64(s.Reported) / max(float64(s.DurationMS)/1000, 0.001) }

// Paused is how long the pauses were.
func (s Summary) Paused() string { return lasted(s.PausedMS) }

// counted is a name and how often it was met.
type counted struct {
	Name string
	N    int
}

// Fronts are the front ends that answered, by name.
func (s Summary) Fronts() []counted {
	var list []counted
	for _, name := range slices.Sorted(maps.Keys(s.FrontEnds)) {
		list = append(list, counted{name, s.FrontEnds[name]})
	}
	return list
}

// share is a verdict and how many rows have it.
type share struct {
	Code   finding.Code
	Status finding.Status
	N      int
	Of     int
}

// Percent is the part of all rows.
func (s share) Percent() float64 { return 100 * float64(s.N) / float64(max(s.Of, 1)) }

// Accepted: a finding that is ok is one that a baseline accepts.
func (s share) Accepted() bool { return s.Status == finding.OK && s.Code != "ok" }

// Shares are the verdicts of the rows, the worst first. An accepted one is apart
// from the same where it is not.
func (s Summary) Shares() []share {
	var list []share
	all := 0
	for _, g := range s.Groups {
		all += g.Count
		i := slices.IndexFunc(list, func(one share) bool { return one.Code == g.Code && one.Status == g.Status })
		if i < 0 {
			i = len(list)
			list = append(list, share{Code: g.Code, Status: g.Status})
		}
		list[i].N += g.Count
	}
	for i := range list {
		list[i].Of = all
	}
	slices.SortStableFunc(list, func(a, b share) int {
		return cmp.Or(cmp.Compare(a.Status.Rank(), b.Status.Rank()), cmp.Compare(b.N, a.N),
			cmp.Compare(finding.Order(a.Code), finding.Order(b.Code)))
	})
	return list
}

// remedied is a group with what to say of it.
type remedied struct {
	BatchGroup
	Title    string
	Sentence string // "": the title says it
	Remedy   finding.Remedy
}

// For are the examples, and Left how many rows have the same besides.
func (r remedied) For() string { return say("examples", r, "") }
func (r remedied) Left() int   { return r.Count - len(r.Examples) }

// RemedyList is the remedy as the list that templates show.
func (r remedied) RemedyList() []finding.Remedy { return []finding.Remedy{r.Remedy} }

func (s Summary) remedied(g BatchGroup) remedied {
	entry, _ := finding.Lookup(g.Code)
	r := remedied{BatchGroup: g, Title: entry.Title, Sentence: g.Summary, Remedy: batchRemedy(entry, s.Endpoint, g)}
	switch {
	case g.Code == "config-invalid":
		r.Title = "Rows without a usable mailbox address"
		r.Sentence = "The first: " + g.Summary
	case g.Count > 1 && len(g.Examples) > 0 && strings.Contains(g.Summary, g.Examples[0]):
		r.Sentence = "" // it speaks of one of many
	}
	return r
}

// batchRemedy is the first thing to do, with the example in the command.
func batchRemedy(entry finding.Entry, endpoint *Report, g BatchGroup) finding.Remedy {
	if entry.Code == "config-invalid" {
		return finding.Remedy{Text: "Correct these rows in the file, or export it again. The results name the line and the column of each."}
	}
	if len(entry.Remedies) == 0 {
		return finding.Remedy{}
	}
	var target evidence.Target
	if endpoint != nil {
		target = endpoint.Target
	}
	cases := []finding.Case{finding.Case(g.Reason)}
	if target.Impersonate {
		cases = append(cases, finding.Impersonated)
	}
	example := ""
	if len(g.Examples) > 0 {
		example = g.Examples[0]
	}
	return rule.Fill(entry.RemediesIn(append(cases, finding.InBatch)...)[0], target, example)
}

// took is a time in milliseconds as people read it.
func took(ms float64) string {
	d := time.Duration(ms * float64(time.Millisecond))
	switch {
	case d < time.Second:
		return fmt.Sprintf("%.0f ms", ms)
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

func lasted(ms int64) string { return took(float64(max(ms, 0))) }

func count(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}
