package agent

import (
	"sync"
	"sync/atomic"
)

// backlog are the runs that could not be stored. They are kept, the last ones at
// least, and stored when that can be done again; until then they change nothing and
// nobody is told of them.
type backlog struct {
	mu    sync.Mutex // held while runs are stored, so that they keep their order
	list  []waiting
	bytes int
	count atomic.Int64           // of those that could not be stored since the start
	why   atomic.Pointer[string] // the last could not; nil: it was
}

// waiting is a run that is not stored.
type waiting struct {
	task *task
	seen *Seen
	raw  []byte // the report
	// withheld is what holds after it.
	withheld *Withheld
}

// maxWaiting is how much of what could not be stored is kept.
const maxWaiting = 8 << 20

// failing says whether the last run could not be stored. It takes no lock.
func (b *backlog) failing() bool { return b.why.Load() != nil }

// store stores a run, behind those that could not be stored before it.
func (b *backlog) store(w waiting) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := w.task.agent
	b.retry(a)
	if !b.failing() {
		err := w.task.commit(w)
		if err == nil {
			return
		}
		why := err.Error()
		b.why.Store(&why)
		a.options.Log.Error("a run cannot be stored; nobody is told of it", "target", w.task.name, "why", why)
	}
	b.count.Add(1)
	for b.list, b.bytes = append(b.list, w), b.bytes+len(w.raw); b.bytes > maxWaiting; {
		b.drop()
	}
	w.task.notStored(w.seen)
}

func (b *backlog) drop() { b.list, b.bytes = b.list[1:], b.bytes-len(b.list[0].raw) }

func (b *backlog) flush(a *Agent) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.retry(a)
}

// retry stores what waits, as far as that can be done.
func (b *backlog) retry(a *Agent) {
	stored := 0
	for ; len(b.list) > 0 && b.list[0].task.commit(b.list[0]) == nil; stored++ {
		b.drop()
	}
	if len(b.list) == 0 {
		b.why.Store(nil)
	}
	if stored > 0 {
		a.options.Log.Info("runs that could not be stored are stored now", "runs", stored)
	}
}
