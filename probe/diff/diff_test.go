package diff_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/diff"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

func load(t *testing.T, name string) evidence.Record {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "testdata", "records", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	rec, err := report.Load(raw)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func names(t *testing.T) []string {
	t.Helper()
	files, _ := filepath.Glob("../../testdata/records/*.json")
	if len(files) < 5 {
		t.Fatal("no records")
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".json")
	}
	return files
}

// told is what explains a pair, in a line.
func told(d diff.Result) string {
	var parts []string
	for _, e := range d.Differences {
		if e.Explains != diff.Neither {
			parts = append(parts, fmt.Sprintf("%s: %s", e.What, e.Explains))
		}
	}
	if len(d.Together) > 0 {
		parts = append(parts, "together: "+strings.Join(d.Together, " + "))
	}
	return strings.Join(parts, "; ")
}

func TestWhatExplains(t *testing.T) {
	const (
		anonymous = "answer to the anonymous request"
		basic     = "logons by Basic and what EWS answered"
		windows   = "logons by NTLM or Negotiate and what EWS answered"
	)
	// Changes to a record, as the world might make them.
	profile := func(auth string) func(*evidence.Record) {
		return func(r *evidence.Record) { r.Target.ProfileAuth = auth }
	}
	later := func(r *evidence.Record) {
		late := r.Started.AddDate(0, 11, 20)
		r.Started = late
	}
	for _, c := range []struct {
		name, a, b string
		change     func(*evidence.Record)
		want       string
	}{
		{"Basic off, and on", "basic-off", "own-mailbox", nil, anonymous + ": b; together: " + anonymous + " + " + basic},
		{"another password", "wrong-password", "own-mailbox", nil, "together: " + basic + " + " + windows},
		{"another profile", "basic-off", "basic-off", profile("ntlm"), "scheme of the profile: both"},
		{"certificate runs out", "own-mailbox", "own-mailbox", later, "day of the check: both"},
		{"the right to impersonate", "impersonation-denied", "own-mailbox", nil, basic + ": both"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := load(t, c.a), load(t, c.b)
			if c.change != nil {
				c.change(&b)
			}
			d := diff.Compare(a, b)
			if got := told(d); got != c.want || d.Same {
				t.Errorf("%s, want %s", got, c.want)
			}
			// The other way round it is the same, seen from the other side.
			back := diff.Compare(b, a)
			turned := map[diff.Explains]diff.Explains{diff.OnlyA: diff.OnlyB, diff.OnlyB: diff.OnlyA, diff.Both: diff.Both, diff.Neither: diff.Neither}
			for i := range back.Differences {
				back.Differences[i].Explains = turned[back.Differences[i].Explains]
			}
			if got := told(back); got != c.want {
				t.Errorf("turned round: %s, want %s", got, c.want)
			}
		})
	}
}

// A record beside itself differs in nothing; and comparing changes no record.
func TestSame(t *testing.T) {
	if testing.Short() {
		t.Skip("left out with -short: it takes seconds")
	}
	for _, name := range names(t) {
		a := load(t, name)
		before, err := evidence.Encode(a.Items)
		if err != nil {
			t.Fatal(err)
		}
		if d := diff.Compare(a, load(t, name)); !d.Same || len(d.Differences) > 0 {
			t.Errorf("%s beside itself: %+v", name, d.Differences)
		}
		for _, other := range names(t) {
			b := load(t, other)
			d := diff.Compare(a, b)
			if d.A.Verdict.Code == "" || d.B.Verdict.Code == "" {
				t.Errorf("%s and %s: no verdict", name, other)
			}
			if same := d.A.Verdict.Code == d.B.Verdict.Code && d.A.Verdict.Status == d.B.Verdict.Status && d.A.Verdict.Confidence == d.B.Verdict.Confidence; d.Same != same {
				t.Errorf("%s and %s: same %v", name, other, d.Same)
			}
			if !d.Same && len(d.Differences) == 0 {
				t.Errorf("%s and %s are judged differently, and nothing differs", name, other)
			}
			text := report.DiffText(d, report.Style{Width: 40})
			conclusion := "What explains it"
			if d.Same {
				conclusion = "the same verdict"
			}
			for _, part := range []string{"A  ", "B  ", conclusion} {
				if !strings.Contains(strings.Join(strings.Fields(text), " "), strings.TrimSpace(part)) {
					t.Errorf("%s and %s: no %q in\n%s", name, other, part, text)
				}
			}
			if _, err := report.DiffJSON(d); err != nil {
				t.Error(err)
			}
		}
		after, err := evidence.Encode(a.Items)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(before), string(after)); diff != "" {
			t.Errorf("%s was changed:\n%s", name, diff)
		}
	}
}

// What is told of a hostile record is harmless.
func TestHarmless(t *testing.T) {
	a, b := load(t, "basic-off"), load(t, "own-mailbox")
	for i := range b.Items {
		if r := b.Items[i].Response; r != nil {
			r.Headers = slices.Clone(r.Headers)
			r.Headers = append(r.Headers, [2]string{"Location", "\x1b[31mred\u202e"})
		}
	}
	b.Target.User = "\x1b]0;title\x07"
	if text := report.DiffText(diff.Compare(a, b), report.Style{Width: 80}); strings.ContainsAny(text, "\x1b\x07\u202e") {
		t.Errorf("%q", text)
	}
}
