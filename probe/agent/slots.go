package agent

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// mostSlots is the largest max_concurrent_checks.
const mostSlots = 1000

// slots are the runs that may be made at a time: of all that there are, those beyond
// the configured number stay taken.
type slots struct {
	*semaphore.Weighted
	most int
}

func newSlots() *slots {
	s := &slots{Weighted: semaphore.NewWeighted(mostSlots)}
	s.TryAcquire(mostSlots)
	return s
}

// resize changes how many there are. It is called under the lock.
func (s *slots) resize(most int) {
	if n := int64(most - s.most); n > 0 {
		s.Release(n)
	} else {
		go s.Acquire(context.Background(), -n) //nolint:errcheck // it does not end
	}
	s.most = most
}
