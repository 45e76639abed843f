package batch

import (
	"context"
	"sync"
)

// seen knows every address that was met: 24 bytes each, whatever was found.
type seen struct {
	mu      sync.Mutex
	met     map[key]found
	waiting map[key][]Row // duplicates of what is under way
	held    int           // rows in it
	room    chan struct{} // closed when some were settled
}

// found is where the result of an address is.
type found struct {
	shape int32 // number of the shape, or one of the below
	row   int32
}

const underWay int32 = -2

// addressState is what is known of an address.
type addressState int

const (
	fresh addressState = iota // to be asked for; it is under way now
	known                     // its shape is there
	waits                     // it is under way, and the row was kept
)

// most is how many duplicates wait at a time. Beyond it reading waits: a file of
// one address is as long as one of many.
const most = 1000

func newSeen() *seen {
	return &seen{met: map[key]found{}, waiting: map[key][]Row{}, room: make(chan struct{})}
}

// look says what is known of a row's address.
func (s *seen) look(ctx context.Context, k key, row Row) (shape int32, first int, is addressState) {
	for {
		s.mu.Lock()
		f, ok := s.met[k]
		switch {
		case !ok || f.shape == forgotten:
			s.met[k] = found{underWay, int32(row.Number)}
			s.mu.Unlock()
			return 0, 0, fresh
		case f.shape != underWay:
			s.mu.Unlock()
			return f.shape, int(f.row), known
		case s.held < most || ctx.Err() != nil:
			s.waiting[k] = append(s.waiting[k], row)
			s.held++
			s.mu.Unlock()
			return 0, 0, waits
		}
		room := s.room
		s.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
		}
	}
}

// settle notes the result of an address and returns the rows that waited for it.
func (s *seen) settle(k key, row int, shape int32) []Row {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.met[k] = found{shape, int32(row)}
	rows := s.waiting[k]
	if rows != nil {
		delete(s.waiting, k)
		s.held -= len(rows)
		close(s.room)
		s.room = make(chan struct{})
	}
	return rows
}
