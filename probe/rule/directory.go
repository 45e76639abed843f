package rule

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// What the domain controllers say of the account. HTTP has one answer for every
// reason to refuse; LDAP and Kerberos have many.

// Values of verdict.reason that a rule speaks of.
const (
	unknownUser   = "unknown-user"
	wrongPassword = "wrong-password"
	locked        = "locked"
	disabled      = "disabled"
	mustChange    = "must-change-password"
	undetermined  = "undetermined"
)

// controllerAnswer is one controller's word for why the account is refused.
type controllerAnswer struct {
	reason string
	item   *evidence.Item
}

// reasons are the words of all controllers asked, in the order asked. A KDC
// that says no more than "exists" is among them with the reason "".
func (v *view) reasons() []controllerAnswer {
	var all []controllerAnswer
	for _, item := range v.directory {
		switch {
		case item.Bind != nil && result(item) == evidence.Refused:
			reason := finding.ReasonOf(item.Bind.Data, "", "")
			if reason == unknownUser && v.onlySearched() && !v.inAskedDomain() {
				continue // this machine's own domain need not be the account's
			}
			all = append(all, controllerAnswer{reason, item})
		case item.Kerberos != nil && item.Kerberos.Error != "" && item.Step != evidence.StepTicket:
			all = append(all, controllerAnswer{kdcReason(item), item})
		}
	}
	return all
}

// kdcReason is the state that an answer of a KDC names.
func kdcReason(item *evidence.Item) string {
	k := item.Kerberos
	if k.Error == "KDC_ERR_PREAUTH_FAILED" && item.Step != evidence.StepKDCLogon {
		return "" // it was shown no password
	}
	if r := finding.ReasonOf("", k.NTStatus, ""); r != "" {
		return r
	}
	text := strings.ToUpper(k.Text)
	switch {
	case k.Error == "KDC_ERR_CLIENT_REVOKED" && strings.Contains(text, "LOCKED"):
		// MIT's KDC says CLIENT LOCKED OUT of a principal that is disabled and
		// LOCKED_OUT of one that was locked.
		if strings.Contains(text, "CLIENT") {
			return disabled
		}
		return locked
	case k.Error == "KDC_ERR_KEY_EXPIRED" && strings.Contains(text, "PWCHANGE"):
		return mustChange
	}
	return finding.ReasonOf("", "", k.Error)
}

// why is what the controllers' words come to: a state of the account outranks
// "wrong password", which hides it; LDAPS, whose server has shown a certificate,
// outranks Kerberos where the two cannot both be true.
func (v *view) why() finding.Directory {
	all := v.reasons()
	d := finding.Directory{Reason: undetermined, Confidence: finding.Undetermined}
	reason, exists, revoked := "", false, false
	for _, t := range all {
		d.Words = append(d.Words, t.item)
		if k := t.item.Kerberos; k != nil {
			exists = exists || slices.Contains(errorsOfAnAccount, k.Error)
			revoked = revoked || k.Error == "KDC_ERR_CLIENT_REVOKED"
		}
		reason = moreTelling(reason, t)
	}
	contradicted := slices.ContainsFunc(all, func(t controllerAnswer) bool {
		return t.item.Bind != nil && t.reason != unknownUser && t.reason != wrongPassword && t.reason != ""
	})
	d.Revoked = revoked
	switch {
	case len(all) == 0:
	case reason == "" && revoked:
		d.Outcome, d.Confidence = "revoked", finding.Likely
	case reason == "":
		d.Outcome = "no-state"
	case reason == unknownUser && !contradicted && v.provedElsewhere == nil:
		d.Outcome, d.Reason, d.Confidence = "unknown-user", reason, finding.Confirmed
	case reason == wrongPassword && unsureName(all):
		d.Outcome = "unsure-name"
	case reason == wrongPassword && !exists:
		// A directory may say the same of a name it does not know.
		d.Outcome, d.Reason, d.Confidence = "perhaps-wrong", reason, finding.Likely
	case reason == wrongPassword:
		d.Outcome, d.Reason, d.Confidence = "wrong", reason, finding.Confirmed
	default:
		d.Outcome, d.Reason, d.Confidence = "state", reason, finding.Confirmed
		d.Wrong = slices.ContainsFunc(all, func(t controllerAnswer) bool { return t.reason == wrongPassword })
	}
	return d
}

// errorsOfAnAccount are errors of a KDC that it gives for accounts that exist.
var errorsOfAnAccount = []string{
	"KDC_ERR_PREAUTH_REQUIRED", "KDC_ERR_PREAUTH_FAILED", "KDC_ERR_CLIENT_REVOKED", "KDC_ERR_KEY_EXPIRED", "KDC_ERR_NAME_EXP",
}

// unsureName: what says "wrong password" is a directory that was given a name
// which is no UPN.
func unsureName(all []controllerAnswer) bool {
	return !slices.ContainsFunc(all, func(t controllerAnswer) bool {
		return t.reason == wrongPassword && (t.item.Bind == nil || strings.Contains(t.item.Logon.Account, "@"))
	})
}

// moreTelling joins the words of several controllers.
func moreTelling(so string, t controllerAnswer) string {
	if so == unknownUser && t.item.Bind != nil && t.reason == wrongPassword {
		return so // Samba's LDAP says "wrong password" of an unknown account
	}
	weights := []string{"", wrongPassword, unknownUser} // and every other outranks these
	weight := func(r string) int {
		if i := slices.Index(weights, r); i >= 0 {
			return i
		}
		return len(weights)
	}
	if weight(t.reason) >= weight(so) {
		return t.reason
	}
	return so
}

// logonBlocked: the password is good, as a domain controller or another service
// says, and every scheme of EWS that was tried refuses it.
func logonBlocked(v *view) *hit {
	if h := cmp.Or(backEndRefused(v), refusedPastLogon(v)); h != nil || v.provedElsewhere == nil || v.proved != nil {
		return h
	}
	h := likely("", finding.Params{
		Secret: "password",
		Source: source(v.provedElsewhere), Accepted: v.provedElsewhere.Logon.Scheme,
	}, v.provedElsewhere)
	schemes := &h.params.Schemes
	password := false // where there is one, a refused ticket alone says nothing of it: kerberos-failed
	for n, item := range v.logons() {
		l := item.Logon
		if l.Result != evidence.Refused || n.strangers(item) || n.notTheAccount(item) || isWindows(l) && v.kerberosOnly(n) {
			continue
		}
		h.cite(item)
		password = password || l.Mechanism != evidence.MechanismKerberos
		*schemes = adding(*schemes, mechanism(l))
	}
	if v.rec.Target.Ticket == "keytab" {
		h.params.Secret = "key"
	}
	if len(*schemes) == 0 || !password && h.params.Secret == "password" {
		return nil
	}
	one := len(*schemes) == 1
	if one {
		h.confidence = finding.Undetermined
	}
	switch {
	case one && !password:
		h.params.Only = "kerberos"
	case one && (*schemes)[0] == "Basic":
		h.params.Only = "basic"
	case !slices.Contains(*schemes, "Basic"):
		if h.params.Only = "windows"; h.params.Accepted == "Basic" {
			h.use = finding.WindowsAlone
		}
	}
	return h
}

// What kept Kerberos and LDAPS from answering: each is a finding of its own,
// and the check of EWS goes on.

// trouble is the rule of what went no further at domain controllers, for one of the
// problems.
func trouble(confidence finding.Confidence, variant string, problems ...evidence.Problem) func(*view) *hit {
	return func(v *view) *hit {
		h := holds(confidence, variant, finding.Params{}, nil)
		for _, item := range v.directory {
			problem, why := problemOf(item)
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

// problemOf is the problem of an item, and in its own words.
func problemOf(item *evidence.Item) (evidence.Problem, string) {
	switch {
	case item.Kerberos != nil:
		return item.Kerberos.Problem, item.Kerberos.Why
	case item.Bind != nil:
		return item.Bind.Problem, item.Bind.Why
	}
	return "", ""
}

// onlySearched: the directory was asked for service connection points and not for
// a reason. Not every domain speaks LDAPS, and the search has other steps: that it
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
	spoke := func(item *evidence.Item) bool { // whatever it said
		k, b := item.Kerberos, item.Bind
		return k != nil && (k.Error != "" || k.Unasked || k.EncType != "") || b != nil && b.Result != nil
	}
	if slices.ContainsFunc(v.directory, spoke) {
		variant = "one-way"
	}
	return trouble(finding.Confirmed, variant, evidence.NoController, evidence.NoAnswer)(v)
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
	item := first(v.directory, func(item *evidence.Item) bool { return item.Kerberos != nil && item.Kerberos.Unasked })
	if item == nil {
		return nil
	}
	return confirmed("", finding.Params{Account: item.Kerberos.Principal, Address: item.Address}, item)
}
