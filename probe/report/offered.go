package report

import (
	"github.com/ewsprobe/ewsprobe/ews/challenge"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// offered are the names of the schemes an answer offers, as sent.
func offered(r *evidence.Response) []string {
	var names []string
	for _, c := range challenge.Parse(r.Header("WWW-Authenticate")) {
		names = append(names, c.Scheme)
	}
	return names
}
