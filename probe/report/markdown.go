package report

import (
	_ "embed"
	"fmt"
	"io"
	"iter"
	"regexp"
	"slices"
	"strings"
	"sync"
	"text/template"

	"github.com/ewsprobe/ewsprobe/probe/finding"
)

//go:embed markdown.tmpl
var markdownSource string

// markdownTemplate is what is the same for a ticket or a chat, in what CommonMark and
// GitHub's tables have in common with what others read.
var markdownTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("markdown").Funcs(template.FuncMap{
		"md":    func(v any) string { return inMarkdown(fmt.Sprint(v)) },
		"cell":  func(s string) string { return inMarkdown(strings.Join(strings.Fields(s), " ")) },
		"fence": fenceFor,
		"ids":   evidenceList,
		"next":  next,
		"upper": func(s finding.Status) string { return strings.ToUpper(string(s)) },
		"table": func(title string, rows any, head ...string) map[string]any {
			return map[string]any{"Title": title, "Head": head, "Rows": rows}
		},
		"causes": causeRows,
		"rows":   rows,
		"shares": func(list []share) (rows [][]string) {
			for _, one := range list {
				rows = append(rows, []string{string(one.Code), string(one.Status), fmt.Sprint(one.N), fmt.Sprintf("%.1f %%", one.Percent())})
			}
			return rows
		},
		"made": func(t Tool, subject, began string, ms int64) string {
			return inMarkdown(fmt.Sprintf("%s, %sstarted %s, %d ms", t, subject, began, max(ms, 0)))
		},
	}).Parse(markdownSource))
})

// Confidence is what follows a summary: the cause, how sure it is, and how many servers
// of a farm it is about.
func (r Report) Confidence() string { return confidence(r.Verdict, servers(r)) }

func confidence(v finding.Verdict, more ...string) string {
	var list []string
	if v.Cause != 0 {
		list = append(list, fmt.Sprintf("KB 3212785 cause %d", v.Cause))
	}
	if v.Cause != 0 || v.Confidence != finding.Confirmed {
		list = append(list, string(v.Confidence))
	}
	list = slices.DeleteFunc(append(list, more...), func(s string) bool { return s == "" })
	return strings.Join(list, ", ")
}

// fenceFor is longer than every run of backticks in the text.
func fenceFor(s string) string {
	longest := 2
	for _, run := range strings.FieldsFunc(s, func(r rune) bool { return r != '`' }) {
		longest = max(longest, len(run))
	}
	return strings.Repeat("`", longest+1)
}

// mention is an at sign that could call somebody in, as none inside an address
// does.
var mention = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(^|[^\pL\pN._%+-])@`) })

var escapes = sync.OnceValue(func() *strings.Replacer {
	return strings.NewReplacer(
		"&", "&amp;", "<", "&lt;", ">", "&gt;", `\`, `\\`,
		"`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "|", `\|`, "~", `\~`, "#", `\#`, "!", `\!`, "$", `\$`,
		// Nothing becomes a link by itself: a server could have chosen where it leads.
		"://", "&#58;//", "www.", "www&#46;",
	)
})

// inMarkdown is a text that means only itself.
func inMarkdown(s string) string {
	return mention().ReplaceAllString(escapes().Replace(s), "$1@&#8203;")
}

// Seen are the lines of "What was seen", in the order of the text report.
func (r Report) Seen() [][]string {
	var rows [][]string
	for _, g := range seenGroups(r, Style{Whole: true}) {
		for _, l := range g.Lines {
			rows = append(rows, []string{strings.TrimSpace(g.Where + " " + strings.TrimSpace(l[0])), l[1]})
		}
	}
	return rows
}

func evidenceList(ids []string) string {
	if len(ids) == 0 {
		return ""
	}
	return " [" + strings.Join(slices.Compact(slices.Clone(ids)), ", ") + "]"
}

func causeRows(r Report) [][]string {
	var rows [][]string
	for _, c := range r.Causes {
		rows = append(rows, []string{fmt.Sprint(c.Number), finding.CauseTitle(c.Number), words(c.Status), c.Why + evidenceList(c.Evidence)})
	}
	return rows
}

// maxRows is how many rows a ticket is burdened with.
const maxRows = 100

// markdownBatch is a batch for a ticket or a chat: the answer, the causes with
// what to do, and so many of the rows that are not in order.
func markdownBatch(w io.Writer, s Summary, rows iter.Seq2[Row, error]) error {
	page := struct {
		Summary
		List [][]string // of rows
		More string
	}{Summary: s}
	first, left := map[finding.Status][][]string{}, 0 // of each status; how many are not ok
	for r, err := range rows {
		if err != nil {
			return err
		}
		v := r.Verdict
		if v.Code == "ok" {
			continue
		}
		if left++; len(first[v.Status]) < maxRows {
			cells := []string{fmt.Sprint(r.Number), r.Title(), string(v.Status), string(v.Code), v.Summary}
			first[v.Status] = append(first[v.Status], cells)
		}
	}
	for _, status := range finding.WorstFirst() {
		page.List = append(page.List, first[status]...)
	}
	page.List = page.List[:min(len(page.List), maxRows)]
	if left -= len(page.List); left > 0 {
		page.More = count(left, "row like these is", "rows like these are") + " not shown; the CSV, HTML and JSON results have all rows."
	}
	return markdownTemplate().ExecuteTemplate(w, "batch", page)
}
