package main

import (
	"bufio"
	"io"

	"github.com/ewsprobe/ewsprobe/probe/batch"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// document is a sink for a format that begins with the answer: the rows wait in a
// spool.
type document struct {
	doc  report.BatchDocument
	kept *spool
	w    io.Writer
}

func (d *document) row(r batch.Result) error {
	row := report.Row{Number: r.Number, Line: r.Line, Mailbox: r.Address, User: r.Account.User, Verdict: r.Verdict, DurationMS: r.Duration.Milliseconds(), Tries: r.Tries, DuplicateOf: r.DuplicateOf}
	row.Verdict.Summary = r.Shape.Summary(r.Address)
	part, err := d.doc.Row(row)
	if err != nil || len(part) == 0 {
		return err
	}
	return d.kept.put(r.Number, part)
}

func (d *document) summary(s report.Summary) error {
	out := bufio.NewWriterSize(d.w, 64<<10)
	if err := d.doc.Write(out, s, d.kept.parts()); err != nil {
		return err
	}
	return out.Flush()
}
