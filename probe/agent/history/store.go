package history

import (
	"context"
	"time"

	_ "modernc.org/sqlite" // the driver
)

// Store is the storage of one agent. It is safe for concurrent use.
type Store struct{}

// Open opens the storage in a folder, and makes it where there is none.
func Open(dir string) (*Store, error) { return &Store{}, nil }

// Close writes everything.
func (s *Store) Close() error { return nil }

// Runs are those of a target that a query chooses, the newest first; more says that
// there are older ones.
func (s *Store) Runs(ctx context.Context, target string, q Query) (runs []Run, more bool, err error) {
	return nil, false, nil
}

// Run is one run; the error is ErrNone where there is none of the target.
func (s *Store) Run(ctx context.Context, target string, id int64) (Run, error) { return Run{}, nil }

// Record is the report of a run, as JSON.
func (s *Store) Record(ctx context.Context, target string, id int64) ([]byte, error) { return nil, nil }

// Transitions are those of a target, "" of all, the newest first.
func (s *Store) Transitions(ctx context.Context, target string, limit int, after int64) (list []Transition, more bool, err error) {
	return nil, false, nil
}

// Batch is the last batch over the mailboxes of a target: its summary, and the
// results of the mailboxes that are not ok, one JSON object a line.
func (s *Store) Batch(ctx context.Context, target string) (summary, rows []byte, err error) {
	return nil, nil, nil
}

// Bytes is how large the storage is on disk.
func (s *Store) Bytes() int64 { return 0 }

// Pending are the notifications that are not delivered, the oldest first.
func (s *Store) Pending(ctx context.Context) ([]Notification, error) { return nil, nil }

// Tried notes a delivery that failed, and when it is tried again.
func (s *Store) Tried(ctx context.Context, id int64, next time.Time, why string) error { return nil }

// Done takes a notification out of the queue: it is delivered, or given up.
func (s *Store) Done(ctx context.Context, id int64) error { return nil }
