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
	t.Cleanup(func() { report.Formats = before })
	report.Formats = append(slices.Clone(before), report.Format{
		Name: "added", Extension: ".added", About: "a test", Parsed: true,
		Report: func(r report.Report, _ report.Style) ([]byte, error) { return []byte("added: " + string(r.Verdict.Code) + "\n"), nil },
		Batch:  func(o report.Output) (report.Sink, error) { return &addedSink{w: o.W}, nil },
	})
	s := begin(t, crowd(everyScheme, standin.Crowd{Mailboxes: 10}), standin.Options{})
	dir := t.TempDir()
	json, saved, batched := filepath.Join(dir, "a.json"), filepath.Join(dir, "b.added"), filepath.Join(dir, "c.ADDED")
	record := filepath.Join("..", "..", "testdata", "records", "basic-off.json")
	rows := rightPassword.run(t, batchArgs(t, s, "--save", batched, batchFile(t, boxes(3)))...)
	lines := save(t, "rows.jsonl", []byte(rows.out))
	read := func(file string) string {
		raw, err := os.ReadFile(file)
		if err != nil {
			return err.Error()
		}
		return string(raw)
	}
	diagnosed := program{}.run(t, "diagnose", "--format", "added", "--save", json, "--save", saved, record)
	for what, c := range map[string]struct{ got, want string }{
		"diagnose":          {diagnosed.out, "added: basic-disabled\n"},
		"--save":            {read(saved), "added: basic-disabled\n"},
		"batch":             {rightPassword.run(t, batchArgs(t, s, "--format", "added", batchFile(t, boxes(3)))...).out, "added: 3 rows, ok\n"},
		"batch --save":      {read(batched), "added: 3 rows, ok\n"},
		"merge":             {program{}.run(t, "merge", "--format", "added", lines).out, "added: 3 rows, ok\n"},
		"a refused run":     {program{}.run(t, "check", "--format", "added").out, "added: bad-usage\n"},
		"an unknown format": {program{}.run(t, "check", "--format", "none", "mail.contoso.com").err, "added"},
		"an unknown ending": {program{}.run(t, "diagnose", "--save", "x.none", record).err, ".added"},
		"merge, unknown":    {program{}.run(t, "merge", "--format", "none", lines).err, "added"},
		"help of check":     {program{}.run(t, "check", "--help").out, "html or added"},
		"help of batch":     {program{}.run(t, "batch", "--help").out, ".html or .added"},
		"help of merge":     {program{}.run(t, "merge", "--help").out, "html or added"},
		"completion":        {program{}.run(t, "__complete", "check", "--format", ".a").out, "added\ta test\n"},
		"manual":            {program{}.run(t, "man").out, "html or added"},
	} {
		if !strings.Contains(c.got, c.want) {
			t.Errorf("%s: %q has no %q", what, c.got, c.want)
		}
	}
}
