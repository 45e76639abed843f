package entra

import (
	"context"
	"sync"
	"time"
)

// Source has one token for all who need it: it asks when the first needs it, and
// again when that one is near its end. It is safe for concurrent use.
type Source struct {
	request func(context.Context) *Token // nil: the token was brought, and there is no other

	mu    sync.Mutex
	asked time.Time
	token *Token
}

// NewSource is a source of what request brings; nil is a token that there is none.
func NewSource(request func(context.Context) *Token) *Source { return &Source{request: request} }

// Fixed is a source of a token that was brought.
func Fixed(t *Token) *Source { return &Source{token: t, asked: time.Now()} }

// Renewal: a token is not used any more when a fifth of its life is left, at most
// latestRenewal; after a request that brought nothing, another is made so much
// later.
const (
	latestRenewal = 5 * time.Minute
	requestPause  = time.Minute
)

// Token is the token to use now, nil where there is none.
func (s *Source) Token(ctx context.Context) *Token { return s.TokenBy(ctx, s.request) }

// TokenBy is Token by a request of the caller's own.
func (s *Source) TokenBy(ctx context.Context, request func(context.Context) *Token) *Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token == nil && s.asked.IsZero() || s.token.nearEnd(time.Now()) && time.Since(s.asked) > min(requestPause, s.token.life()/10) {
		s.ask(ctx, request)
	}
	return s.token
}

// Renew is a token other than the one that was refused as expired, nil where
// there is none: whoever comes first asks for it.
func (s *Source) Renew(ctx context.Context, refused *Token) *Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token == refused {
		s.ask(ctx, s.request)
	}
	if s.token == refused {
		return nil
	}
	return s.token
}

// ask keeps the token that there is where no other comes.
func (s *Source) ask(ctx context.Context, request func(context.Context) *Token) {
	if request == nil {
		return
	}
	if t := request(ctx); t != nil {
		s.token = t
	}
	s.asked = time.Now()
}

// life is how long the token is good for from its issue, 0 not known.
func (t *Token) life() time.Duration {
	if t == nil || t.Ends.IsZero() {
		return 0
	}
	return t.Ends.Sub(t.issued)
}

func (t *Token) nearEnd(now time.Time) bool {
	life := t.life()
	return life != 0 && t.Ends.Sub(now) < min(life/5, latestRenewal)
}
