package rule

import (
	"slices"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// What kept Kerberos and LDAPS from answering: each is a finding of its own,
// and the check of EWS goes on.

// trouble is the rule of what went no further at domain controllers, for one of the
// problems.
func trouble(confidence finding.Confidence, variant string, problems ...evidence.Problem) func(*view) *hit {
	return func(v *view) *hit {
		h := holds(confidence, variant, finding.Params{}, nil)
		for _, item := range v.directory {
			problem, why := stuck(item)
			if slices.Contains(problems, problem) && (item.Bind == nil || !v.onlySearched()) {
				h.cite(item)
				h.params.Errors = append(h.params.Errors, why)
			}
		}
		if len(h.evidence) == 0 {
			return nil
		}
		return h
	}
}

// stuck is the problem of an item, and in its own words.
func stuck(item *evidence.Item) (evidence.Problem, string) {
	switch {
	case item.Kerberos != nil:
		return item.Kerberos.Problem, item.Kerberos.Why
	case item.Bind != nil:
		return item.Bind.Problem, item.Bind.Why
	}
	return "", ""
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

func kdcUnreachable(v *view) *hit {
	variant := ""
	if slices.ContainsFunc(v.directory, spoke) {
		variant = "one-way"
	}
	return trouble(finding.Confirmed, variant, evidence.NoController, evidence.NoAnswer)(v)
}

// spoke says that a domain controller gave an answer, whatever it was.
func spoke(item *evidence.Item) bool {
	k, b := item.Kerberos, item.Bind
	return k != nil && (k.Error != "" || k.Unasked || k.EncType != "") || b != nil && b.Result != nil
}

// kerberosFailed is every other end of Kerberos without a sign-in: an error of
// the KDC that names no state of the account, no ticket for the service, a
// ticket that EWS refuses.
func kerberosFailed(v *view) *hit {
	if h := trouble(finding.Confirmed, "no-ticket", evidence.NoTicket, evidence.NoAES)(v); h != nil {
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
