package agent

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/agent/history"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// A day: every run is made, none twice, none beside another of its target, and no two
// logons of the account at a time.
func TestDay(t *testing.T) {
	records()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.takes = 5 * time.Second
		w.configure(signsIn("a", ""), signsIn("b", ", interval: 10m"), "name: c, no_credentials: true")
		a, stop := w.begin()
		defer stop()
		time.Sleep(24 * time.Hour)
		for _, want := range []struct {
			target           string
			whole, anonymous int
		}{{"a", 96, 288 - 96}, {"b", 144, 288 - 144}, {"c", 0, 288}} {
			for kind, n := range map[bool]int{true: want.whole, false: want.anonymous} {
				if got := len(w.runs(want.target, kind)); got < n-1 || got > n+1 {
					t.Errorf("%s: %d runs (whole: %v), want %d", want.target, got, kind, n)
				}
			}
		}
		if len(w.overlaps()) > 0 {
			t.Errorf("beside each other: %v", w.overlaps())
		}
		runs, _, err := a.Store().Runs(context.Background(), "a", history.Query{Limit: 200})
		if err != nil || len(runs) != 200 || runs[0].Status != finding.OK || runs[0].Certificate.IsZero() || runs[0].HTTPStatus != 401 {
			t.Errorf("%d stored, %v: %+v", len(runs), err, runs[0])
		}
		if bars := a.Target("a").Spans; bars[0][len(bars[0])-1].All() == 0 || len(bars[0]) > 49 || len(bars[2]) > 2 {
			t.Errorf("bars of %d and %d spans", len(bars[0]), len(bars[2]))
		}
	})
}

// Whole runs of one account go one after the other, under whatever name and target.
func TestOneAccount(t *testing.T) {
	records()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.takes = 6 * time.Second
		w.configure(signsIn("a", ", interval: 10s, anonymous_interval: 10s"),
			`name: b, user: 'CONTOSO\svc', password_file: password.txt, interval: 10s, anonymous_interval: 10s`)
		_, stop := w.begin()
		time.Sleep(5 * time.Minute)
		stop()
		if a, b := len(w.runs("a", true)), len(w.runs("b", true)); len(w.overlaps()) > 0 || a < 20 || b < 20 {
			t.Errorf("%d and %d runs, beside each other: %v", a, b, w.overlaps())
		}
	})
}

// A wrong password is sent as often as max_rejections allows, over all targets, days,
// restarts, reloads and demands; then never, until it changes or is released.
func TestWithheld(t *testing.T) {
	records()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.write("password.txt", "wrong\n")
		w.configure(signsIn("a", ", max_rejections: 3"), `name: b, user: 'CONTOSO\svc', password_file: password.txt`)
		a, stop := w.begin()
		time.Sleep(12 * time.Hour)
		still := func(why string, most int) {
			t.Helper()
			if w.logonsSent() != most {
				t.Errorf("%s: %d logons were sent, want %d", why, w.logonsSent(), most)
			}
		}
		still("after half a day", 2)
		for _, name := range []string{"a", "b"} {
			if s := a.Target(name); s.Withheld == nil || s.LogonsLeft != 0 || s.Withheld.Why == "" {
				t.Errorf("%s: %+v, left %d", name, s.Withheld, s.LogonsLeft)
			}
			if err := a.RunNow(name, true); err != ErrWithheld {
				t.Errorf("a run on demand of %s: %v", name, err)
			}
		}
		if got := queue(t, a); !slices.Contains(got, "a: critical withheld") && !slices.Contains(got, "b: critical withheld") {
			t.Errorf("told: %v", got)
		}
		if err := a.Reload(context.Background()); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		still("after a reload", 2)
		stop()
		a, stop = w.begin()
		if a.Target("a").Withheld == nil {
			t.Error("after a restart nothing is withheld")
		}
		time.Sleep(time.Hour)
		still("after a restart", 2)

		if err := a.Release("a"); err != nil {
			t.Error(err)
		}
		if a.Target("a").Withheld != nil || a.Target("b").Withheld != nil {
			t.Error("it is withheld after the release")
		}
		time.Sleep(time.Hour)
		still("after the release", 4)

		w.write("password.txt", "right\n")
		time.Sleep(time.Hour)
		if s := a.Target("a"); s.Withheld != nil || s.Status != finding.OK || s.LogonsLeft != 2 {
			t.Errorf("with another password: %+v, %s, left %d", s.Withheld, s.Status, s.LogonsLeft)
		}
		if w.maxRefused() > 4 {
			t.Errorf("the directory has counted %d", w.maxRefused())
		}
		stop()
	})
}

// Neither a start nor a reload causes a logon, and a run that was missed is not made
// up for.
func TestRestart(t *testing.T) {
	records()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.configure(signsIn("a", ", interval: 2h"))
		for range 8 {
			a, stop := w.begin()
			time.Sleep(25 * time.Minute)
			if err := a.Reload(context.Background()); err != nil {
				t.Error(err)
			}
			time.Sleep(5 * time.Minute)
			stop()
		}
		if n := len(w.runs("a", true)); n != 2 {
			t.Errorf("%d whole runs in four hours, every two", n)
		}
		time.Sleep(24 * time.Hour)
		_, stop := w.begin()
		defer stop()
		time.Sleep(2 * time.Hour)
		if n := len(w.runs("a", true)); n != 3 {
			t.Errorf("%d whole runs", n)
		}
	})
}

// What a run has come to is stored with it, or not at all; what could not be stored is
// shown as such, told to nobody, sends no credential, and is stored later.
func TestNothingCanBeStored(t *testing.T) {
	records()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.configure(signsIn("a", ", interval: 10m, anonymous_interval: 1m"))
		a, stop := w.begin()
		defer stop()
		time.Sleep(time.Hour)
		spoil := func(statement string) {
			t.Helper()
			db, err := sql.Open("sqlite", "file:"+filepath.Join(w.dir, "store", history.FileName)+"?_pragma=busy_timeout(5000)")
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Exec(statement); err != nil {
				t.Fatal(err)
			}
		}
		before := len(queue(t, a))
		spoil(`ALTER TABLE records RENAME TO gone`)
		w.change(func() { w.mode = "basic-off" })
		sent := w.logonsSent()
		time.Sleep(30 * time.Minute)
		n, why := a.NotStored()
		if s := a.Target("a"); n < 25 || why == "" || s.LastRun.ID != 0 || s.Status != finding.OK || unstored(a) != n {
			t.Errorf("%d not stored (%s), last run stored: %v, status %s, %d unstored", n, why, s.LastRun.ID != 0, s.Status, unstored(a))
		}
		if w.logonsSent() > sent+1 {
			t.Errorf("%d logons while nothing could be stored", w.logonsSent()-sent)
		}
		if got := queue(t, a); len(got) != before {
			t.Errorf("told while nothing could be stored: %v", got)
		}
		spoil(`ALTER TABLE gone RENAME TO records`)
		time.Sleep(time.Minute)
		if s := a.Target("a"); s.LastRun.ID == 0 || s.Status != finding.Critical || s.Code != "basic-disabled" || unstored(a) != 0 {
			t.Errorf("last run stored: %v, status %s (%s)", s.LastRun.ID != 0, s.Status, s.Code)
		}
		if got := queue(t, a); len(got) != before+1 {
			t.Errorf("told then: %v", got)
		}
		runs, _, err := a.Store().Runs(context.Background(), "a", history.Query{Limit: 1000})
		if err != nil || len(runs) < 85 {
			t.Errorf("%d runs are stored (%v)", len(runs), err)
		}
	})
}

// A change is told once, with what differs, over a restart too.
func TestTransition(t *testing.T) {
	records()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.configure(signsIn("a", ""))
		_, stop := w.begin()
		time.Sleep(time.Hour)
		w.change(func() { w.mode = "basic-off" })
		time.Sleep(time.Hour)
		stop()
		a, stop := w.begin()
		defer stop()
		time.Sleep(time.Hour)
		list, _, err := a.Store().Transitions(context.Background(), "", 0, 0)
		if err != nil || len(list) != 1 {
			t.Fatalf("%d transitions (%v): %+v", len(list), err, list)
		}
		tr := list[0]
		if tr.From != finding.OK || tr.To != finding.Critical || tr.ToCode != "basic-disabled" || tr.Run == 0 || tr.Previous == 0 {
			t.Errorf("%+v", tr)
		}
		if !slices.ContainsFunc(tr.Changes, func(c history.Change) bool {
			return c.Explains && strings.Contains(strings.Join(c.Before, " "), "Basic")
		}) {
			t.Errorf("what changed: %+v", tr.Changes)
		}
		if got := queue(t, a); !slices.Equal(got, []string{"a: ok", "a: critical"}) {
			t.Errorf("told: %v", got)
		}
		for _, id := range []int64{tr.Run, tr.Previous} {
			raw, err := a.Store().Record(context.Background(), "a", id)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := report.Load(raw); err != nil {
				t.Errorf("the record of run %d: %v", id, err)
			}
		}
		if s := a.Target("a"); s.Since.IsZero() || len(s.Changed) == 0 || time.Since(s.Since) < time.Hour {
			t.Errorf("since %s, changed %v", s.Since, s.Changed)
		}
	})
}

// A damaged history is moved aside, at the start and in the middle; the count of
// refused logons outlives it.
func TestDamagedHistory(t *testing.T) {
	records()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.write("password.txt", "wrong\n")
		w.configure(signsIn("a", ""))
		_, stop := w.begin()
		time.Sleep(time.Hour)
		file := filepath.Join(w.dir, "store", history.FileName)
		damage := func() {
			t.Helper()
			f, err := os.OpenFile(file, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.WriteAt([]byte(strings.Repeat("garbage!", 4096)), 0); err != nil {
				t.Fatal(err)
			}
		}
		stop()
		damage()
		a, stop := w.begin()
		if a.Store().Aside() == "" {
			t.Error("nothing was moved aside at the start")
		}
		time.Sleep(time.Hour)
		if w.logonsSent() != 2 {
			t.Errorf("%d logons", w.logonsSent())
		}
		if s := a.Target("a"); s.Withheld == nil || s.LastRun == nil || s.LastRun.ID == 0 {
			t.Errorf("after it: %+v", s)
		}
		if err := os.Remove(file); err != nil { // in the middle
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if runs, _, err := a.Store().Runs(context.Background(), "a", history.Query{}); err != nil || len(runs) < 10 || w.logonsSent() != 2 {
			t.Errorf("%d runs after the file was taken away (%v), %d logons", len(runs), err, w.logonsSent())
		}
		stop()
		if aside, _ := filepath.Glob(filepath.Join(w.dir, "store", "history-damaged-*.db")); len(aside) != 1 {
			t.Errorf("aside: %v", aside)
		}
	})
}

// Stopped in the middle of a logon it ends within 10 s and begins none that it has not.
func TestStop(t *testing.T) {
	records()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.hang = true
		w.configure(signsIn("a", ", interval: 1m, anonymous_interval: 1m"), signsIn("b", ", interval: 1m, anonymous_interval: 1m"))
		_, stop := w.begin()
		for w.logonsSent() == 0 {
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
		}
		began := time.Now()
		stop()
		if took := time.Since(began); took > 10*time.Second || w.logonsSent() != 1 {
			t.Errorf("it took %s, %d logons", took, w.logonsSent())
		}
	})
}

// All of a new configuration holds, or nothing of it; what did not change keeps its
// schedule and its state.
func TestReload(t *testing.T) {
	records()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.configure(signsIn("a", ""), signsIn("b", ""))
		a, stop := w.begin()
		defer stop()
		time.Sleep(time.Hour)
		next, since := a.Target("a").NextRun, a.Target("a").Since
		w.configure(signsIn("a", ""), signsIn("c", ", timeout: never"))
		if err := a.Reload(context.Background()); err == nil || a.Target("b") == nil || a.Target("c") != nil {
			t.Errorf("a wrong configuration was taken in part (%v)", err)
		}
		w.configure(signsIn("a", ""), signsIn("c", ""))
		if err := a.Reload(context.Background()); err != nil || a.Target("b") != nil || a.Target("c") == nil {
			t.Errorf("the new configuration was not taken (%v)", err)
		}
		synctest.Wait()
		if s := a.Target("a"); !s.NextRun.Equal(next) || !s.Since.Equal(since) {
			t.Errorf("next %s, was %s; since %s, was %s", s.NextRun, next, s.Since, since)
		}
		of := len(w.runs("b", true))
		time.Sleep(time.Hour)
		if len(w.runs("b", true)) != of || len(w.runs("c", true)) != 4 {
			t.Errorf("%d runs of b after it was taken out, %d of c", len(w.runs("b", true))-of, len(w.runs("c", true)))
		}
	})
}

// A run on demand is made at once; while one is under way, once more after it.
func TestRunOnDemand(t *testing.T) {
	records()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.takes = 10 * time.Second
		w.configure(signsIn("a", ", interval: 24h, anonymous_interval: 12h"))
		a, stop := w.begin()
		defer stop()
		if err := a.RunNow("nobody", true); err != ErrUnknown {
			t.Error(err)
		}
		for _, credential := range []bool{false, true, true, false} {
			if err := a.RunNow("a", credential); err != nil {
				t.Error(err)
			}
			synctest.Wait()
		}
		if s := a.Target("a"); !s.Running {
			t.Error("it does not run")
		}
		time.Sleep(time.Minute)
		if n, m := len(w.runs("a", false)), len(w.runs("a", true)); n != 1 || m != 1 {
			t.Errorf("%d anonymous and %d whole runs", n, m)
		}
	})
}

// A second agent on a storage is refused.
func TestOneAgentForAStorage(t *testing.T) {
	w := newWorld(t)
	w.configure(signsIn("a", ""))
	a, err := New(t.Context(), w.options())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(t.Context(), w.options()); err == nil || !strings.Contains(err.Error(), "another agent") {
		t.Errorf("%v", err)
	}
	info, err := os.Stat(filepath.Join(w.dir, "store"))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if b, err := New(t.Context(), w.options()); err != nil {
		t.Error(err)
	} else if err := b.Close(); err != nil {
		t.Error(err)
	}
}

// The status is that of the last whole run; an anonymous one puts it aside only by
// what it has seen of the endpoint.
func TestStatus(t *testing.T) {
	run := func(code finding.Code, status finding.Status, whole bool) *Seen {
		return &Seen{Run: Run{Whole: whole, Run: history.Run{Code: code, Status: status, Started: time.Unix(1, 0), Credential: whole}}}
	}
	whole := func(code finding.Code, status finding.Status) *Seen { return run(code, status, true) }
	partly := func(code finding.Code, status finding.Status) *Seen { return run(code, status, false) }
	ok := finding.Code("ok")
	for _, c := range []struct {
		name   string
		runs   []*Seen
		code   finding.Code
		counts bool
	}{
		{"a whole run decides", []*Seen{whole("credentials-rejected", finding.Critical)}, "credentials-rejected", true},
		{"an anonymous ok does not lift it", []*Seen{whole("credentials-rejected", finding.Critical), partly(ok, finding.OK)}, "credentials-rejected", false},
		{"a finding of block B puts it aside", []*Seen{whole(ok, finding.OK), partly("basic-disabled", finding.Critical)}, "basic-disabled", true},
		{"and one of block A", []*Seen{whole("credentials-rejected", finding.Critical), partly("connect-failed", finding.Unknown)}, "connect-failed", true},
		{"a warning does not", []*Seen{whole(ok, finding.OK), partly("certificate-expiring", finding.Warning)}, ok, false},
		{"its ok lifts what it found", []*Seen{whole(ok, finding.OK), partly("basic-disabled", finding.Critical), partly(ok, finding.OK)}, ok, true},
		{"and nothing else", []*Seen{whole("impersonation-denied", finding.Critical), partly("connect-failed", finding.Unknown), partly(ok, finding.OK)}, "impersonation-denied", true},
		{"before the first whole run it is all there is", []*Seen{partly(ok, finding.OK)}, ok, true},
		{"then the whole run", []*Seen{partly("basic-disabled", finding.Critical), whole(ok, finding.OK)}, ok, true},
	} {
		var s state
		var counts bool
		for _, r := range c.runs {
			s, counts = s.with(r)
		}
		if s.Code != c.code || counts != c.counts {
			t.Errorf("%s: %s, counts %v", c.name, s.Code, counts)
		}
	}
}

// A silence ends, and what is still wrong is told then.
func TestSilence(t *testing.T) {
	records()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.configure(signsIn("a", ""))
		a, stop := w.begin()
		defer stop()
		time.Sleep(time.Hour)
		if err := a.Silence("a", 2*time.Hour); err != nil {
			t.Fatal(err)
		}
		w.change(func() { w.mode = "away" })
		time.Sleep(time.Hour)
		if got := queue(t, a); len(got) != 1 || !a.Target("a").Muted {
			t.Errorf("told in a silence: %v", got)
		}
		time.Sleep(time.Hour + 10*time.Second)
		if got := queue(t, a); len(got) != 2 || a.Target("a").Muted {
			t.Errorf("told after it: %v", got)
		}
	})
}

// A state of an earlier version keeps its silence.
func TestReadState(t *testing.T) {
	until := time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)
	for _, raw := range []string{
		`{"Status": "ok", "LastOK": "2026-11-01T08:00:00Z", "SilencedUntil": "2026-11-01T08:00:00Z", "Aside": true}`,
		`{"status": "ok", "last_ok": "2026-11-01T08:00:00Z", "silenced_until": "2026-11-01T08:00:00Z", "Aside": true}`,
	} {
		s, err := readState([]byte(raw))
		if err != nil || s.Status != finding.OK || !s.LastOK.Equal(until) || !s.SilencedUntil.Equal(until) || !s.Aside {
			t.Errorf("%s: %+v, %v", raw, s, err)
		}
	}
}
