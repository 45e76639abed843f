package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// addedSink is that of the format that is added.
type addedSink struct {
	w io.Writer
	n int
}

func (s *addedSink) Row(report.Row) error { s.n++; return nil }

func (s *addedSink) End(sum report.Summary) error {
	_, err := fmt.Fprintf(s.w, "added: %d rows, %s\n", s.n, sum.Status())
	return err
}

func (s *addedSink) Close() error { return nil }

// A format is a renderer and a line of a table: with that it is printed, saved,
// merged, told of in the help, completed and named in errors.
func TestAddedFormat(t *testing.T) {
	before := report.Formats
	names, endings := report.FormatNames(), report.Extensions()
	last, ending := names[len(names)-1], endings[len(endings)-1]
	t.Cleanup(func() { report.Formats = before })
	report.Formats = append(slices.Clone(before), report.Format{
		Name: "added", Extension: ".added", About: "a test", Parsed: true,
		Report: func(r report.Report, _ report.Style) ([]byte, error) {
			return []byte("added: " + string(r.Verdict.Code) + "\n"), nil
		},
		Batch: func(o report.Output) (report.Sink, error) { return &addedSink{w: o.W}, nil },
	})
	here := func(args ...string) (out, complaint string) { // in this process, whose table it is
		o := rightPassword.run(t, args...)
		return o.out, o.err
	}
	out := func(args ...string) string { o, _ := here(args...); return o }
	complaint := func(args ...string) string { _, e := here(args...); return e }
	s := begin(t, crowd(everyScheme, standin.Crowd{Mailboxes: 10}), standin.Options{})
	dir := t.TempDir()
	json, saved, batched := filepath.Join(dir, "a.json"), filepath.Join(dir, "b.added"), filepath.Join(dir, "c.ADDED")
	record := filepath.Join("..", "..", "testdata", "records", "basic-off.json")
	rows := out(batchArgs(t, s, "--save", batched, batchFile(t, boxes(3)))...)
	lines := save(t, "rows.jsonl", []byte(rows))
	read := func(file string) string {
		raw, err := os.ReadFile(file)
		if err != nil {
			return err.Error()
		}
		return string(raw)
	}
	diagnosed := out("diagnose", "--format", "added", "--save", json, "--save", saved, record)
	for what, c := range map[string]struct{ got, want string }{
		"diagnose":          {diagnosed, "added: basic-disabled\n"},
		"--save":            {read(saved), "added: basic-disabled\n"},
		"batch":             {out(batchArgs(t, s, "--format", "added", batchFile(t, boxes(3)))...), "added: 3 rows, ok\n"},
		"batch --save":      {read(batched), "added: 3 rows, ok\n"},
		"merge":             {out("merge", "--format", "added", lines), "added: 3 rows, ok\n"},
		"a refused run":     {out("check", "--format", "added"), "added: bad-usage\n"},
		"an unknown format": {complaint("check", "--no-credentials", "--format", "none", "mail.contoso.com"), "added"},
		"an unknown ending": {complaint("diagnose", "--save", "x.none", record), ".added"},
		"merge, unknown":    {complaint("merge", "--format", "none", lines), "added"},
		"help of check":     {out("check", "--help"), last + " or added"},
		"help of batch":     {out("batch", "--help"), ending + " or .added"},
		"help of merge":     {out("merge", "--help"), last + " or added"},
		"completion":        {out("__complete", "check", "--format", ".a"), "added\ta test\n"},
		"manual":            {out("man"), last + " or added"},
	} {
		if !strings.Contains(c.got, c.want) && !strings.Contains(strings.Join(strings.Fields(c.got), " "), c.want) {
			t.Errorf("%s has no %q: %.300s", what, c.want, c.got)
		}
	}
}
