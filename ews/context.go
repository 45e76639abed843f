package ews

import (
	"context"
	"encoding/base64"
	"sync"

	"github.com/ewsprobe/ewsprobe/ews/challenge"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/ntlm"
	"github.com/ewsprobe/ewsprobe/ews/spnego"
)

// A security context makes the tokens of a sign-in by itself: SSPI on Windows
// has the logged-on user's secret and never shows it. Here a token is only
// carried and looked at from outside: which mechanism it is, and whether it
// holds a credential.

// SecurityContext makes the tokens of one sign-in on one connection. It is used
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

// made is what a security context made of the server's token.
type made struct {
	token []byte
	done  bool
	err   error
}

// tokens asks a security context without waiting for it longer than the check
// lasts: a package may ask a domain controller, and takes the time it wants.
type tokens struct {
	open func() (SecurityContext, error)

	mu        sync.Mutex // held while the package works
	context   SecurityContext
	abandoned bool // the package was not waited for
}

// errNoTokenInTime is made when it is needed.
func errNoTokenInTime() error { return tokenError{evidence.Say(evidence.WhyTokenTimeout)} }

// next is the token that follows the server's.
func (t *tokens) next(ctx context.Context, server []byte) made {
	answer := make(chan made, 1)
	go func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		answer <- t.ask(server)
	}()
	select {
	case m := <-answer:
		return m
	case <-ctx.Done():
		t.abandoned = true
		return made{err: errNoTokenInTime()}
	}
}

func (t *tokens) ask(server []byte) made {
	if t.context == nil {
		opened, err := t.open()
		if err != nil {
			return made{err: err}
		}
		t.context = opened
	}
	token, done, err := t.context.Next(server)
	if err == nil && !done && len(token) == 0 {
		err = tokenError{evidence.Say(evidence.WhyTokenMissing)}
	}
	return made{token, done, err}
}

func (t *tokens) close() {
	end := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.context != nil {
			t.context.Close()
			t.context = nil
		}
	}
	if t.abandoned {
		go end()
		return
	}
	end()
}

// outside is a client's token as it looks from outside.
type outside struct {
	ntlm      []byte // the NTLM message in it
	wrapped   bool   // inside SPNEGO
	mechanism string // evidence.MechanismNTLM and its like; "" it does not say
}

func lookAt(token []byte) outside {
	if ntlm.Type(token) != 0 {
		return outside{ntlm: token, mechanism: evidence.MechanismNTLM}
	}
	t, err := spnego.Read(token)
	if err != nil {
		return outside{}
	}
	if ntlm.Type(t.ResponseToken) != 0 {
		return outside{ntlm: t.ResponseToken, wrapped: true, mechanism: evidence.MechanismNTLM}
	}
	// In a NegTokenInit the token is of the mechanism offered first.
	return outside{wrapped: !t.Bare, mechanism: string(t.Mech)}
}

// credential: all but an NTLM type 1 may hold what signs in.
func (o outside) credential() bool { return ntlm.Type(o.ntlm) != ntlm.TypeNegotiate }

// described is what the record says of the token.
func (o outside) described(scheme string) string {
	inside := ""
	if o.wrapped {
		inside = " inside SPNEGO"
	}
	switch {
	case !o.credential():
		return scheme + ", NTLM type 1" + inside
	case o.ntlm != nil:
		return scheme + ", NTLM type 3" + inside + ", value not kept"
	case o.mechanism == evidence.MechanismKerberos:
		return scheme + ", Kerberos AP-REQ, value not kept"
	case o.mechanism != "":
		return scheme + ", a token of " + o.mechanism + ", value not kept"
	}
	return scheme + ", a token, value not kept"
}

// hideToken makes known what of a token may not be seen if a server repeats it.
func (c *Client) hideToken(o outside, token []byte) {
	if o.ntlm != nil {
		c.Recorder.vault.AddMark(o.ntlm[:12])
		for _, proof := range ntlm.Proofs(o.ntlm) {
			c.Recorder.Hide(proof)
		}
		return
	}
	c.hideTicket(token)
}

// serverToken is the token of a 401 under the scheme, nil for none.
func serverToken(r *evidence.Response, scheme string) []byte {
	for _, offer := range challenge.Parse(r.Header("WWW-Authenticate")) {
		if !offer.Is(scheme) || offer.Token == "" {
			continue
		}
		if raw, err := base64.StdEncoding.DecodeString(offer.Token); err == nil && len(raw) > 0 {
			return raw
		}
	}
	return nil
}
