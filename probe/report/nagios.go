package report

import (
	"fmt"
	"strings"
)

// Nagios is the line that a monitoring system reads: status and words, then,
// behind the bar, performance data (Monitoring Plugins Development Guidelines,
// "Plugin Output for Nagios"). A bar in the words would begin the data early.
func (r Report) Nagios() string {
	words := strings.ReplaceAll(Clean(r.Verdict.Summary, textLimit), "|", "/")
	return fmt.Sprintf("EWS %s - %s %s | time=%dms;;;0\n", strings.ToUpper(string(r.Verdict.Status)), r.Verdict.Code, words, max(r.DurationMS, 0))
}
