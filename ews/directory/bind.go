package directory

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

// The BER library takes what length a server announces; an answer to a bind has
// some hundred bytes.
var limitAnswers = sync.OnceFunc(func() { ber.MaxPacketLengthBytes = longestMessage })

// Bind signs in by an LDAP simple bind inside TLS (RFC 4513 5.1.3) and returns
// the step. It is a use of the credential: the caller has asked the guard, and
// settle is told how it ended. A controller that cannot be reached, or whose
// certificate is not to be trusted, is never sent the password.
func (c *Client) Bind(ctx context.Context, settle ews.Settle) evidence.Item {
	item, s := c.signIn(ctx, settle)
	s.close()
	return item
}

// session is a connection on which a bind was accepted. It ends with the
// patience of its controller, whatever is asked on it.
type session struct {
	conn *ldap.Conn
	read *capped
	at   place
	ctx  context.Context // of the controller's patience
	end  func()
}

func (s *session) close() {
	if s != nil {
		s.conn.Close()
		s.end()
	}
}

// signIn is Bind that leaves the connection open where the bind was accepted;
// else the session is nil.
func (c *Client) signIn(ctx context.Context, settle ews.Settle) (evidence.Item, *session) {
	limitAnswers()
	controllers, missing := c.ldaps(ctx)
	if missing != nil {
		settle(evidence.Skipped)
		return *missing, nil
	}
	places, fail := c.addresses(ctx, controllers)
	item := evidence.Item{ID: c.Recorder.Begin(), Step: evidence.StepDirectoryBind, At: time.Now(), Error: fail}
	var open *session
	end := time.Now().Add(stepPatience)
	for _, p := range places {
		if item, open = c.bindAt(ctx, end, item.ID, p); !unreached(item.Error) || ctx.Err() != nil || time.Now().After(end) {
			break
		}
	}
	note := evidence.Logon{Scheme: evidence.SchemeLDAPS, Account: c.bindName(), Result: evidence.Unfinished}
	if item.Bind == nil {
		item.Bind = &evidence.Bind{}
	}
	switch b := item.Bind; {
	case item.Error != nil:
		b.Problem, b.Detail = unanswered(item, places)
		if note.Detail = b.Detail; len(places) == 0 || unreached(item.Error) || item.Error.Phase == "tls" {
			note.Result = evidence.Skipped
		}
	case *b.Result == ldap.LDAPResultSuccess:
		note.Result = evidence.Accepted
	case *b.Result == ldap.LDAPResultInvalidCredentials:
		note.Result = evidence.Refused
	default:
		b.Problem = evidence.Odd
		b.Detail = evidence.Say("bind-odd", *b.Result, resultName(*b.Result))
		note.Detail = b.Detail
	}
	note.Counted = settle(note.Result)
	item.Logon = &note
	return c.Recorder.Add(item), open
}

// unanswered says why a bind got no answer. That the check was stopped is no
// fault of the controller's.
func unanswered(item evidence.Item, places []place) (evidence.Problem, *evidence.Detail) {
	switch f := item.Error; {
	case f.Code == evidence.Interrupted:
		return "", evidence.Say("check-stopped")
	case len(places) == 0, unreached(f):
		return evidence.NoAnswer, evidence.Say("controller-unreached", f)
	case f.Phase == "tls":
		host := places[slices.IndexFunc(places, func(p place) bool { return p.address == item.Address })].host
		if f.Code == evidence.TLSUntrusted {
			return evidence.NoTLS, evidence.Say("controller-untrusted", host, f)
		}
		return evidence.NoTLS, evidence.Say("no-ldaps", host, item.Address, f)
	default:
		return evidence.NoAnswer, evidence.Say("bind-unanswered", f)
	}
}

func resultName(code int) string {
	if name, known := ldap.LDAPResultCodeMap[uint16(code)]; known {
		return name
	}
	return "unknown"
}

// bindName is the name to bind with. An LDAP server knows no domain by itself and
// no DNS name before a backslash: both become name@domain where the domain is
// known. NETBIOS\name stays, Active Directory reads it.
func (c *Client) bindName() string {
	user := c.Credential.User
	if before, name, down := strings.Cut(user, `\`); down && c.Domain != "" && strings.EqualFold(before, c.Domain) {
		user = name
	}
	if !strings.ContainsAny(user, `\@`) && c.Domain != "" {
		return user + "@" + c.Domain
	}
	return user
}

// bindAt binds at one place, before its own patience and the step's end are over.
func (c *Client) bindAt(ctx context.Context, end time.Time, id string, p place) (evidence.Item, *session) {
	item := evidence.Item{ID: id, Step: evidence.StepDirectoryBind, Address: p.address, At: time.Now()}
	if own := time.Now().Add(patience); own.Before(end) {
		end = own
	}
	ctx, cancel := context.WithDeadline(ctx, end)
	dialer := &wire.Dialer{Host: p.host, TLS: true, Extra: c.Extra, NotHTTP: true}
	stream, info, timing, fail := dialer.Stream(ctx, p.address)
	item.TLS, item.Timing, item.Error = info, timing, fail
	if fail != nil {
		cancel()
		return item, nil
	}
	little := &capped{Conn: stream}
	s := &session{conn: ldap.NewConn(little, true), read: little, at: p, ctx: ctx, end: cancel}
	s.conn.SetTimeout(stepPatience) // the context ends it earlier
	s.conn.Start()
	c.Recorder.Expose()
	start := time.Now()
	_, err := s.conn.SimpleBind(&ldap.SimpleBindRequest{Username: c.bindName(), Password: c.Credential.Password})
	item.Timing.Total = wire.Millis(time.Since(start))
	var answer *ldap.Error
	switch {
	case err == nil:
		item.Bind = &evidence.Bind{Result: new(ldap.LDAPResultSuccess)}
		return item, s
	case errors.As(err, &answer) && answer.ResultCode < ldap.ErrorNetwork:
		item.Bind = &evidence.Bind{Result: new(int(answer.ResultCode)), Message: c.message(answer)}
		if m := reasonData().FindStringSubmatch(item.Bind.Message); m != nil {
			item.Bind.Data = m[1]
		}
	default:
		item.Error = little.failure(ctx)
	}
	s.close()
	return item, nil
}

// capped is a connection from which no more is read than an answer can need,
// whatever number of messages it comes in.
type capped struct {
	net.Conn

	mu   sync.Mutex
	read int
	err  error // the first one
}

var errTooMuch = fmt.Errorf("more than %d bytes came", longestMessage)

func (b *capped) Read(p []byte) (int, error) {
	n, err := b.Conn.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.read += n; err == nil && b.read > longestMessage {
		n, err = 0, errTooMuch
	}
	if b.err == nil {
		b.err = err
	}
	return n, err
}

// failure is why no answer was read, by what the connection said: the library
// has words of its own for it.
func (b *capped) failure(ctx context.Context) *evidence.Failure {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return wire.Classify(ctx, "read", ctx.Err())
	case b.err != nil && !errors.Is(b.err, errTooMuch) && !errors.Is(b.err, net.ErrClosed):
		return wire.Classify(ctx, "read", b.err)
	}
	return evidence.Fail(evidence.Malformed, "read", "not-ldap")
}

// reasonData finds Active Directory's reason in the diagnostic message: it is
// the only place that has it.
var reasonData = evidence.Expression(`(?i)\bdata ([0-9a-f]{1,8})\b`)

// message is the server's text without the library's words around it.
func (c *Client) message(e *ldap.Error) string {
	if e.Err == nil {
		return ""
	}
	return strings.TrimRight(c.short(e.Err.Error(), 500), "\x00")
}
