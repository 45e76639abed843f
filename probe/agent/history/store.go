package history

import (
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"modernc.org/sqlite" // the driver, too
	lib "modernc.org/sqlite/lib"
)

//go:embed schema.sql
var schema string

// migrations make a version of the tables of the one before; the first makes them.
func migrations() []string { return []string{schema} }

// FileName is the name of the file in the folder.
const FileName = "history.db"

// ErrNone: there is nothing with that number.
var ErrNone = errors.New("there is none")

// ErrNewer: the file was written by a later version.
var ErrNewer = errors.New("it was written by a newer version of ewsprobe; use that version, or another storage")

// Store is the storage of one agent. It is safe for concurrent use.
type Store struct {
	file string

	mu    sync.Mutex // of writing, and of what is below
	db    *sql.DB    // one connection, which writes
	info  os.FileInfo
	aside string // the damaged file that was moved away; "" none was

	reads   sync.RWMutex // of read
	read    *sql.DB
	damaged func(aside string, why error)
}

// Open opens the storage in a folder, and makes it where there is none. A damaged
// one is moved aside, at once or when the damage shows; damaged is told then.
func Open(dir string, damaged func(aside string, why error)) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	s := &Store{file: filepath.Join(dir, FileName), damaged: damaged}
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.open()
	if isDamage(err) {
		err = s.replace(err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.file, errors.Join(err, s.close()))
	}
	return s, nil
}

// smallEnough is up to what size a file is read through when it is opened. What is
// damaged in a larger one shows when it is read.
const smallEnough = 64 << 20

func (s *Store) open() error {
	// A file of its own mode: the driver would make it readable for everybody.
	f, err := os.OpenFile(s.file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if s.info, err = f.Stat(); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return err
	}
	// NORMAL: what was committed survives the end of the process however that comes
	// about, and a power cut may cost the last runs, but not the file. FULL would wait
	// for the disk at each run.
	const pragmas = "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=cache_size(-4096)" +
		"&_pragma=journal_size_limit(16777216)&_pragma=temp_store(MEMORY)&_txlock=immediate"
	name := "file:" + strings.NewReplacer("?", "%3F", "#", "%23", "%", "%25").Replace(filepath.ToSlash(s.file)) + pragmas // a URI
	if s.db, err = sql.Open("sqlite", name); err != nil {
		return err
	}
	s.db.SetMaxOpenConns(1)
	var version int
	if err := s.db.QueryRow("PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	steps := migrations()
	if version > len(steps) {
		return ErrNewer
	}
	for ; version < len(steps); version++ {
		step := steps[version] + fmt.Sprintf("\nPRAGMA user_version = %d;", version+1)
		if err := s.transaction(func(tx *writer) { tx.exec(step) }); err != nil {
			return err
		}
	}
	if s.info.Size() < smallEnough {
		var result string
		if err := s.db.QueryRow("PRAGMA quick_check(1)").Scan(&result); err != nil {
			return err
		}
		if result != "ok" {
			return fmt.Errorf("%w: %s", errDamage, result)
		}
	}
	read, err := sql.Open("sqlite", name+"&_pragma=query_only(1)")
	if err != nil {
		return err
	}
	read.SetMaxOpenConns(2)
	s.reads.Lock()
	s.read = read
	s.reads.Unlock()
	return nil
}

// errDamage is what a check of the file has found.
var errDamage = errors.New("damaged")

// isDamage says whether an error means that the file itself is damaged.
func isDamage(err error) bool {
	var of *sqlite.Error
	return errors.Is(err, errDamage) || errors.As(err, &of) && (of.Code()&0xff == lib.SQLITE_CORRUPT || of.Code()&0xff == lib.SQLITE_NOTADB)
}

// replace moves a damaged file aside and begins a new one.
func (s *Store) replace(why error) error {
	if err := s.close(); err != nil && !isDamage(err) {
		return err
	}
	stamp := time.Now().UTC().Format("20060102T150405.000Z")
	aside := filepath.Join(filepath.Dir(s.file), "history-damaged-"+stamp+".db")
	for _, suffix := range []string{"-wal", "-shm", ""} {
		if err := os.Rename(s.file+suffix, aside+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return errors.Join(why, err)
		}
	}
	s.aside = aside
	if s.damaged != nil {
		s.damaged(aside, why)
	}
	return s.open()
}

// Aside is the damaged file that was moved away since the start; "" none was.
func (s *Store) Aside() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.aside
}

func (s *Store) close() (err error) {
	s.reads.Lock()
	defer s.reads.Unlock()
	if s.read != nil {
		err = s.read.Close()
		s.read = nil
	}
	if s.db != nil {
		err = errors.Join(err, s.db.Close())
		s.db = nil
	}
	return err
}

// Close ends the use of the storage.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.close()
}

// write does work in one transaction. A damaged file, or one that somebody has taken
// away, is replaced, and the work is done in the new one.
func (s *Store) write(work func(*writer)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db == nil {
		if err := s.open(); err != nil { // after a replacement that failed
			return err
		}
	}
	if now, err := os.Stat(s.file); err != nil || !os.SameFile(now, s.info) {
		if err := s.replace(errors.New("the file was removed")); err != nil {
			return err
		}
	}
	err := s.transaction(work)
	if isDamage(err) {
		if err = s.replace(err); err == nil {
			err = s.transaction(work)
		}
	}
	return err
}

func (s *Store) transaction(work func(*writer)) error {
	tx, err := s.db.Begin()
	if err != nil {
		return err
	}
	w := writer{tx: tx}
	if work(&w); w.err != nil {
		return errors.Join(w.err, tx.Rollback())
	}
	return tx.Commit()
}

// query reads. A damage that shows is dealt with, and what was asked for is gone.
func (s *Store) query(work func(*sql.DB) error) error {
	s.reads.RLock()
	db := s.read
	if db == nil {
		s.reads.RUnlock()
		return errors.New("the storage is closed")
	}
	err := work(db)
	s.reads.RUnlock()
	if isDamage(err) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.reads.RLock()
		same := s.read == db // else somebody else has done it
		s.reads.RUnlock()
		if same {
			return errors.Join(err, s.replace(err))
		}
	}
	return err
}

// Bytes is how large the storage is on disk.
func (s *Store) Bytes() (n int64) {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if info, err := os.Stat(s.file + suffix); err == nil {
			n += info.Size()
		}
	}
	return n
}
