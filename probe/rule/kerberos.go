package rule

import (
	"fmt"
	"slices"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// What kept Kerberos and LDAPS from answering: each is a finding of its own,
// and the check of EWS goes on.

// troubled returns the items at domain controllers with one of the problems.
func (v *view) troubled(problems ...evidence.Problem) []*evidence.Item {
	var list []*evidence.Item
	for _, item := range v.directory {
		if k := item.Kerberos; k != nil && slices.Contains(problems, k.Problem) {
			list = append(list, item)
		} else if b := item.Bind; b != nil && slices.Contains(problems, b.Problem) && !v.onlySearched() {
			list = append(list, item)
		}
	}
	return list
}

// onlySearched: the directory was asked for service connection points and not for
// a reason. Not every domain speaks LDAPS, and the ladder has other rungs: that it
// is closed is told with the steps of Autodiscover and is no finding.
func (v *view) onlySearched() bool {
	return !v.rec.Target.Explain && slices.ContainsFunc(v.discovery, func(i *evidence.Item) bool { return i.Step == evidence.StepAutodiscoverSCP })
}

// withoutTicket is what kept a run without a password from its ticket.
func (v *view) withoutTicket() *evidence.Item {
	if s := v.rec.Target.Ticket; s != "keytab" && s != "ccache" {
		return nil
	}
	for _, item := range v.directory {
		if k := item.Kerberos; k != nil && k.Why != "" {
			return item
		}
	}
	return nil
}

// words are the problem of an item in its own words.
func words(item *evidence.Item) string {
	if item.Kerberos != nil {
		return item.Kerberos.Why
	}
	return item.Bind.Why
}

// trouble makes a finding of the first item and names the others in the detail.
func trouble(items []*evidence.Item, confidence finding.Confidence, summary string) *hit {
	if len(items) == 0 {
		return nil
	}
	h := &hit{confidence: confidence, summary: fmt.Sprintf("%s: %s", summary, words(items[0]))}
	for i, item := range items {
		h.evidence = append(h.evidence, item.ID)
		if i > 0 {
			h.detail += " "
		}
		h.detail += sentence(words(item)) + "."
	}
	return h
}

func kdcUnreachable(v *view) *hit {
	silent := v.troubled(evidence.NoController, evidence.NoAnswer)
	if slices.ContainsFunc(v.directory, spoke) {
		h := trouble(silent, finding.Confirmed, "One way to ask a domain controller is closed")
		if h != nil {
			h.detail += " Another one was open: what was said there stands."
		}
		return h
	}
	h := trouble(silent, finding.Confirmed, "No domain controller could be asked")
	if h != nil {
		h.detail += " So the reason of a refusal, or a ticket, could not be had; what EWS itself answered is not touched by this."
	}
	return h
}

// spoke says that a domain controller gave an answer, whatever it was.
func spoke(item *evidence.Item) bool {
	k, b := item.Kerberos, item.Bind
	return k != nil && (k.Error != "" || k.Unasked || k.EncType != "") || b != nil && b.Result != nil
}

func kdcUntrusted(v *view) *hit {
	h := trouble(v.troubled(evidence.Dishonest), finding.Likely, "A domain controller gave an answer that does not verify")
	if h != nil {
		h.detail += " It was not used. A device that answers in place of the controller, a wrong realm and an attack look the same."
	}
	return h
}

func ldapsFailed(v *view) *hit {
	return trouble(v.troubled(evidence.NoTLS, evidence.Odd), finding.Confirmed, "The directory could not be asked over LDAPS")
}

func keytabUnusable(v *view) *hit {
	return trouble(v.troubled(evidence.NoKey), finding.Confirmed, "The keytab cannot be used")
}

func ticketExpired(v *view) *hit {
	return trouble(v.troubled(evidence.TicketExpired), finding.Confirmed, "The Kerberos ticket has expired")
}

// kerberosFailed is every other end of Kerberos without a sign-in: an error of
// the KDC that names no state of the account, no ticket for the service, a
// ticket that EWS refuses.
func kerberosFailed(v *view) *hit {
	if h := trouble(v.troubled(evidence.NoTicket, evidence.NoAES), finding.Confirmed, "No Kerberos ticket"); h != nil {
		return h
	}
	for _, item := range v.directory {
		k := item.Kerberos
		if k == nil || k.Error == "" || item.Step == evidence.StepKDCAsk {
			continue
		}
		if item.Step == evidence.StepKDCLogon && kdcReason(item) != "" {
			continue // credentials-rejected says it
		}
		h := &hit{confidence: finding.Confirmed, evidence: []string{item.ID}}
		h.summary = fmt.Sprintf("Kerberos goes no further: %s", kdcSaid(k))
		h.detail = fmt.Sprintf("The KDC at %s answered %s.", item.Address, kdcSaid(k))
		switch k.Error {
		case "KDC_ERR_S_PRINCIPAL_UNKNOWN":
			h.summary = fmt.Sprintf("The domain knows no service %s", k.Service)
			h.detail += fmt.Sprintf(" No account of the domain holds the service principal name %s, so nobody gets a Kerberos ticket for EWS under this name; Windows clients then go on with NTLM.", k.Service)
		case "KRB_AP_ERR_SKEW":
			h.detail += " The clocks of this machine and the domain controller are too far apart for Kerberos."
		case "KDC_ERR_ETYPE_NOSUPP":
			h.detail += " The account or the service has no AES key (old passwords have none until they are set anew), and older ciphers are not used here."
		case "KDC_ERR_CLIENT_REVOKED":
			h.detail += " The account is disabled, locked, expired or outside its logon hours."
		}
		return h
	}
	for _, n := range v.nodes {
		item := n.kerberos()
		if result(item) != evidence.Refused || result(n.unboundTicket()) == evidence.Accepted {
			continue // in the second case it is extended-protection
		}
		h := &hit{confidence: finding.Undetermined, evidence: []string{item.ID}}
		h.summary = fmt.Sprintf("%s refuses the Kerberos ticket of %s", v.at(n), item.Logon.Account)
		h.detail = fmt.Sprintf("The KDC gave a ticket and EWS refused it (HTTP %d). %s", item.Logon.Status, ticketLookalikes)
		return h
	}
	return nil
}

// ticketLookalikes is what a refused ticket may mean: the account is in order,
// else there would be none.
const ticketLookalikes = "From here these look the same: the service principal name is held by another account than the one that runs EWS (a duplicate or missing SPN, an alternate service account that is not rolled out to this server); a clock that is off; Extended Protection behind a device that re-encrypts TLS; a Negotiate that takes NTLM only."

func preauthOff(v *view) *hit {
	for _, item := range v.directory {
		k := item.Kerberos
		if k == nil || !k.Unasked {
			continue
		}
		return &hit{
			confidence: finding.Confirmed, evidence: []string{item.ID},
			summary: fmt.Sprintf("%s needs no Kerberos pre-authentication: anybody can ask for material to guess its password offline", k.Principal),
			detail:  fmt.Sprintf("The KDC at %s answered a request without pre-authentication with a reply that is encrypted with a key made from the password. It was dropped unread.", item.Address),
		}
	}
	return nil
}
