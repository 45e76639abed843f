package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/ewsprobe/ewsprobe/probe/batch"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// prose is the text for a person: a line per mailbox, then the summary.
type prose struct {
	w     io.Writer
	style report.Style
	why   string // the last row that was not checked
}

func (p *prose) row(r batch.Result) error {
	name := report.Row{Mailbox: r.Address, User: r.Account.User, Line: r.Line}.Title()
	summary := ""
	if r.Verdict.Code != "ok" {
		summary = "  " + r.Shape.Summary(r.Address)
	}
	if r.Verdict.Code == "not-checked" {
		// One sentence for all that follow it; the summary has it again, with the count.
		if summary == p.why {
			summary = "  as above"
		} else {
			p.why = summary
		}
	}
	_, err := fmt.Fprintf(p.w, "%-8s  %s  %s%s\n", strings.ToUpper(string(r.Verdict.Status)), report.Clean(name, 330), r.Verdict.Code, report.Clean(summary, 2000))
	return err
}

func (p *prose) summary(s report.Summary) error {
	_, err := io.WriteString(p.w, "\n"+s.Text(p.style))
	return err
}

func count(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}
