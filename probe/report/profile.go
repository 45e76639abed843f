package report

import (
	"fmt"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// profileLines tell of the exported Dynamics profile, and of what Dynamics
// itself saw.
func profileLines(r Report) [][2]string {
	var beside [][2]string
	if a := r.Answers; a != nil {
		words := fmt.Sprintf("%s; here EWS answers %s", a.Dynamics, a.Here)
		switch {
		case a.Same:
			words = a.Dynamics + ", as EWS answers here"
		case a.Verdict == r.Verdict.Code:
			words += "; the verdict would be the same"
		default:
			words += fmt.Sprintf("; with that answer here, the verdict would be %s", a.Verdict)
		}
		beside = [][2]string{{"Dynamics got", words}}
	}
	p := r.Target.Profile
	if p == nil {
		return beside
	}
	other := say("side", p.Outgoing, ", ")
	if other == say("side", p.Incoming, ", ") || p.SameForOutgoing != nil && *p.SameForOutgoing {
		other = ""
	}
	told := say("profile", struct {
		*evidence.Profile
		Other string
	}{p, other}, ", ")
	lines := [][2]string{{"Dynamics profile", told}}
	if len(p.Taken) > 0 {
		lines[0][1] += "; taken from it: " + strings.Join(p.Taken, ", ")
	}
	if d := r.Dynamics; d != nil {
		lines = append(lines, [2]string{"Dynamics saw", say("saw", d, "; ")})
	}
	return append(lines, beside...)
}
