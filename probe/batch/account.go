package batch

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/signin"
	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/lockout"
	"github.com/ewsprobe/ewsprobe/probe/rule"
)

// accountOf is the account that a pool signs in with. What is no password is not
// remembered as one.
func accountOf(c probe.Config, by *signin.SessionPool) *lockout.Account {
	if by.Way.Traits.Secret != signin.Password {
		c.Password = ""
	}
	return c.Account()
}

// share lets the workers use an account that the endpoint's check has proved.
func share(c probe.Config, by *signin.SessionPool) *lockout.Shared {
	return accountOf(c, by).Share(c.URL, !by.Way.Traits.EachRequest)
}

// counted is the budget of one logon for which the account gave a pass.
type counted struct {
	account    *lockout.Shared
	pass       *lockout.Pass
	unfinished bool
}

// Begin implements signin.Budget.
func (*counted) Begin() *evidence.Detail { return nil }

// End implements signin.Budget. What was not decided is told to the account when
// it is known who has not answered.
func (c *counted) End(r evidence.Result) (counts bool) {
	if c.unfinished = r == evidence.Unfinished; c.unfinished {
		return false
	}
	return c.account.End(c.pass, r, false)
}

// signIn makes a call with a sign-in before it.
func (w *worker) signIn(ctx context.Context, q ews.Question, p *lockout.Pass) evidence.Item {
	c := &counted{account: w.account, pass: p}
	item := w.session.SignIn(ctx, q, c)
	if c.unfinished {
		w.account.End(p, evidence.Unfinished, silent(item))
	}
	w.account.SignedIn(p)
	return item
}

// silent says that nobody has answered a call, or only a gateway that got no
// answer itself. A server that asks for patience has answered.
func silent(item evidence.Item) bool {
	r := item.Response
	if r == nil || r.CutShort {
		return kindOf(item) != stopped
	}
	switch r.Status {
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return true
	case http.StatusServiceUnavailable:
		_, asked := ews.Unavailable(r)
		return !asked
	}
	return false
}

// ended makes what remains of an account's rows not checked, after its account must not be
// used any more.
func (s *workerPool) ended(d *lockout.Denial) {
	judge := rule.NotChecked
	if d.Reason == lockout.LimitReached {
		judge = rule.Refused
	}
	s.skipRest(judge, s.why(d))
}

// why is that denial in words.
func (s *workerPool) why(d *lockout.Denial) string {
	const clock = "15:04:05 UTC"
	at := d.At.UTC().Format(clock)
	switch d.Reason {
	case lockout.LimitReached:
		return fmt.Sprintf("the %s was accepted at first and then refused %s, the last time at %s%s; "+
			"nothing more is sent for the account (--max-rejections %d)",
			s.pool.Way.Traits.Secret, times(d.Count), at, s.refuser(), d.Max)
	case lockout.NoAnswer:
		return fmt.Sprintf("%d logons in a row got no answer, the last at %s; nothing more is sent for the account", d.Count, at)
	}
	return d.String()
}

// refuser names the front end that sent the last refusal, and what it offers where the
// scheme that was used is not among it: then one of several servers is set up otherwise,
// and the account is not to blame.
func (s *workerPool) refuser() string {
	item := s.refusal.Load()
	if item == nil {
		return ""
	}
	if redact := s.evaluator.redact; redact != nil {
		item = &redact(evidence.Record{Started: s.evaluator.started, Target: s.target, Items: []evidence.Item{*item}}).Items[0]
	}
	switch name, offers := rule.Refuser(item); {
	case name == "":
		return ""
	case len(offers) == 0:
		return " by " + name
	default:
		return fmt.Sprintf(" by %s, which offers %s and not %s, as others behind the name do",
			name, strings.Join(offers, ", "), item.Logon.Scheme)
	}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
