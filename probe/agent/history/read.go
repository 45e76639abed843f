package history

import (
	"context"
	"database/sql"
	"encoding/json"
	"math"
	"time"
)

const runColumns = `id, target, started, duration, status, code, summary, credential, http_status, certificate`

// scanner reads the columns of a row.
type scanner = func(...any) error

// readRows reads all rows of a query, each with scan.
func readRows[T any](ctx context.Context, s *Store, query string, args []any, scan func(scanner) (T, error)) (all []T, err error) {
	err = s.query(func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			one, err := scan(rows.Scan)
			if err != nil {
				return err
			}
			all = append(all, one)
		}
		return rows.Err()
	})
	return all, err
}

// readOne reads the one row of a query; the error is ErrNone where there is none.
func readOne[T any](ctx context.Context, s *Store, query string, args []any, scan func(scanner) (T, error)) (one T, err error) {
	rows, err := readRows(ctx, s, query, args, scan)
	switch {
	case err != nil:
		return one, err
	case len(rows) == 0:
		return one, ErrNone
	}
	return rows[0], nil
}

// readPacked is readOne of a column that was compressed.
func readPacked(ctx context.Context, s *Store, query string, args ...any) ([]byte, error) {
	packed, err := readOne(ctx, s, query, args, func(scan scanner) (raw []byte, err error) { return raw, scan(&raw) })
	if err != nil {
		return nil, err
	}
	return expand(packed)
}

// page is readRows up to a limit, 0 being 100; more says that there are further rows.
func page[T any](
	ctx context.Context, s *Store, query string, args []any, limit int, scan func(scanner) (T, error),
) (rows []T, more bool, err error) {
	if limit <= 0 {
		limit = 100
	}
	rows, err = readRows(ctx, s, query+` LIMIT ?`, append(args, limit+1), scan)
	return rows[:min(limit, len(rows))], len(rows) > limit, err
}

func scanRun(scan scanner) (r Run, err error) {
	var started, took, certificate int64
	err = scan(&r.ID, &r.Target, &started, &took, &r.Status, &r.Code, &r.Summary, &r.Credential, &r.HTTPStatus, &certificate)
	r.Started, r.Duration, r.Certificate = timeOf(started), time.Duration(took)*time.Millisecond, timeOf(certificate)
	return r, err
}

// Runs are those of a target that a query chooses, the newest first; more says that
// there are older ones.
func (s *Store) Runs(ctx context.Context, target string, q Query) ([]Run, bool, error) {
	until := millis(q.Until)
	if until == 0 {
		until = math.MaxInt64
	}
	where, args := `target = ? AND started >= ? AND started < ?`, []any{target, millis(q.Since), until}
	if q.Status != "" {
		where, args = where+` AND status = ?`, append(args, q.Status)
	}
	if q.After > 0 {
		// The run may have been removed since: then its number has to do.
		where += ` AND (started, id) < (coalesce((SELECT started FROM runs WHERE id = ?), 0x7fffffffffffffff), ?) AND id <> ?`
		args = append(args, q.After, q.After, q.After)
	}
	return page(ctx, s, `SELECT `+runColumns+` FROM runs WHERE `+where+` ORDER BY started DESC, id DESC`, args, q.Limit, scanRun)
}

// Run is one run; the error is ErrNone where there is none of the target.
func (s *Store) Run(ctx context.Context, target string, id int64) (Run, error) {
	return readOne(ctx, s, `SELECT `+runColumns+` FROM runs WHERE id = ? AND target = ?`, []any{id, target}, scanRun)
}

// Record is the report of a run, as JSON.
func (s *Store) Record(ctx context.Context, target string, id int64) ([]byte, error) {
	return readPacked(ctx, s, `SELECT report FROM records, runs WHERE run = id AND id = ? AND target = ?`, id, target)
}

// Transitions are those of a target, "" of all, the newest first.
func (s *Store) Transitions(ctx context.Context, target string, limit int, after int64) ([]Transition, bool, error) {
	if after <= 0 {
		after = math.MaxInt64
	}
	where, args := `id < ?`, []any{after}
	if target != "" { // a condition that may be left out by its value would not use the index
		where, args = where+` AND target = ?`, append(args, target)
	}
	return page(ctx, s, `SELECT id, target, at, from_status, to_status, from_code, to_code, run, previous, changes FROM transitions
		WHERE `+where+` ORDER BY id DESC`, args, limit,
		func(scan scanner) (t Transition, err error) {
			var at int64
			var changes []byte
			if err = scan(&t.ID, &t.Target, &at, &t.From, &t.To, &t.FromCode, &t.ToCode, &t.Run, &t.Previous, &changes); err == nil {
				t.At, err = timeOf(at), json.Unmarshal(changes, &t.Changes)
			}
			return t, err
		})
}

// Batch are the mailboxes of a target that were not ok in the last batch over them, one
// JSON object a line.
func (s *Store) Batch(ctx context.Context, target string) ([]byte, error) {
	return readPacked(ctx, s, `SELECT rows FROM batches WHERE target = ? ORDER BY id DESC LIMIT 1`, target)
}

// Kept is what is stored of all targets, for an agent that starts.
type Kept struct {
	States map[string][]byte            // by target
	Told   map[string]map[string][]byte // by target and channel
	Spans  map[string]*[3]Bar           // by target
}

// Kept reads what an agent goes on with.
func (s *Store) Kept(ctx context.Context) (Kept, error) {
	k := Kept{States: map[string][]byte{}, Told: map[string]map[string][]byte{}, Spans: map[string]*[3]Bar{}}
	_, err := readRows(ctx, s, `SELECT name, '', state FROM targets UNION ALL SELECT target, channel, state FROM told`, nil,
		func(scan scanner) (_ struct{}, err error) {
			var name, channel string
			var state []byte
			err = scan(&name, &channel, &state)
			switch {
			case channel == "":
				k.States[name] = state
			case k.Told[name] == nil:
				k.Told[name] = map[string][]byte{channel: state}
			default:
				k.Told[name][channel] = state
			}
			return struct{}{}, err
		})
	for i, w := range Widths {
		if err != nil {
			return k, err
		}
		_, err = readRows(ctx, s, `SELECT target, at, critical, unknown, warning, ok, duration, certificate
			FROM spans WHERE width = ? AND at >= ? ORDER BY target, at`, []any{w.Each.Milliseconds(), millis(w.First(time.Now()))},
			func(scan scanner) (_ struct{}, err error) {
				var name string
				var at, took, certificate int64
				var span Span
				n := &span.Runs
				err = scan(&name, &at, &n[0], &n[1], &n[2], &n[3], &took, &certificate)
				span.At, span.Certificate = timeOf(at), timeOf(certificate)
				span.Latency = time.Duration(took) * time.Millisecond / time.Duration(max(span.All(), 1))
				if k.Spans[name] == nil {
					k.Spans[name] = &[3]Bar{}
				}
				k.Spans[name][i] = append(k.Spans[name][i], span)
				return struct{}{}, err
			})
	}
	return k, err
}
