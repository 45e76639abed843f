package rule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// What the domain controllers say of the account. HTTP has one answer for every
// reason to refuse; LDAP and Kerberos have many.

// The values of verdict.reason.
const (
	unknownUser     = "unknown-user"
	wrongPassword   = "wrong-password"
	locked          = "locked"
	disabled        = "disabled"
	expired         = "expired"
	passwordExpired = "password-expired"
	mustChange      = "must-change-password"
	logonHours      = "logon-hours"
	workstation     = "workstation"
	restricted      = "restricted"
	smartcard       = "smartcard-required"
	undetermined    = "undetermined"
)

// bindReasons are the values behind "data" in the message of a refused bind:
// Windows error codes in hexadecimal.
var bindReasons = map[string]string{
	"525": unknownUser, "52e": wrongPassword, "52f": restricted, "530": logonHours, "531": workstation, "532": passwordExpired,
	"533": disabled, "534": restricted, "569": restricted, "701": expired, "773": mustChange, "775": locked,
}

// kdcReasons are the errors of a KDC that name a state by themselves (RFC 4120
// 7.5.9). KDC_ERR_CLIENT_REVOKED is one of several and not among them.
var kdcReasons = map[string]string{
	"KDC_ERR_C_PRINCIPAL_UNKNOWN": unknownUser, "KDC_ERR_NAME_EXP": expired, "KDC_ERR_KEY_EXPIRED": passwordExpired,
	"KDC_ERR_PREAUTH_FAILED": wrongPassword,
}

// statusReasons are what a Windows KDC adds ([MS-KILE] 2.2.1, [MS-ERREF] 2.3).
var statusReasons = map[string]string{
	"0xC000006A": wrongPassword, "0xC0000064": unknownUser, "0xC000006E": restricted, "0xC000006F": logonHours, "0xC0000070": workstation, "0xC0000071": passwordExpired,
	"0xC0000072": disabled, "0xC0000193": expired, "0xC0000224": mustChange, "0xC0000234": locked, "0xC00002FA": smartcard, "0xC000015B": restricted, "0xC0000413": restricted,
}

// told is one controller's word for why the account is refused.
type told struct {
	reason string
	item   *evidence.Item
	says   string // in words, with the source
}

// reasons are the words of all controllers asked, in the order asked. A KDC
// that says no more than "exists" is among them with the reason "".
func (v *view) reasons() []told {
	var all []told
	for _, item := range v.directory {
		switch {
		case item.Bind != nil && result(item) == evidence.Refused:
			if bindReasons[strings.ToLower(item.Bind.Data)] == unknownUser && v.onlySearched() && !v.inAskedDomain() {
				continue // this machine's own domain need not be the account's
			}
			all = append(all, told{bindReasons[strings.ToLower(item.Bind.Data)], item, fmt.Sprintf("LDAPS at %s: data %s", item.Address, orNone(item.Bind.Data))})
		case item.Kerberos != nil && item.Kerberos.Error != "" && item.Step != evidence.StepTicket:
			all = append(all, told{kdcReason(item), item, fmt.Sprintf("Kerberos at %s: %s", item.Address, kdcSaid(item.Kerberos))})
		}
	}
	return all
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}

func kdcSaid(k *evidence.Kerberos) string {
	s := fmt.Sprintf("%s (%d)", k.Error, k.Code)
	if k.NTStatus != "" {
		s += ", " + k.NTStatus
	}
	if k.Text != "" {
		s += fmt.Sprintf(", %q", k.Text)
	}
	return s
}

func kdcReason(item *evidence.Item) string {
	k := item.Kerberos
	if k.Error == "KDC_ERR_PREAUTH_FAILED" && item.Step != evidence.StepKDCLogon {
		return "" // it was shown no password
	}
	if r := statusReasons[k.NTStatus]; r != "" {
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
	return kdcReasons[k.Error]
}

// why is what the controllers' words come to: a state of the account outranks
// "wrong password", which hides it; LDAPS, whose server has shown a certificate,
// outranks Kerberos where the two cannot both be true.
func (v *view) why() (reason string, confidence finding.Confidence, detail string, ids []string) {
	all := v.reasons()
	if len(all) == 0 {
		return undetermined, finding.Undetermined, "", nil
	}
	var says []string
	exists, kdcRevoked := false, false
	for _, t := range all {
		ids = append(ids, t.item.ID)
		says = append(says, t.says)
		if k := t.item.Kerberos; k != nil {
			exists = exists || slices.Contains([]string{"KDC_ERR_PREAUTH_REQUIRED", "KDC_ERR_PREAUTH_FAILED", "KDC_ERR_CLIENT_REVOKED", "KDC_ERR_KEY_EXPIRED", "KDC_ERR_NAME_EXP"}, k.Error)
			kdcRevoked = kdcRevoked || k.Error == "KDC_ERR_CLIENT_REVOKED"
		}
		reason = outranking(reason, t)
	}
	detail = "A domain controller was asked: " + strings.Join(says, "; ") + "."
	switch {
	case reason == "" && kdcRevoked:
		return undetermined, finding.Likely, detail + " The KDC refuses the account itself, so it is disabled, locked, expired or outside its logon hours; this KDC does not say which.", ids
	case reason == "":
		return undetermined, finding.Undetermined, detail + " That names no state of the account.", ids
	case reason == unknownUser && !slices.ContainsFunc(all, func(t told) bool {
		return t.item.Bind != nil && t.reason != unknownUser && t.reason != wrongPassword && t.reason != ""
	}) && v.provedElsewhere == nil:
		return reason, finding.Confirmed, detail + " There is no such account in the domain that was asked; a name that belongs to another domain looks the same.", ids
	case reason == wrongPassword && unsureName(all):
		return undetermined, finding.Undetermined, detail + " A directory says the same of a name that it does not know in this form, so this proves nothing about the password: give the name as UPN (user@domain)." + hidden(kdcRevoked), ids
	case reason == wrongPassword && !exists:
		// A directory may say the same of a name it does not know.
		return reason, finding.Likely, detail + " Whether the account exists was not to be learnt: Samba says the same of one that does not, a Windows domain controller says data 525 then.", ids
	case reason == wrongPassword:
		return reason, finding.Confirmed, detail + " The account exists and this is not its password; an account that must use a smart card has a random one." + hidden(kdcRevoked), ids
	}
	if slices.ContainsFunc(all, func(t told) bool { return t.reason == wrongPassword }) {
		detail += " The password is refused besides: it is wrong as well, or the state hides that it is right."
	}
	return reason, finding.Confirmed, detail + " " + stateMeans[reason], ids
}

// unsureName: what says "wrong password" is a directory that was given a name
// which is no UPN.
func unsureName(all []told) bool {
	return !slices.ContainsFunc(all, func(t told) bool {
		return t.reason == wrongPassword && (t.item.Bind == nil || strings.Contains(t.item.Logon.Account, "@"))
	})
}

// hidden is what a wrong password hides.
func hidden(revoked bool) string {
	if !revoked {
		return ""
	}
	return " The KDC refuses the account itself besides: it is disabled, locked, expired or outside its logon hours, too."
}

// outranking joins the words of several controllers.
func outranking(so string, t told) string {
	weight := func(r string) int {
		switch r {
		case "":
			return 0
		case wrongPassword:
			return 1
		case unknownUser:
			return 2
		}
		return 3
	}
	switch {
	case so == unknownUser && t.item.Bind != nil && t.reason == wrongPassword:
		return so // Samba's LDAP says "wrong password" of an unknown account
	case weight(t.reason) >= weight(so):
		return t.reason
	}
	return so
}

// stateMeans is what each state asks for, in a sentence.
var stateMeans = map[string]string{
	locked:          "The account is locked out after too many bad logons: find what sends them (event 4740 on the domain controller names the machine), then unlock it.",
	disabled:        "The account is disabled: enable it, or enter another one in the Dynamics profile.",
	expired:         "The account has expired: extend it.",
	passwordExpired: "The password has expired: set a new one, here and in the Dynamics profile.",
	mustChange:      "The password must be changed at the next logon, which Dynamics cannot do: clear that flag or set a new password.",
	logonHours:      "The account may not log on at this hour: Dynamics works around the clock and needs all hours.",
	workstation:     "The account may log on only from named workstations, and no name for Dynamics is ever among them: clear \"Log On To\".",
	restricted:      "A restriction of the account stops this kind of logon: Protected Users, an authentication policy of the domain, or a missing logon right.",
	smartcard:       "The account must use a smart card: no password is accepted. Use another account for Dynamics.",
}

// logonBlocked: the password is good, as a domain controller or another service
// says, and every scheme of EWS that was tried refuses it.
func logonBlocked(v *view) *hit {
	if v.provedElsewhere == nil || v.proved != nil {
		return nil
	}
	h := &hit{confidence: finding.Likely, evidence: []string{v.provedElsewhere.ID}}
	var schemes []string
	password := false // where there is one, a refused ticket alone says nothing of it: kerberos-failed
	for _, n := range v.nodes {
		for _, item := range n.logons {
			l := item.Logon
			if l.Result != evidence.Refused || n.strangers(item) || isWindows(l) && v.kerberosOnly(n) {
				continue
			}
			h.evidence = append(h.evidence, item.ID)
			password = password || l.Mechanism != evidence.MechanismKerberos
			if name := mechanism(l); !slices.Contains(schemes, name) {
				schemes = append(schemes, name)
			}
		}
	}
	what := "password"
	if v.rec.Target.Ticket == "keytab" {
		what = "key"
	}
	if len(schemes) == 0 || !password && what == "password" {
		return nil
	}
	by := v.provedElsewhere.Logon.Scheme
	if v.provedElsewhere.Step.Autodiscover() {
		by = "Autodiscover"
	}
	h.summary = fmt.Sprintf("The %s of %s is right (%s accepts it), but EWS on %s refuses it by %s", what, v.rec.Target.User, by, v.host(), strings.Join(schemes, " and "))
	h.detail = fmt.Sprintf("%s accepted the same name and %s in this run%s, so neither is wrong. EWS refuses every scheme that was tried (%s).", capital(where(v.provedElsewhere)), what, byScheme(v.provedElsewhere), strings.Join(schemes, ", "))
	h.detail += " What does that: an authentication policy of Exchange with BlockLegacyAuthWebServices (the offered schemes stay as they are); a right to log on over the network that the account lacks on the Exchange server; the group Protected Users or a list of allowed workstations, where another scheme was what accepted it; a device in front of EWS that signs in for itself."
	switch one := len(schemes) == 1; {
	case one && strings.HasPrefix(schemes[0], "Kerberos"):
		h.confidence = finding.Undetermined
		h.detail += " Only a Kerberos ticket could be shown to EWS: a service principal name that another account holds, and Extended Protection set to Require behind a device that re-encrypts TLS, look the same."
	case one && schemes[0] == "Basic":
		h.confidence = finding.Undetermined
		h.detail += " Only Basic could be tried at EWS, so a fault of that scheme looks the same: the form of the name, or what reads Basic in front of Exchange."
	case !slices.Contains(schemes, "Basic"):
		if one {
			h.confidence = finding.Undetermined
		}
		h.detail += " Extended Protection set to Require behind a device that re-encrypts TLS, and a policy that restricts NTLM, look the same, because Basic could not be tried."
	}
	return h
}

// byScheme says by which scheme Autodiscover was signed in to; of a domain
// controller where has said it.
func byScheme(item *evidence.Item) string {
	if item.AtDirectory() {
		return ""
	}
	return " by " + item.Logon.Scheme
}
