package finding

import (
	"slices"
	"strings"
	"testing"
)

// TestCallers: every caller is found by each of its signs beside a fault of a connection, in order, and what is said
// for a fault is of an alert that there is.
func TestCallers(t *testing.T) {
	const fault = " (connection refused)"
	for _, who := range callers().Who {
		for _, text := range append([]string{who.Meaning}, who.Says...) {
			checkPlain(t, text)
			checkNames(t, text)
		}
		if who.Look != "" {
			checkCommand(t, strings.Replace(who.Look, "outlook.office365.com", "{host}", 1))
		}
		for _, group := range who.Any {
			words := slices.Clone(group)
			for i, f := range words {
				words[i], _, _ = strings.Cut(strings.TrimLeft(f, "="), "|")
			}
			found := alertsByCaller(strings.Join(words, " ") + fault)
			if len(found) == 0 || !slices.ContainsFunc(found, func(a Alert) bool {
				return a.Key == who.Key && a.Next == "" && who.Alone == (len(a.Says) == 0)
			}) {
				t.Errorf("%s is not found by %q: %+v", who.Key, group, found)
			}
		}
	}
	for _, w := range callers().What {
		checkPlain(t, w.Says)
		checkNames(t, w.Says)
		for _, key := range w.Keys {
			if !slices.ContainsFunc(alertRules(), func(r alertRule) bool { return r.Key == key && len(r.Codes) > 0 }) {
				t.Errorf("no alert is %s", key)
			}
		}
	}
	// A fault in front of an Exchange server stays what it is.
	for _, text := range []string{
		"The underlying connection was closed: An unexpected error occurred on a send.",
		"Unable to connect to the remote server https://mail.contoso.com/EWS/Exchange.asmx",
		"Email Server Error Code: Web server returned ConnectFailure exception. https://contoso.crm4.dynamics.com",
	} {
		if found := alertsByCaller(text); len(found) != 1 || found[0].Next == "" {
			t.Errorf("%q: %+v", text, found)
		}
	}
}
