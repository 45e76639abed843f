package report

import (
	"fmt"
	"io"
	"iter"
	"math"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// nagios is the line that a monitoring system reads.
func nagios(r Report, _ Style) ([]byte, error) {
	line := monitored(r.Verdict.Status, r.Verdict.Code, r.Verdict.Summary, r.DurationMS)
	used := 0
	for _, a := range r.Attempts {
		if a.Counted {
			used++
		}
	}
	line += fmt.Sprintf(" logons_used=%d;;;0", used)
	if c := r.Server.Certificate; c != nil {
		if until, err := time.Parse(time.RFC3339, c.NotAfter); err == nil {
			line += fmt.Sprintf(" days_to_expiry=%d;%d:;0:", int(math.Floor(until.Sub(r.Started).Hours()/24)), r.Target.CertWarnDays)
		}
	}
	return []byte(line + "\n"), nil
}

// monitored is status and words, then, behind the bar, performance data (Monitoring
// Plugins Development Guidelines, "Plugin Output for Nagios"). A bar in the words
// would begin the data early.
func monitored(status finding.Status, code finding.Code, words string, ms int64) string {
	words = strings.ReplaceAll(Clean(words, textLimit), "|", "/")
	return fmt.Sprintf("EWS %s - %s %s | time=%dms;;;0", strings.ToUpper(string(status)), code, words, max(ms, 0))
}

// nagiosBatch is such a line about a batch, with the counts as performance data.
type nagiosBatch struct{}

func (*nagiosBatch) row(Row) ([]byte, error) { return nil, nil }

func (*nagiosBatch) write(w io.Writer, s Summary, _ iter.Seq2[[]byte, error]) error {
	words := s.Counts()
	for _, more := range append(s.Notices(), s.Worst()) {
		if more != "" {
			words += "; " + strings.TrimSuffix(more, ".")
		}
	}
	line := monitored(s.Status(), s.Code(), words, s.DurationMS) + fmt.Sprintf(" rows=%d;;;0", s.Handled())
	for _, status := range finding.WorstFirst() {
		line += fmt.Sprintf(" %s=%d;;;0", status, s.ByStatus[string(status)])
	}
	_, err := io.WriteString(w, line+"\n")
	return err
}
