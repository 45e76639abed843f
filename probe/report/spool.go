package report

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"iter"
)

// document writes a batch in a format that is one whole, with the answer, which is
// known last, before the rows.
type document func(w io.Writer, s Summary, rows iter.Seq2[Row, error]) error

// whole makes the sink of a document.
func whole(write document) func(Output) (Sink, error) {
	return func(o Output) (Sink, error) {
		file, err := o.Temp()
		if err != nil {
			return nil, err
		}
		s := &spool{write: write, to: o.W, file: file, out: bufio.NewWriterSize(file, 64<<10)}
		s.files = []RowFile{file}
		return s, nil
	}
}

// Temp is a temporary file; Close removes it.
type Temp interface {
	io.Writer
	io.Closer
	RowFile
}

// spool is a sink that keeps the rows in a temporary file, until the answer is known that
// stands above them.
type spool struct {
	places
	write document
	to    io.Writer
	file  Temp
	out   *bufio.Writer
	end   int64
}

func (s *spool) Row(r Row) error {
	raw, err := json.Marshal(r.harmless())
	if err != nil {
		return err
	}
	s.rows = UpTo(s.rows, r.Number)
	s.rows[r.Number] = rowPlace{at: s.end, length: int32(len(raw)), file: 1}
	s.end += int64(len(raw))
	_, err = s.out.Write(raw)
	return err
}

func (s *spool) End(sum Summary) error {
	if err := s.out.Flush(); err != nil {
		return err
	}
	out := bufio.NewWriterSize(s.to, 64<<10)
	if err := s.write(out, Harmless(sum), s.Rows()); err != nil {
		return err
	}
	return out.Flush()
}

func (s *spool) Close() error { return s.file.Close() }

// open is a sink that holds nothing.
type open struct{}

func (open) Close() error { return nil }

// RowFile is a file that has rows as JSON.
type RowFile interface {
	io.ReaderAt
	Name() string
}

// places are where rows stand in files: in memory is only that.
type places struct {
	files []RowFile
	rows  []rowPlace // by number
}

// rowPlace is where a row stands.
type rowPlace struct {
	at     int64
	length int32
	file   int16 // counts from 1; 0: nowhere
	open   bool  // not-checked
}

// UpTo makes a list long enough for an index, with room for those that follow.
func UpTo[T any](list []T, index int) []T {
	if index < len(list) {
		return list
	}
	return append(list, make([]T, max(index+1-len(list), len(list)/4, 1024))...)
}

// Rows are the rows, once each, in the order of the input.
func (l *places) Rows() iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for number, p := range l.rows {
			if p.file == 0 {
				continue
			}
			f := l.files[p.file-1]
			raw := make([]byte, p.length, p.length+1)
			_, err := f.ReadAt(raw, p.at)
			r := Row{raw: raw}
			if err == nil {
				err = decode(raw, &r)
			}
			if err != nil {
				err = fmt.Errorf("%s: row %d cannot be read again (%w)", f.Name(), number, err)
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}
