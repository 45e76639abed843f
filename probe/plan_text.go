package probe

import (
	_ "embed"
	"strings"
	"text/template"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/wire"
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

//go:embed plan.tmpl
var planText string

// String is the plan as -v prints it.
func (p Plan) String() string {
	n := 0
	t := template.Must(template.New("plan").Funcs(template.FuncMap{
		"next":    func() int { n++; return n },
		"restart": func() string { n = 0; return "" },
	}).Parse(planText))
	c := p.config
	var b strings.Builder
	err := t.Execute(&b, map[string]any{
		"Config": c, "Questions": p.questions, "Logons": p.Logons, "Further": p.further, "LookUps": p.lookUps,
		"Domain": domainOf(c.FromAddress), "Path": ews.AutodiscoverPath, "Points": c.asksServicePoints(), "MostPoints": mostPoints,
		"Apart": c.Autodiscover != nil && c.URL != nil && !wire.SameHost(c.Autodiscover, c.URL),
	})
	if err != nil {
		return err.Error()
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
	binding := map[string]string{
		evidence.BindingRight: " with channel binding", evidence.BindingNone: " without channel binding",
		evidence.BindingForeign: " with a foreign channel binding", evidence.BindingZero: " with an all-zero channel binding",
	}[l.Binding]
	return what + binding + ", " + l.When.String() + cost
}
