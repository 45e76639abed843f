package batch

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"time"

	"github.com/gofrs/flock"

	"github.com/ewsprobe/ewsprobe/probe/report"
)

// State is a journal of the rows that were reported, by which a later run goes on.
// nil keeps nothing.
//
// A row is written to the output first and noted then, so that none is lost; what
// a kill finds between the two is repeated. A killed process loses nothing that
// it has written, but a power cut may take the last moments of either file, in
// any order. So once a second the output is made safe (fsync), then the journal,
// and a mark is set. What stands behind the last mark counts only if this machine
// has not been started again since; else it is asked for again.
//
// Each line is an object of JSON. The first that is none ends the journal: it is cut
// off there.
//
// Two processes with one journal would each take the other's rows for done, so it
// is locked while it is open. The lock is a file beside it: a lock on the journal
// itself keeps its own writer out on Windows. The system lifts it when the process
// ends, however that comes about. The file stays: to remove it could let two in.
type State struct {
	file   *os.File
	ahead  bytes.Buffer // lines that are not written yet
	lock   *flock.Flock
	safe   func()        // makes the output safe
	done   []savedResult // by the number of the row
	shapes map[int32]int // number of a shape in this run, to that in the journal
	kept   int           // shapes in the journal
	synced time.Time
	dirty  bool
	cut    bool // the run before did not end by itself
	load   []*report.Template
	rows   []entry
}

// entry is a line of the journal: the first, the beginning of a run, a template, a row, or
// a mark.
type entry struct {
	Schema   string           `json:"schema,omitempty"`
	About    string           `json:"about,omitempty"`
	Boot     *string          `json:"boot,omitempty"`
	Template *report.Template `json:"template,omitempty"`
	Row      int              `json:"row,omitempty"`
	Key      []byte           `json:"key,omitempty"`
	Of       int              `json:"of,omitempty"` // which of the templates so far
	Mark     string           `json:"mark,omitempty"`
}

// savedResult is what an earlier run has reported of a row.
type savedResult struct {
	check uint32 // of its key; 0: nothing
	shape int32  // in load
}

const (
	stateSchema = "ewsprobe/state/3"
	syncEvery   = time.Second

	isSafe  = "safe"  // what stands before it, and the output of it
	isEnded = "ended" // the run, by itself
)

// ErrOtherState: the journal belongs to another input, endpoint, account or shard.
var ErrOtherState = errors.New("it belongs to a run with another file, endpoint, account or shard")

// ErrOtherVersion: the journal was written in a form that this version does not read.
var ErrOtherVersion = errors.New("it was written by another version of ewsprobe")

// ErrNoState: the file is something else.
var ErrNoState = errors.New("it is not a state file of ewsprobe batch")

// ErrInUse: another process goes on with the same journal.
var ErrInUse = errors.New("another run is using it")

// OpenState opens or begins the journal in file. about is what the run is about,
// boot when this machine was started ("": not known); safe makes the output safe.
func OpenState(file, about, boot string, safe func()) (*State, error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	s := &State{file: f, lock: flock.New(file+".lock", flock.SetPermissions(0o600)), safe: safe, shapes: map[int32]int{}, synced: time.Now()}
	if ok, err := s.lock.TryLock(); err != nil || !ok {
		if err == nil {
			err = ErrInUse
		}
		return nil, errors.Join(err, f.Close())
	}
	s.line(entry{Schema: stateSchema, About: about})
	end, err := s.read(about, boot)
	if end > 0 {
		s.ahead.Reset()
	}
	if err == nil {
		err = f.Truncate(end)
	}
	if err == nil {
		_, err = f.Seek(end, io.SeekStart)
	}
	if err == nil {
		s.line(entry{Boot: &boot})
		err = errors.Join(s.Write(), f.Sync())
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), s.lock.Close())
	}
	return s, nil
}

func (s *State) line(e entry) {
	raw, _ := json.Marshal(e) // it is plain data
	s.ahead.Write(append(raw, '\n'))
}

// Write writes what was noted.
func (s *State) Write() error {
	if s == nil {
		return nil
	}
	_, err := s.ahead.WriteTo(s.file)
	return err
}

// read takes the journal in and returns where it ends.
func (s *State) read(about, boot string) (end int64, err error) {
	in := bufio.NewReaderSize(s.file, 64<<10)
	begun := ""
	type point struct {
		end          int64
		rows, shapes int
	}
	var at, safe point
	for {
		raw, err := in.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		var e entry
		whole := err == nil && json.Unmarshal(raw, &e) == nil
		if at.end == 0 {
			switch {
			case err != nil && bytes.HasPrefix(s.ahead.Bytes(), raw):
				return 0, nil // nothing is there, or the beginning of a first line
			case e.Schema != stateSchema && bytes.Contains(raw, []byte("ewsprobe/state/")):
				return 0, ErrOtherVersion
			case e.Schema != stateSchema:
				return 0, ErrNoState
			case e.About != about:
				return 0, ErrOtherState
			}
		}
		if !whole || e.Row < 0 || e.Row > 1<<30 || e.Row > 0 && (len(e.Key) != len(key{}) || e.Of < 0 || e.Of >= len(s.load)) {
			break
		}
		switch {
		case e.Boot != nil:
			begun = *e.Boot
		case e.Template != nil:
			s.load = append(s.load, e.Template)
		case e.Row > 0:
			s.rows = append(s.rows, e)
		}
		s.cut = e.Mark != isEnded && e.Schema == ""
		at = point{at.end + int64(len(raw)), len(s.rows), len(s.load)}
		if e.Mark == isSafe || e.Schema != "" || e.Boot != nil {
			safe = at
		}
	}
	if begun != boot || boot == "" {
		at = safe // whether the power was cut is not known: what was not made safe is repeated
	}
	s.rows, s.load = s.rows[:at.rows], s.load[:at.shapes]
	s.kept = len(s.load)
	return at.end, nil
}

// replay makes the rows of earlier runs known. Whether they are rows of this run's
// input shows only when it is read.
func (s *State) replay(r *run) {
	for i, l := range s.load {
		if s.load[i] = r.templates.intern(l); s.load[i].Number != 0 {
			s.shapes[s.load[i].Number] = i
		}
	}
	for _, l := range s.rows {
		s.done = report.UpTo(s.done, l.Row)
		s.done[l.Row] = savedResult{key(l.Key).check(), int32(l.Of)}
	}
	s.rows = nil
}

// Done says whether an earlier run has reported the row, with this address, and
// what it was.
func (s *State) Done(row int, k key) (t *report.Template, ok bool) {
	if s == nil || row >= len(s.done) || s.done[row].check != k.check() {
		return nil, false
	}
	return s.load[s.done[row].shape], true
}

// Note remembers that a row was reported, when Write is called next. Now and then
// it makes all that was noted survive a power cut.
func (s *State) Note(row int, k key, t *report.Template) error {
	if s == nil {
		return nil
	}
	at, ok := s.shapes[t.Number]
	if !ok {
		s.line(entry{Template: t})
		at = s.kept
		s.kept++
		if t.Number != 0 {
			s.shapes[t.Number] = at
		}
	}
	s.dirty = true
	s.line(entry{Row: row, Key: k[:], Of: at})
	if time.Since(s.synced) < syncEvery {
		return nil
	}
	return s.Sync()
}

// Sync makes what was noted survive a power cut: the output first.
func (s *State) Sync() error {
	if s == nil || !s.dirty {
		return nil
	}
	s.safe()
	if err := errors.Join(s.Write(), s.file.Sync()); err != nil {
		return err
	}
	s.line(entry{Mark: isSafe})
	err := errors.Join(s.Write(), s.file.Sync())
	s.synced, s.dirty = time.Now(), false
	return err
}

// Cut says that the run before was killed, or could not write: its output may end
// inside a line.
func (s *State) Cut() bool { return s != nil && s.cut }

// Close ends the journal. whole says that all results could be written; else the
// output may end inside a line, as after a kill.
func (s *State) Close(whole bool) error {
	if s == nil {
		return nil
	}
	err := s.Sync()
	if whole && err == nil {
		s.line(entry{Mark: isEnded})
		err = errors.Join(s.Write(), s.file.Sync())
	}
	return errors.Join(err, s.file.Close(), s.lock.Close())
}
