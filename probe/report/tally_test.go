package report

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/rule"
)

// aRow is a row about a mailbox, made of a template.
func aRow(number int, mailbox string, code finding.Code, summary, ewsCode string) Row {
	entry, _ := finding.Lookup(code)
	j := rule.Judgement{Verdict: finding.Verdict{Code: code, Status: entry.Status, Summary: summary}}
	t := TemplateOf(j, mailbox)
	t.EWSCode = ewsCode
	return t.Fill(Row{Number: number, Line: number + 1, Mailbox: mailbox, Tries: 1})
}

// Rows are one group by what they say, whatever mailbox they say it of; as they
// come from a run and as they are read again.
func TestGroups(t *testing.T) {
	rows := []Row{
		aRow(1, "a@contoso.com", "exchange-error", `EWS answers ErrorQuotaExceeded: "a@contoso.com is full"`, "ErrorQuotaExceeded"),
		aRow(2, "b@contoso.com", "exchange-error", `EWS answers ErrorQuotaExceeded: "b is full: now"`, "ErrorQuotaExceeded"),
		aRow(3, "c@contoso.com", "exchange-error", `EWS answers ErrorItemCorrupt: "no"`, "ErrorItemCorrupt"),
		aRow(4, "d@contoso.com", "throttled", "d@contoso.com: ErrorServerBusy", "ErrorServerBusy"),
		aRow(5, "e@contoso.com", "throttled", "e@contoso.com: ErrorServerBusy", "ErrorServerBusy"),
		aRow(6, "f@contoso.com", "throttled", "HTTP 503", ""),
		aRow(7, "g@contoso.com", "mailbox-not-found", "No mailbox g@contoso.com", "ErrorNonExistentMailbox"),
		aRow(8, "h@contoso.com", "mailbox-not-found", "No mailbox h@contoso.com", "ErrorMailRecipientNotFound"),
	}
	for _, again := range []bool{false, true} {
		var tally Tally
		for _, r := range rows {
			if again {
				r.of = nil
			}
			tally.Add(r, false)
		}
		var got []string
		for _, g := range tally.Into(Summary{}).Groups {
			got = append(got, fmt.Sprint(g.Count, " ", g.Code, " ", strings.Join(g.Examples, " ")))
		}
		want := "2 mailbox-not-found g@contoso.com h@contoso.com; 2 throttled d@contoso.com e@contoso.com; " +
			"2 exchange-error a@contoso.com b@contoso.com; 1 throttled f@contoso.com; 1 exchange-error c@contoso.com"
		if text := strings.Join(got, "; "); text != want {
			t.Errorf("read again %t:\n%s, want\n%s", again, text, want)
		}
	}
}

// A sentence keeps each name where it belongs, whatever signs are in it.
func TestTemplate(t *testing.T) {
	for _, mailbox := range []string{"a@contoso.com", `o'x+"\@contoso.com`, "ü@contoso.com"} {
		text := "svc may not impersonate " + mailbox + ", and " + mailbox + " has no licence"
		r := aRow(1, mailbox, "impersonation-denied", text, "")
		if r.Verdict.Summary != text || len(r.template().Summary) != 3 {
			t.Errorf("%q: %q", mailbox, r.Verdict.Summary)
		}
		other := r.template().Fill(Row{Mailbox: "z@contoso.com"})
		if strings.Contains(other.Verdict.Summary, mailbox) || strings.Count(other.Verdict.Summary, "z@contoso.com") != 2 {
			t.Errorf("%q", other.Verdict.Summary)
		}
	}
}
