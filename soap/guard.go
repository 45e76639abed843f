package soap

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"

	"github.com/beevik/etree"
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
func notXML(err error) error {
	return fmt.Errorf("%w: %s", ErrNotXML, oneLine(err.Error(), 2*maxName))
}
