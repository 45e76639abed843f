package entra

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

// Transport connects to hosts outside the network.
type Transport struct {
	wire.Outside
	UserAgent string
}

// Open connects to the host of u and notes the handshake.
func (t Transport) Open(ctx context.Context, u *url.URL, item *evidence.Item) (*wire.Conn, *evidence.Failure) {
	opened, fail := t.Outside.Open(ctx, u)
	item.TLS, item.Timing = opened.TLS, opened.Timing
	return opened.Conn, fail
}

// Keep writes down an answer without its body, and of its headers those that
// explain it.
func Keep(answer wire.Answer, fail *evidence.Failure, item *evidence.Item) {
	item.Timing, item.Error = answer.Timing, fail
	if answer.Closed {
		item.ClosedBy = "server"
	}
	if answer.Response == nil {
		return
	}
	r := *answer.Response
	r.Headers = slices.DeleteFunc(slices.Clone(r.Headers), func(h [2]string) bool { return !told(h[0]) })
	if len(answer.Body) > 0 {
		r.Withheld = evidence.Say(evidence.WhyLookupNotKept).String()
	}
	item.Response = &r
}

// told says whether a header of an answer is written down: those that explain
// it, and the identifiers by which Microsoft's support finds it. Never a cookie.
func told(header string) bool {
	return slices.ContainsFunc([]string{
		"Location", "WWW-Authenticate", "Content-Type", "Retry-After", "Date", "Server", "Via",
		"request-id", "client-request-id", "x-ms-request-id", "x-ms-service-request-id", "REQ_ID",
	}, func(name string) bool { return strings.EqualFold(name, header) })
}

// longest is what is kept of one text of a service, in characters.
const longest = 300

// Short bounds a text and makes it valid.
func Short(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if r := []rune(s); len(r) > longest {
		return string(r[:longest]) + "…"
	}
	return s
}
