package rule

import (
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// What goes into a command must not be able to change it: the names come from
// a server, or from a record that somebody sent.
var (
	serverName  = regexp.MustCompile(`^[A-Za-z0-9-]{1,15}$`)
	hostName    = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,252})$`)
	accountName = regexp.MustCompile(`^[\pL\pN._@\\-]+$`)
	plainURL    = regexp.MustCompile(`^[A-Za-z0-9/._:\[\]-]+$`)
	mailAddress = regexp.MustCompile(`^[\pL\pN._+@-]+$`)
)

func safe(value string, is *regexp.Regexp, instead string) string {
	if is.MatchString(value) {
		return value
	}
	return instead
}

// longestName is counted beside the expressions: in them it would be 256 copies
// of all letters, which cost every start of the program 9 MiB each.
const longestName = 256

func safeName(value string, is *regexp.Regexp, instead string) string {
	if utf8.RuneCountInString(value) > longestName {
		return instead
	}
	return safe(value, is, instead)
}

// fill puts names into the catalogue's remedies. The server is the one at the
// addresses that the finding is about: a command for another would mend nothing.
func (v *view) fill(remedies []finding.Remedy, addresses ...string) []finding.Remedy {
	t := v.rec.Target
	r := strings.NewReplacer(
		"{server}", safe(v.frontEnd(addresses), serverName, "<SERVER>"),
		"{host}", v.retarget(),
		"{user}", safeName(t.User, accountName, "<USER>"),
		"{mailbox}", safeName(t.Mailbox, mailAddress, "<MAILBOX>"),
	)
	var filled []finding.Remedy
	for _, m := range remedies {
		if t.Explain && strings.Contains(m.Command, " --explain-rejection ") && len(v.reasons()) > 0 {
			continue // done already, and answered
		}
		filled = append(filled, finding.Remedy{Text: r.Replace(m.Text), Command: r.Replace(m.Command), Link: m.Link})
	}
	return filled
}

// cases are those that remedies depend on.
func (v *view) cases() []finding.Case {
	if v.rec.Target.Impersonate && v.rec.Target.Mailbox != "" {
		return []finding.Case{finding.Impersonated}
	}
	return nil
}

// Fill puts names into a remedy of the catalogue for a report of many: a mailbox
// that stands for them, and the endpoint of t.
func Fill(remedy finding.Remedy, t evidence.Target, mailbox string) finding.Remedy {
	t.Mailbox = mailbox
	if mailbox == "" {
		t.Mailbox = "<MAILBOX>"
	}
	return arrange(&evidence.Record{Target: t}).fill([]finding.Remedy{remedy})[0]
}

// frontEnd is the name of the first server at one of the addresses, or at any if
// there are none.
func (v *view) frontEnd(addresses []string) string {
	for _, n := range v.nodes {
		if n.who.FrontEnd != "" && (len(addresses) == 0 || slices.Contains(addresses, n.address)) {
			return n.who.FrontEnd
		}
	}
	return ""
}

// retarget is the shortest argument of ewsprobe that leads back to the same
// endpoint.
func (v *view) retarget() string {
	if from := v.rec.Target.FromAddress; from != "" {
		// A host that Autodiscover named is not one that the user did.
		return safeName(from, mailAddress, "<MAILBOX>")
	}
	u, err := url.Parse(v.rec.Target.URL)
	if err != nil {
		return "<HOST>"
	}
	host := u.Hostname()
	if net.ParseIP(host) == nil && !hostName.MatchString(host) {
		return "<HOST>"
	}
	switch {
	case u.Scheme == "https" && strings.EqualFold(u.Path, "/EWS/Exchange.asmx"):
		return u.Host
	case u.Scheme == "https" && plainURL.MatchString(v.rec.Target.URL):
		return v.rec.Target.URL
	}
	return host
}
