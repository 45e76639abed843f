package batch

import (
	"encoding/json"
	"fmt"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// Rewrite is the shape with every sentence changed by text (Stand is to be kept)
// and every word of a closed list, such as a code, by word.
func (s *Shape) Rewrite(text, word func(string) string) (*Shape, error) {
	var f fields
	if err := json.Unmarshal([]byte("{"+s.Fields+"}"), &f); err != nil {
		return nil, fmt.Errorf("a result cannot be read again: %w", err)
	}
	v := &f.Verdict
	v.Code, v.Status, v.Confidence = finding.Code(word(string(v.Code))), finding.Status(word(string(v.Status))), finding.Confidence(word(string(v.Confidence)))
	v.Reason, v.Summary = word(v.Reason), text(v.Summary)
	for i := range f.Causes {
		c := &f.Causes[i]
		c.Status, c.Why, c.Evidence = finding.CauseStatus(word(string(c.Status))), text(c.Why), nil
	}
	for i := range f.Findings {
		f.Findings[i] = finding.Code(word(string(f.Findings[i])))
	}
	raw, err := evidence.Encode(f)
	if err != nil {
		return nil, err
	}
	return &Shape{Verdict: f.Verdict, Codes: f.Findings, Causes: s.Causes, Fields: string(raw[1 : len(raw)-1])}, nil
}
