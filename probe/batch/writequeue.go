package batch

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/report"
)

// writeQueue sends results away a few at a time: where answers come fast, a write for
// each is a good part of all the work, here and where the results are read. It
// holds back no more rows than are asked for at a time, and none for longer than
// moment. Only what was written is noted in the state: so what a kill finds here
// is asked for again, and what it finds written and not yet noted, which is
// repeated, is no more than was under way.
type writeQueue struct {
	emit  func(report.Row) error
	write func() error // what emit gave out; nil: emit has written it
	state *State
	mask  *report.Mask
	tally *tally
	most  int
	halt  func(error)

	mu   sync.Mutex
	held []writtenRow
	due  *time.Timer
}

// writtenRow is what the state is to know of a row.
type writtenRow struct {
	row int
	key key
	of  *report.Template
}

// errState is told once, however often it comes.
var errState = errors.New("the state cannot be written")

const moment = 5 * time.Millisecond

func newWriteQueue(c Config, t *tally, halt func(error)) *writeQueue {
	o := &writeQueue{emit: c.Emit, write: c.Flush, state: c.State, mask: c.Mask, tally: t, most: c.Concurrency, halt: halt}
	o.due = time.AfterFunc(time.Hour, o.flush)
	o.due.Stop()
	return o
}

// put gives a result out and counts it. Where that fails the run ends.
func (o *writeQueue) put(res report.Row, t *report.Template, k key) {
	o.mu.Lock()
	defer o.mu.Unlock()
	res = o.mask.Row(res)
	if err := o.emit(res); err != nil {
		o.halt(fmt.Errorf("the results cannot be written: %w", err))
		return
	}
	o.tally.count(res, false)
	o.held = append(o.held, writtenRow{res.Number, k, t})
	switch len(o.held) {
	case o.most:
		o.send()
	case 1:
		o.due.Reset(moment)
	}
}

// flush sends what is held.
func (o *writeQueue) flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.send()
}

// send writes the results and then notes that they are.
func (o *writeQueue) send() {
	o.due.Stop()
	held := o.held
	o.held = o.held[:0]
	if len(held) == 0 {
		return
	}
	if o.write != nil {
		if err := o.write(); err != nil {
			o.halt(fmt.Errorf("the results cannot be written: %w", err))
			return
		}
	}
	if err := o.note(held); err != nil {
		o.halt(fmt.Errorf("%w: %w", errState, err))
	}
}

func (o *writeQueue) note(held []writtenRow) error {
	for _, d := range held {
		if d.of.Verdict.Code == "not-checked" {
			continue // a later run is to ask for it
		}
		if err := o.state.Note(d.row, d.key, d.of); err != nil {
			return err
		}
	}
	return o.state.Write()
}
