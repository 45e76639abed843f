package signin

import (
	"bytes"
	"context"
	"sync"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/ntlm"
	"github.com/ewsprobe/ewsprobe/ews/spnego"
)

// SecurityContext makes the tokens of one sign-in on one connection by itself:
// SSPI on Windows has the logged-on user's secret and never shows it. It is used
// by one goroutine at a time.
type SecurityContext interface {
	// Next answers the server's token, nil at the beginning, with the one to
	// send. done says that no further token of the server's is expected.
	Next(server []byte) (token []byte, done bool, err error)
	Close()
}

// OpenContext opens a security context of the logged-on user for a service.
// scheme is the package's name (Negotiate, NTLM), spn the service principal
// name, endPoint the tls-server-end-point data of the connection, nil for no
// channel binding. OpenSSPI is one.
type OpenContext func(scheme, spn string, endPoint []byte) (SecurityContext, error)

// currentUser carries the tokens of a security context and looks at them from
// outside: which mechanism it is, and whether it holds a credential.
type currentUser struct {
	scheme, spn string
	open        OpenContext
	endPoint    []byte // what the binding is made of, nil for none

	mu        sync.Mutex // held while the package works
	context   SecurityContext
	abandoned bool // the package was not waited for
}

// ByCurrentUser is the way of the user who runs the program. Windows chooses
// between NTLM and Kerberos.
func ByCurrentUser(scheme, spn string, open OpenContext) Way {
	return way(Traits{Scheme: scheme, Secret: LoggedOnUser}, func(ews.Credential) Mechanism {
		u := &currentUser{scheme: scheme, spn: spn, open: open}
		return Mechanism{u.next, u.close}
	})
}

// contextResult is what a security context made of the server's token.
type contextResult struct {
	token []byte
	done  bool
	err   error
}

// next is that of a Mechanism. The package is not waited for longer than the check
// lasts: it may ask a domain controller, and takes the time it wants.
func (u *currentUser) next(ctx context.Context, on *Channel, server []byte) (Message, error) {
	if server == nil {
		u.endPoint = on.EndPoint()
	}
	answer := make(chan contextResult, 1)
	go func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		answer <- u.ask(server)
	}()
	var m contextResult
	select {
	case m = <-answer:
	case <-ctx.Done():
		u.abandoned = true
		return Message{}, tokenError{evidence.Say("token-timeout")}
	}
	if m.err != nil || len(m.token) == 0 {
		return Message{}, m.err
	}
	message := tokenMessage(u.scheme, m.token)
	message.Binding, message.last = u.bindingOf(m.token), m.done
	return message, nil
}

func (u *currentUser) ask(server []byte) contextResult {
	if u.context == nil {
		opened, err := u.open(u.scheme, u.spn, u.endPoint)
		if err != nil {
			return contextResult{err: err}
		}
		u.context = opened
	}
	token, done, err := u.context.Next(server)
	if err == nil && !done && len(token) == 0 {
		err = tokenError{evidence.Say("token-missing")}
	}
	return contextResult{token, done, err}
}

// bindingOf is the binding that a token carries. A type 3 shows what the security
// package really sent: given no binding, Windows announces sixteen zeros.
func (u *currentUser) bindingOf(token []byte) string {
	if t, err := spnego.Read(token); ntlm.Type(token) == 0 && err == nil {
		token = t.ResponseToken
	}
	if ntlm.Type(token) == ntlm.TypeAuthenticate {
		switch sent := ntlm.SentBinding(token); {
		case sent == nil:
			return evidence.BindingNone
		case bytes.Equal(sent, ntlm.ZeroBinding()):
			return evidence.BindingZero
		case u.endPoint == nil || !bytes.Equal(sent, ntlm.ChannelBinding(u.endPoint)):
			return evidence.BindingForeign
		}
	}
	if u.endPoint == nil {
		return evidence.BindingNone
	}
	return evidence.BindingRight
}

func (u *currentUser) close() {
	end := func() {
		u.mu.Lock()
		defer u.mu.Unlock()
		if u.context != nil {
			u.context.Close()
			u.context = nil
		}
	}
	if u.abandoned {
		go end()
		return
	}
	end()
}
