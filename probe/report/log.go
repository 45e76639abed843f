package report

import (
	"fmt"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// LogLimit is how many characters a line of the log has at most.
const LogLimit = 500

// Log is an item as lines of the log that -v writes while a check goes on; with
// wire also what was sent and what came back. Items come cleaned of secrets; what a
// server wrote is made harmless here.
func Log(item evidence.Item, wire bool) []string {
	l := LegOf(item)
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
	line := func(mark, format string, args ...any) {
		lines = append(lines, Clean("     "+mark+" "+fmt.Sprintf(format, args...), LogLimit))
	}
	if t := item.TLS; t != nil && t.Certificate != nil {
		c := t.Certificate
		line("*", "%s, %s, certificate %s of %s, SHA-256 %s", t.Version, t.CipherSuite, c.Subject, c.Issuer, c.SHA256)
	}
	if r := item.Request; r != nil {
		line(">", "%s %s", r.Method, r.URL)
		line(">", "User-Agent: %s", r.UserAgent)
		for _, h := range r.Headers {
			line(">", "%s: %s", h[0], h[1])
		}
		if r.Authorization != "" {
			line(">", "Authorization: [%s]", r.Authorization)
		}
		if r.BodyBytes > 0 {
			line(">", "[%s, %d bytes]", r.Operation, r.BodyBytes)
		}
	}
	r := item.Response
	if r == nil {
		return lines
	}
	line("<", "%s %d %s", r.Proto, r.Status, r.Reason)
	for _, h := range r.Headers {
		line("<", "%s: %s", h[0], h[1])
	}
	switch {
	case r.Withheld != "":
		line("<", "[%d bytes; %s]", r.BodyBytes, r.Withheld)
	case r.Body != "":
		line("<", "%s", r.Body)
	}
	return lines
}
