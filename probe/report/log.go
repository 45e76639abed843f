package report

import (
	"fmt"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// LogLimit is how many characters a line of the log has at most.
const LogLimit = 500

// Log is an item as lines of the log that -v writes while a check goes on; with
// wire also what was sent and what came back. Items come cleaned of secrets; what a
// server wrote is made harmless here.
func Log(item evidence.Item, wire bool) []string {
	l := StepOf(item)
	whom := l.Whom
	if r := item.Request; r != nil && r.Purpose != "" {
		whom += ", " + r.Operation
	}
	if logon := item.Logon; logon != nil && logon.Binding != "" {
		l.Back += ", channel binding " + logon.Binding
	}
	if l.Took != "" {
		l.Back += " (" + l.Took + ")"
	}
	lines := []string{Clean(fmt.Sprintf("%-4s %-15s %s: %s", l.ID, l.Step, whom, l.Back), LogLimit)}
	if !wire {
		return lines
	}
	for _, line := range linesOf("wire", Harmless(item)) {
		lines = append(lines, Clean("     "+strings.TrimSpace(line), LogLimit))
	}
	return lines
}
