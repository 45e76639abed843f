package batch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/report"
	"github.com/ewsprobe/ewsprobe/probe/rule"
)

func noted(t *testing.T, file, boot string) *run {
	t.Helper()
	s, err := OpenState(file, "about", boot, func() {})
	if err != nil {
		t.Fatal(err)
	}
	r := &run{tally: newTally(time.Time{}), templates: &templates{}, seen: newSeen()}
	s.replay(r)
	r.State = s
	return r
}

// has says whether an earlier run has reported the row.
func (s *State) has(row int, k key) bool {
	_, ok := s.Done(row, k)
	return ok
}

// die ends it as the end of its process does.
func (s *State) die() {
	s.file.Close()
	s.lock.Close()
}

func (r *run) note(t *testing.T, row int) {
	t.Helper()
	of := r.templates.intern(report.TemplateOf(rule.Judgement{}, ""))
	if err := errors.Join(r.State.Note(row, keyOf(fmt.Sprint(row)), of), r.State.Write()); err != nil {
		t.Fatal(err)
	}
}

// Cut anywhere, a journal gives back what stands whole before the cut: after a
// kill all of it, after a power cut what was made safe.
func TestStateSurvivesAnyCut(t *testing.T) {
	if testing.Short() {
		t.Skip("left out with -short: it takes seconds")
	}
	file := filepath.Join(t.TempDir(), "state")
	r := noted(t, file, "boot 1")
	for row := 1; row <= 5; row++ {
		r.note(t, row)
	}
	if err := r.State.Sync(); err != nil {
		t.Fatal(err)
	}
	for row := 6; row <= 9; row++ {
		r.note(t, row)
	}
	r.State.die()
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before := 0
	for cut := range len(whole) + 1 {
		for _, boot := range []string{"boot 1", "boot 2", ""} {
			if err := os.WriteFile(file, whole[:cut], 0o600); err != nil {
				t.Fatal(err)
			}
			again := noted(t, file, boot)
			done := 0
			for row := 1; row <= 9 && again.State.has(row, keyOf(fmt.Sprint(row))); row++ {
				done++
			}
			if again.State.has(1, keyOf("another")) {
				t.Fatal("a row with another address is taken for done")
			}
			switch {
			case boot == "boot 1" && done < before:
				t.Fatalf("cut at %d: %d rows, at a cut before it %d", cut, done, before)
			case boot == "boot 1":
				before = done
			case done != 0 && done != 5 || cut == len(whole) && done != 5:
				t.Fatalf("cut at %d, %q: %d rows", cut, boot, done)
			}
			again.note(t, 10) // and it can be gone on with
			again.State.die()
			if third := noted(t, file, boot); boot != "" && !third.State.has(10, keyOf("10")) {
				t.Fatalf("cut at %d: what was noted afterwards is lost", cut)
			} else {
				third.State.die()
			}
		}
	}
	if before != 9 {
		t.Errorf("of the whole journal only %d rows are read", before)
	}
}

func TestStateOfAnotherRun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state")
	r := noted(t, file, "b")
	r.note(t, 1)
	if err := r.State.Close(true); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenState(file, "something else", "b", func() {}); err == nil {
		t.Error("the state of another run is taken")
	}
	if err := os.WriteFile(file, []byte("name,emailaddress\nsomebody,box1@contoso.com\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenState(file, "about", "b", func() {}); err == nil {
		t.Error("a file of mailboxes is taken, and overwritten")
	}
}

// Two processes with one journal would each take the other's rows for done.
func TestStateIsForOneRunAtATime(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state")
	first := noted(t, file, "b")
	first.note(t, 1)
	if _, err := OpenState(file, "about", "b", func() {}); !errors.Is(err, ErrInUse) {
		t.Fatalf("a second run gets %v", err)
	}
	first.note(t, 2)
	first.State.die()
	second := noted(t, file, "b")
	defer second.State.die()
	if !second.State.has(1, keyOf("1")) || !second.State.has(2, keyOf("2")) {
		t.Error("a row that the first has reported before it died is not known")
	}
}

// Each row is in one shard, and the spellings of an address are in the same.
func TestShards(t *testing.T) {
	for _, of := range []int{1, 2, 3, 7} {
		sizes := make([]int, of+1)
		for n := 1; n <= 3000; n++ {
			r := Row{Number: n, Address: fmt.Sprintf("Box%d@contoso.com", n)}
			if n%10 == 0 {
				r.Problem = "no address"
			}
			in := 0
			for i := 1; i <= of; i++ {
				s := Shard{i, of}
				if !s.Has(r) {
					continue
				}
				in++
				sizes[i]++
				if lower := (Row{Number: n + 1, Address: fmt.Sprintf("box%d@CONTOSO.com", n)}); r.Problem == "" && !s.Has(lower) {
					t.Fatalf("%s is elsewhere in another spelling", r.Address)
				}
			}
			if in != 1 {
				t.Fatalf("row %d is in %d of %d shards", n, in, of)
			}
		}
		for i := 1; i <= of; i++ {
			if sizes[i] < 3000/of*8/10 {
				t.Errorf("shard %d/%d has %d of 3000 rows", i, of, sizes[i])
			}
		}
	}
	for _, bad := range []string{"", "1", "0/3", "4/3", "a/b", "1/0", "-1/3"} {
		if _, err := ParseShard(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// A disk that is full is told of once, and as what it is: of the state.
func TestStateThatCannotBeWritten(t *testing.T) {
	for _, during := range []bool{true, false} {
		r := noted(t, filepath.Join(t.TempDir(), "state"), "b")
		ctx, halt := context.WithCancelCause(t.Context())
		r.Rows, r.Emit, r.Concurrency = func(func(Row, error) bool) {}, func(report.Row) error { return nil }, 1
		r.writes = newWriteQueue(r.Config, r.tally, halt)
		of := report.TemplateOf(rule.Judgement{}, "")
		if during {
			r.State.file.Close()
		}
		r.writes.put(Row{Number: 1}.found(of), of, keyOf("x"))
		r.State.file.Close()
		err := r.all(ctx, &accounts{})
		if err == nil || strings.Count(err.Error(), "file already closed") != 1 || strings.Count(err.Error(), errState.Error()) != 1 {
			t.Errorf("during the run: %t: %v", during, err)
		}
		r.State.die()
	}
}

// A journal of another version is told from that of another run.
func TestStateOfAnotherVersion(t *testing.T) {
	for line, want := range map[string]error{
		"0c6c3c6f h ewsprobe/state/2 x":                     ErrOtherVersion,
		`{"schema":"ewsprobe/state/4","about":"x"}`:         ErrOtherVersion,
		`{"schema":"` + stateSchema + `","about":"y"}`:      ErrOtherState,
		`{"row":1,"key":"AAAAAAAAAAAAAAAAAAAAAA==","of":0}`: ErrNoState,
		`{"schema":"` + stateSchema + `","about":"x"}`:      nil,
	} {
		file := filepath.Join(t.TempDir(), "state")
		if err := os.WriteFile(file, []byte(line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := OpenState(file, "x", "", func() {})
		if !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", line, err, want)
		}
		s.Close(true)
	}
}
