package lockout

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/flock"
)

// Of one account no two unproved logons are in flight, however many runs are
// under way at the same time, and all of them together keep to the limit.
func TestRunsAtTheSameTime(t *testing.T) {
	for _, c := range []struct {
		name     string
		ends     func(number int) (result string)
		sent     int32
		accepted bool
	}{
		{"refused", func(int) string { return "refused" }, 1, false}, // the next knows the password
		{"no answer", func(int) string { return "unfinished" }, 2, false},
		{"accepted", func(int) string { return "accepted" }, 6, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			var inFlight, sent, most atomic.Int32
			var all sync.WaitGroup
			for range 6 {
				all.Go(func() {
					a := (&Lockout{Dir: dir}).Account(Terms{User: theUser, Password: thePassword, Max: 2, Patience: 20 * time.Second})
					g, d := a.Begin(t.Context(), Use{At: here})
					if d != nil {
						if c.accepted {
							t.Error(d)
						}
						return
					}
					most.Store(max(most.Load(), inFlight.Add(1)))
					time.Sleep(20 * time.Millisecond) // in which another would come
					inFlight.Add(-1)
					switch c.ends(int(sent.Add(1))) {
					case "refused":
						g.End(refused)
					case "accepted":
						g.End(accepted)
					default:
						g.End(unfinished)
					}
				})
			}
			all.Wait()
			if sent.Load() != c.sent || most.Load() != 1 {
				t.Errorf("%d sent, want %d; %d at a time", sent.Load(), c.sent, most.Load())
			}
		})
	}
}

// A folder that cannot be used costs at most a second of a run, and no credential
// is sent.
func TestUnusableFolder(t *testing.T) {
	hazards := map[string]func(t *testing.T, dir string) (file string){
		"a file in place of the folder": func(t *testing.T, dir string) string {
			write(t, dir, "")
			return dir
		},
		"a folder in place of the count": func(t *testing.T, dir string) string {
			file := stateFile(dir)
			mkdir(t, file)
			return file
		},
		"a damaged count": func(t *testing.T, dir string) string {
			mkdir(t, dir)
			write(t, stateFile(dir), "{")
			return stateFile(dir)
		},
		"a folder in place of the lock": func(t *testing.T, dir string) string {
			mkdir(t, filepath.Join(dir, "state.lock"))
			return "state.lock"
		},
		"the lock of the state is held": func(t *testing.T, dir string) string {
			hold(t, filepath.Join(dir, "state.lock"))
			return "state.lock"
		},
		"the turn is held, and nobody signs in": func(t *testing.T, dir string) string {
			for i := range 16 {
				hold(t, filepath.Join(dir, fmt.Sprintf("turn-%x.lock", i)))
			}
			return "another run"
		},
	}
	for name, make := range pipes(hazards) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "state")
			says := make(t, dir)
			a := (&Lockout{Dir: dir}).Account(Terms{User: theUser, Password: thePassword, Max: 2, Patience: 10 * time.Second})
			began, waited := time.Now(), time.Time{}
			for i := range 4 { // as many schemes and nodes as there are
				d := logOn(t, a, refused)
				if i == 0 {
					waited = a.lockout.folder.since
				} else if a.lockout.folder.since != waited {
					t.Error("the folder was waited for once more")
				}
				if d == nil || d.Reason != NoRecord && d.Reason != AnotherRun || !strings.Contains(d.String(), says) {
					t.Fatalf("%v, want it to say %q", d, says)
				}
			}
			if took := time.Since(began); took > a.Patience/2 {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// What the folder gives too late is given back, and meanwhile, and for a minute
// after, nobody waits for it again.
func TestLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, began := &folder{}, time.Now()
		var late atomic.Value
		late.Store("")
		ask := func(takes time.Duration) (string, error) {
			return within(f, time.Now().Add(slowest), func() (string, error) {
				time.Sleep(takes)
				return "lock", nil
			}, func(what string) { late.Store(what) })
		}
		if lock, err := ask(2 * unbroken); err == nil || lock != "" {
			t.Errorf("%q, %v", lock, err)
		}
		for _, c := range []struct {
			after time.Duration
			back  string
			works bool
		}{{unbroken / 2, "", false}, {unbroken + slowest, "", false}, {2*unbroken + slowest, "lock", true}} {
			time.Sleep(c.after - time.Since(began))
			asked := time.Now()
			if _, err := ask(0); (err == nil) != c.works || late.Load() != c.back || time.Since(asked) > 0 {
				t.Errorf("after %s: %v, given back %q, it took %s", c.after, err, late.Load(), time.Since(asked))
			}
		}
	})
}

// A count that was damaged holds a run up for an hour at most: nothing in it can
// count any longer.
func TestDamagedCountIsReplaced(t *testing.T) {
	dir := t.TempDir()
	write(t, stateFile(dir), "{")
	old := time.Now().Add(-Remembered - time.Minute)
	if err := os.Chtimes(stateFile(dir), old, old); err != nil {
		t.Fatal(err)
	}
	terms := Terms{User: theUser, Password: thePassword, Max: 1}
	if d := logOn(t, (&Lockout{Dir: dir}).Account(terms), unfinished); d != nil {
		t.Fatal(d)
	}
	if d := logOn(t, (&Lockout{Dir: dir}).Account(terms), unfinished); reasonOf(d) != LimitReached {
		t.Error(d)
	}
}

// Where nothing counts any more there is no file.
func TestNothingIsLeft(t *testing.T) {
	dir := t.TempDir()
	terms := Terms{User: theUser, Password: thePassword, Max: 2}
	logOn(t, (&Lockout{Dir: dir}).Account(terms), unfinished)
	logOn(t, (&Lockout{Dir: dir}).Account(terms), accepted)
	if left, _ := filepath.Glob(filepath.Join(dir, "logons-*")); len(left) > 0 {
		t.Error(left)
	}
}

func stateFile(dir string) string {
	return filepath.Join(dir, "logons-"+fileKey("svc-crm")+".json")
}

func mkdir(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func hold(t *testing.T, file string) {
	t.Helper()
	mkdir(t, filepath.Dir(file))
	lock := flock.New(file)
	if ok, err := lock.TryLock(); err != nil || !ok {
		t.Fatal(ok, err)
	}
	t.Cleanup(func() { _ = lock.Close() })
}

// A limit of this machine is told in words, with what to do about it.
func TestTooFewFileHandles(t *testing.T) {
	_, err := within(&folder{}, time.Now().Add(slowest), func() (string, error) {
		return "", fmt.Errorf("state.lock cannot be locked: %w", &os.PathError{Op: "open", Path: "state.lock", Err: syscall.EMFILE})
	}, func(string) {})
	if err == nil || !strings.HasPrefix(err.Error(), "too many files are open; raise the limit") {
		t.Error(err)
	}
}
