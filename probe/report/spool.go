package report

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
)

// document is a batch in a format that is one whole, with the answer, which is
// known last, before the rows.
type document interface {
	// row takes a row in and returns what of it has to be kept; nothing, where the
	// format does not show it. The bytes hold until the next call.
	row(Row) ([]byte, error)
	// write writes the document. kept yields what row returned, in the order of
	// the rows.
	write(w io.Writer, s Summary, kept iter.Seq2[[]byte, error]) error
}

// whole makes the sink of a document, D being its type.
func whole[D any, P interface {
	*D
	document
}](o Output) (Sink, error) {
	file, err := o.Temp()
	if err != nil {
		return nil, err
	}
	s := &spool{doc: P(new(D)), to: o.W, file: file, out: bufio.NewWriterSize(file, 64<<10), end: 1}
	return s, s.out.WriteByte(0) // so that nothing begins at 0
}

// Temp is a temporary file; Close removes it.
type Temp interface {
	io.Writer
	io.ReaderAt
	io.Closer
}

// spool is a sink that keeps in a temporary file what is made of each row, until
// the answer is known that stands above them. In memory is only where each begins:
// 8 bytes.
type spool struct {
	doc  document
	to   io.Writer
	file Temp
	out  *bufio.Writer
	end  int64
	at   []int64 // by the number of the row; 0: none
}

func (s *spool) Row(r Row) error {
	part, err := s.doc.row(r)
	if err != nil || len(part) == 0 {
		return err
	}
	s.at = UpTo(s.at, r.Number)
	n, err := s.out.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(part))))
	if err != nil {
		return err
	}
	m, err := s.out.Write(part)
	s.at[r.Number] = s.end
	s.end += int64(n + m)
	return err
}

// UpTo makes a list long enough for an index, with room for those that follow.
func UpTo[T any](list []T, index int) []T {
	if index < len(list) {
		return list
	}
	return append(list, make([]T, max(index+1-len(list), len(list)/4, 1024))...)
}

// parts are what was kept, in the order of the rows.
func (s *spool) parts() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if err := s.out.Flush(); err != nil {
			yield(nil, err)
			return
		}
		var part bytes.Buffer
		var length [4]byte
		for row, at := range s.at {
			if at == 0 {
				continue
			}
			part.Reset()
			_, err := s.file.ReadAt(length[:], at)
			if err == nil {
				_, err = part.ReadFrom(io.NewSectionReader(s.file, at+4, int64(binary.LittleEndian.Uint32(length[:]))))
			}
			if err != nil {
				err = fmt.Errorf("row %d cannot be read again from the temporary file: %w", row, err)
			}
			if !yield(part.Bytes(), err) || err != nil {
				return
			}
		}
	}
}

func (s *spool) End(sum Summary) error {
	out := bufio.NewWriterSize(s.to, 64<<10)
	if err := s.doc.write(out, Harmless(sum), s.parts()); err != nil {
		return err
	}
	return out.Flush()
}

func (s *spool) Close() error { return s.file.Close() }

// open is a sink that holds nothing.
type open struct{}

func (open) Close() error { return nil }
