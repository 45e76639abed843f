package signin

import (
	"net/url"
	"sync/atomic"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/secret"
	"github.com/ewsprobe/ewsprobe/ews/wire"
	"github.com/ewsprobe/ewsprobe/soap"
)

// SessionPool makes sessions that carry call after call for one account, signed
// in as a check was.
type SessionPool struct {
	URL          *url.URL
	Dialer       *wire.Dialer
	Addresses    []string // IP:port, the preferred first
	ConnectLimit time.Duration
	Credential   ews.Credential
	Vault        func() *secret.Vault // a new one that knows the credential
	Shared       *secret.Vault        // in its place one for all sessions, where their secret is the same and large: a token
	Follow       func(evidence.Item)  // is told each item; nil: nobody is. Several sessions call it at a time

	Way                Way // of the accepted logon
	Binding, UserAgent string

	// Instead are the same by NTLM, where these are by Basic and NTLM was accepted
	// too; else nil.
	Instead *SessionPool

	at    atomic.Int64 // which address is in use
	parse soap.ParseCache
	known secret.Known // texts that hold no secret
	own   string       // the server's identifier of the account's own inbox; "" not known
}

// Session returns a new one, not connected yet.
func (p *SessionPool) Session() *Session {
	s := &Session{way: p.Way, userAgent: p.UserAgent, binding: p.Binding, hurried: true, pool: p, vault: p.vault()}
	return s
}

func (p *SessionPool) vault() *secret.Vault {
	if p.Shared != nil {
		return p.Shared
	}
	v := p.Vault()
	v.Share(&p.known)
	return v
}

// LeaveAddress leaves an address that cannot be connected to.
func (p *SessionPool) LeaveAddress(from string) {
	at := p.at.Load()
	if len(p.Addresses) > 1 && p.Addresses[int(at)%len(p.Addresses)] == from {
		p.at.CompareAndSwap(at, at+1)
	}
}

// client is what a check would use at this address, with a recorder for one call.
func (p *SessionPool) client(vault *secret.Vault) *ews.Client {
	c := &ews.Client{
		URL: p.URL, Address: p.Addresses[int(p.at.Load())%len(p.Addresses)], Dialer: p.Dialer, Recorder: ews.NewRecorder(vault, p.Follow),
		Credential: p.Credential, ConnectLimit: p.ConnectLimit, Parsed: &p.parse, Cookies: &wire.Cookies{},
	}
	c.Recorder.Brief = true
	c.Recorder.KnowFolder(p.own)
	return c
}

// learn remembers the account's own inbox, so that answers about it are known
// again: it is folder-1 in every item from then on. It is asked for before there
// is more than one session.
func (p *SessionPool) learn(q ews.Question, r *ews.Recorder) {
	if own := r.FirstFolder(); q.Purpose == evidence.OwnInbox && own != "" {
		p.own = own
	}
}
