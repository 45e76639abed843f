package report

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// Limits of what a summary keeps of its rows.
const (
	examples    = 3
	maxGroups   = 200
	MostSlowest = 5
)

// Tally counts rows as they are reported: what a batch and merge tell of all of
// them. The zero value has counted nothing.
type Tally struct {
	s      Summary
	groups map[group]*BatchGroup
}

// group is what rows of one group have in common.
type group struct {
	code   finding.Code
	status finding.Status
	reason string
	cause  int
	what   string // where the code says too little: the error of EWS, or the sentence without the mailbox
}

// Add takes a row in; resumed: an earlier run reported it.
func (t *Tally) Add(r Row, resumed bool) {
	if t.groups == nil {
		t.groups = map[group]*BatchGroup{}
		t.s.ByStatus, t.s.ByCode, t.s.ByCause = map[string]int{}, map[string]int{}, map[string]int{}
	}
	v := r.Verdict
	if resumed {
		t.s.Resumed++
	} else {
		t.s.Reported++
	}
	t.s.Retries += max(r.Tries-1, 0)
	t.s.ByStatus[string(v.Status)]++
	t.s.ByCode[string(v.Code)]++
	for _, c := range r.Causes {
		if c.Status == finding.CauseConfirmed || c.Status == finding.CauseLikely {
			t.s.ByCause[strconv.Itoa(c.Number)]++
		}
	}
	// The first of the same kind stands for all.
	if t.s.Verdict == nil || place(v) < place(*t.s.Verdict) {
		t.s.Verdict = &v
	}
	g := t.groupOf(r)
	g.Count++
	if len(g.Examples) < examples {
		g.Examples = append(g.Examples, r.Name())
	}
}

// Counts are how many rows were reported, by this run and by earlier ones, and how many
// have which status.
func (t *Tally) Counts() (reported, resumed int, byStatus map[string]int) {
	return t.s.Reported, t.s.Resumed, maps.Clone(t.s.ByStatus)
}

// place orders verdicts, the worst first.
func place(v finding.Verdict) int { return v.Status.Rank()*1000 + finding.Order(v.Code) }

// groupOf is the group of a row, which is made where there is none.
func (t *Tally) groupOf(r Row) *BatchGroup {
	v := r.Verdict
	k := group{v.Code, v.Status, v.Reason, v.Cause, ""}
	switch v.Code {
	case "exchange-error":
		k.what = r.EWSCode // the server's words may differ by mailbox
	case "not-checked", "throttled", "server-error", "forbidden":
		k.what = r.template().Summary.About("")
	}
	if t.groups[k] == nil && len(t.groups) >= maxGroups {
		k.reason, k.cause, k.what = "", 0, ""
	}
	if t.groups[k] == nil {
		t.groups[k] = &BatchGroup{Code: v.Code, Status: v.Status, Reason: v.Reason, Summary: v.Summary}
	}
	return t.groups[k]
}

// Into completes a summary of a run with what its rows say. The verdict that it has
// is the endpoint's own.
func (t *Tally) Into(s Summary) Summary {
	s.Schema, s.Tool.Name = SummarySchema, "ewsprobe"
	s.Reported, s.Resumed, s.Retries = t.s.Reported, t.s.Resumed, s.Retries+t.s.Retries
	s.ByStatus, s.ByCode, s.ByCause = t.s.ByStatus, t.s.ByCode, t.s.ByCause
	if v := t.s.Verdict; v != nil && (s.Verdict == nil || place(*v) <= place(*s.Verdict)) {
		s.Verdict = v
	}
	for _, g := range t.groups {
		s.Groups = append(s.Groups, *g)
	}
	slices.SortFunc(s.Groups, func(a, b BatchGroup) int {
		return cmp.Or(cmp.Compare(a.Status.Rank(), b.Status.Rank()), cmp.Compare(b.Count, a.Count),
			cmp.Compare(finding.Order(a.Code), finding.Order(b.Code)), cmp.Compare(a.Summary, b.Summary))
	})
	return s
}

// Slower keeps the slowest answers of a list, the slowest first.
func Slower(list []SlowMailbox, more ...SlowMailbox) []SlowMailbox {
	list = append(list, more...)
	slices.SortStableFunc(list, func(a, b SlowMailbox) int { return cmp.Compare(b.TookMS, a.TookMS) })
	return list[:min(len(list), MostSlowest)]
}
