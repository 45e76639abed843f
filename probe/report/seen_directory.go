package report

import (
	"fmt"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// seenInDirectory are the lines about domain controllers: what each was asked,
// what it said, and what that cost.
func seenInDirectory(r Report) [][2]string {
	var lines [][2]string
	for _, item := range r.Evidence {
		if !item.AtDirectory() {
			continue
		}
		label := stepName(item.Step)
		switch item.Step {
		case evidence.StepFindController:
			label = "DNS"
		case evidence.StepLogon, evidence.StepSkipped:
			label = item.Logon.Scheme
		}
		words := directory(item)
		if item.Address != "" {
			words = item.Address + "  " + words
		}
		lines = append(lines, [2]string{label, words})
	}
	return lines
}

// directory is what was asked of a domain controller and what it said, in a line.
func directory(item evidence.Item) string {
	var parts []string
	add := func(s string) {
		if s != "" && (len(parts) == 0 || parts[len(parts)-1] != s) {
			parts = append(parts, s)
		}
	}
	if l := item.Logon; l != nil {
		s := l.Account + " " + string(l.Result)
		if l.Result == evidence.Skipped {
			s = "not sent"
		}
		if l.Counted {
			s += " (counts as a refused logon)"
		}
		add(s)
		add(l.Why)
	}
	if k := item.Kerberos; k != nil {
		switch {
		case k.Unasked:
			add("a reply without pre-authentication, discarded unread")
		case k.Error == "KDC_ERR_PREAUTH_REQUIRED":
			add(fmt.Sprintf("%s exists (%s)", k.Principal, k.Error))
		case k.Error != "":
			add(strings.Join(strings.Fields(fmt.Sprintf("%s (%d) %s %s", k.Error, k.Code, k.NTStatus, k.Text)), " "))
		case item.Step == evidence.StepTicket && k.Problem == "":
			add("for " + k.Service)
		}
		add(k.Why)
	}
	if b := item.Bind; b != nil {
		if b.Data != "" {
			add("data " + b.Data)
		}
		add(b.Why)
	}
	if r := item.Resolution; r != nil {
		add(strings.Join(r.Addresses, ", "))
	}
	return strings.Join(parts, "; ")
}
