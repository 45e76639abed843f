package batch

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// outside looks up the mailboxes that failed: a few at a time, beside the calls
// to EWS, and none while a service asks for patience.
type outside struct {
	look    func(ctx context.Context, mailbox string) []evidence.Item
	waiting chan struct{} // holds a place for each mailbox that is to be looked up
	places  chan struct{}
	limiter *limiter

	unanswered atomic.Int64 // look-ups in a row without an answer
	gaveUp     atomic.Bool
}

// How many mailboxes are looked up at a time, how often one is while a service
// asks for patience, and how long a service is waited for.
const (
	outsidePlaces  = 4
	outsideWaiting = 1000
	outsideTries   = 3
	outsidePause   = time.Minute
	// So many mailboxes in a row without any answer end the look-ups: they are not
	// what the run is for.
	outsideUnanswered = 5
)

func newOutside(look func(context.Context, string) []evidence.Item) *outside {
	if look == nil {
		return nil
	}
	return &outside{
		look: look, places: make(chan struct{}, outsidePlaces), waiting: make(chan struct{}, outsideWaiting), limiter: newLimiter(outsidePlaces),
	}
}

// wants says whether a mailbox is to be looked up: EWS has answered for it, and
// not well.
func (o *outside) wants(j *job, status finding.Status) bool {
	return o != nil && j.answer != nil && !j.looked && (status == finding.Critical || status == finding.Unknown) && !o.gaveUp.Load()
}

// ask looks up a mailbox; nil: it was not, because the look-ups were given up.
// False: ctx has ended.
func (o *outside) ask(ctx context.Context, mailbox string) ([]evidence.Item, bool) {
	o.places <- struct{}{} // one becomes free within seconds
	defer func() { <-o.places }()
	for try := 1; ; try++ {
		if o.limiter.pause(ctx) != nil {
			return nil, false
		}
		if o.gaveUp.Load() {
			return nil, true
		}
		items := o.look(ctx, mailbox)
		if ctx.Err() != nil {
			return nil, false
		}
		pause := time.Duration(0)
		for _, item := range items {
			if k := kindOf(item); k == patience || k == busyMailbox {
				pause = max(pause, min(requestedPause(item), outsidePause), time.Second)
			}
		}
		if pause == 0 || try == outsideTries {
			o.count(items)
			return items, true
		}
		o.limiter.complained(time.Now(), pause)
	}
}

// count notes whether anything was answered.
func (o *outside) count(items []evidence.Item) {
	for _, item := range items {
		if r := item.Response; r != nil && r.Status != http.StatusTooManyRequests && r.Status < 500 {
			o.unanswered.Store(0)
			return
		}
	}
	if o.unanswered.Add(1) >= outsideUnanswered {
		o.gaveUp.Store(true)
	}
}

// note says that not all were looked up; "" they were.
func (o *outside) note() string {
	if o == nil || !o.gaveUp.Load() {
		return ""
	}
	return fmt.Sprintf("Look-ups outside the network were stopped: %d mailboxes in a row got no answer. "+
		"Later mailboxes that failed were not looked up.", outsideUnanswered)
}
