package history

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"sync"
	"time"
)

// writer writes in a transaction. After the first error it does nothing.
type writer struct {
	tx  *sql.Tx
	err error
}

// exec writes, and returns the number of the last new row.
func (w *writer) exec(query string, args ...any) (id int64) {
	if w.err != nil {
		return 0
	}
	var done sql.Result
	if done, w.err = w.tx.Exec(query, args...); w.err == nil {
		id, w.err = done.LastInsertId()
	}
	return id
}

// Add stores a run and all that belongs to it, in one transaction. It fills in the
// numbers of the run and of the transition.
func (s *Store) Add(e *Entry) error {
	record, err := compress(e.Record)
	if err != nil {
		return err
	}
	run := e.Run
	err = s.write(func(tx *writer) {
		r := &e.Run
		r.ID = tx.exec(`INSERT INTO runs (target, started, duration, status, code, summary, credential, http_status, certificate)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, r.Target, millis(r.Started), r.Duration.Milliseconds(), r.Status, r.Code, r.Summary,
			r.Credential, r.HTTPStatus, millis(r.Certificate))
		tx.exec(`INSERT INTO records (run, report) VALUES (?, ?)`, r.ID, record)
		for _, w := range Widths {
			addToSpan(tx, *r, w)
		}
		if e.Transition != nil {
			e.Transition.Run = r.ID
			addTransition(tx, e.Transition)
		}
		keep(tx, r.Target, e.State(r.ID), e.Told, e.Notifications)
	})
	if err != nil {
		e.Run = run
	}
	return err
}

// Keep stores what a target has come to without a run.
func (s *Store) Keep(target string, state []byte, told map[string][]byte, list []Notification) error {
	return s.write(func(tx *writer) { keep(tx, target, state, told, list) })
}

func keep(tx *writer, target string, state []byte, told map[string][]byte, list []Notification) {
	tx.exec(`INSERT INTO targets (name, state) VALUES (?, ?) ON CONFLICT DO UPDATE SET state = excluded.state`, target, string(state))
	for channel, state := range told {
		tx.exec(`INSERT INTO told (target, channel, state) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state`,
			target, channel, string(state))
	}
	for _, n := range list {
		tx.exec(`INSERT INTO notifications (channel, target, created, next, tries, why, body) VALUES (?, ?, ?, ?, 0, '', ?)`,
			n.Channel, target, millis(n.Created), millis(n.Next), string(n.Body))
	}
}

func addTransition(tx *writer, t *Transition) {
	changes, err := json.Marshal(t.Changes)
	if tx.err = cmp.Or(tx.err, err); tx.err != nil {
		return
	}
	t.ID = tx.exec(`INSERT INTO transitions (target, at, from_status, to_status, from_code, to_code, run, previous, changes)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, t.Target, millis(t.At), t.From, t.To, t.FromCode, t.ToCode, t.Run, t.Previous, string(changes))
}

// addToSpan counts a run in the span of a width that it belongs to.
func addToSpan(tx *writer, r Run, w Width) {
	var n [4]int
	n[place(r)] = 1
	tx.exec(`INSERT INTO spans (target, width, at, critical, unknown, warning, ok, duration, certificate)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET critical = critical + excluded.critical,
		unknown = unknown + excluded.unknown, warning = warning + excluded.warning, ok = ok + excluded.ok,
		duration = duration + excluded.duration, certificate = CASE excluded.certificate WHEN 0 THEN certificate ELSE excluded.certificate END`,
		r.Target, w.Each.Milliseconds(), millis(w.begin(r.Started)), n[0], n[1], n[2], n[3], r.Duration.Milliseconds(), millis(r.Certificate))
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
	return s.write(func(tx *writer) {
		tx.exec(`INSERT INTO batches (target, started, duration, summary, rows) VALUES (?, ?, ?, ?, ?)`,
			target, millis(started), took.Milliseconds(), summary, packed)
		tx.exec(`DELETE FROM batches WHERE target = ?1
			AND id NOT IN (SELECT id FROM batches WHERE target = ?1 ORDER BY id DESC LIMIT ?2)`, target, kept)
		keep(tx, target, state, nil, nil)
	})
}

// Remove removes runs from before a time, and spans that no bar shows. It goes in
// small steps, so that runs can be stored in between.
func (s *Store) Remove(ctx context.Context, before time.Time) (runs int64, err error) {
	const step = 1000
	for n := int64(step); n == step && ctx.Err() == nil; runs += n {
		err := s.write(func(tx *writer) {
			const old = `SELECT id FROM (SELECT id, started FROM runs ORDER BY id LIMIT ?) WHERE started < ?`
			tx.exec(`DELETE FROM records WHERE run IN (`+old+`)`, step, millis(before))
			tx.exec(`DELETE FROM runs WHERE id IN (`+old+`)`, step, millis(before))
			if tx.err == nil {
				tx.err = tx.tx.QueryRow(`SELECT changes()`).Scan(&n)
			}
		})
		if err != nil {
			return runs, err
		}
	}
	return runs, s.write(func(tx *writer) {
		for _, w := range Widths {
			tx.exec(`DELETE FROM spans WHERE width = ? AND at < ?`, w.Each.Milliseconds(), millis(w.First(time.Now())))
		}
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
	return s.write(func(tx *writer) {
		tx.exec(`UPDATE notifications SET tries = tries + 1, next = ?, why = ? WHERE id = ?`, millis(next), why, id)
	})
}

// Done takes a notification out of the queue: it is delivered, or given up.
func (s *Store) Done(_ context.Context, id int64) error {
	return s.write(func(tx *writer) { tx.exec(`DELETE FROM notifications WHERE id = ?`, id) })
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
