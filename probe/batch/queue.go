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
	odd     int             // answers in a row that are none of EWS
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
	most  int       // jobs waiting to be tried again, beyond which no new ones are handed out

	mu      sync.Mutex
	changed chan struct{}
	over    chan struct{} // closed when no job is left
	again   []*job
	out     int  // handed out
	ended   bool // no new ones come
}

func newQueue(most int) *queue {
	return &queue{fresh: make(chan *job, most/2), most: most, changed: make(chan struct{}), over: make(chan struct{})}
}

func (q *queue) wake() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// take returns the next job; nil when there is none left, or ctx ended.
func (q *queue) take(ctx context.Context) *job {
	for {
		q.mu.Lock()
		now := time.Now()
		soonest := time.Duration(-1)
		for i, j := range q.again {
			wait := j.ready.Sub(now)
			if wait <= 0 {
				q.again = slices.Delete(q.again, i, i+1)
				q.out++
				q.mu.Unlock()
				return j
			}
			if soonest < 0 || wait < soonest {
				soonest = wait
			}
		}
		if q.ended && q.out == 0 && len(q.again) == 0 {
			q.mu.Unlock()
			return nil
		}
		fresh := q.fresh
		if len(q.again) >= q.most {
			fresh = nil
		}
		changed := q.changed
		q.mu.Unlock()
		var timer <-chan time.Time
		if soonest >= 0 {
			timer = time.After(soonest)
		}
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

// expired takes out the jobs that wait to be tried again and were first tried
// before: their time is over.
func (q *queue) expired(before time.Time) (over []*job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.again = slices.DeleteFunc(q.again, func(j *job) bool {
		if j.first.IsZero() || j.first.After(before) {
			return false
		}
		over = append(over, j)
		q.out++
		return true
	})
	return over
}

// giveBack puts a job back, not to be tried before ready.
func (q *queue) giveBack(j *job, ready time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	j.ready = ready
	q.again = append(q.again, j)
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
		close(q.over)
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
