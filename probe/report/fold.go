package report

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/rule"
)

// What a report in a glance has at most: of a usual fault 40 lines of 80 columns.
const (
	mostSteps    = 3
	detailLimit  = 300 // characters, about four lines
	stepLimit    = 175 // two lines and a half
	factLimit    = 120 // two lines of the column
	whereTheRest = "ewsprobe explain %s, or -v"
)

// brief is a text as far as a glance takes it in; with -v it is whole.
func (p *page) brief(text string, limit int) string {
	if p.Whole {
		return text
	}
	short := fold(text, limit)
	p.folded = p.folded || short != text
	return short
}

// fold takes so many whole sentences as have room, and of a first one that is too
// long what stands before a colon, a semicolon, a bracket, a comma, or else whole words.
func fold(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	head := string([]rune(text)[:limit])
	for i := len(head) - 2; i > 0; i-- {
		next, _ := utf8.DecodeRuneInString(text[i+2:])
		if head[i:i+2] == ". " && !('a' <= next && next <= 'z') {
			return head[:i+1]
		}
	}
	for _, end := range []string{": ", "; ", " (", ", ", " "} {
		if i := strings.LastIndex(head, end); i > limit/2 {
			return head[:i] + " …"
		}
	}
	return head + "…"
}

// clock is when an attempt was made, so that it can be found in the events of the
// servers: the time of day here, and in a whole report the date and time in UTC.
func (s Style) clock(at string) string {
	t, err := time.Parse(time.RFC3339Nano, at)
	switch {
	case err != nil:
		return ""
	case s.Whole || s.Zone == nil:
		if !s.Whole {
			return t.UTC().Format("15:04:05 MST")
		}
		return day(t)
	}
	return t.In(s.Zone).Format("15:04:05 MST")
}

// notLookedAt is one line of the causes that were not looked at, each with the flag
// that would.
func notLookedAt(r Report) string {
	var needs []string
	var causes [][]string
	for _, c := range r.Causes {
		if c.Status != finding.CauseNotChecked {
			continue
		}
		need := wouldLookAt(c.Number, r)
		i := slices.Index(needs, need)
		if i < 0 {
			i, needs, causes = len(needs), append(needs, need), append(causes, nil)
		}
		causes[i] = append(causes[i], fmt.Sprint(c.Number))
	}
	var list []string
	for i, need := range needs {
		list = append(list, strings.Join(causes[i], " and ")+" "+need)
	}
	return strings.Join(list, ", ")
}

// wouldLookAt is the flag with which a cause is looked at.
func wouldLookAt(cause int, r Report) string {
	switch cause {
	case 1:
		if r.Target.Mailbox != "" {
			return "a logon"
		}
		return "--mailbox"
	case 2:
		return "--cloud"
	case 4:
		return "--tenant"
	case 5:
		return "--profile-auth"
	}
	return "--token-file"
}

// servers says at how many of the servers of a farm the verdict holds; "" for one.
func servers(r Report) string {
	if len(r.Nodes) < 2 || len(r.Findings) == 0 || r.Findings[0].Code != r.Verdict.Code {
		return ""
	}
	at := 0
	for _, n := range r.Nodes {
		if slices.Contains(r.Findings[0].Addresses, n.Address) {
			at++
		}
	}
	if at == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d servers", at, len(r.Nodes))
}

// asIs says whether a logon was simply accepted: its line needs no reason.
func asIs(r Report, a rule.Attempt) bool {
	for _, item := range r.Evidence {
		if item.ID == a.ID {
			return a.Result == "accepted" && item.EWS != nil && item.EWS.Code == "NoError"
		}
	}
	return false
}
