package rule

import (
	"fmt"
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
		if a.Code != string(f.Code) || a.Host != "" && !strings.EqualFold(a.Host, v.rec.Target.Host) || a.Mailbox != "" && !strings.EqualFold(a.Mailbox, v.rec.Target.Mailbox) {
			continue
		}
		if a.Over(v.rec.Started) {
			over = fmt.Sprintf(" It was accepted until %s (%s); that is over.", a.Until, a.Reason)
			continue
		}
		f.Accepted = &finding.Accepted{Status: f.Status, Reason: a.Reason, Until: a.Until}
		f.Detail = fmt.Sprintf("Accepted until %s (%s), else %s. %s", a.Until, a.Reason, f.Status, f.Detail)
		f.Summary = fmt.Sprintf("Accepted until %s (%s): %s", a.Until, a.Reason, f.Summary)
		f.Status = finding.OK
		return f
	}
	f.Detail += over
	return f
}
