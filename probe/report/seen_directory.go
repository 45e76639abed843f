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
		label := map[evidence.Step]string{
			evidence.StepFindController: "DNS", evidence.StepKDCAsk: "Kerberos, free", evidence.StepKDCLogon: "Kerberos logon",
			evidence.StepTicket: "Kerberos ticket", evidence.StepDirectoryBind: "LDAPS bind",
		}[item.Step]
		if label == "" {
			label = item.Logon.Scheme
		}
		lines = append(lines, [2]string{label, Directory(item)})
	}
	return lines
}

// Directory is what was asked of a domain controller and what it said, in a line.
func Directory(item evidence.Item) string {
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
			s += " (counted as a bad logon)"
		}
		add(s)
		add(l.Why)
	}
	if k := item.Kerberos; k != nil {
		switch {
		case k.Unasked:
			add("a reply without pre-authentication, dropped unread")
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
	if item.Address == "" {
		return strings.Join(parts, "; ")
	}
	return item.Address + "  " + strings.Join(parts, "; ")
}
