package agent

import "sync"

// backlog are the runs that could not be stored. They are kept, the last ones at
// least, and stored when that can be done again; until then they change nothing and
// nobody is told of them.
type backlog struct {
	storing sync.Mutex // held while runs are stored, so that they keep their order

	mu    sync.Mutex
	list  []waiting
	bytes int
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

func (b *backlog) told() (int, string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.count, b.why
}

// failing says whether the last run could not be stored.
func (b *backlog) failing() bool {
	_, why := b.told()
	return why != ""
}

// store stores a run, behind those that could not be stored before it.
func (b *backlog) store(w waiting) {
	b.storing.Lock()
	defer b.storing.Unlock()
	a := w.task.agent
	b.flushLocked(a)
	if b.failing() {
		b.keep(w, "")
		return
	}
	if err := w.task.commit(w); err != nil {
		b.keep(w, err.Error())
		a.options.Log.Error("a run cannot be stored; nobody is told of it", "target", w.task.name, "why", err.Error())
	}
}

func (b *backlog) keep(w waiting, why string) {
	b.mu.Lock()
	b.list, b.bytes, b.count = append(b.list, w), b.bytes+len(w.raw), b.count+1
	if why != "" {
		b.why = why
	}
	for b.bytes > mostWaiting {
		b.bytes -= len(b.list[0].raw)
		b.list = b.list[1:]
	}
	b.mu.Unlock()
	w.task.notStored(w.seen)
}

func (b *backlog) flush(a *Agent) {
	b.storing.Lock()
	defer b.storing.Unlock()
	b.flushLocked(a)
}

// flushLocked stores what waits, as far as that can be done.
func (b *backlog) flushLocked(a *Agent) {
	stored := 0
	for {
		b.mu.Lock()
		if len(b.list) == 0 {
			b.why = ""
			b.mu.Unlock()
			break
		}
		w := b.list[0]
		b.mu.Unlock()
		if w.task.commit(w) != nil {
			break
		}
		b.mu.Lock()
		b.list, b.bytes = b.list[1:], b.bytes-len(w.raw)
		b.mu.Unlock()
		stored++
	}
	if stored > 0 {
		a.options.Log.Info("runs that could not be stored are stored now", "runs", stored)
	}
}
