package rule

import (
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
	return !v.rec.Target.Explain && slices.ContainsFunc(v.discovery, func(i *evidence.Item) bool {
		return i.Step == evidence.StepAutodiscoverSCP
	})
}

// withoutTicket is what kept a run without a password from its ticket.
func (v *view) withoutTicket() *evidence.Item {
	if s := v.rec.Target.Ticket; s != "keytab" && s != "ccache" {
		return nil
	}
	return first(v.directory, func(item *evidence.Item) bool { return item.Kerberos != nil && item.Kerberos.Why != "" })
}

// words are the problem of an item in its own words.
func words(item *evidence.Item) string {
	if item.Kerberos != nil {
		return item.Kerberos.Why
	}
	return item.Bind.Why
}

// trouble makes a finding of items that went no further; nil: there are none.
func trouble(items []*evidence.Item, confidence finding.Confidence, variant string) *hit {
	if len(items) == 0 {
		return nil
	}
	h := holds(confidence, variant, finding.Params{}, items)
	for _, item := range items {
		h.params.Errors = append(h.params.Errors, words(item))
	}
	return h
}

func kdcUnreachable(v *view) *hit {
	variant := ""
	if slices.ContainsFunc(v.directory, spoke) {
		variant = "one-way"
	}
	return trouble(v.troubled(evidence.NoController, evidence.NoAnswer), finding.Confirmed, variant)
}

// spoke says that a domain controller gave an answer, whatever it was.
func spoke(item *evidence.Item) bool {
	k, b := item.Kerberos, item.Bind
	return k != nil && (k.Error != "" || k.Unasked || k.EncType != "") || b != nil && b.Result != nil
}

func kdcUntrusted(v *view) *hit {
	return trouble(v.troubled(evidence.Dishonest), finding.Likely, "")
}

func ldapsFailed(v *view) *hit {
	return trouble(v.troubled(evidence.NoTLS, evidence.Odd), finding.Confirmed, "")
}

func keytabUnusable(v *view) *hit {
	return trouble(v.troubled(evidence.NoKey), finding.Confirmed, "")
}

func ticketExpired(v *view) *hit {
	return trouble(v.troubled(evidence.TicketExpired), finding.Confirmed, "")
}

// kerberosFailed is every other end of Kerberos without a sign-in: an error of
// the KDC that names no state of the account, no ticket for the service, a
// ticket that EWS refuses.
func kerberosFailed(v *view) *hit {
	if h := trouble(v.troubled(evidence.NoTicket, evidence.NoAES), finding.Confirmed, "no-ticket"); h != nil {
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
		h := confirmed("", finding.Params{Address: item.Address, KDC: *k, Service: k.Service}, item)
		if k.Error == "KDC_ERR_S_PRINCIPAL_UNKNOWN" {
			h.variant = "no-service"
		}
		return h
	}
	for _, n := range v.nodes {
		item := n.kerberos()
		if result(item) != evidence.Refused || result(n.unboundTicket()) == evidence.Accepted {
			continue // in the second case it is extended-protection
		}
		return unsure("refused", finding.Params{At: v.at(n), Account: item.Logon.Account, Status: item.Logon.Status}, item)
	}
	return nil
}

func preauthOff(v *view) *hit {
	for _, item := range v.directory {
		k := item.Kerberos
		if k == nil || !k.Unasked {
			continue
		}
		return confirmed("", finding.Params{Account: k.Principal, Address: item.Address}, item)
	}
	return nil
}
