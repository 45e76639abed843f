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
	MaxRejections int
}

// Logon is one planned use of the credential.
type Logon struct {
	Scheme  Scheme
	Binding string // for Windows schemes: evidence.BindingRight, …
	When    When
}

// Scheme of a planned logon. Windows stands for NTLM, or raw NTLM inside
// Negotiate where only that is offered or the profile says so.
type Scheme string

// Schemes of a plan.
const (
	Basic   Scheme = "Basic"
	Windows Scheme = "NTLM"
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
)

func (w When) String() string {
	return [...]string{
		"if offered",
		"then, if offered: proves the password, or tells a refused password from a refusing scheme",
		"only if the profile's scheme is refused",
		"only if NTLM is refused and Basic is not offered: tells Extended Protection from a wrong password",
		"only with a password already accepted; refusals do not count",
	}[w]
}

// comparisons is how many logons a run may spend on comparing, once the
// password is proved.
const comparisons = 3

// NewPlan lists what the check may send.
func NewPlan(c Config) Plan {
	p := Plan{Anonymous: []string{"POST without a credential: which schemes are offered"}, MaxRejections: c.MaxRejections}
	p.Discovery, p.EWSFirst = planDiscovery(c), c.FromAddress == ""
	if c.URL != nil && c.URL.Scheme != "https" {
		return p
	}
	p.Anonymous = append(p.Anonymous, "POST with an empty Bearer token: OAuth, tenant", "NTLM type 1: names, build, clock; names no account")
	if !c.sendsCredentials() {
		return p
	}
	right, none, foreign := evidence.BindingRight, evidence.BindingNone, evidence.BindingForeign
	switch c.ProfileAuth {
	case ProfileNTLM, ProfileNegotiate:
		p.Logons = []Logon{{Windows, right, IfOffered}, {Basic, "", ToExplain}}
	default:
		p.Logons = []Logon{{Basic, "", IfOffered}, {Windows, right, ToProve}}
	}
	p.Logons = append(p.Logons,
		Logon{Windows, none, WithoutBinding},
		Logon{Windows, none, ToCompare},
		Logon{Windows, foreign, ToCompare})
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
		switch l.Binding {
		case evidence.BindingRight:
			what += " with channel binding"
		case evidence.BindingNone:
			what += " without channel binding"
		case evidence.BindingForeign:
			what += " with a foreign channel binding"
		}
		cost := "; costs 1 logon"
		if l.When == ToCompare {
			cost = "" // said by the condition
		}
		line("%s, %s%s", what, l.When, cost)
	}
	if len(p.Logons) == 0 {
		b.WriteString("  no credential is sent\n")
	} else {
		fmt.Fprintf(&b, "  at most %s for the account in this run, all schemes and addresses together\n", refusals(p.MaxRejections))
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
