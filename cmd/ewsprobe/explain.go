package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"unicode"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/probe/config"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/guide"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// maxPasted bounds the text that is explained: one to two seconds' work.
const maxPasted = 1 << 20

type explainFlags struct {
	Format string `default:"text" values:"text markdown html" help:"what to print; markdown and html are for guides only"`
}

func explainCommand(std stdio) *cli.Command {
	f := &explainFlags{}
	c := command("explain", f, func(c *cli.Context) error {
		e := newExplainer(std.columns())
		// An alert pasted without quotes arrives as many words.
		text := strings.TrimSpace(strings.Join(c.Args().Slice(), " "))
		if text == "-" {
			raw, err := readRecord(c.Context, "-", io.LimitReader(std.in, 2*maxPasted+2)) // it may be UTF-16
			if err != nil {
				return unusable("standard input %v", err)
			}
			text = strings.TrimSpace(string(raw))
		}
		if len(text) > maxPasted {
			return usage("the text is longer than %d MiB; give the lines around the error, as the last 200 of a log: "+
				"`Get-Content FILE -Tail 200 | ewsprobe explain -`, or on Linux `tail -n 200 FILE | ewsprobe explain -`", maxPasted>>20)
		}
		if f.Format != "text" {
			return guideAs(f.Format, strings.ToLower(text), c.App.Commands, std)
		}
		switch {
		case c.NArg() == 0:
			e.list(std)
		case text == "":
			return usage("the text is empty; give a code, paste the text of the alert in quotes, or - to read it from standard input")
		case e.code(strings.ToLower(text)), e.topic(strings.ToLower(text)), e.cause(strings.ToLower(text)):
		case e.alert(text), e.holds(text), e.nearest(text):
		case isFile(text):
			return usage("%q is a file; to explain the text in it, give it on standard input: `ewsprobe explain -`; "+
				"`ewsprobe diagnose FILE.json` evaluates a saved report", report.Clean(text, 60))
		default:
			return usage("%q is not recognized: it has no status, response code of EWS, AADSTS number or Windows error that is known; "+
				"paste the whole alert with its Email Server Error Code, list the codes and guides with `ewsprobe explain`, "+
				"or check the server with `ewsprobe check --no-credentials HOST`",
				report.Clean(text, 60))
		}
		fmt.Fprint(std.out, e.b.String())
		return nil
	})
	keysOf(c).Words = true
	return c
}

// isFile says whether there is a file of that name. A share of the network is not looked at:
// Windows would sign in at a server that a pasted text names ([MS-SMB2] 3.2.4.2).
func isFile(name string) bool {
	if len(filepath.VolumeName(name)) > len("C:") {
		return false
	}
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
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
		return usage("--format %s is for guides only: %s; with html also %s, which has everything",
			format, strings.Join(guide.Names(), ", "), wholeManual)
	}
	if format == "markdown" {
		fmt.Fprint(std.out, guide.Source(name))
		return nil
	}
	// A whole page, to be saved or sent, in the dress of the reports.
	page, err := report.Page(guide.Title(name), guide.HTML(name), version())
	if err != nil {
		return err
	}
	_, err = std.out.Write(page)
	return err
}

//go:embed explain.tmpl
var explainSource string

// explainer fills the templates of what is explained.
type explainer struct {
	b     bytes.Buffer
	t     *template.Template
	width int
	names finding.Names // that stand for the reader's own
}

func newExplainer(width int) *explainer {
	e := &explainer{width: width, names: finding.Sample()}
	e.t = template.Must(template.New("explain").Funcs(template.FuncMap{
		"wrap":    func(indent int, text ...any) string { return guide.Hang(indent, "", fmt.Sprint(text...), e.width) },
		"sample":  func(s string) string { return e.names.Fill(s) },
		"seeAlso": seeAlso, "join": strings.Join,
		"list": func(codes []finding.Code) string { return strings.Join(namesOf(codes), ", ") },
		"cause": func(n int) finding.Cause {
			about, _ := finding.LookupCause(n)
			return about
		},
		"next": func(i int) int { return i + 1 },
	}).Parse(explainSource))
	return e
}

func (e *explainer) show(name string, of any) bool {
	if err := e.t.ExecuteTemplate(&e.b, name, of); err != nil {
		panic(err) // the templates and what fills them are constant
	}
	return true
}

// list has all codes, by what they keep from being known, and all guides.
func (e *explainer) list(std stdio) {
	rows := map[finding.Block][][]string{}
	for _, entry := range finding.Heads() {
		cause := ""
		if entry.Cause != 0 {
			cause = fmt.Sprintf(" (cause %d)", entry.Cause)
		}
		rows[entry.Block] = append(rows[entry.Block], []string{string(entry.Code), string(entry.Status), entry.Title + cause})
	}
	tables := map[string]string{}
	for block, codes := range rows {
		tables[string(block)] = report.Table(2, std.fit(), codes)
	}
	var guides [][]string
	for _, name := range guide.Names() {
		guides = append(guides, []string{name, guide.Title(name)})
	}
	tables["guides"] = report.Table(2, std.fit(), guides)
	e.show("all", tables)
}

// fit is how wide a table may be; 0: where a row is a line, for grep.
func (s stdio) fit() int {
	if !s.outTerm {
		return 0
	}
	return s.columns()
}

func (e *explainer) code(text string) bool {
	entry, ok := finding.Lookup(finding.Code(text))
	return ok && e.show("code", entry)
}

func namesOf(codes []finding.Code) (names []string) {
	for _, c := range codes {
		names = append(names, string(c))
	}
	return names
}

// seeAlso are the other codes and the guides that say more about a code.
func seeAlso(e finding.Entry) []string {
	return append(namesOf(e.SeeAlso), guide.About(string(e.Code))...)
}

func (e *explainer) topic(text string) bool {
	name, ok := guide.Find(text)
	e.b.WriteString(guide.Text(name, e.width))
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
	var codes []finding.Code
	for _, h := range finding.Heads() {
		if h.Cause == number {
			codes = append(codes, h.Code)
		}
	}
	return e.show("cause", struct {
		finding.Cause
		Codes []finding.Code
	}{about, codes})
}

// holds explains the one code that stands in a line of a report.
func (e *explainer) holds(text string) bool {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	words = slices.DeleteFunc(words, func(w string) bool {
		_, ok := finding.Lookup(finding.Code(w))
		return !ok || !strings.Contains(w, "-")
	})
	words = slices.Compact(words)
	return len(words) == 1 && e.code(words[0])
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
		e.show("instead", []string{report.Clean(text, 60), near})
	}
	return e.code(near) || e.topic(near)
}

// alert explains what Dynamics says, what Entra or Exchange says of a token, and Windows
// of a logon.
func (e *explainer) alert(text string) bool {
	text = finding.Unescaped(text)
	numbers, alerts := finding.Explain(text)
	pasted := finding.ReadPasted(text)
	if len(alerts)+len(numbers) == 0 && pasted.Shows() {
		alerts = append(alerts, finding.NoReason())
	}
	e.names = pasted.Names
	return len(alerts)+len(numbers) > 0 && e.show("alert", struct {
		Numbers []finding.Explained
		Alerts  []finding.Alert
		Pasted  finding.Pasted
	}{numbers, alerts, pasted})
}
