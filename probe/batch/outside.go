package batch

import (
	"context"
	"sync"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// outside looks up the mailboxes that failed: a few at a time, beside the calls
// to EWS, and none while a service asks for patience.
type outside struct {
	look   func(ctx context.Context, mailbox string) []evidence.Item
	places chan struct{}

	mu    sync.Mutex
	until time.Time // nobody asks before
}

// How many mailboxes are looked up at a time, how often one is while a service
// asks for patience, and how long a service is waited for.
const (
	outsidePlaces = 4
	outsideTries  = 3
	outsidePause  = time.Minute
)

func newOutside(look func(context.Context, string) []evidence.Item) *outside {
	if look == nil {
		return nil
	}
	return &outside{look: look, places: make(chan struct{}, outsidePlaces)}
}

// wants says whether a mailbox is to be looked up: EWS has answered for it, and
// not well.
func (o *outside) wants(j *job, shape *Shape) bool {
	if o == nil || j.answer == nil || j.outside != nil {
		return false
	}
	return shape.Verdict.Status == finding.Critical || shape.Verdict.Status == finding.Unknown
}

// ask looks up a mailbox; false: ctx has ended.
func (o *outside) ask(ctx context.Context, mailbox string) ([]evidence.Item, bool) {
	for try := 1; ; try++ {
		if !o.wait(ctx) {
			return nil, false
		}
		items := o.look(ctx, mailbox)
		if ctx.Err() != nil {
			return nil, false
		}
		pause := time.Duration(0)
		for _, item := range items {
			if kindOf(item) == patience {
				pause = max(pause, min(asked(item), outsidePause), time.Second)
			}
		}
		if pause == 0 || try == outsideTries {
			return items, true
		}
		o.mu.Lock()
		if until := time.Now().Add(pause); until.After(o.until) {
			o.until = until
		}
		o.mu.Unlock()
	}
}

func (o *outside) wait(ctx context.Context) bool {
	for {
		o.mu.Lock()
		wait := time.Until(o.until)
		o.mu.Unlock()
		if wait <= 0 {
			return ctx.Err() == nil
		}
		if sleep(ctx, wait) != nil {
			return false
		}
	}
}
