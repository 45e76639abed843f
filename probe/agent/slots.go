package agent

import (
	"context"
	"sync"
)

// slots are the runs that may be made at a time.
type slots struct {
	mu      sync.Mutex
	most    int
	used    int
	waiting []chan struct{} // the one that waits longest first
}

func (s *slots) resize(most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.most = most
	s.wake()
}

// take waits for a slot; false: ctx ended before.
func (s *slots) take(ctx context.Context) bool {
	s.mu.Lock()
	turn := make(chan struct{})
	s.waiting = append(s.waiting, turn)
	s.wake()
	s.mu.Unlock()
	select {
	case <-turn:
		return true
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, w := range s.waiting {
		if w == turn {
			s.waiting = append(s.waiting[:i], s.waiting[i+1:]...)
			return false
		}
	}
	s.used-- // it came meanwhile
	s.wake()
	return false
}

func (s *slots) give() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used--
	s.wake()
}

func (s *slots) wake() {
	for s.used < s.most && len(s.waiting) > 0 {
		s.used++
		close(s.waiting[0])
		s.waiting = s.waiting[1:]
	}
}
