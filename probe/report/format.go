package report

import (
	"fmt"
	"strings"
)

// Format is a form in which a report is given out.
type Format string

// The formats. All are made of the same report; none judges.
const (
	FormatText     Format = "text"     // a person at a terminal
	FormatJSON     Format = "json"     // a script, and diagnose
	FormatJUnit    Format = "junit"    // a build server
	FormatMarkdown Format = "markdown" // a ticket, a chat
	FormatNagios   Format = "nagios"   // a monitoring system
	FormatCSV      Format = "csv"      // a spreadsheet
	FormatHTML     Format = "html"     // management, a vendor
)

// formats are in the order in which they are listed. Not every one has a file
// of its own kind.
var formats = []struct {
	format    Format
	extension string
}{
	{FormatText, ""},
	{FormatJSON, ".json"},
	{FormatJUnit, ".xml"},
	{FormatMarkdown, ".md"},
	{FormatNagios, ""},
	{FormatCSV, ".csv"},
	{FormatHTML, ".html"},
}

// Formats are the names of all formats.
func Formats() []Format {
	var list []Format
	for _, f := range formats {
		list = append(list, f.format)
	}
	return list
}

// Known says whether there is such a format.
func (f Format) Known() bool {
	for _, k := range formats {
		if k.format == f {
			return true
		}
	}
	return false
}

// Extensions are the endings of file names that tell a format.
func Extensions() []string {
	var list []string
	for _, f := range formats {
		if f.extension != "" {
			list = append(list, f.extension)
		}
	}
	return list
}

// ByExtension is the format that an ending (".json") tells, in any case.
func ByExtension(ending string) (Format, bool) {
	for _, f := range formats {
		if f.extension != "" && strings.EqualFold(f.extension, ending) {
			return f.format, true
		}
	}
	return "", false
}

// Render makes the report in a format. The style is for text alone.
func (r Report) Render(f Format, s Style) ([]byte, error) {
	switch f {
	case FormatText:
		return []byte(r.Text(s)), nil
	case FormatJSON:
		return r.JSON()
	case FormatJUnit:
		return r.JUnit()
	case FormatMarkdown:
		return []byte(r.Markdown()), nil
	case FormatNagios:
		return []byte(r.Nagios()), nil
	case FormatCSV:
		return r.CSV()
	case FormatHTML:
		return r.HTML()
	}
	return nil, fmt.Errorf("report: there is no format %q", f)
}

// subject is what the check was about, in a few words.
func (r Report) subject() string {
	for _, s := range []string{r.Target.URL, r.Target.FromAddress, r.Target.Host} {
		if s != "" {
			return s
		}
	}
	return "nothing"
}
