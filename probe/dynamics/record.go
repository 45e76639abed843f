package dynamics

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// maxRecord bounds one row of a file, in bytes. The texts of a mailbox row have
// some kilobytes.
const maxRecord = 1 << 20

// records cuts a CSV file into its records (RFC 4180 2): a record ends with a
// line end that is not inside quotes. A quote that is never closed would
// swallow the rest of the file; then the first line of the record is given up
// and reading goes on with the second.
//
// Reading lines again costs no more than reading them twice: a line that opens a
// quote and does not close it has an odd number of quotes, and the next such
// line ends the search.
type records struct {
	in    *bufio.Reader // it has room for a record
	taken int           // bytes at its beginning that are done with the next read
	line  int           // number of the line behind them
	ahead []record      // come before them
}

func newRecords(in io.Reader) *records {
	return &records{in: bufio.NewReaderSize(in, maxRecord), line: 1}
}

// record is the text of one record, without what is wrong with it being known.
type record struct {
	text  []byte // with its line end
	line  int    // on which it starts
	lines int    // how many it has
	first int    // how long the first of them is
	blank bool   // an empty line
	fault *Error
}

// read returns the next record, or io.EOF, or the error of reading.
func (r *records) read() (record, error) {
	if n := len(r.ahead) - 1; n >= 0 {
		rec := r.ahead[n]
		r.ahead = r.ahead[:n]
		return rec, nil
	}
	_, _ = r.in.Discard(r.taken) // they are there
	r.taken = 0
	rec := record{line: r.line}
	for quotes := 0; rec.lines == 0 || quotes%2 != 0; {
		text, err := r.peekLine(len(rec.text))
		ends, long := errors.Is(err, io.EOF), errors.Is(err, bufio.ErrBufferFull)
		switch {
		case long && rec.lines == 0:
			rec.fault = fault(rec.line, "too-long.line")
			r.line++
			return rec, r.skipLine()
		case rec.lines > 0 && (ends || long):
			rec.fault = fault(rec.line, "quote.open", map[bool]string{true: "the file ends", false: "its record is longer than 1 MiB"}[ends])
			r.retry(rec)
			return rec, nil
		case err != nil:
			return record{}, err
		}
		quotes += bytes.Count(text[len(rec.text):], []byte{'"'})
		if rec.text, rec.lines = text, rec.lines+1; rec.lines == 1 {
			rec.first = len(text)
		}
	}
	rec.blank = len(bytes.Trim(rec.text, " \r\n\x1a")) == 0 // with the mark that MS-DOS ends a file with
	r.taken, r.line = len(rec.text), rec.line+rec.lines
	rec.text = bytes.Clone(rec.text)
	return rec, nil
}

// giveBack has a record come next.
func (r *records) giveBack(rec record) { r.ahead = append(r.ahead, rec) }

// retry gives back all lines of a record but its first, which could not be read.
func (r *records) retry(rec record) { r.taken, r.line = rec.first, rec.line+1 }

// peekLine is what comes next up to the end of the line that begins at a place in it.
// It waits for no more. The error is io.EOF where there is no such line, and
// bufio.ErrBufferFull where it ends beyond the limit.
func (r *records) peekLine(at int) ([]byte, error) {
	for {
		text, _ := r.in.Peek(r.in.Buffered())
		if i := bytes.IndexByte(text[at:], '\n'); i >= 0 {
			return text[:at+i+1], nil
		}
		if text, err := r.in.Peek(len(text) + 1); err != nil { // it may have moved
			if errors.Is(err, io.EOF) && len(text) > at {
				return text, nil // the last line, without its end
			}
			return nil, err
		}
	}
}

// skipLine reads to the end of a line that is too long.
func (r *records) skipLine() (err error) {
	for err = bufio.ErrBufferFull; errors.Is(err, bufio.ErrBufferFull); {
		_, err = r.in.ReadSlice('\n')
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
