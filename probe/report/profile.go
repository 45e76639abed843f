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
	var parts []string
	add := func(s string) {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if p.Name != "" {
		add(fmt.Sprintf("%q", p.Name))
	}
	add(p.ServerType.Name())
	if on := p.AutoDiscover; on != nil && *on {
		add("server by Autodiscover")
	}
	add(side(p.Incoming))
	if out := side(p.Outgoing); out != "" && out != side(p.Incoming) && (p.SameForOutgoing == nil || !*p.SameForOutgoing) {
		add("outgoing: " + out)
	}
	lines := [][2]string{{"Dynamics profile", strings.Join(parts, ", ")}}
	if len(p.Taken) > 0 {
		lines[0][1] += "; taken from it: " + strings.Join(p.Taken, ", ")
	}
	if d := r.Dynamics; d != nil {
		lines = append(lines, [2]string{"Dynamics saw", saw(r)})
	}
	return append(lines, beside...)
}

func side(s evidence.ProfileSide) string {
	var parts []string
	for _, v := range []string{s.Location, s.Protocol.Name(), s.Credentials.Name(), s.User} {
		if v != "" {
			parts = append(parts, v)
		}
	}
	if on := s.Impersonation; on != nil {
		parts = append(parts, map[bool]string{true: "with impersonation", false: "without impersonation"}[*on])
	}
	return strings.Join(parts, ", ")
}

// sawLimit bounds what is shown of Dynamics' own words; the JSON report has them.
const sawLimit = 300

func saw(r Report) string {
	d := r.Dynamics
	var parts []string
	if d.At != "" {
		parts = append(parts, d.At)
	}
	if d.Execution != "" {
		parts = append(parts, strings.ToLower(d.Execution))
	}
	head := strings.Join(parts, ", ")
	var told []string
	for _, a := range d.Alerts {
		told = append(told, fmt.Sprintf("%s: %s", a.Key, a.Meaning))
	}
	if len(told) == 0 && d.Text != "" {
		told = []string{Clean(d.Text, sawLimit)}
	}
	switch {
	case len(told) == 0:
		return head
	case head == "":
		return strings.Join(told, " ")
	}
	return head + "; " + strings.Join(told, " ")
}
