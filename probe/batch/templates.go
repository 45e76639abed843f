package batch

import (
	"crypto/sha256"
	"encoding/json"
	"sync"

	"github.com/ewsprobe/ewsprobe/probe/report"
)

// anyMailbox stands in a record for a mailbox that is nobody's: a judgement of it
// in which no other address is in play holds for all. It is a character for
// private use, which no address holds.
const anyMailbox = "\uE000"

// maxTemplates bounds what is kept. Beyond it a result is reported and forgotten:
// a duplicate of it is asked for again.
const maxTemplates = 10_000

// templates keeps each template once.
type templates struct {
	mu    sync.Mutex
	list  []*report.Template
	same  map[*report.Template]int32 // number of each that is in the list
	index map[[16]byte]int32         // and by its content
}

// forgotten is the number of a template that is not kept.
const forgotten int32 = -1

// intern returns the kept template that is equal, and its number.
func (s *templates) intern(t *report.Template) (kept *report.Template, number int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n, ok := s.same[t]; ok {
		return t, n
	}
	raw, err := json.Marshal(t)
	if err != nil {
		return t, forgotten // it never is: a template is plain data
	}
	sum := sha256.Sum256(raw)
	id := [16]byte(sum[:16])
	if n, ok := s.index[id]; ok {
		return s.list[n], n
	}
	if len(s.list) == maxTemplates {
		return t, forgotten
	}
	if s.index == nil {
		s.index, s.same = map[[16]byte]int32{}, map[*report.Template]int32{}
	}
	number = int32(len(s.list))
	s.index[id], s.same[t] = number, number
	s.list = append(s.list, t)
	return t, number
}

func (s *templates) at(number int32) *report.Template {
	s.mu.Lock()
	defer s.mu.Unlock()
	if number < 0 || int(number) >= len(s.list) {
		return nil
	}
	return s.list[number]
}
