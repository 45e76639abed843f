package ews

import (
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// What the services outside the network have in common.

// Refused notes in the facts of a look-up that its answer is an error.
func Refused(f *evidence.Cloud, status int, code, message string) {
	f.Code, f.Message, f.Detail = code, message, evidence.Say("answered", status)
	if code != "" {
		f.Detail = evidence.Say("answered-code", status, code)
	}
}

// ODataText is a string of OData 4.01 (ABNF, string): a quote is doubled.
func ODataText(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// ODataTime is a time as OData writes it, nil for what is none.
func ODataTime(s string) *time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return nil
	}
	return new(t.UTC())
}
