package probe

import (
	"fmt"
	"net/url"
	"strings"

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

// String is the plan as -v prints it.
func (p Plan) String() string {
	var b strings.Builder
	if len(p.Discovery) > 0 {
		when := ", first"
		if p.EWSFirst {
			when = ", before a second scheme on EWS" // where EWS was named too
		}
		b.WriteString("plan, Autodiscover" + when + ":\n")
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
	binding := map[string]string{
		evidence.BindingRight: " with channel binding", evidence.BindingNone: " without channel binding",
		evidence.BindingForeign: " with a foreign channel binding", evidence.BindingZero: " with an all-zero channel binding",
	}[l.Binding]
	return what + binding + ", " + l.When.String() + cost
}

func refusals(n int) string {
	if n == 1 {
		return "1 refused logon"
	}
	return fmt.Sprintf("%d refused logons", n)
}

// planDiscovery lists what Autodiscover may be asked, none if it is not asked.
func planDiscovery(c Config) []string {
	named := c.Autodiscover
	if named == nil && c.FromAddress == "" {
		return nil
	}
	var lines []string
	if named != nil {
		lines = append(lines, "GET "+named.String()+"; costs no logon")
	} else {
		if c.asksServicePoints() {
			at := "a domain controller of " + c.Domain
			if c.Controller != "" {
				at = c.Controller
			}
			lines = append(
				lines, "LDAP inside TLS at "+at+": a bind, then a search for the service connection points of Autodiscover; costs 1 logon",
				"GET of at most "+fmt.Sprint(mostPoints)+" URLs that they name, https alone; costs no logon")
		}
		domain := domainOf(c.FromAddress)
		for _, prefix := range []string{"https://" + domain, "https://autodiscover." + domain, "http://autodiscover." + domain} {
			lines = append(lines, "GET "+prefix+ews.AutodiscoverPath+"; costs no logon")
		}
		lines = append(lines, "DNS: SRV _autodiscover._tcp."+domain+"; costs no logon")
	}
	lines = append(lines, "GET where redirects lead, at most 10, https alone; costs no logon")
	if !c.SendsPassword() {
		return append(lines, "GET of autodiscover.json, which names the mailbox; costs no logon")
	}
	where := ""
	switch {
	case c.FollowAutodiscover:
		where = "at each of these over https (--follow-autodiscover)"
	case named != nil:
		where = "at " + hostsOf(named, c.URL)
	default:
		where = "at hosts under " + domainOf(c.FromAddress)
		if c.asksServicePoints() && c.Domain != "" && c.Domain != domainOf(c.FromAddress) {
			where += " or " + c.Domain
		}
		where += " that answer as Exchange"
	}
	return append(lines, "POST with the credential by Basic if offered, else NTLM, "+where+"; costs 1 logon each")
}

func hostsOf(named, target *url.URL) string {
	if target == nil || wire.SameHost(named, target) {
		return named.Host
	}
	return named.Host + " and " + target.Host
}
