package rule

import (
	"strings"

	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// accepted marks the findings that the baseline accepts on the day of the check:
// they stay, and no longer decide the status. What could not be determined is
// never accepted. An entry whose day is over is told, and does nothing.
func (v *view) accepted(findings []finding.Finding) []finding.Finding {
	if len(v.rec.Target.Accepted) == 0 {
		return findings
	}
	list := make([]finding.Finding, len(findings))
	for i, f := range findings {
		list[i] = v.accept(f)
	}
	return list
}

func (v *view) accept(f finding.Finding) finding.Finding {
	if f.Status != finding.Critical && f.Status != finding.Warning {
		return f
	}
	over := ""
	for _, a := range v.rec.Target.Accepted {
		t := v.rec.Target
		here := (a.Host == "" || strings.EqualFold(a.Host, t.Host)) && (a.Mailbox == "" || strings.EqualFold(a.Mailbox, t.Mailbox))
		if a.Code != string(f.Code) || !here {
			continue
		}
		accepted := finding.Accepted{Status: f.Status, Reason: a.Reason, Until: a.Until}
		if a.Over(v.rec.Started) {
			over = " " + finding.Phrase("acceptance-over", accepted)
			continue
		}
		f.Accepted, f.Status = &accepted, finding.OK
		f.Detail = finding.Phrase("accepted-detail", accepted) + " " + f.Detail
		f.Summary = finding.Phrase("accepted-summary", accepted) + " " + f.Summary
		return f
	}
	f.Detail += over
	return f
}
