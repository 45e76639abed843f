package standin

import (
	"slices"
	"time"
)

// Scenario is a server, how the real check is run against it, and what the check
// must find.
type Scenario struct {
	Name, Title string
	Behaviour   Behaviour
	Check       Check
	Expect      Expect
}

// Check is how the real check is run against a scenario.
type Check struct {
	User, Password string // without a User: --no-credentials
	ProfileAuth    string // "" means basic
	Mailbox        string
	Impersonate    bool
	Insecure       bool
	NoCA           bool // the server's CA is not given as trusted
	View           string
	Timeout        time.Duration // 0 is the program's own
	PlainHTTP      bool          // the URL begins with http://
	EachNode       bool          // the address of every node is given
	Explain        bool          // --explain-rejection, at the server's own domain controller
	Profile        string        // content of the exported Dynamics profile, "" none
	Cloud          bool          // look-ups outside the network are made, in the behaviour's cloud
	Dynamics       bool          // the organisation in that cloud is asked for its tenant
	Tenant         string        // Dynamics' tenant is given
	Token          string        // a token for Graph is given
	Secret         string        // of the application that gets a token for Graph in Tenant
	Autodiscover   bool          // --autodiscover names the stand-in's
	ByAddress      bool          // TARGET is Mailbox, and EWS has to be found by Autodiscover
}

// Expect is what the check must find, and what it may cost the account.
type Expect struct {
	Code, Status string
	Cause        int // of KB 3212785, 0 for none
	MaxBadLogons int
	Causes       string // the statuses of the six causes, by a space; "" is not looked at
}

// The words of Expect.Status.
const (
	statusOK       = "ok"
	statusWarning  = "warning"
	statusCritical = "critical"
	statusUnknown  = "unknown"
)

// Scenarios returns all scenarios in the order in which to show them.
func Scenarios() []Scenario {
	return slices.Concat(
		basicScenarios(),
		credentialScenarios(),
		explainScenarios(),
		bindingScenarios(),
		handshakeScenarios(),
		frontScenarios(),
		unavailableScenarios(),
		transportScenarios(),
		mailboxScenarios(),
		profileScenarios(),
		addressScenarios(),
		codeScenarios(),
		policyScenarios(),
		autodiscoverScenarios(),
		hazardScenarios(),
		cloudScenarios(),
	)
}

// Find returns the scenario of the given name.
func Find(name string) (Scenario, bool) {
	for _, s := range Scenarios() {
		if s.Name == name {
			return s, true
		}
	}
	return Scenario{}, false
}

// Behaviours that most scenarios start from. Extended Protection is off in them,
// so that a client without channel bindings gets the same answers.
var (
	everyScheme = Behaviour{Negotiate: true, NTLM: true, Basic: true}
	windowsOnly = Behaviour{Negotiate: true, NTLM: true} // Exchange as installed
	basicOnly   = Behaviour{Basic: true}
)

// Checks that most scenarios are run with.
var (
	goodCheck      = Check{User: UPN, Password: Password}
	wrongCheck     = Check{User: UPN, Password: WrongPassword}
	ntlmCheck      = Check{User: UPN, Password: Password, ProfileAuth: "ntlm"}
	negotiateCheck = Check{User: UPN, Password: Password, ProfileAuth: "negotiate"}
	explainCheck   = Check{User: UPN, Password: Password, Explain: true}
	oauthCheck     = Check{ProfileAuth: "oauth"}
)

// but returns a behaviour with a change. A copy is changed, not the original.
func (b Behaviour) but(change func(*Behaviour)) Behaviour {
	change(&b)
	return b
}

// but returns a check with a change.
func (c Check) but(change func(*Check)) Check {
	change(&c)
	return c
}

// impersonating is a check that reaches a mailbox by impersonation, delegated one
// that opens it with the account's own rights.
func impersonating(mailbox string) Check {
	return goodCheck.but(func(c *Check) { c.Mailbox, c.Impersonate = mailbox, true })
}

func delegated(mailbox string) Check {
	return goodCheck.but(func(c *Check) { c.Mailbox = mailbox })
}

func ok() Expect { return Expect{Code: "ok", Status: statusOK} }

func warning(code string) Expect { return Expect{Code: code, Status: statusWarning} }

func critical(code string) Expect { return Expect{Code: code, Status: statusCritical} }

func unknown(code string) Expect { return Expect{Code: code, Status: statusUnknown} }

// ofCause names the cause of KB 3212785.
func (e Expect) ofCause(number int) Expect {
	e.Cause = number
	return e
}

// saying names the statuses of all six causes.
func (e Expect) saying(causes string) Expect {
	e.Causes = causes
	return e
}

// costing allows bad logons.
func (e Expect) costing(badLogons int) Expect {
	e.MaxBadLogons = badLogons
	return e
}
