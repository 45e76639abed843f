package soap

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/beevik/etree"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// The limits on a body. They are far above what a FindFolder answer with one
// folder or an Autodiscover answer needs, and low enough that ten bodies read
// at once stay small in memory.
const (
	MaxBytes  = 1 << 20 // of a body, as received
	MaxDepth  = 64      // of nested elements; the root is at depth 1
	MaxTokens = 20_000  // tags, attributes, texts and comments together
)

// The limits on what is kept of a body, so that an answer may go into a record
// without further cutting.
const (
	MaxText      = 500  // bytes of a message or a value
	MaxURL       = 2048 // bytes of a URL or an address; a longer one is dropped, because half a URL is worse than none
	MaxValues    = 16   // of a MessageXml
	MaxResolved  = 10   // entries of a ResolveNames answer
	MaxAddresses = 50   // of such an entry
	maxName      = 100  // bytes of a code, an element or a value name
)

// The reasons why a body gives no answer, for errors.Is. The error that is
// returned wraps one of them and adds what was found.
var (
	// ErrNotXML: no well-formed XML document in a character set that is read
	// here (UTF-8, UTF-16, ASCII, Latin-1).
	ErrNotXML = errors.New("not well-formed XML")
	// ErrDoctype: a document type declaration or a processing instruction.
	// SOAP 1.1 section 3 allows neither, and the first is how XML bombs begin.
	ErrDoctype = errors.New("DOCTYPE or processing instruction refused")
	// ErrTooLarge: more than MaxBytes or MaxTokens.
	ErrTooLarge = errors.New("body too large")
	// ErrTooDeep: elements nested deeper than MaxDepth.
	ErrTooDeep = errors.New("elements nested too deep")
	// ErrNotSOAP: well-formed XML, but no SOAP envelope, or one without an EWS
	// answer in it.
	ErrNotSOAP = errors.New("not an EWS answer")
	// ErrNotDiscovery: readable, but no Autodiscover answer.
	ErrNotDiscovery = errors.New("not an Autodiscover answer")
)

// readTree returns the root element of body. The tree is built only after the
// body has passed measure.
func readTree(body []byte) (*etree.Element, error) {
	if len(body) > MaxBytes {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, MaxBytes)
	}
	text, charset, err := toUTF8(body)
	if err != nil {
		return nil, err
	}
	if err := measure(text, charset); err != nil {
		return nil, err
	}
	doc := etree.NewDocument()
	doc.ReadSettings.CharsetReader = charset
	if err := doc.ReadFromBytes(text); err != nil {
		return nil, notXML(err)
	}
	root := doc.Root()
	if root == nil {
		return nil, fmt.Errorf("%w: no element", ErrNotXML)
	}
	return root, nil
}

// measure reads text as a stream and says whether it is one XML document
// within the limits. Memory: one token at a time.
func measure(text []byte, charset charsetReader) error {
	if err := boundTags(text); err != nil {
		return err
	}
	dec := xml.NewDecoder(bytes.NewReader(text))
	dec.CharsetReader = charset
	depth, roots, tokens := 0, 0, 0
	for first := true; ; first = false {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return notXML(err)
		}
		tokens++
		switch t := token.(type) {
		case xml.StartElement:
			tokens += len(t.Attr)
			if depth == 0 {
				roots++
			}
			if depth++; depth > MaxDepth {
				return fmt.Errorf("%w: more than %d levels", ErrTooDeep, MaxDepth)
			}
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 0 && len(bytes.TrimSpace(t)) > 0 {
				return fmt.Errorf("%w: text outside the root element", ErrNotXML)
			}
		case xml.Directive:
			return fmt.Errorf("%w: <!%s", ErrDoctype, oneLine(string(t[:min(len(t), 2*maxName)]), maxName))
		case xml.ProcInst:
			if !first || t.Target != "xml" {
				return fmt.Errorf("%w: <?%s", ErrDoctype, oneLine(t.Target, maxName))
			}
		}
		if tokens > MaxTokens {
			return fmt.Errorf("%w: more than %d tags, attributes and texts", ErrTooLarge, MaxTokens)
		}
	}
	switch {
	case len(text) == 0:
		return fmt.Errorf("%w: empty body", ErrNotXML)
	case roots != 1:
		return fmt.Errorf("%w: %d root elements", ErrNotXML, roots)
	}
	return nil
}

// boundTags refuses a tag with too many attributes before the decoder, which
// collects all attributes of a tag before it returns, has to hold them. A tag
// cannot contain a "<", so the "=" between two of them bound its attributes.
func boundTags(text []byte) error {
	signs := 0
	for _, b := range text {
		switch b {
		case '<':
			signs = 0
		case '=':
			if signs++; signs > MaxTokens {
				return fmt.Errorf("%w: more than %d attributes in a tag", ErrTooLarge, MaxTokens)
			}
		}
	}
	return nil
}

// notXML wraps an error of the decoder, whose text may quote the body.
func notXML(err error) error { return fmt.Errorf("%w: %s", ErrNotXML, oneLine(err.Error(), 2*maxName)) }

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
