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

// rowTemplate is a template, and the number under which it is kept.
type rowTemplate struct {
	*report.Template
	number int32
}

// forgotten is the number of a template that is not kept.
const forgotten int32 = -1

// templates keeps each template once.
type templates struct {
	mu    sync.Mutex
	list  []*report.Template
	index map[[16]byte]int32 // by its content
}

// intern returns the kept template that is equal.
func (s *templates) intern(t *report.Template) rowTemplate {
	raw, err := json.Marshal(t)
	if err != nil {
		return rowTemplate{t, forgotten} // it never is: a template is plain data
	}
	sum := sha256.Sum256(raw)
	id := [16]byte(sum[:16])
	s.mu.Lock()
	defer s.mu.Unlock()
	if n, ok := s.index[id]; ok {
		return rowTemplate{s.list[n], n}
	}
	if len(s.list) == maxTemplates {
		return rowTemplate{t, forgotten}
	}
	if s.index == nil {
		s.index = map[[16]byte]int32{}
	}
	n := int32(len(s.list))
	s.index[id] = n
	s.list = append(s.list, t)
	return rowTemplate{t, n}
}

// at is a kept template by its number.
func (s *templates) at(number int32) rowTemplate {
	s.mu.Lock()
	defer s.mu.Unlock()
	return rowTemplate{s.list[number], number}
}
