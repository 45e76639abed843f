package agent

import (
	"cmp"
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
	says  atomic.Pointer[unstoredRuns] // nil: all could be stored
}

// unstoredRuns is how many runs could not be stored since the start, and why the last
// could not; "" that it was.
type unstoredRuns struct {
	count int
	why   string
}

// waiting is a run that is not stored.
type waiting struct {
	task *task
	seen *Seen
	raw  []byte // the report
	// withheld is what holds after it.
	withheld *Withheld
}

// mostWaiting is how much of what could not be stored is kept.
const mostWaiting = 8 << 20

// told is what was last said; it takes no lock.
func (b *backlog) told() unstoredRuns {
	if s := b.says.Load(); s != nil {
		return *s
	}
	return unstoredRuns{}
}

// failing says whether the last run could not be stored.
func (b *backlog) failing() bool { return b.told().why != "" }

// store stores a run, behind those that could not be stored before it.
func (b *backlog) store(w waiting) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := w.task.agent
	b.retry(a)
	if b.failing() {
		b.keep(w, "")
	} else if err := w.task.commit(w); err != nil {
		b.keep(w, err.Error())
		a.options.Log.Error("a run cannot be stored; nobody is told of it", "target", w.task.name, "why", err.Error())
	}
}

func (b *backlog) keep(w waiting, why string) {
	told := b.told()
	b.says.Store(&unstoredRuns{told.count + 1, cmp.Or(why, told.why)})
	for b.list, b.bytes = append(b.list, w), b.bytes+len(w.raw); b.bytes > mostWaiting; {
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
	if len(b.list) == 0 && b.failing() {
		b.says.Store(&unstoredRuns{count: b.told().count})
	}
	if stored > 0 {
		a.options.Log.Info("runs that could not be stored are stored now", "runs", stored)
	}
}
