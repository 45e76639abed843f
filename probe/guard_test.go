package probe

import (
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

const (
	accepted   = evidence.Accepted
	refused    = evidence.Refused
	unfinished = evidence.Unfinished
	skipped    = evidence.Skipped
)

// A logon counts as refused from the moment it is sent until it is accepted;
// at the limit nothing more is sent.
func TestGuardCountsRefusals(t *testing.T) {
	type sent struct {
		comparison bool
		result     evidence.Result
		counted    bool
	}
	logon := func(r evidence.Result, counted bool) sent { return sent{false, r, counted} }
	compare := func(r evidence.Result) sent { return sent{true, r, false} }
	tests := []struct {
		name    string
		max     int
		sent    []sent
		another bool // may another logon be sent
	}{
		{"nothing sent", 1, nil, true},
		{"one refused of one", 1, []sent{logon(refused, true)}, false},
		{"one refused of two", 2, []sent{logon(refused, true)}, true},
		{"two refused of two", 2, []sent{logon(refused, true), logon(refused, true)}, false},
		{"no answer counts as refused", 1, []sent{logon(unfinished, true)}, false},
		{"accepted counts nothing", 1, []sent{logon(accepted, false)}, true},
		{"no answer after an accepted one counts nothing", 1, []sent{logon(accepted, false), logon(unfinished, false)}, true},
		{"refused after an accepted one counts", 1, []sent{logon(accepted, false), logon(refused, true)}, false},
		{"never sent counts nothing", 1, []sent{logon(skipped, false)}, true},
		{"comparisons count nothing", 1, []sent{logon(accepted, false), compare(refused), compare(refused)}, true},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			g := &Guard{max: c.max}
			for i, s := range c.sent {
				if may, why := g.May(s.comparison); !may {
					t.Fatalf("logon %d may not be sent: %s", i+1, why)
				}
				g.Begin(s.comparison)
				if got := g.End(s.comparison, s.result); got != s.counted {
					t.Errorf("logon %d (%s) counted %v, want %v", i+1, s.result, got, s.counted)
				}
			}
			if may, why := g.May(false); may != c.another {
				t.Errorf("another logon: %v (%s), want %v", may, why, c.another)
			}
		})
	}
}

// Between Begin and End a logon is a refused one: a second in flight would
// already have to respect it.
func TestGuardCountsWhatIsInFlight(t *testing.T) {
	g := &Guard{max: 1}
	g.Begin(false)
	if may, _ := g.May(false); may {
		t.Error("with one logon in flight and a limit of one, another may be sent")
	}
}

func TestGuardComparesOnlyWhatIsProved(t *testing.T) {
	g := &Guard{max: 2}
	if may, _ := g.May(true); may {
		t.Error("a comparison may be sent before any logon was accepted")
	}
	g.Begin(false)
	g.End(false, accepted)
	for i := range comparisons {
		if may, why := g.May(true); !may {
			t.Fatalf("comparison %d: %s", i+1, why)
		}
		g.Begin(true)
		g.End(true, refused)
	}
	if may, _ := g.May(true); may {
		t.Errorf("more than %d comparisons may be sent", comparisons)
	}
}

// A ticket is compared without a password proved, but no more often than one.
func TestGuardComparesTickets(t *testing.T) {
	g := &Guard{max: 1}
	for range comparisons {
		if !g.ShowAgain() {
			t.Fatal("the ticket may not be shown again")
		}
	}
	if g.ShowAgain() {
		t.Errorf("more than %d comparisons", comparisons)
	}
	if g.Ticket(refused) || g.refused != 0 {
		t.Error("a refused ticket counts")
	}
}

func TestGuardBarred(t *testing.T) {
	g := &Guard{max: 2}
	g.Bar(time.Date(2026, 11, 23, 12, 30, 0, 0, time.UTC))
	may, why := g.May(false)
	const want = "the same password was refused at 2026-11-23 12:30:00 UTC and is not sent again before 13:30:00 UTC (--retry-refused sends it all the same)"
	if may || why.String() != want {
		t.Errorf("%v, %q", may, why)
	}
}
