package report

import (
	"fmt"
	"io"
	"iter"
	"strings"
)

// batchNagios is the line that a monitoring system reads, with the counts as
// performance data.
type batchNagios struct{}

func (batchNagios) Row(Row) ([]byte, error) { return nil, nil }

func (batchNagios) Write(w io.Writer, s Summary, _ iter.Seq2[[]byte, error]) error {
	words := s.Counts()
	for _, more := range append(s.notices(), s.worst()) {
		if more != "" {
			words += "; " + strings.TrimSuffix(more, ".")
		}
	}
	words = strings.ReplaceAll(Clean(words, textLimit), "|", "/")
	_, err := fmt.Fprintf(w, "EWS %s - %s %s | time=%dms;;;0 rows=%d;;;0", strings.ToUpper(string(s.Status())), s.code(), words, max(s.DurationMS, 0), s.Reported+s.Resumed)
	for _, status := range worstFirst {
		if err == nil {
			_, err = fmt.Fprintf(w, " %s=%d;;;0", status, s.ByStatus[string(status)])
		}
	}
	if err == nil {
		_, err = io.WriteString(w, "\n")
	}
	return err
}
