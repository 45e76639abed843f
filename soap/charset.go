package soap

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// charsetReader gives the XML decoder a reader for a declared character set.
type charsetReader func(label string, in io.Reader) (io.Reader, error)

// toUTF8 makes a body readable for the XML decoder: a byte order mark decides
// over any declared encoding (XML 1.0 appendix F), UTF-16 is converted, the
// white space that some front ends send before the declaration is dropped. The
// reader returned beside it belongs to this body.
func toUTF8(body []byte) ([]byte, charsetReader, error) {
	order := unicode.BigEndian
	switch {
	case bytes.HasPrefix(body, []byte("\xEF\xBB\xBF")):
		return bytes.TrimSpace(body[3:]), passThrough, nil
	case bytes.HasPrefix(body, []byte("\xFE\xFF")), bytes.HasPrefix(body, []byte("\x00<")): // no mark: the first character tells
	case bytes.HasPrefix(body, []byte("\xFF\xFE")), bytes.HasPrefix(body, []byte("<\x00")):
		order = unicode.LittleEndian
	default:
		return bytes.TrimSpace(body), declaredCharset, nil
	}
	if len(body)%2 != 0 {
		return nil, nil, fmt.Errorf("%w: UTF-16 with an odd number of bytes", ErrNotXML)
	}
	text, err := unicode.UTF16(order, unicode.UseBOM).NewDecoder().Bytes(body)
	if err != nil {
		return nil, nil, notXML(err)
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
	case "us-ascii", "ascii", "iso-8859-1", "latin1":
		return charmap.ISO8859_1.NewDecoder().Reader(in), nil
	case "windows-1252":
		return charmap.Windows1252.NewDecoder().Reader(in), nil
	}
	return nil, fmt.Errorf("character set %q is not read here", oneLine(label, maxName))
}
