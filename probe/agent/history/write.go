package history

import (
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"sync"
	"time"
)

// Add stores a run and all that belongs to it, in one transaction. It fills in the
// numbers of the run and of the transition.
func (s *Store) Add(e *Entry) error {
	record, err := compress(e.Record)
	if err != nil {
		return err
	}
	run, moved := e.Run, e.Transition
	err = s.write(func(tx *sql.Tx) error {
		r := &e.Run
		done, err := tx.Exec(`INSERT INTO runs (target, started, duration, status, code, summary, credential, http_status, certificate)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, r.Target, millis(r.Started), r.Duration.Milliseconds(), r.Status, r.Code, r.Summary,
			r.Credential, r.HTTPStatus, millis(r.Certificate))
		if err != nil {
			return err
		}
		if r.ID, err = done.LastInsertId(); err != nil {
			return err
		}
		if _, err := tx.Exec(`INSERT INTO records (run, report) VALUES (?, ?)`, r.ID, record); err != nil {
			return err
		}
		for _, w := range Widths {
			if err := addToSpan(tx, *r, w); err != nil {
				return err
			}
		}
		if moved != nil {
			moved.Run = r.ID
			if err := addTransition(tx, moved); err != nil {
				return err
			}
		}
		return keep(tx, r.Target, e.State(r.ID), e.Told, e.Notifications)
	})
	if err != nil {
		e.Run = run
	}
	return err
}

// Keep stores what a target has come to without a run.
func (s *Store) Keep(target string, state []byte, told map[string][]byte, list []Notification) error {
	return s.write(func(tx *sql.Tx) error { return keep(tx, target, state, told, list) })
}

func keep(tx *sql.Tx, target string, state []byte, told map[string][]byte, list []Notification) error {
	if _, err := tx.Exec(`INSERT INTO targets (name, state) VALUES (?, ?) ON CONFLICT DO UPDATE SET state = excluded.state`,
		target, string(state)); err != nil {
		return err
	}
	for channel, state := range told {
		if _, err := tx.Exec(`INSERT INTO told (target, channel, state) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state`,
			target, channel, string(state)); err != nil {
			return err
		}
	}
	for _, n := range list {
		if _, err := tx.Exec(`INSERT INTO notifications (channel, target, created, next, tries, why, body) VALUES (?, ?, ?, ?, 0, '', ?)`,
			n.Channel, target, millis(n.Created), millis(n.Next), string(n.Body)); err != nil {
			return err
		}
	}
	return nil
}

func addTransition(tx *sql.Tx, t *Transition) error {
	changes, err := json.Marshal(t.Changes)
	if err != nil {
		return err
	}
	done, err := tx.Exec(`INSERT INTO transitions (target, at, from_status, to_status, from_code, to_code, run, previous, changes)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, t.Target, millis(t.At), t.From, t.To, t.FromCode, t.ToCode, t.Run, t.Previous, string(changes))
	if err != nil {
		return err
	}
	t.ID, err = done.LastInsertId()
	return err
}

// addToSpan counts a run in the span of a width that it belongs to.
func addToSpan(tx *sql.Tx, r Run, w Width) error {
	var n [4]int
	n[place(r)] = 1
	_, err := tx.Exec(`INSERT INTO spans (target, width, at, critical, unknown, warning, ok, duration, certificate)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET critical = critical + excluded.critical,
		unknown = unknown + excluded.unknown, warning = warning + excluded.warning, ok = ok + excluded.ok,
		duration = duration + excluded.duration, certificate = CASE excluded.certificate WHEN 0 THEN certificate ELSE excluded.certificate END`,
		r.Target, w.Each.Milliseconds(), millis(w.begin(r.Started)), n[0], n[1], n[2], n[3], r.Duration.Milliseconds(), millis(r.Certificate))
	return err
}

// AddBatch stores a batch over the mailboxes of a target, and what the target has
// come to. The batches before the last few are removed.
func (s *Store) AddBatch(target string, started time.Time, took time.Duration, summary, rows, state []byte) error {
	summary, err := compress(summary)
	packed, err2 := compress(rows)
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	const kept = 30
	return s.write(func(tx *sql.Tx) error {
		if _, err := tx.Exec(`INSERT INTO batches (target, started, duration, summary, rows) VALUES (?, ?, ?, ?, ?)`,
			target, millis(started), took.Milliseconds(), summary, packed); err != nil {
			return err
		}
		if _, err := tx.Exec(`DELETE FROM batches WHERE target = ?1
			AND id NOT IN (SELECT id FROM batches WHERE target = ?1 ORDER BY id DESC LIMIT ?2)`, target, kept); err != nil {
			return err
		}
		return keep(tx, target, state, nil, nil)
	})
}

// Remove removes runs from before a time, and spans that no bar shows. It goes in
// small steps, so that runs can be stored in between.
func (s *Store) Remove(ctx context.Context, before time.Time) (runs int64, err error) {
	const step = 1000
	for ctx.Err() == nil {
		var n int64
		err := s.write(func(tx *sql.Tx) error {
			const old = `SELECT id FROM (SELECT id, started FROM runs ORDER BY id LIMIT ?) WHERE started < ?`
			if _, err := tx.Exec(`DELETE FROM records WHERE run IN (`+old+`)`, step, millis(before)); err != nil {
				return err
			}
			done, err := tx.Exec(`DELETE FROM runs WHERE id IN (`+old+`)`, step, millis(before))
			if err != nil {
				return err
			}
			n, err = done.RowsAffected()
			return err
		})
		if runs += n; err != nil || n < step {
			if err != nil {
				return runs, err
			}
			break
		}
	}
	return runs, s.write(func(tx *sql.Tx) error {
		for _, w := range Widths {
			if _, err := tx.Exec(`DELETE FROM spans WHERE width = ? AND at < ?`, w.Each.Milliseconds(), millis(w.First(time.Now()))); err != nil {
				return err
			}
		}
		return nil
	})
}

// Pending are the notifications that are not delivered, the oldest first.
func (s *Store) Pending(ctx context.Context) ([]Notification, error) {
	return readRows(ctx, s, `SELECT id, channel, target, created, next, tries, why, body FROM notifications ORDER BY id`, nil,
		func(scan scanner) (n Notification, err error) {
			var created, next int64
			err = scan(&n.ID, &n.Channel, &n.Target, &created, &next, &n.Tries, &n.Why, &n.Body)
			n.Created, n.Next = timeOf(created), timeOf(next)
			return n, err
		})
}

// Tried notes a delivery that failed, and when it is tried again.
func (s *Store) Tried(_ context.Context, id int64, next time.Time, why string) error {
	return s.write(func(tx *sql.Tx) error {
		_, err := tx.Exec(`UPDATE notifications SET tries = tries + 1, next = ?, why = ? WHERE id = ?`, millis(next), why, id)
		return err
	})
}

// Done takes a notification out of the queue: it is delivered, or given up.
func (s *Store) Done(_ context.Context, id int64) error {
	return s.write(func(tx *sql.Tx) error {
		_, err := tx.Exec(`DELETE FROM notifications WHERE id = ?`, id)
		return err
	})
}

// writers are used again: one takes a megabyte.
var writers = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

func compress(raw []byte) ([]byte, error) {
	var b bytes.Buffer
	w := writers.Get().(*gzip.Writer)
	defer writers.Put(w)
	w.Reset(&b)
	_, err := w.Write(raw)
	err = errors.Join(err, w.Close()) // writes the rest
	return b.Bytes(), err
}

func expand(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func timeOf(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
