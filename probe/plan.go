package probe

import (
	"context"
	_ "embed"
	"slices"
	"strings"
	"text/template"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/ews/signin"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

// Plan is what may be sent, in order, decided before anything is. What is printed
// is what is carried out: the run walks the same rows.
type Plan struct {
	config    Config
	questions []question
	Logons    []Logon
	further   []furtherCall // calls that may follow an accepted logon
	lookUps   []lookUp      // outside the network, beside the rest
}

// question is one that carries no credential.
type question struct {
	Words   string
	planned bool
	ask     func(context.Context, *node) // beside the first; nil: it is sent elsewhere
}

// Logon is one row: a use of the credential, and its condition.
type Logon struct {
	Method
	When
	planned bool
	wanted  func(*signIns) bool // how those before it went; nil: When says all
	by      *mechanism
}

// Method is what a logon presents.
type Method struct {
	Scheme    Scheme
	Binding   string // for Windows schemes: evidence.BindingRight, …
	OtherForm bool   // under the other form of the account's name
}

// Scheme of a planned logon. Windows stands for NTLM, or NTLM inside Negotiate
// where only that is offered or the profile says so; Ticket for Kerberos inside
// Negotiate, with what it takes to get the ticket; Directory for a bind at a
// domain controller; CurrentUser for whatever Windows makes of the logged-on
// user inside Negotiate or NTLM; Bearer for the
// token of an application.
type Scheme string

// Schemes of a plan.
const (
	Basic       Scheme = "Basic"
	Windows     Scheme = "NTLM"
	Ticket      Scheme = "Kerberos"
	Directory   Scheme = "LDAPS"
	CurrentUser Scheme = "current user"
	Bearer      Scheme = "Bearer"
)

// mechanism is how the rows of a scheme are carried out.
type mechanism struct {
	words   string // of the scheme in the plan
	offered func(*signIns) (name string, offered bool)
	way     func(t *signIns, name string) signin.Way
	send    func(t *signIns, ctx context.Context, l Logon, name string)
}

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
	// TicketAgain: EWS refused a ticket that no password was used for. Nothing else
	// can show whether the binding is what it refuses.
	TicketAgain
)

// questions are what is asked without a credential.
func (c Config) questions() []question {
	https := c.URL == nil || c.URL.Scheme == "https"
	// A connection that ends without an answer may be a rule against the request or a
	// fault: asking once more tells which.
	bearer := func(ctx context.Context, n *node) {
		if n.bearer = n.client.EmptyBearer(ctx, n.userAgent); ews.Lost(n.bearer) {
			n.bearer = n.client.EmptyBearer(ctx, n.userAgent)
		}
	}
	challenge := func(ctx context.Context, n *node) {
		if front.OnlineHost(n.Config.URL.Hostname()) {
			return
		}
		if n.handshake = signin.ByNTLM("NTLM").Begin(ctx, n.client, n.userAgent); ews.Lost(n.handshake.Item) {
			n.handshake = signin.ByNTLM("NTLM").Begin(ctx, n.client, n.userAgent)
		}
	}
	explained := c.Explain && c.SendsPassword()
	return slices.DeleteFunc([]question{
		{"POST without a credential: which schemes are offered", true, nil},
		{"POST with an empty Bearer token: OAuth, tenant", https, bearer},
		{"NTLM type 1: names, build, clock; names no account", https, challenge},
		{"after a refusal: Kerberos AS-REQ without pre-authentication to a domain controller, does the account exist", explained, nil},
	}, func(q question) bool { return !q.planned })
}

// logons are the uses of the credential: a new mechanism, or a new comparison,
// is a row here. A row that is planned is printed, and sent once where what came
// before makes it wanted.
func (c Config) logons() []Logon {
	const right, none, foreign, zero = evidence.BindingRight, evidence.BindingNone, evidence.BindingForeign, evidence.BindingZero
	const accepted, refused, skipped, unfinished = evidence.Accepted, evidence.Refused, evidence.Skipped, evidence.Unfinished
	byPassword := func(_ *signIns, name string) signin.Way { return signin.ByPassword(name) }
	basic := &mechanism{"Basic", offers("Basic"), byPassword, (*signIns).spend}
	windows := &mechanism{"NTLM", (*signIns).windowsScheme, byPassword, (*signIns).spend}
	ticket := &mechanism{"Kerberos", offers("Negotiate"), nil, (*signIns).signInByTicket}
	bySSPI := func(t *signIns, name string) signin.Way {
		return signin.ByCurrentUser(name, t.Config.spn(), t.Config.openContext())
	}
	sspi := "the logged-on user by SSPI (Windows chooses NTLM or Kerberos)"
	user := &mechanism{sspi, (*signIns).windowsScheme, bySSPI, (*signIns).spendCurrentUser}
	directory := &mechanism{words: "LDAP bind inside TLS at a domain controller", send: (*signIns).askDirectory}

	token := &mechanism{"Bearer with the token", (*signIns).offersBearer, nil, (*signIns).sendToken}

	password := c.SendsPassword()
	ntlmFirst := c.ntlmFirst()
	return slices.DeleteFunc([]Logon{
		{Method{Bearer, "", false}, IfOffered, c.sendsToken(), nil, token},
		{Method{CurrentUser, right, false}, IfOffered, c.sendsCredentials() && c.CurrentUser, nil, user},
		{Method{Ticket, right, false}, ByTicket, c.sendsCredentials() && !c.CurrentUser && c.withKey(), nil, ticket},
		{Method{Ticket, none, false}, TicketAgain, c.sendsCredentials() && !c.CurrentUser && c.withKey(), func(t *signIns) bool {
			return t.was(Ticket, right, refused) && t.account.ShowAgain()
		}, ticket},
		{Method{Basic, "", false}, IfOffered, password && !ntlmFirst, nil, basic},
		{Method{Windows, right, false}, IfOffered, password && ntlmFirst, nil, windows},
		{Method{Directory, "", false}, ToReason, password && c.Explain, func(t *signIns) bool {
			return t.refused && !t.provedAside || t.account.Standing().Remembered()
		}, directory},
		{Method{Windows, right, false}, ToProve, password && !ntlmFirst, func(t *signIns) bool {
			// An unanswered Basic has nothing that NTLM could explain.
			return !t.offersScheme("Basic") || t.was(Basic, "", accepted, refused, skipped)
		}, windows},
		{Method{Ticket, right, false}, ByTicket, password && c.usesTicket(), func(t *signIns) bool {
			inside := t.Config.ProfileAuth == ProfileNegotiate || !t.offersScheme("NTLM")
			return t.was(Windows, right, refused) || t.was(Windows, right, unfinished) && inside
		}, ticket},
		{Method{Basic, "", false}, ToExplain, password && ntlmFirst, func(t *signIns) bool { return t.was(Windows, right, refused) }, basic},
		{Method{Basic, "", true}, ToRename, password && !ntlmFirst, func(t *signIns) bool {
			return t.renames() && t.was(Windows, right, "") && !t.account.Proved() && !strings.Contains(t.Config.User, "@")
		}, basic},
		{Method{Windows, none, false}, WithoutBinding, password, func(t *signIns) bool {
			return t.was(Windows, right, refused) && !t.offersScheme("Basic") && !t.account.Proved()
		}, windows},
		{Method{Basic, "", true}, ToCompare, password, func(t *signIns) bool { return t.renames() && t.account.Proved() }, basic},
		{Method{Windows, none, false}, ToCompare, password, func(t *signIns) bool {
			// Where Basic works and NTLM with its binding too, no finding needs to
			// know more, and the time is the user's.
			return t.was(Windows, none, "") && (t.was(Windows, right, refused) || t.was(Windows, right, accepted) && !t.was(Basic, "", accepted))
		}, windows},
		{Method{Windows, foreign, false}, ToCompare, password, func(t *signIns) bool {
			return t.was(Windows, right, accepted) && t.was(Windows, none, accepted)
		}, windows},
		{Method{Windows, zero, false}, ToCompare, password, func(t *signIns) bool {
			// An all-zero binding can differ from none only where bindings are
			// looked at and none is demanded.
			answered := t.was(Windows, right, accepted, refused) && t.was(Windows, none, accepted)
			return answered && (t.was(Windows, right, refused) || t.was(Windows, foreign, refused))
		}, windows},
	}, func(l Logon) bool { return !l.planned })
}

// NewPlan lists what the check may send.
func NewPlan(c Config) Plan {
	p := Plan{config: c, questions: c.questions(), Logons: c.logons(), lookUps: c.lookUps()}
	if c.asksEntra() {
		p.lookUps = append(p.lookUps, c.tokenRequest())
	}
	if len(p.Logons) > 0 && !c.sendsToken() {
		p.further = c.furtherCalls()
	}
	return p
}

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
		"Domain": domainOf(c.FromAddress), "Path": ews.AutodiscoverPath, "Points": c.asksServicePoints(), "MostPoints": maxPoints,
		"NTLMFirst": c.ntlmFirst(),
		"Apart":     c.Autodiscover != nil && c.URL != nil && !wire.SameHost(c.Autodiscover, c.URL),
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
