package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mitchellh/go-wordwrap"
	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/probe/config"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/guide"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

type explainFlags struct {
	Format string `default:"text" values:"text markdown html" help:"what to print (the last two for guides alone)"`
}

func explainCommand(std stdio) *cli.Command {
	f := &explainFlags{}
	keys := config.KeysOf(f, "explain")
	keys.Words = true
	return &cli.Command{
		Name:  "explain",
		Flags: flagsOf(keys),
		Action: func(c *cli.Context) error {
			e := explainer{width: std.columns()}
			// An alert pasted without quotes arrives as many words.
			text := strings.TrimSpace(strings.Join(c.Args().Slice(), " "))
			if f.Format != "text" {
				return guideAs(f.Format, strings.ToLower(text), c.App.Commands, std)
			}
			switch {
			case c.NArg() == 0:
				e.list(std)
			case text == "":
				return usage("there is nothing to explain; give a code or paste the text of the alert in quotes")
			case e.code(strings.ToLower(text)), e.topic(strings.ToLower(text)), e.cause(strings.ToLower(text)), e.alert(text), e.nearest(text):
			default:
				return usage("nothing is known about %q; paste the line Email Server Error Code and the details of the alert, "+
					"or look at the endpoint itself: `ewsprobe check --no-credentials HOST` (`ewsprobe explain` lists the codes and guides)",
					report.Clean(shorten(text, 60), 60))
			}
			fmt.Fprint(std.out, e.b.String())
			return nil
		},
	}
}

// guideAs prints a guide in one of the forms for other pages.
func guideAs(format, text string, all []*cli.Command, std stdio) error {
	if format == "html" && text == wholeManual {
		page, err := manualPage(all)
		if err == nil {
			_, err = std.out.Write(page)
		}
		return err
	}
	name, ok := guide.Find(text)
	if !ok {
		return usage("--format %s is for guides alone; there are %s, and as html %s, which is all", format, strings.Join(guide.Names(), ", "), wholeManual)
	}
	if format == "markdown" {
		page, _ := guide.Source(name)
		fmt.Fprint(std.out, page)
		return nil
	}
	// A whole page, to be saved or sent, in the dress of the reports.
	body, _ := guide.HTML(name)
	page, err := report.Page(guide.Title(name), body, version())
	if err != nil {
		return err
	}
	_, err = std.out.Write(page)
	return err
}

func shorten(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

type explainer struct {
	b     strings.Builder
	width int
}

func (e *explainer) text(indent int, s string) {
	pad := strings.Repeat(" ", indent)
	for line := range strings.SplitSeq(wordwrap.WrapString(s, uint(max(e.width-indent, 20))), "\n") {
		e.b.WriteString(strings.TrimRight(pad+line, " ") + "\n")
	}
}

var blockTitles = map[finding.Block]string{
	finding.BlockAsk: "Nothing could be asked", finding.BlockEndpoint: "The endpoint and its sign-in",
	finding.BlockMailbox: "The mailbox and what is around it", finding.BlockWarning: "Warnings, and ok",
}

func (e *explainer) list(std stdio) {
	var rows [][]string
	table := func(title string) {
		e.text(0, title)
		e.b.WriteString(report.Table(2, std.fit(2, rows)) + "\n")
		rows = nil
	}
	all := finding.Heads()
	for i, entry := range all {
		cause := ""
		if entry.Cause != 0 {
			cause = fmt.Sprintf(" (cause %d)", entry.Cause)
		}
		rows = append(rows, []string{string(entry.Code), string(entry.Status), entry.Title + cause})
		if i == len(all)-1 || all[i+1].Block != entry.Block {
			table(blockTitles[entry.Block])
		}
	}
	for _, name := range guide.Names() {
		rows = append(rows, []string{name, guide.Title(name)})
	}
	table("Guides")
	e.text(0, "Ask for one: ewsprobe explain basic-disabled. Or for a cause of KB 3212785: ewsprobe explain 5. "+
		"Or paste what Dynamics says: ewsprobe explain \"Http server returned 401 Unauthorized exception\".")
}

// fit wraps the last column of a table to the terminal. Elsewhere a row is a line, for
// grep.
func (s stdio) fit(indent int, rows [][]string) [][]string {
	if !s.outTerm {
		return rows
	}
	const between = 2
	used, last := indent, len(rows[0])-1
	for i := range last {
		widest := 0
		for _, r := range rows {
			widest = max(widest, len(r[i]))
		}
		used += widest + between
	}
	for _, r := range rows {
		r[last] = wordwrap.WrapString(r[last], uint(max(s.columns()-used, 20)))
	}
	return rows
}

func (e *explainer) code(text string) bool {
	entry, ok := finding.Lookup(finding.Code(text))
	if !ok {
		return false
	}
	fmt.Fprintf(&e.b, "%s  (%s", entry.Code, entry.Status)
	if entry.Cause != 0 {
		about, _ := finding.LookupCause(entry.Cause)
		fmt.Fprintf(&e.b, ", KB 3212785 cause %d: %s", entry.Cause, about.Title)
	}
	e.b.WriteString(")\n")
	e.text(0, entry.Title+".")
	e.section("What it means", entry.Meaning)
	e.section("How it is concluded", entry.Concluded)
	e.remedies(entry.Remedies)
	names := make([]string, len(entry.SeeAlso))
	for i, c := range entry.SeeAlso {
		names[i] = string(c)
	}
	if names = append(names, guide.About(text)...); len(names) > 0 {
		e.section("See also", strings.Join(names, ", "))
	}
	return true
}

func (e *explainer) remedies(list []finding.Remedy) {
	if len(list) > 0 {
		e.b.WriteString("\nWhat to do\n")
	}
	for i, r := range list {
		e.text(2, fmt.Sprintf("%d. %s", i+1, sample(r.Text)))
		for _, line := range []string{sample(r.Command), r.Link} {
			if line != "" {
				e.b.WriteString("     " + line + "\n")
			}
		}
	}
}

// numbers explains what Entra or Exchange says of a token, and Windows of a logon.
func (e *explainer) numbers(text string) bool {
	list := append(finding.ExplainTokens(text), finding.ExplainLogons(text)...)
	for i, t := range list {
		if i > 0 {
			e.b.WriteString("\n")
		}
		e.text(0, t.Name+": "+t.Says)
		e.section("What ewsprobe may find", fmt.Sprintf("%s (%s)", t.Code, t.Title))
		e.remedies(t.Remedies)
		next := []string{"ewsprobe explain " + string(t.Code)}
		if t.Code != "credentials-rejected" {
			next = append(next, "ewsprobe explain hybrid-modern-auth")
		}
		e.run(next...)
	}
	return len(list) > 0
}

func (e *explainer) section(title, text string) {
	e.b.WriteString("\n" + title + "\n")
	e.text(2, text)
}

// sample fills a remedy with names that stand for the reader's own.
func sample(s string) string { return finding.Sample().Fill(s) }

func (e *explainer) topic(text string) bool {
	name, ok := guide.Find(text)
	page, _ := guide.Text(name, e.width)
	e.b.WriteString(page)
	return ok
}

// cause explains one of the six causes of KB 3212785: "5", "cause 5", "#5".
func (e *explainer) cause(text string) bool {
	words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" #:.,()", r) })
	words = slices.DeleteFunc(words, func(w string) bool {
		return slices.Contains([]string{"kb", "3212785", "kb3212785", "cause", "no", "number"}, w)
	})
	if len(words) != 1 {
		return false
	}
	number, err := strconv.Atoi(strings.TrimPrefix(words[0], "cause"))
	if err != nil {
		return false
	}
	about, ok := finding.LookupCause(number)
	if !ok {
		return false
	}
	e.text(0, fmt.Sprintf("Cause %d of KB 3212785: %s.", number, about.Title))
	e.section("What it means", about.Meaning)
	var codes []string
	for _, h := range finding.Heads() {
		if h.Cause == number {
			codes = append(codes, string(h.Code))
		}
	}
	e.section("What ewsprobe may find", strings.Join(codes, ", "))
	e.run("ewsprobe check --user svc-crm@contoso.com --mailbox anna@contoso.com --impersonate mail.contoso.com", "ewsprobe explain "+codes[0])
	e.b.WriteString("\nSource\n  " + about.Link + "\n")
	return true
}

// nearest explains the code or guide that a misspelt word may mean.
func (e *explainer) nearest(text string) bool {
	word := strings.Join(strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return r == ' ' || r == '_' || r == '-' }), "-")
	names := guide.Names()
	for _, h := range finding.Heads() {
		names = append(names, string(h.Code))
	}
	near := config.Nearest(word, names)
	if near == "" || config.Distance(word, near) > 1+len(near)/6 {
		return false
	}
	if word != near {
		e.text(0, fmt.Sprintf("There is no %s; this is %s.", report.Clean(text, 60), near))
		e.b.WriteString("\n")
	}
	return e.code(near) || e.topic(near)
}

func (e *explainer) alert(text string) bool {
	known := e.numbers(text)
	alerts := finding.MatchAlert(text)
	if known { // the number says what the status was for
		alerts = slices.DeleteFunc(alerts, func(a finding.Alert) bool { return a.Key == "401" || a.Key == "forbidden" || a.Key == "tls-failed" })
	}
	if known && len(alerts) > 0 {
		e.b.WriteString("\n")
	}
	if len(alerts) > 1 {
		e.text(0, "The text fits several alerts.")
		e.b.WriteString("\n")
	}
	for i, a := range alerts {
		if i > 0 {
			e.b.WriteString("\n")
		}
		e.text(0, a.Meaning)
		for _, n := range a.Causes {
			about, _ := finding.LookupCause(n)
			e.text(2, fmt.Sprintf("Cause %d, %s: %s", n, about.Title, about.Meaning))
		}
		switch a.Stage {
		case finding.BehindSignIn:
			e.section("Where it is", "Behind the sign-in: Exchange answered Dynamics, so the URL and the sign-in of the profile are right.")
		case finding.BeforeSignIn:
			e.section("Where it is", "In Dynamics or Microsoft 365: Exchange was not asked, so the alert says nothing about it.")
		}
		if len(a.Codes) > 0 {
			names := make([]string, len(a.Codes))
			for i, c := range a.Codes {
				names[i] = string(c)
			}
			e.section("What ewsprobe may find", strings.Join(names, ", "))
		}
		if a.Next != "" {
			e.run(sample(a.Next))
		}
	}
	return known || len(alerts) > 0
}

func (e *explainer) run(commands ...string) {
	e.b.WriteString("\nWhat to run next\n")
	for _, c := range commands {
		e.b.WriteString("  " + c + "\n")
	}
}
