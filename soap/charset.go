package soap

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// charsetReader gives the XML decoder a reader for a declared character set.
type charsetReader func(label string, in io.Reader) (io.Reader, error)

// toUTF8 makes a body readable for the XML decoder: a byte order mark decides
// over any declared encoding (XML 1.0 appendix F), UTF-16 is converted, the
// white space that some front ends send before the declaration is dropped. The
// reader returned beside it belongs to this body.
func toUTF8(body []byte) ([]byte, charsetReader, error) {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(body, []byte("\xEF\xBB\xBF")):
		return bytes.TrimSpace(body[3:]), passThrough, nil
	case bytes.HasPrefix(body, []byte("\xFE\xFF")):
		order, body = binary.BigEndian, body[2:]
	case bytes.HasPrefix(body, []byte("\xFF\xFE")):
		order, body = binary.LittleEndian, body[2:]
	case bytes.HasPrefix(body, []byte("\x00<")): // no mark: the first character tells
		order = binary.BigEndian
	case bytes.HasPrefix(body, []byte("<\x00")):
		order = binary.LittleEndian
	default:
		return bytes.TrimSpace(body), declaredCharset, nil
	}
	if len(body)%2 != 0 {
		return nil, nil, fmt.Errorf("%w: UTF-16 with an odd number of bytes", ErrNotXML)
	}
	units := make([]uint16, len(body)/2)
	for i := range units {
		units[i] = order.Uint16(body[2*i:])
	}
	text := make([]byte, 0, len(units))
	for _, r := range utf16.Decode(units) {
		text = utf8.AppendRune(text, r)
	}
	return bytes.TrimSpace(text), passThrough, nil
}

// passThrough ignores the declared encoding of text that is UTF-8 by now.
func passThrough(_ string, in io.Reader) (io.Reader, error) { return in, nil }

// declaredCharset reads the single-byte sets in which ASCII is ASCII; codes are
// ASCII, and of a localised message only the look is at stake. The decoder
// itself reads UTF-8.
func declaredCharset(label string, in io.Reader) (io.Reader, error) {
	switch strings.ToLower(label) {
	case "us-ascii", "ascii", "iso-8859-1", "latin1", "windows-1252":
		return &latin1Reader{in: in}, nil
	}
	return nil, fmt.Errorf("character set %q is not read here", oneLine(label, maxName))
}

// latin1Reader turns Latin-1 into UTF-8.
type latin1Reader struct{ in io.Reader }

// Read fills at most half of p from the input, since a byte becomes up to two.
func (r *latin1Reader) Read(p []byte) (int, error) {
	if len(p) < 2 {
		return 0, io.ErrShortBuffer
	}
	raw := make([]byte, min(len(p)/2, 4096))
	n, err := r.in.Read(raw)
	out := p[:0]
	for _, b := range raw[:n] {
		out = utf8.AppendRune(out, rune(b))
	}
	return len(out), err
}
