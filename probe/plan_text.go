package probe

import (
	"fmt"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
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
		"only if EWS refuses the ticket; costs no logon",
	}[w]
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
	line := func(text string) {
		n++
		fmt.Fprintf(&b, "  %d. %s\n", n, text)
	}
	for _, q := range p.questions {
		line(q.words + "; costs no logon")
	}
	for _, l := range p.Logons {
		line(l.String())
	}
	for _, f := range p.further {
		line(f.words + "; reads only, on the connection that is signed in where it is kept")
	}
	if len(p.Logons) == 0 {
		b.WriteString("  no credential is sent\n")
	} else if p.Logons[0].Scheme != Bearer {
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

// String is the row as -v prints it.
func (l Logon) String() string {
	what, cost := l.by.words, "; costs 1 logon"
	if l.Scheme == Bearer {
		cost = "; costs no logon"
	}
	if l.When == ToCompare || l.When == TicketAgain {
		cost = "" // said by the condition
	}
	if l.When == ToCompare && l.OtherForm {
		what += " under another form of the name"
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
	return what + ", " + l.When.String() + cost
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
