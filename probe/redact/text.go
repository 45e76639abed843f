package redact

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// free is a text in the words of a server, of Dynamics or of a user. Of it stays
// what is known to name nobody: codes, and the words that alerts are known by.
// The rest is one placeholder.
func (r *Redactor) free(kind, s string) string {
	if isPlaceholder(s) {
		return s
	}
	placeholder := known().find["end"].FindString(s) // of a text that was redacted before
	if placeholder == "" {
		reason := kind == "reason" && listed("reasons", strings.ToLower(s))
		if reason || kind == "kdc-text" && isKDCText(s) || kind == "label" && listed("labels", s) {
			return s
		}
		placeholder = r.unknown(s)
	} else {
		placeholder = r.whole("text", "[text-%d]", placeholder)
	}
	return strings.TrimSpace(strings.Join(harmless(kind, s), " … ") + " " + placeholder)
}

// harmless are the pieces of a text that name nobody, each once: codes of HTTP,
// of EWS, of Entra, names of .NET's own exceptions. A number stays only where it
// cannot be part of an address, or an address in another spelling.
func harmless(kind, s string) []string {
	var kept []string
	keep := func(piece string) {
		if !slices.ContainsFunc(kept, func(k string) bool { return strings.EqualFold(k, piece) }) {
			kept = append(kept, piece)
		}
	}
	for rest := s; ; {
		m := known().find["codes"].FindStringSubmatchIndex(rest)
		if m == nil {
			break
		}
		keep(rest[m[2]:m[3]])
		rest = rest[m[3]:]
	}
	if kind == "alert" {
		_, by := finding.AlertsIn(s)
		for _, f := range by {
			keep(f)
		}
	}
	return kept
}

// isKDCText: the e-text of MIT's and Microsoft's KDCs is of a few words, by which
// a state of the account is told.
func isKDCText(s string) bool {
	words := strings.FieldsFunc(s, func(c rune) bool { return c == ' ' || c == '_' })
	const known = " CLIENT LOCKED OUT REVOKED KEY EXPIRED REQUIRED PWCHANGE NEEDED PREAUTH FAILED NOT FOUND LOOKING UP SERVER POLICY PASSWORD "
	return len(words) > 0 && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(known, " "+strings.ToUpper(w)+" ") })
}

// line is a line of this program's own in which what has the form of a name is
// replaced, what is quoted, why a baseline accepts a finding (the user's prose),
// and each name that was met.
func (r *Redactor) line(s string) string {
	expression := known().find["pieces"]
	names := expression.SubexpNames()
	if m := known().find["reason"].FindStringSubmatchIndex(s); m != nil {
		return r.line(s[:m[2]]) + r.unknown(s[m[2]:m[3]]) + r.line(s[m[3]:])
	}
	return replaceGroups(expression, s, func(group int, piece string) string { return r.piece(names[group], piece) })
}

func replaceGroups(e *regexp.Regexp, s string, change func(group int, piece string) string) string {
	var b strings.Builder
	at := 0
	for _, m := range e.FindAllStringSubmatchIndex(s, -1) {
		for group := 1; 2*group < len(m); group++ {
			if m[2*group] >= 0 {
				b.WriteString(s[at:m[0]])
				b.WriteString(change(group, s[m[0]:m[1]]))
				at = m[1]
				break
			}
		}
	}
	return b.String() + s[at:]
}

func (r *Redactor) piece(kind, s string) string {
	switch kind {
	case "url":
		trimmed := strings.TrimRight(s, ".,;:!?])}")
		return r.url(trimmed) + s[len(trimmed):]
	case "quoted":
		return r.quoted(s)
	case "mail", "account":
		return r.user(s)
	case "path":
		return r.whole("path", "[path-%d]", s)
	case "guid":
		return r.tenant(s)
	case "sid":
		return r.whole("sid", "[sid-%d]", s)
	case "six":
		if _, err := netip.ParseAddrPort(s); err == nil {
			return r.endpoint(s)
		}
		if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
			return r.ip(a)
		}
	case "host":
		if name, _, _ := strings.Cut(s, ":"); !listed("ownFiles", strings.ToLower(name)) && !isVersion(name) {
			return r.endpoint(s)
		}
	case "word":
		return r.knownWord(s)
	}
	return s
}

// quoted is a text in quotes, which somebody gave: a name of a column that
// Dynamics gives stays.
func (r *Redactor) quoted(s string) string {
	bare := strings.Trim(s, `"`)
	if listed("ownFiles", strings.ToLower(bare)) || isPlaceholder(bare) {
		return s
	}
	change := r.knownWord(bare)
	if change == bare {
		if change = r.line(bare); change == bare || strings.Contains(bare, " ") {
			change = strings.TrimSpace(strings.Join(harmless("text", bare), " … ") + " " + r.unknown(bare))
		}
	}
	return `"` + change + `"`
}

// knownWord is a word's placeholder, if it was met as a name.
func (r *Redactor) knownWord(s string) string {
	for _, table := range []string{"host", "nt", "account", "agent", "certificate", "profile", "path"} {
		if p, ok := r.met(table, s); ok {
			return p
		}
	}
	return s
}

// isVersion: numbers with dots that are no address.
func isVersion(s string) bool {
	_, err := netip.ParseAddr(s)
	return err != nil && strings.Trim(s, "0123456789.") == ""
}
