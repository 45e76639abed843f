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
// Giving lines back costs no more than reading them twice: a line that opens a
// quote and does not close it has an odd number of quotes, and the next such
// line ends the search.
type records struct {
	in     *bufio.Reader
	window []byte // lines read; those before next are done
	next   int
	line   int // number of the line at next
	ended  bool
	err    error // of reading, after the window
}

// record is the text of one record, without what is wrong with it being known.
type record struct {
	text  []byte // with its line end; valid until the next call
	line  int    // on which it starts
	lines int    // how many it has
	blank bool   // an empty line
	fault *Error
}

// read returns the next record, or io.EOF, or the error of reading.
func (r *records) read() (record, error) {
	if r.next == len(r.window) || r.next > maxRecord {
		r.window = append(r.window[:0], r.window[r.next:]...)
		r.next = 0
	}
	start := r.next
	first, err := r.readLine()
	if err != nil {
		return record{}, err
	}
	rec := record{line: r.line, lines: 1}
	if first == nil {
		rec.fault = fault(rec.line, TooLong, "the line is longer than 1 MiB; is it the right file?")
		r.line++
		return rec, nil
	}
	if len(bytes.Trim(first, " \r\n")) == 0 {
		rec.text, rec.blank = first, true
		r.line++
		return rec, nil
	}
	quotes := bytes.Count(first, []byte{'"'})
	afterFirst := r.next
	for quotes%2 != 0 {
		line, err := r.readLine()
		if err != nil && !errors.Is(err, io.EOF) {
			return record{}, err
		}
		if err != nil || line == nil || r.next-start > maxRecord {
			rec.fault = fault(rec.line, BadQuote, "a quoted cell is not closed before %s; close its quote, and write a quote inside a cell twice",
				map[bool]string{true: "the file ends", false: "its record is longer than 1 MiB"}[err != nil])
			if err == nil && line == nil { // it is gone
				r.line += rec.lines + 1
				return rec, nil
			}
			r.next = afterFirst
			r.line++
			return rec, nil
		}
		quotes += bytes.Count(line, []byte{'"'})
		rec.lines++
	}
	rec.text = r.window[start:r.next]
	r.line += rec.lines
	return rec, nil
}

// retry gives back all lines of a record but its first, which could not be read.
func (r *records) retry(rec record) {
	if rec.lines < 2 {
		return
	}
	start := r.next - len(rec.text)
	r.next = start + bytes.IndexByte(rec.text, '\n') + 1
	r.line = rec.line + 1
}

// readLine returns the next line with its end; nil for one beyond the limit.
func (r *records) readLine() ([]byte, error) {
	if rest := r.window[r.next:]; len(rest) > 0 {
		n := bytes.IndexByte(rest, '\n') + 1
		if n == 0 {
			n = len(rest)
		}
		r.next += n
		return rest[:n], nil
	}
	if r.ended {
		return nil, r.err
	}
	start := len(r.window)
	for {
		part, err := r.in.ReadSlice('\n')
		if len(r.window)-start <= maxRecord {
			r.window = append(r.window, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil {
			r.ended, r.err = true, err
			if len(r.window) == start || !errors.Is(err, io.EOF) {
				return nil, err
			}
		}
		break
	}
	if len(r.window)-start > maxRecord {
		r.window = r.window[:start]
		return nil, nil
	}
	r.next = len(r.window)
	return r.window[start:], nil
}
