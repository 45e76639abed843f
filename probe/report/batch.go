package report

import (
	"fmt"
	"strings"

	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// BatchSummary is what the text summary of a batch says.
type BatchSummary struct {
	Verdict  finding.Verdict // the worst
	Counts   string
	Facts    [][2]string // name and text
	Groups   []BatchGroup
	Endpoint *Report
	Stopped  string
}

// BatchGroup are rows with the same verdict: one paragraph with one remedy.
type BatchGroup struct {
	Verdict  finding.Verdict
	Count    int
	Examples []string
	Stand    string // what stands for the mailbox in the sentence
}

// Batch renders the summary: the answer, the counts, a paragraph for each cause,
// the endpoint.
func Batch(b BatchSummary, s Style) string {
	p := &page{Style: s, terminal: s.Width > 0}
	if s.Width == 0 {
		p.Width = usualWidth
	}
	p.Width = max(p.Width, narrowest)
	status := b.Verdict.Status
	if b.Stopped == "interrupted" || status == "" {
		status = finding.Unknown
	}
	word := strings.ToUpper(string(status))
	p.b.WriteString(p.paint(status, word) + "  " + b.Counts + "\n")
	switch {
	case b.Stopped == "interrupted":
		p.hanging(2, "", "Stopped before the last row; what was found so far stands above.")
	case b.Stopped != "":
		p.hanging(2, "", "Stopped: "+b.Stopped+".")
	case b.Verdict.Code != "" && b.Verdict.Code != "ok":
		p.hanging(2, "", fmt.Sprintf("The worst: %s, %s", b.Verdict.Code, b.Verdict.Summary))
	}
	p.b.WriteString("\n")
	for _, f := range b.Facts {
		p.hanging(2, fmt.Sprintf("%-14s ", f[0]), f[1])
	}
	for _, g := range b.Groups {
		p.group(g, b.Endpoint)
	}
	if e := b.Endpoint; e != nil {
		p.heading("The endpoint")
		p.hanging(4, "", fmt.Sprintf("%s  %s  %s", strings.ToUpper(string(e.Verdict.Status)), e.Verdict.Code, e.Verdict.Summary))
		if e.Verdict.Code != "ok" {
			p.hanging(4, "", "Its whole report: ewsprobe check, with the same flags.")
		}
	}
	return p.b.String()
}

func (p *page) group(g BatchGroup, endpoint *Report) {
	entry, _ := finding.Lookup(g.Verdict.Code)
	if entry.Code == "config-invalid" {
		entry.Title = "Rows that name no mailbox that could be asked for"
		g.Verdict.Summary = "The first: " + g.Verdict.Summary
	}
	p.heading(fmt.Sprintf("%d × %s  %s", g.Count, g.Verdict.Code, entry.Title))
	switch {
	case g.Stand != "" && strings.Contains(g.Verdict.Summary, g.Stand) || g.Count > 1 && len(g.Examples) > 0 && strings.Contains(g.Verdict.Summary, g.Examples[0]):
	default:
		p.hanging(4, "", g.Verdict.Summary)
	}
	more := ""
	if rest := g.Count - len(g.Examples); rest > 0 {
		more = fmt.Sprintf(" and %d more", rest)
	}
	if len(g.Examples) > 0 {
		p.hanging(4, "", "For example "+strings.Join(g.Examples, ", ")+more+".")
	}
	remedy := batchRemedy(entry, endpoint, g)
	if remedy.Text != "" {
		p.hanging(4, "→ ", remedy.Text)
		if remedy.Command != "" {
			p.b.WriteString("         " + Clean(remedy.Command, textLimit) + "\n")
		}
	}
	p.b.WriteString("      ewsprobe explain " + string(g.Verdict.Code) + "\n")
}

// batchRemedy is the first thing to do, with the example in the command.
func batchRemedy(entry finding.Entry, endpoint *Report, g BatchGroup) finding.Remedy {
	if entry.Code == "config-invalid" {
		return finding.Remedy{Text: "Correct these rows in the file, or export it again; the results name the line and the column of each."}
	}
	if len(entry.Remedies) == 0 {
		return finding.Remedy{}
	}
	r := entry.Remedies[0]
	mailbox, user, host := "MAILBOX", "USER", "HOST"
	if len(g.Examples) > 0 && safeName(g.Examples[0]) {
		mailbox = g.Examples[0]
	}
	if endpoint != nil {
		if safeName(endpoint.Target.User) {
			user = endpoint.Target.User
		}
		host = endpoint.Target.Host
	}
	fill := strings.NewReplacer("{mailbox}", mailbox, "{user}", user, "{host}", host, "{server}", "<SERVER>")
	r.Text, r.Command = fill.Replace(r.Text), fill.Replace(r.Command)
	return r
}

// safeName: nothing that a shell would read as more than a name.
func safeName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(`@.-_+\`, r))
	})
}
