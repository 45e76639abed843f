package report

import (
	"io"
	"iter"
)

// BatchDocument is a batch in a format that is one whole, with the answer, which
// is known last, before the rows. Rows are given one at a time and not kept here:
// the caller keeps what is made of each until the end, where it costs no memory.
type BatchDocument interface {
	// Row takes a row in and returns what of it has to be kept; nothing, where the
	// format does not show it. The bytes hold until the next call.
	Row(Row) ([]byte, error)
	// Write writes the document. kept yields what Row returned, in the order in
	// which it is to be shown.
	Write(w io.Writer, s Summary, kept iter.Seq2[[]byte, error]) error
}

// NewBatchDocument begins a batch in a format; nil where the format is not such a
// document, but made of lines.
func NewBatchDocument(f Format) BatchDocument {
	switch f {
	case FormatHTML:
		return &batchPage{}
	case FormatMarkdown:
		return &batchMarkdown{}
	case FormatJUnit:
		return &batchJUnit{}
	case FormatNagios:
		return batchNagios{}
	}
	return nil
}
