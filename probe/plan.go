package probe

import (
	"fmt"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Plan is what may be sent, in order, decided before anything is.
type Plan struct {
	Discovery     []string // what Autodiscover is asked
	EWSFirst      bool     // the first logon on EWS comes before it
	Anonymous     []string // legs that carry no credential
	Logons        []Logon
	Further       []string // calls that may follow an accepted logon
	MaxRejections int
	LookUps       []string // outside the network, beside the rest
}

// Logon is one planned use of the credential.
type Logon struct {
	Scheme  Scheme
	Binding string // for Windows schemes: evidence.BindingRight, …
	When    When
}

// Scheme of a planned logon. Windows stands for NTLM, or NTLM inside Negotiate
// where only that is offered or the profile says so; Ticket for Kerberos inside
// Negotiate, with what it takes to get the ticket; Directory for a bind at a
// domain controller; CurrentUser for whatever Windows makes of the logged-on
// user inside Negotiate or NTLM.
type Scheme string

// Schemes of a plan.
const (
	Basic       Scheme = "Basic"
	Windows     Scheme = "NTLM"
	Ticket      Scheme = "Kerberos"
	Directory   Scheme = "LDAPS"
	CurrentUser Scheme = "current user"
)

// When is the condition under which a planned logon is sent.
type When int

// Conditions, as the contract's order of sending has them.
const (
	// IfOffered: the profile's own scheme.
	IfOffered When = iota
	// ToProve: a second scheme, to prove the password or to tell a refused
	// password from a scheme that refuses.
	ToProve
	// ToExplain: only after the profile's scheme was refused.
	ToExplain
	// WithoutBinding: NTLM was refused with its binding and Basic is not
	// offered, so nothing else can tell Extended Protection from a wrong
	// password.
	WithoutBinding
	// ToCompare: the password is proved; a refusal costs nothing.
	ToCompare
	// ToReason: a logon was refused, and a domain controller may say why
	// (--explain-rejection).
	ToReason
	// ByTicket: Negotiate is offered and NTLM inside it is not taken, or the
	// password was not given but a key or a ticket.
	ByTicket
	// ToRename: the name was not given as a UPN, Basic refuses it and nothing
	// else can prove the password.
	ToRename
)

func (w When) String() string {
	return [...]string{
		"if offered",
		"then, if offered: proves the password, or tells a refused password from a refusing scheme",
		"only if the profile's scheme is refused",
		"only if NTLM is refused and Basic is not offered: tells Extended Protection from a wrong password",
		"only with a password already accepted; refusals do not count",
		"only after a refusal: a domain controller names the reason",
		"inside Negotiate, where NTLM is not taken there: a ticket from the domain's KDC",
		"under the name as UPN, only if Basic refuses the name as given and no other scheme is offered",
	}[w]
}

// NewPlan lists what the check may send.
func NewPlan(c Config) Plan {
	p := Plan{Anonymous: []string{"POST without a credential: which schemes are offered"}, MaxRejections: c.MaxRejections, LookUps: describe(c.lookUps())}
	p.Discovery, p.EWSFirst = planDiscovery(c), c.FromAddress == ""
	if c.URL != nil && c.URL.Scheme != "https" {
		return p
	}
	p.Anonymous = append(p.Anonymous, "POST with an empty Bearer token: OAuth, tenant", "NTLM type 1: names, build, clock; names no account")
	if !c.sendsCredentials() {
		return p
	}
	right, none, foreign, zero := evidence.BindingRight, evidence.BindingNone, evidence.BindingForeign, evidence.BindingZero
	if c.CurrentUser {
		p.Logons = []Logon{{CurrentUser, right, IfOffered}}
		p.Further = furtherCalls(c)
		return p
	}
	if c.withKey() {
		p.Logons = []Logon{{Ticket, right, ByTicket}}
		p.Further = furtherCalls(c)
		return p
	}
	add := func(l ...Logon) { p.Logons = append(p.Logons, l...) }
	explain := func() {
		if c.Explain {
			p.Anonymous = append(p.Anonymous, "after a refusal: Kerberos AS-REQ without pre-authentication to a domain controller, does the account exist")
			add(Logon{Directory, "", ToReason})
		}
	}
	ticket := func() {
		if c.usesTicket() {
			add(Logon{Ticket, right, ByTicket})
		}
	}
	switch c.ProfileAuth {
	case ProfileNTLM, ProfileNegotiate:
		add(Logon{Windows, right, IfOffered})
		explain()
		ticket()
		add(Logon{Basic, "", ToExplain})
	default:
		add(Logon{Basic, "", IfOffered})
		explain()
		add(Logon{Windows, right, ToProve})
		ticket()
		add(Logon{Basic, "", ToRename})
	}
	add(
		Logon{Windows, none, WithoutBinding},
		Logon{Basic, "", ToCompare},
		Logon{Windows, none, ToCompare},
		Logon{Windows, foreign, ToCompare},
		Logon{Windows, zero, ToCompare})
	p.Further = furtherCalls(c)
	return p
}

// String is the plan as -v prints it.
func (p Plan) String() string {
	var b strings.Builder
	if len(p.Discovery) > 0 {
		b.WriteString("plan, Autodiscover" + p.discoveryWhen() + ":\n")
		for i, d := range p.Discovery {
			fmt.Fprintf(&b, "  %d. %s\n", i+1, d)
		}
	}
	b.WriteString("plan, at each address:\n")
	n := 0
	line := func(format string, args ...any) {
		n++
		fmt.Fprintf(&b, "  %d. "+format+"\n", append([]any{n}, args...)...)
	}
	for _, a := range p.Anonymous {
		line("%s; costs no logon", a)
	}
	for _, l := range p.Logons {
		what := string(l.Scheme)
		switch {
		case l.Scheme == Basic && l.When == ToCompare:
			what = "Basic under another form of the name"
		case l.Scheme == Directory:
			what = "LDAP bind inside TLS at a domain controller"
		case l.Scheme == CurrentUser:
			what = "the logged-on user by SSPI (Windows chooses NTLM or Kerberos)"
		}
		switch l.Binding {
		case evidence.BindingRight:
			what += " with channel binding"
		case evidence.BindingNone:
			what += " without channel binding"
		case evidence.BindingForeign:
			what += " with a foreign channel binding"
		case evidence.BindingZero:
			what += " with an all-zero channel binding"
		}
		cost := "; costs 1 logon"
		if l.When == ToCompare {
			cost = "" // said by the condition
		}
		line("%s, %s%s", what, l.When, cost)
	}
	for _, f := range p.Further {
		line("%s; reads only, on the connection that is signed in where it is kept", f)
	}
	if len(p.Logons) == 0 {
		b.WriteString("  no credential is sent\n")
	} else {
		fmt.Fprintf(&b, "  at most %s for the account within 60 minutes, all runs, schemes and addresses together\n", refusals(p.MaxRejections))
	}
	if len(p.LookUps) > 0 {
		b.WriteString("outside the network, beside it, without the account:\n")
		for _, l := range p.LookUps {
			b.WriteString("  - " + l + "\n")
		}
	}
	return b.String()
}

// discoveryWhen: where EWS was named too, Autodiscover is asked before a second
// scheme on EWS.
func (p Plan) discoveryWhen() string {
	if p.EWSFirst {
		return ", before a second scheme on EWS"
	}
	return ", first"
}

func refusals(n int) string {
	if n == 1 {
		return "1 refused logon"
	}
	return fmt.Sprintf("%d refused logons", n)
}
