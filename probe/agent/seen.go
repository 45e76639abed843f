package agent

import "slices"

// Newest are the last whole and the last anonymous run, the newer one first.
func (t *Target) Newest() []*Seen {
	list := slices.DeleteFunc([]*Seen{t.Whole, t.Partial}, func(s *Seen) bool { return s == nil || s.Report == nil })
	slices.SortStableFunc(list, func(a, b *Seen) int { return b.Run.Started.Compare(a.Run.Started) })
	return list
}

// Deciding is the run whose verdict the status is; nil: there is none. Of a whole and
// an anonymous run with the same verdict it is the whole one, which knows more.
func (t *Target) Deciding() *Seen {
	for _, s := range []*Seen{t.Whole, t.Partial} {
		if s != nil && s.Report != nil && s.Report.Verdict.Code == t.Code && s.Report.Verdict.Status == t.Status {
			return s
		}
	}
	if t.deciding == nil || t.deciding.Report == nil {
		return nil
	}
	return t.deciding
}
