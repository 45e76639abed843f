// Package baseline reads the file in which an administrator accepts findings: a
// certificate that is to be renewed next month, a farm that is being rebuilt.
//
// An entry names a code, a reason and the last day on which it holds. An
// accepted finding stays in the report, says that it is accepted, why and until
// when, and no longer decides the status. What could not be determined cannot be
// accepted, and an entry without a reason or a day is none: a baseline must not
// become a way to forget. Package rule applies it.
//
//   - code: certificate-expiring
//     host: mail.contoso.com       # left out: on every host
//     mailbox: anna@contoso.com    # left out: for every mailbox
//     reason: renewed with ticket 4711
//     until: 2026-12-31
package baseline

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// most bounds the entries of a file and the length of a reason.
const (
	maxEntries = 1000
	maxReason  = 500
)

// Parse reads a baseline: YAML, or JSON, which is YAML too.
func Parse(text string) ([]evidence.Acceptance, error) {
	d := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	d.KnownFields(true)
	var entries []evidence.Acceptance
	if err := d.Decode(&entries); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("it has no entries; see `ewsprobe explain reports`")
		}
		found := regexp.MustCompile(`line (\d+): (?:field (\S+) not found)?`).FindStringSubmatch(err.Error())
		switch {
		case found == nil:
			return nil, errors.New("it is not a list of entries with code, host, mailbox, reason and until")
		case found[2] != "":
			return nil, fmt.Errorf("line %s: there is no key %s; use code, host, mailbox, reason and until", found[1], found[2])
		}
		return nil, fmt.Errorf("line %s: it is not a list of entries with code, host, mailbox, reason and until", found[1])
	}
	if err := d.Decode(&entries); !errors.Is(err, io.EOF) {
		return nil, errors.New("it has more than one document")
	}
	if len(entries) == 0 || len(entries) > maxEntries {
		return nil, fmt.Errorf("it has %d entries; 1 to %d are allowed", len(entries), maxEntries)
	}
	for i := range entries {
		if err := check(&entries[i]); err != nil {
			return nil, fmt.Errorf("entry %d: %w", i+1, err)
		}
	}
	return entries, nil
}

func check(e *evidence.Acceptance) error {
	e.Host = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(e.Host), "."))
	e.Mailbox, e.Reason = strings.TrimSpace(e.Mailbox), strings.TrimSpace(e.Reason)
	about, known := finding.HeadOf(finding.Code(e.Code))
	switch {
	case e.Code == "":
		return errors.New("the code is missing")
	case !known:
		return fmt.Errorf("there is no code %q; `ewsprobe explain` lists them", e.Code)
	case about.Status == finding.OK:
		return fmt.Errorf("%s is not a finding", e.Code)
	case about.Status == finding.Unknown:
		return fmt.Errorf("%s cannot be accepted: it means that something could not be determined", e.Code)
	case e.Reason == "":
		return fmt.Errorf("%s has no reason; give one, like reason: renewed with ticket 4711", e.Code)
	case len(e.Reason) > maxReason, strings.ContainsFunc(e.Reason, unicode.IsControl):
		return fmt.Errorf("the reason of %s must be one line of at most %d bytes", e.Code, maxReason)
	}
	odd := func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }
	if e.Mailbox != "" && (!strings.Contains(e.Mailbox, "@") || strings.ContainsFunc(e.Mailbox, odd)) {
		return fmt.Errorf("the mailbox of %s is not an email address", e.Code)
	}
	if _, err := time.Parse(time.DateOnly, e.Until); err != nil {
		return fmt.Errorf("%s needs the last day of its acceptance, like until: 2026-12-31", e.Code)
	}
	return nil
}

// Over are the entries of a baseline whose last day is over at a time, and which
// no other entry has taken the place of.
func Over(list []evidence.Acceptance, at time.Time) []evidence.Acceptance {
	var over []evidence.Acceptance
	for _, a := range list {
		replaced := slices.ContainsFunc(list, func(b evidence.Acceptance) bool {
			return !b.Over(at) && b.Code == a.Code && (b.Host == "" || b.Host == a.Host) &&
				(b.Mailbox == "" || strings.EqualFold(b.Mailbox, a.Mailbox))
		})
		if a.Over(at) && !replaced {
			over = append(over, a)
		}
	}
	return over
}
