package agent

import "slices"

// Newest are the last whole and the last anonymous run, the newer one first.
func (t *Target) Newest() []*Seen {
	list := slices.DeleteFunc([]*Seen{t.Whole, t.Partial}, func(s *Seen) bool { return s == nil || s.Report == nil })
	slices.SortStableFunc(list, func(a, b *Seen) int { return b.Run.Started.Compare(a.Run.Started) })
	return list
}

// Deciding is the run whose verdict the status is; nil: there is none.
func (t *Target) Deciding() *Seen {
	if t.deciding != nil {
		return t.deciding
	}
	newest := t.Newest()
	for _, s := range newest {
		if s.Report.Verdict.Code == t.Code && s.Report.Verdict.Status == t.Status {
			return s
		}
	}
	if len(newest) == 0 {
		return nil
	}
	return newest[0]
}
