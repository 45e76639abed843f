package batch

import (
	"crypto/sha256"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/rule"
)

// Stand stands for the mailbox in the texts of a shape: a character for private
// use, which no address holds.
const Stand = "\uE000"

// Shape is a judgement without the name of the mailbox. Most of a hundred
// thousand mailboxes share a handful.
type Shape struct {
	Verdict finding.Verdict // with Stand for the mailbox
	Codes   []finding.Code
	Causes  []int  // confirmed or likely
	Fields  string // verdict, causes and findings as JSON, ready for an object

	kept atomic.Int32 // one more than its number among the shapes of the run; 0: not looked up yet
}

// fields is the part of a row that a shape fixes.
type fields struct {
	Verdict  finding.Verdict       `json:"verdict"`
	Causes   []finding.CauseReport `json:"causes"`
	Findings []finding.Code        `json:"findings"`
}

// Summary is the sentence of the verdict for a mailbox.
func (s *Shape) Summary(mailbox string) string { return About(s.Verdict.Summary, mailbox) }

// nameless are the words for a mailbox of which nobody knows the name any more.
var nameless = strings.NewReplacer("No mailbox "+Stand, "No such mailbox", "mailbox "+Stand, "mailbox", Stand, "a mailbox")

// About puts the mailbox into a sentence of a shape; "": its name is not known.
func About(sentence, mailbox string) string {
	if mailbox == "" {
		return nameless.Replace(sentence)
	}
	return strings.ReplaceAll(sentence, Stand, mailbox)
}

// JSON is Fields for a mailbox.
func (s *Shape) JSON(mailbox string) (string, error) {
	if !strings.Contains(s.Fields, Stand) {
		return s.Fields, nil
	}
	quoted, err := evidence.Encode(mailbox)
	if err != nil || len(quoted) < 2 || quoted[0] != '"' {
		return strings.ReplaceAll(s.Fields, Stand, ""), err
	}
	return strings.ReplaceAll(s.Fields, Stand, string(quoted[1:len(quoted)-1])), nil
}

// ShapeOf makes the shape of a judgement about mailbox.
func ShapeOf(j rule.Judgement, mailbox string) (*Shape, error) {
	general := func(text string) string {
		if mailbox == "" || mailbox == Stand {
			return text
		}
		return strings.ReplaceAll(text, mailbox, Stand)
	}
	s := &Shape{Verdict: j.Verdict}
	s.Verdict.Summary = general(j.Verdict.Summary)
	f := fields{Verdict: s.Verdict}
	for _, c := range j.Causes {
		c.Why, c.Evidence = general(c.Why), nil // the row has no record to point into
		f.Causes = append(f.Causes, c)
		if c.Status == finding.CauseConfirmed || c.Status == finding.CauseLikely {
			s.Causes = append(s.Causes, c.Number)
		}
	}
	for _, found := range j.Findings {
		s.Codes = append(s.Codes, found.Code)
	}
	f.Findings = s.Codes
	raw, err := evidence.Encode(f)
	if err != nil {
		return nil, err
	}
	s.Fields = string(raw[1 : len(raw)-1])
	return s, nil
}

// maxShapes bounds what is kept. Beyond it a result is reported and forgotten: a
// duplicate of it is asked for again.
const maxShapes = 10_000

// shapes keeps each shape once.
type shapes struct {
	mu    sync.Mutex
	list  []*Shape
	index map[[16]byte]int32
}

// forgotten is the number of a shape that is not kept.
const forgotten int32 = -1

// intern returns the kept shape that is equal, and its number; fresh says that it
// is new.
func (s *shapes) intern(shape *Shape) (kept *Shape, number int32, fresh bool) {
	if n := shape.kept.Load(); n > 0 {
		return shape, n - 1, false
	}
	sum := sha256.Sum256([]byte(shape.Fields))
	s.mu.Lock()
	defer s.mu.Unlock()
	if n, ok := s.index[[16]byte(sum[:16])]; ok {
		shape.kept.Store(n + 1)
		return s.list[n], n, false
	}
	if len(s.list) == maxShapes {
		return shape, forgotten, true
	}
	if s.index == nil {
		s.index = map[[16]byte]int32{}
	}
	number = int32(len(s.list))
	shape.kept.Store(number + 1)
	s.index[[16]byte(sum[:16])] = number
	s.list = append(s.list, shape)
	return shape, number, true
}

func (s *shapes) at(number int32) *Shape {
	s.mu.Lock()
	defer s.mu.Unlock()
	if number < 0 || int(number) >= len(s.list) {
		return nil
	}
	return s.list[number]
}
