package report

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// Markdown is the report for a ticket or a chat, in what CommonMark and GitHub's
// tables have in common with what others read.
func (r Report) Markdown() string {
	r = r.harmless()
	d := &markdown{}
	d.line("## %s `%s`", strings.ToUpper(string(r.Verdict.Status)), r.Verdict.Code)
	d.line("")
	d.line("**%s**%s", inMarkdown(r.Verdict.Summary), inMarkdown(confidence(r.Verdict)))
	if len(r.Findings) > 0 && r.Findings[0].Code == r.Verdict.Code {
		d.line("")
		d.line("%s", inMarkdown(r.Findings[0].Detail+evidenceList(r.Findings[0].Evidence)))
	}
	if len(r.Evidence) > 0 {
		d.table("What was seen", []string{"", ""}, seenRows(r))
		d.table("Causes of the 401 in Dynamics (KB 3212785)", []string{"", "Cause", "Status", "Why"}, causeRows(r))
	}
	for i, f := range r.Findings {
		if i == 0 && f.Code == r.Verdict.Code {
			d.heading("What to do")
		} else {
			d.heading(fmt.Sprintf("Also found: %s %s", strings.ToUpper(string(f.Status)), f.Code))
			d.line("%s (%s)", inMarkdown(f.Detail+evidenceList(f.Evidence)), f.Confidence)
			d.line("")
		}
		d.remedies(f.Remedies)
	}
	d.line("")
	d.line("%s", inMarkdown(fmt.Sprintf("%s %s, %s, started %s, %d ms", r.Tool.Name, r.Tool.Version, r.subject(), r.Started.UTC().Format("2006-01-02 15:04:05 UTC"), max(r.DurationMS, 0))))
	return d.b.String()
}

// confidence is what follows a summary: the cause and how sure it is.
func confidence(v finding.Verdict) string {
	switch {
	case v.Cause != 0:
		return fmt.Sprintf(" (KB 3212785 cause %d, %s)", v.Cause, v.Confidence)
	case v.Confidence != finding.Confirmed:
		return fmt.Sprintf(" (%s)", v.Confidence)
	}
	return ""
}

type markdown struct{ b strings.Builder }

func (d *markdown) line(format string, args ...any) { fmt.Fprintf(&d.b, format+"\n", args...) }

func (d *markdown) heading(s string) { d.line("\n### %s\n", inMarkdown(s)) }

func (d *markdown) table(title string, head []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	d.heading(title)
	d.line("| %s |", strings.Join(head, " | "))
	d.line("|%s", strings.Repeat(" --- |", len(head)))
	for _, row := range rows {
		for i := range row {
			row[i] = inMarkdown(strings.Join(strings.Fields(row[i]), " "))
		}
		d.line("| %s |", strings.Join(row, " | "))
	}
}

func (d *markdown) remedies(list []finding.Remedy) {
	for i, m := range list {
		d.line("%d. %s", i+1, inMarkdown(m.Text))
		if m.Command != "" {
			fence := fenceFor(m.Command)
			d.line("\n   %s\n   %s\n   %s\n", fence, m.Command, fence)
		}
		if m.Link != "" {
			d.line("   <%s>", m.Link)
		}
	}
}

// fenceFor is longer than every run of backticks in the text.
func fenceFor(s string) string {
	longest := 2
	for _, run := range regexp.MustCompile("`+").FindAllString(s, -1) {
		longest = max(longest, len(run))
	}
	return strings.Repeat("`", longest+1)
}

// mention is an at sign that could call somebody in, as none inside an address
// does.
var mention = regexp.MustCompile(`(^|[^\pL\pN._%+-])@`)

var escapes = strings.NewReplacer(
	"&", "&amp;", "<", "&lt;", ">", "&gt;", `\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "|", `\|`, "~", `\~`, "#", `\#`, "!", `\!`, "$", `\$`,
	// Nothing becomes a link by itself: a server could have chosen where it leads.
	"://", "&#58;//", "www.", "www&#46;",
)

// inMarkdown is a text that means only itself.
func inMarkdown(s string) string {
	return mention.ReplaceAllString(escapes.Replace(s), "$1@&#8203;")
}

// seenRows are the lines of "What was seen", in the order of the text report.
func seenRows(r Report) [][]string {
	var rows [][]string
	add := func(where string, lines [][2]string) {
		for _, l := range lines {
			rows = append(rows, []string{strings.TrimSpace(where + " " + strings.TrimSpace(l[0])), l[1]})
		}
	}
	add("", profileLines(r))
	if r.Target.FromAddress != "" {
		add("", seenOfAutodiscover(r))
	}
	switch len(r.Nodes) {
	case 0:
		add("", seenAt(r, ""))
	case 1:
		add("", seenAt(r, r.Nodes[0].Address))
	default:
		for _, n := range r.Nodes {
			add(n.Address, seenAt(r, n.Address))
		}
	}
	if r.Target.FromAddress == "" {
		add("", seenOfAutodiscover(r))
	}
	add("domain controller:", seenInDirectory(r))
	add("", lookedUp(r))
	return rows
}

func causeRows(r Report) [][]string {
	var rows [][]string
	for _, c := range slices.Clone(r.Causes) {
		about, _ := finding.LookupCause(c.Number)
		rows = append(rows, []string{fmt.Sprint(c.Number), about.Title, strings.ReplaceAll(string(c.Status), "-", " "), c.Why + evidenceList(c.Evidence)})
	}
	return rows
}
