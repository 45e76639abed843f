package history

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/finding"
)

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir, func(aside string, why error) { t.Logf("%s: %v", aside, why) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func add(t *testing.T, s *Store, r Run) Run {
	t.Helper()
	e := &Entry{Run: r, Record: []byte(`{"of":"` + r.Summary + `"}`), State: func(id int64) []byte { return fmt.Appendf(nil, `{"run":%d}`, id) }}
	if err := s.Add(e); err != nil {
		t.Fatal(err)
	}
	return e.Run
}

var (
	day  = time.Now().UTC().Truncate(24 * time.Hour)
	list = []finding.Status{finding.OK, finding.OK, finding.Critical, finding.Unknown, finding.Warning}
)

func TestRuns(t *testing.T) {
	s := open(t, t.TempDir())
	for i := range 10 {
		add(t, s, Run{
			Target: "a", Started: day.Add(time.Duration(i) * time.Minute), Duration: time.Second, Status: list[i%5], Code: "c",
			Summary: fmt.Sprint(i), Credential: i%2 == 0, HTTPStatus: 401, Certificate: day.Add(time.Hour),
		})
		add(t, s, Run{Target: "b", Started: day, Status: finding.OK, Summary: "b"})
	}
	at := func(i int) time.Time { return day.Add(time.Duration(i) * time.Minute) }
	for _, c := range []struct {
		q    Query
		want []string
		more bool
	}{
		{Query{Limit: 3}, []string{"9", "8", "7"}, true},
		{Query{Limit: 3, After: 13}, []string{"5", "4", "3"}, true}, // 13 is the run 6 of a
		{Query{After: 3}, []string{"0"}, false},
		{Query{After: 1}, nil, false},
		{Query{Status: finding.Critical}, []string{"7", "2"}, false},
		{Query{Status: finding.Critical, Limit: 1}, []string{"7"}, true},
		{Query{Since: at(8)}, []string{"9", "8"}, false},
		{Query{Until: at(2)}, []string{"1", "0"}, false},
		{Query{Since: at(2), Until: at(4), Status: finding.Critical}, []string{"2"}, false},
	} {
		runs, more, err := s.Runs(t.Context(), "a", c.q)
		var got []string
		for _, r := range runs {
			got = append(got, r.Summary)
		}
		if err != nil || !slices.Equal(got, c.want) || more != c.more {
			t.Errorf("%+v: %v, more %v (%v)", c.q, got, more, err)
		}
	}
	r, err := s.Run(t.Context(), "a", 1)
	if err != nil || !r.Started.Equal(day) || r.Duration != time.Second || !r.Credential || r.HTTPStatus != 401 || !r.Certificate.Equal(day.Add(time.Hour)) {
		t.Errorf("%+v (%v)", r, err)
	}
	if raw, err := s.Record(t.Context(), "a", 1); err != nil || string(raw) != `{"of":"0"}` {
		t.Errorf("%s (%v)", raw, err)
	}
	for _, err := range []error{second(s.Run(t.Context(), "b", 1)), second(s.Record(t.Context(), "b", 1)), second(s.Run(t.Context(), "a", 999))} {
		if !errors.Is(err, ErrNone) {
			t.Errorf("a run of another target: %v", err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// What a run belongs to is written with it or not at all.
func TestOneTransaction(t *testing.T) {
	s := open(t, t.TempDir())
	if _, err := s.db.Exec(`DROP TABLE notifications`); err != nil {
		t.Fatal(err)
	}
	e := &Entry{
		Run: Run{Target: "a", Started: day, Status: finding.OK}, Record: []byte("{}"), State: func(int64) []byte { return []byte("{}") },
		Transition: &Transition{Target: "a", To: finding.OK}, Told: map[string][]byte{"n": []byte("{}")}, Notifications: []Notification{{Channel: "n"}},
	}
	if err := s.Add(e); err == nil || e.Run.ID != 0 {
		t.Errorf("%v, run %d", err, e.Run.ID)
	}
	for _, table := range []string{"runs", "records", "transitions", "spans", "targets", "told"} {
		var n int
		if err := s.db.QueryRow(`SELECT count(*) FROM ` + table).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d rows in %s (%v)", n, table, err)
		}
	}
}

// What an agent goes on with after a start.
func TestKept(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	now := time.Now().UTC()
	r := add(t, s, Run{Target: "a", Started: now, Duration: 2 * time.Second, Status: finding.OK})
	r = add(t, s, Run{Target: "a", Started: now, Duration: 4 * time.Second, Status: finding.Critical, Certificate: day})
	if err := s.Keep("a", fmt.Appendf(nil, `{"run":%d}`, r.ID), map[string][]byte{"n": []byte(`1`)}, []Notification{{Channel: "n", Target: "a", Created: now, Next: now, Body: []byte(`"x"`)}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	k, err := s.Kept(t.Context())
	if err != nil || string(k.States["a"]) != `{"run":2}` || string(k.Told["a"]["n"]) != "1" {
		t.Errorf("%s, %s (%v)", k.States["a"], k.Told["a"]["n"], err)
	}
	for i, w := range Widths {
		bar := k.Spans["a"][i]
		if len(bar) != 1 || bar[0].Runs != [4]int{1, 0, 0, 1} || bar[0].Latency != 3*time.Second || !bar[0].Certificate.Equal(day) {
			t.Errorf("%s: %+v", w.Each, bar)
		}
		if alone := (Bar{}).With(Run{Started: now, Duration: 2 * time.Second, Status: finding.OK}, w).With(
			Run{Started: now, Duration: 4 * time.Second, Status: finding.Critical, Certificate: day}, w); alone[0] != bar[0] {
			t.Errorf("in memory %+v, stored %+v", alone[0], bar[0])
		}
	}
	pending, err := s.Pending(t.Context())
	if err != nil || len(pending) != 1 || string(pending[0].Body) != `"x"` {
		t.Fatalf("%+v (%v)", pending, err)
	}
	if err := s.Tried(t.Context(), pending[0].ID, now.Add(time.Hour), "away"); err != nil {
		t.Error(err)
	}
	if pending, _ = s.Pending(t.Context()); pending[0].Tries != 1 || pending[0].Why != "away" {
		t.Errorf("%+v", pending)
	}
	if err := s.Done(t.Context(), pending[0].ID); err != nil {
		t.Error(err)
	}
	if pending, _ = s.Pending(t.Context()); len(pending) != 0 {
		t.Errorf("%+v", pending)
	}
}

// A bar has as many spans as it shows, whenever they came.
func TestBar(t *testing.T) {
	var b Bar
	w := Widths[0]
	for i := range 200 {
		b = b.With(Run{Started: day.Add(time.Duration(i) * w.Each / 2), Status: finding.OK}, w)
	}
	if len(b) != w.Kept || b[len(b)-1].Runs[3] != 2 {
		t.Errorf("%d spans, the last %+v", len(b), b[len(b)-1])
	}
	back := b.With(Run{Started: day.Add(90 * w.Each), Status: finding.Critical}, w) // the clock was set back
	if i := slices.IndexFunc(back, func(s Span) bool { return s.Runs[0] == 1 }); i < 0 || !slices.IsSortedFunc(back, func(a, b Span) int { return a.At.Compare(b.At) }) {
		t.Errorf("span %d of %d", i, len(back))
	}
}

// Old runs go with their records, transitions stay, and what is new stays.
func TestRemove(t *testing.T) {
	s := open(t, t.TempDir())
	for i := range 2500 {
		r := Run{Target: "a", Started: day.Add(-time.Duration(3000-i) * time.Minute), Status: finding.OK, Summary: fmt.Sprint(i)}
		if i < 2400 && i%100 > 0 {
			if _, err := s.db.Exec(`INSERT INTO runs (target, started, duration, status, code, summary, credential, http_status, certificate) VALUES ('a', ?, 0, 'ok', '', '', 0, 0, 0)`, millis(r.Started)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		e := &Entry{Run: r, Record: []byte("{}"), State: func(int64) []byte { return []byte("{}") }, Transition: &Transition{Target: "a", At: r.Started, From: finding.OK, To: finding.Critical}}
		if err := s.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	n, err := s.Remove(t.Context(), day.Add(-600*time.Minute))
	var runs, records, transitions int
	if err := s.db.QueryRow(`SELECT (SELECT count(*) FROM runs), (SELECT count(*) FROM records), (SELECT count(*) FROM transitions)`).Scan(&runs, &records, &transitions); err != nil {
		t.Fatal(err)
	}
	if err != nil || n != 2400 || runs != 100 || records != 100 || transitions != 124 {
		t.Errorf("removed %d (%v), left %d runs, %d records, %d transitions", n, err, runs, records, transitions)
	}
}

// A damaged file is moved aside, at the start and when it shows; a later version's is
// left alone.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, FileName), []byte("this is no database, and never was one: it is a text of some length"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	if s.Aside() == "" {
		t.Error("nothing was moved aside")
	}
	for i := range 300 {
		add(t, s, Run{Target: "a", Started: day.Add(time.Duration(i) * time.Minute), Status: finding.OK, Summary: "a summary of some length, so that there are pages"})
	}
	if _, err := s.db.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, FileName), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(make([]byte, 64<<10), 4096); err != nil {
		t.Fatal(err)
	}
	aside := s.Aside()
	for i := range 2000 { // what is in the cache hides it for a while
		_ = s.Add(&Entry{Run: Run{Target: fmt.Sprint("t", i), Started: day, Status: finding.OK}, Record: []byte("{}"), State: func(int64) []byte { return []byte("{}") }})
		_, _, _ = s.Runs(t.Context(), "a", Query{Limit: 1000})
		if s.Aside() != aside {
			break
		}
	}
	if s.Aside() == aside {
		t.Error("the damage did not show")
	}
	if r := add(t, s, Run{Target: "a", Started: day, Status: finding.OK}); r.ID == 0 {
		t.Error("nothing is stored after it")
	}
	info, err := os.Stat(filepath.Join(dir, FileName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`PRAGMA user_version = 99`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, nil); !errors.Is(err, ErrNewer) {
		t.Errorf("a later version's: %v", err)
	}
}
