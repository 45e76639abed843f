package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"os"
)

// spool keeps in a temporary file what is made of each row, until the answer is
// known that stands above them. In memory is only where each begins: 8 bytes.
type spool struct {
	file *os.File
	out  *bufio.Writer
	end  int64
	at   []int64 // by the number of the row; 0: none
}

// newSpool makes the file in a folder; "" is the usual one.
func newSpool(dir string) (*spool, error) {
	f, err := os.CreateTemp(dir, ".ewsprobe-*")
	if err != nil {
		return nil, err
	}
	// Nobody else is to find it. Where an open file cannot be removed, close does
	// it.
	_ = os.Remove(f.Name())
	s := &spool{file: f, out: bufio.NewWriterSize(f, 64<<10), end: 1}
	return s, s.out.WriteByte(0) // so that nothing begins at 0
}

// put keeps the part of a row.
func (s *spool) put(row int, part []byte) error {
	for row >= len(s.at) {
		s.at = append(s.at, make([]int64, max(row+1-len(s.at), len(s.at)/4, 1024))...)
	}
	if err := binary.Write(s.out, binary.LittleEndian, uint32(len(part))); err != nil {
		return err
	}
	if _, err := s.out.Write(part); err != nil {
		return err
	}
	s.at[row] = s.end
	s.end += 4 + int64(len(part))
	return nil
}

// parts are what was kept, in the order of the rows.
func (s *spool) parts() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if err := s.out.Flush(); err != nil {
			yield(nil, err)
			return
		}
		var part []byte
		var length [4]byte
		for row, at := range s.at {
			if at == 0 {
				continue
			}
			_, err := s.file.ReadAt(length[:], at)
			if err == nil {
				n := int(binary.LittleEndian.Uint32(length[:]))
				if n > cap(part) {
					part = make([]byte, n)
				}
				part = part[:n]
				_, err = io.ReadFull(io.NewSectionReader(s.file, at+4, int64(n)), part)
			}
			if err != nil {
				yield(nil, fmt.Errorf("row %d cannot be read again from the temporary file: %w", row, err))
				return
			}
			if !yield(part, nil) {
				return
			}
		}
	}
}

func (s *spool) close() {
	s.file.Close()
	os.Remove(s.file.Name())
}
