package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Format is a form in which a report, or a batch, is given out. All are made of
// the same data; none judges.
type Format struct {
	Name      string
	Extension string // of a file in it; "": no ending tells it
	About     string // what it is for
	Parsed    bool   // programs read it: a command line that is refused is told in it too
	Columns   bool   // it repeats the columns of the input, which merge does not have
	Whole     bool   // of a batch it is one document that begins with the answer, known last

	Report func(Report, Style) ([]byte, error)
	Batch  func(Output) (Sink, error)

	Environment func(Environment, Style) ([]byte, error) // of what Dynamics has
}

// Formats are all of them, in the order in which they are listed. To add one,
// write its renderer in a file of its own and add its line here: the flags, the
// endings that --save knows, help, completion and the texts of errors are made of
// this table (TestAddedFormat tries it). Then `go test ./probe/report -update` makes its
// samples in testdata/records, and the guide probe/guide/text/reports.md says what it is for.
var Formats = []Format{
	{Name: FormatText, About: "a person at a terminal", Report: text, Batch: newProse, Environment: environmentText},
	{
		Name: FormatJSON, Extension: ".json", About: "a script, and diagnose", Parsed: true,
		Report: asJSON[Report], Batch: newLines, Environment: asJSON[Environment],
	},
	{
		Name: "junit", Extension: ".xml", About: "a build server", Parsed: true, Whole: true,
		Report: junitReport, Batch: whole(junitBatch), Environment: environmentJUnit,
	},
	{
		Name: "markdown", Extension: ".md", About: "a ticket, a chat", Whole: true,
		Report: filling[Report](markdownTemplate, "report"), Batch: whole(markdownBatch),
		Environment: filling[Environment](markdownTemplate, "environment"),
	},
	{
		Name: "nagios", About: "a monitoring system", Parsed: true, Whole: true,
		Report: nagios, Batch: whole(nagiosBatch), Environment: environmentNagios,
	},
	{
		Name: "csv", Extension: ".csv", About: "a spreadsheet", Parsed: true, Columns: true,
		Report: csvReport, Batch: newTable, Environment: environmentCSV,
	},
	{
		Name: "html", Extension: ".html", About: "a page to be sent", Whole: true,
		Report: filling[Report](reportTemplate, "report"), Batch: whole(htmlBatch),
		Environment: filling[Environment](environmentTemplate, "environment"),
	},
}

// Names of the formats that the program itself speaks of.
const (
	FormatText = "text"
	FormatJSON = "json"
)

// FormatNames are the names of all formats but those that a condition leaves out.
func FormatNames(without ...func(Format) bool) []string {
	var list []string
	for _, f := range Formats {
		if !slices.ContainsFunc(without, func(out func(Format) bool) bool { return out(f) }) {
			list = append(list, f.Name)
		}
	}
	return list
}

// FindFormat finds a format by its name.
func FindFormat(name string) (Format, bool) {
	return find(func(f Format) bool { return f.Name == name })
}

func find(is func(Format) bool) (Format, bool) {
	i := slices.IndexFunc(Formats, is)
	if i < 0 {
		return Format{}, false
	}
	return Formats[i], true
}

// Extensions are the endings of file names that tell a format.
func Extensions() []string {
	var list []string
	for _, f := range Formats {
		if f.Extension != "" {
			list = append(list, f.Extension)
		}
	}
	return list
}

// ByExtension is the format that an ending (".json") tells, in any case.
func ByExtension(ending string) (Format, bool) {
	return find(func(f Format) bool { return f.Extension != "" && strings.EqualFold(f.Extension, ending) })
}

// Render makes the report in a format. The style is for text alone.
func (r Report) Render(format string, s Style) ([]byte, error) {
	f, ok := FindFormat(format)
	if !ok {
		return nil, fmt.Errorf("report: there is no format %q", format)
	}
	return f.Report(r, s)
}

// Output is where the results of a batch go to, and what a format may need there.
type Output struct {
	W      io.Writer
	Style  Style
	Header []string             // the columns of the input
	Alone  bool                 // of text, the summary alone
	All    bool                 // of text, the rows that are ok too
	Temp   func() (Temp, error) // makes a temporary file
}

// Sink takes the results of a batch in one format.
type Sink interface {
	Row(Row) error     // as they come, in any order
	End(Summary) error // behind the last
	Close() error      // frees what it holds; the results need not be whole
}
