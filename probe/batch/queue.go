package batch

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// job is a mailbox under way.
type job struct {
	row     Row
	key     key
	first   time.Time // of the first try
	ready   time.Time // not before
	tries   int
	busy    int             // answers in a row that it is busy
	odd     int             // answers in a row that are none of EWS
	wants   int             // complaints in a row, between which others were answered
	since   time.Time       // the first of these
	others  int             // calls that had been answered at the last of these
	answer  *evidence.Item  // of EWS; what follows only explains it
	again   bool            // the call was made once more after a passing error
	last    evidence.Item   // the last try, answered or not
	explain bool            // the address book is to be asked
	book    *evidence.Item  // and its answer
	outside []evidence.Item // what was looked up; nil: nothing was
	looked  bool            // it is not to be looked up again
}

// queue hands out jobs: those that are to be tried again when their time has
// come, else new ones.
type queue struct {
	fresh chan *job // with some ahead, so that nobody has to wake the reader for each
	max   int       // jobs in trouble, beyond which no new ones are handed out

	mu      sync.Mutex
	changed chan struct{}
	over    func() // called when no job is left
	again   []*job // to be tried again, the first to be ready first
	trouble int    // of these, for another reason than that their mailbox is busy
	out     int    // handed out
	ended   bool   // no new ones come
}

// maxBusy is how many busy mailboxes are waited for at a time.
const maxBusy = 4096

func newQueue(limit int, over func()) *queue {
	return &queue{fresh: make(chan *job, limit/2), max: limit, changed: make(chan struct{}), over: over}
}

func (q *queue) wake() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// take returns the next job; nil when there is none left, or ctx ended.
func (q *queue) take(ctx context.Context) *job {
	for {
		q.mu.Lock()
		var timer <-chan time.Time
		if len(q.again) > 0 {
			wait := time.Until(q.again[0].ready)
			if wait <= 0 {
				j := q.again[0]
				q.remove(func(other *job) bool { return other == j })
				q.mu.Unlock()
				return j
			}
			timer = time.After(wait)
		}
		if q.ended && q.out == 0 && len(q.again) == 0 {
			q.mu.Unlock()
			return nil
		}
		fresh := q.fresh
		if q.trouble >= q.max || len(q.again) >= maxBusy {
			fresh = nil
		}
		changed := q.changed
		q.mu.Unlock()
		select {
		case j := <-fresh:
			return j
		case <-changed:
		case <-timer:
		case <-ctx.Done():
			return nil
		}
	}
}

// remove takes jobs out of those that wait to be tried again, and hands them out.
func (q *queue) remove(which func(*job) bool) (removed []*job) {
	q.again = slices.DeleteFunc(q.again, func(j *job) bool {
		if !which(j) {
			return false
		}
		removed = append(removed, j)
		q.out++
		if j.busy == 0 {
			q.trouble--
		}
		return true
	})
	return removed
}

// expired takes out the jobs that wait to be tried again and were first tried
// before: their time is over.
func (q *queue) expired(before time.Time) (over []*job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.remove(func(j *job) bool { return !j.first.IsZero() && !j.first.After(before) })
}

// requeue puts a job back, not to be tried before ready.
func (q *queue) requeue(j *job, ready time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	j.ready = ready
	at, _ := slices.BinarySearchFunc(q.again, ready, func(other *job, ready time.Time) int {
		if other.ready.After(ready) {
			return 1
		}
		return -1 // behind those that are ready at the same time
	})
	q.again = slices.Insert(q.again, at, j)
	if j.busy == 0 {
		q.trouble++
	}
	q.out--
	q.wake()
}

// give hands a new job out; false when ctx ended before there was room. It is
// counted before it is on its way, so that nobody takes the queue for empty.
func (q *queue) give(ctx context.Context, j *job) bool {
	q.mu.Lock()
	q.out++
	q.mu.Unlock()
	select {
	case q.fresh <- j:
		return true
	case <-ctx.Done():
		q.mu.Lock()
		q.out--
		q.mu.Unlock()
		return false
	}
}

// end: no new jobs come.
func (q *queue) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	q.drained()
	q.wake()
}

func (q *queue) drained() {
	if q.ended && q.out == 0 && len(q.again) == 0 {
		q.over()
	}
}

// done: a job is finished.
func (q *queue) done() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.out--
	q.drained()
	if q.out == 0 {
		q.wake()
	}
}

// rest are the jobs that are waiting still, when no worker runs any more.
func (q *queue) rest() []*job {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		select {
		case j := <-q.fresh:
			q.again = append(q.again, j)
		default:
			return q.again
		}
	}
}
