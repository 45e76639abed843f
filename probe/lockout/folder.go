package lockout

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// DefaultDir is $XDG_STATE_HOME/ewsprobe, ~/.local/state/ewsprobe, or
// %LOCALAPPDATA%\ewsprobe.
func DefaultDir(getenv func(string) string) (string, error) {
	if runtime.GOOS == "windows" {
		if d := getenv("LOCALAPPDATA"); d != "" {
			return filepath.Join(d, "ewsprobe"), nil
		}
		return "", errors.New("LOCALAPPDATA is not set")
	}
	if d := getenv("XDG_STATE_HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, "ewsprobe"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, ".local", "state", "ewsprobe"), nil
}

const (
	// slowest is how long reading or writing the state may take. A dead network
	// volume, a pipe in place of a file and a lock that a hung process holds cost
	// no more than that, and the credential is not sent.
	slowest = time.Second
	// unbroken is how long a folder that did not answer is not tried again:
	// a check shall wait for it once.
	unbroken = time.Minute
	// lockRetry is how often a lock that is taken is tried again.
	lockRetry = 2 * time.Millisecond
	// largest is how much of a file is read. It holds a few logons of one account.
	largest = 1 << 20
)

// folder is where the logons of all accounts are kept: one file for each user
// part of a name, whose own name tells nothing, and locks.
type folder struct {
	dir    string             // "" keeps the logons in this process alone
	stays  bool               // what is kept counts for ever
	local  map[string]*logons // without dir
	hangs  atomic.Int32       // what was not waited for
	broken error              // it did not answer
	since  time.Time
}

// within has work done, and waits for it until end. What comes later goes to late.
func within[T any](f *folder, end time.Time, work func() (T, error), late func(T)) (result T, err error) {
	slow := fmt.Errorf("the folder did not answer within %s", slowest)
	switch {
	case f.hangs.Load() > 0:
		return result, slow
	case f.broken != nil && time.Since(f.since) < unbroken:
		return result, f.broken
	}
	began, done, gone := time.Now(), make(chan struct{}), make(chan struct{})
	f.hangs.Add(1)
	var found T
	var failed error
	go func() {
		found, failed = work()
		f.hangs.Add(-1)
		select {
		case done <- struct{}{}:
		case <-gone:
			late(found)
		}
	}()
	select {
	case <-done:
		result, err = found, failed
	case <-time.After(time.Until(end)):
		close(gone)
		err = slow
	}
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		err = errors.New("too many files are open; raise the limit, for example with ulimit -n 4096")
	}
	if f.broken = nil; time.Since(began) > slowest/4 {
		f.broken, f.since = err, time.Now()
	}
	return result, err
}

// opened are the logons of one user part, while nobody else may change them.
type opened struct {
	*logons
	lock *flock.Flock
}

// update has work look at the logons of key, and writes what it says that it has
// changed.
func (f *folder) update(key string, work func(*logons) (changed bool)) error {
	if f.dir == "" {
		if f.local == nil {
			f.local = map[string]*logons{}
		}
		if f.local[key] == nil {
			f.local[key] = &logons{}
		}
		work(f.local[key])
		return nil
	}
	end, file := time.Now().Add(slowest), filepath.Join(f.dir, "logons-"+key+".json")
	o, err := within(f, end, func() (o opened, err error) {
		if o.lock, err = f.lock("state", slowest/2); err != nil { // before it is not waited for any more
			return o, err
		}
		if o.lock == nil {
			return o, fmt.Errorf("%s is locked by another process", f.lockFile("state"))
		}
		if o.logons, err = f.read(file); err != nil {
			unlock(o.lock)
		}
		return o, err
	}, func(o opened) { unlock(o.lock) })
	if err != nil {
		return err
	}
	began := time.Now()
	if !work(o.logons) {
		unlock(o.lock)
		return nil
	}
	end = end.Add(time.Since(began)) // which is no waiting
	_, err = within(f, end, func() (struct{}, error) {
		defer unlock(o.lock)
		return struct{}{}, f.write(file, o.logons)
	}, func(struct{}) {})
	return err
}

// turn takes the lock that a run holds while an unproved logon is in flight; nil:
// another run has it. Some accounts share a lock, so that a folder does not fill
// with them.
func (f *folder) turn(key string) (release func(), err error) {
	lock, err := within(f, time.Now().Add(slowest), func() (*flock.Flock, error) { return f.lock("turn-"+key[:1], 0) }, unlock)
	if lock == nil {
		return nil, err
	}
	return func() { unlock(lock) }, nil
}

// lock takes one of the folder's locks, nil if another has it all the time. The
// system lifts it when the process ends, however that comes about. The files stay:
// to remove one could let two in.
func (f *folder) lock(what string, wait time.Duration) (*flock.Flock, error) {
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return nil, err
	}
	lock, end := flock.New(f.lockFile(what), flock.SetPermissions(0o600)), time.Now().Add(wait)
	for {
		switch ok, err := lock.TryLock(); {
		case err != nil:
			return nil, fmt.Errorf("%s cannot be locked: %w", lock.Path(), err)
		case ok:
			return lock, nil
		case time.Now().After(end):
			return nil, lock.Close()
		}
		time.Sleep(lockRetry)
	}
}

func (f *folder) lockFile(what string) string { return filepath.Join(f.dir, what+".lock") }

func unlock(lock *flock.Flock) {
	if lock != nil {
		_ = lock.Close()
	}
}

// read reads a file. A damaged one may have held the whole count: it is an error
// while anything in it could still count, and is replaced then.
func (f *folder) read(file string) (*logons, error) {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &logons{}, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file", file)
	}
	opened, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	raw, err := io.ReadAll(io.LimitReader(opened, largest))
	if err != nil {
		return nil, err
	}
	l := &logons{}
	switch err = json.Unmarshal(raw, l); {
	case err == nil:
		return l, nil
	case !f.stays && time.Now().After(info.ModTime().Add(Remembered)):
		return &logons{}, nil
	}
	return nil, fmt.Errorf("%s is damaged (%w); delete it to start over", file, err)
}

// write replaces the file as a whole; nothing to keep is no file.
func (f *folder) write(file string, l *logons) error {
	if len(l.Logons) == 0 && !l.Stay {
		if err := os.Remove(file); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	raw, err := json.Marshal(l)
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(file), "logons-*.tmp")
	if err != nil {
		return err
	}
	_, err = temp.Write(raw)
	if f.stays { // no power cut may take it back
		err = errors.Join(err, temp.Sync())
	}
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), file)
	}
	if err != nil {
		_ = os.Remove(temp.Name())
	}
	return err
}
