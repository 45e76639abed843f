package lockout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
)

// DefaultDir is $XDG_STATE_HOME/ewsprobe, ~/.local/state/ewsprobe, or
// %LOCALAPPDATA%\ewsprobe.
func DefaultDir() (string, error) {
	if runtime.GOOS == "windows" {
		if d := os.Getenv("LOCALAPPDATA"); d != "" {
			return filepath.Join(d, "ewsprobe"), nil
		}
		return "", errors.New("LOCALAPPDATA is not set")
	}
	if d := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(d) {
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
	// lockRetry is how often a lock that is taken is tried again.
	lockRetry = 2 * time.Millisecond
	// largest is how much of a file is read. It holds a few logons of one account.
	largest = 1 << 20
)

// folder is where the logons of all accounts are kept: one file for each user
// part of a name, whose own name tells nothing, and locks.
type folder struct {
	dir   string // "" keeps the logons in this process alone
	local map[string][]byte
	busy  chan struct{} // closed when what was not waited for has ended; nil: nothing
}

var errSlow = fmt.Errorf("the folder did not answer within %s", slowest)

// within has work done, and waits a second for it at most. What is not waited for
// may end later: it looks at late before it changes anything, and touches nothing
// of the caller's.
func within[T any](f *folder, work func(late *atomic.Bool) (T, error)) (T, error) {
	var none T
	if f.busy != nil {
		select {
		case <-f.busy:
			f.busy = nil
		default:
			return none, errSlow
		}
	}
	type outcome struct {
		result T
		err    error
	}
	late := &atomic.Bool{}
	done, ended := make(chan outcome, 1), make(chan struct{})
	go func() {
		defer close(ended)
		result, err := work(late)
		done <- outcome{result, err}
	}()
	timer := time.NewTimer(slowest)
	defer timer.Stop()
	select {
	case o := <-done:
		return o.result, o.err
	case <-timer.C:
		late.Store(true)
		f.busy = ended
		return none, errSlow
	}
}

// change has work read the logons of key and, if it says so, writes them.
func change[T any](f *folder, key string, work func(*logons) (result T, changed bool, err error)) (T, error) {
	return within(f, func(late *atomic.Bool) (result T, err error) {
		err = f.open(key, late, func(l *logons) (changed bool, err error) {
			result, changed, err = work(l)
			return changed, err
		})
		return result, err
	})
}

// open reads the logons of key under the folder's lock and writes what work has
// made of them.
func (f *folder) open(key string, late *atomic.Bool, work func(*logons) (bool, error)) error {
	if f.dir == "" {
		l, err := decode(f.local[key])
		if err != nil {
			return err
		}
		changed, err := work(l)
		if err == nil && changed {
			f.local[key], err = json.Marshal(l)
		}
		return err
	}
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return err
	}
	lock := f.lock("state")
	ctx, cancel := context.WithTimeout(context.Background(), slowest*9/10) // before it is not waited for any more
	defer cancel()
	if ok, err := lock.TryLockContext(ctx, lockRetry); err != nil || !ok {
		if errors.Is(err, context.DeadlineExceeded) || err == nil {
			return fmt.Errorf("%s is locked by another process", lock.Path())
		}
		return err
	}
	defer lock.Close()
	file := filepath.Join(f.dir, "logons-"+key+".json")
	l, err := read(file)
	if err != nil {
		return err
	}
	changed, err := work(l)
	if err != nil || !changed || late.Load() {
		return err
	}
	return l.write(file)
}

// lock is one of the folder's locks. The system lifts it when the process ends,
// however that comes about. The files stay: to remove one could let two in.
func (f *folder) lock(what string) *flock.Flock {
	return flock.New(filepath.Join(f.dir, what+".lock"), flock.SetPermissions(0o600))
}

// read reads a file. A damaged one may have held the whole count: it is an error
// while anything in it could still count, and is replaced then.
func read(file string) (*logons, error) {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return decode(nil)
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
	l, err := decode(raw)
	if err == nil {
		return l, nil
	}
	if over := info.ModTime().Add(Remembered); time.Now().After(over) {
		return decode(nil)
	}
	return nil, fmt.Errorf("%s is damaged (%w); delete it to start over", file, err)
}

func decode(raw []byte) (*logons, error) {
	l := &logons{}
	if raw == nil {
		return l, nil
	}
	return l, json.Unmarshal(raw, l)
}

// write replaces the file as a whole; nothing to keep is no file.
func (l *logons) write(file string) error {
	if len(l.Logons) == 0 {
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
	defer os.Remove(temp.Name())
	_, err = temp.Write(raw)
	if err := errors.Join(err, temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), file)
}
