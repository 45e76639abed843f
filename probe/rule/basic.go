package rule

import (
	"fmt"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// Basic, and the form of the name that it is given.

func basicRejected(v *view, n *node) *hit {
	b := n.basic()
	if result(b) != evidence.Refused || v.proved == nil {
		return nil
	}
	if other := n.otherForm(); other != nil {
		return v.formRejected(n, b, other)
	}
	h := &hit{confidence: finding.Confirmed, evidence: []string{b.ID, v.proved.ID}}
	h.summary = fmt.Sprintf("%s offers Basic but refuses with it what %s accepts", v.at(n), v.provedBy(n))
	h.detail = fmt.Sprintf("The same account and password were refused by Basic and accepted by %s", v.provedBy(n))
	if v.proved.Address != n.address {
		h.confidence = finding.Likely
	}
	h.detail += ". The password is right: look at how Basic reads it (the form of the user name, a default domain, characters beyond ASCII) and at the account's right to log on there."
	return h
}

// provedBy names the logon that proved the password, and where that was if it was
// not at n.
func (v *view) provedBy(n *node) string {
	by := mechanism(v.proved.Logon)
	if v.proved.Address != n.address {
		by += " at " + v.proved.Address
	}
	return by
}

// nameForm says in which form the name was sent, which EWS looks up before it
// looks at the password, and which one Dynamics needs.
func (v *view) nameForm() string {
	switch user := v.rec.Target.User; {
	case strings.Contains(user, `\`):
		return `The name was sent as DOMAIN\user; Dynamics needs the UPN (user@domain), which may be spelt otherwise. `
	case !strings.Contains(user, "@"):
		return "The name was sent without a domain, so the server looks for it in the domain it has set for that; Dynamics needs the UPN (user@domain). "
	}
	return "The name was sent as a UPN, the form that Dynamics needs; its suffix must be one that the domain knows. "
}

// otherForm is the logon by Basic under another form of the name, if one was
// accepted.
func (n *node) otherForm() *evidence.Item {
	return n.last(func(l *evidence.Logon) bool {
		return l.Scheme == "Basic" && l.OtherForm && l.Result == evidence.Accepted
	})
}

// formRejected: Basic takes the account under one form of its name and not under
// the other.
func (v *view) formRejected(n *node, refused, accepted *evidence.Item) *hit {
	as, other := refused.Logon.Account, accepted.Logon.Account
	h := &hit{confidence: finding.Confirmed, evidence: []string{refused.ID, accepted.ID}}
	h.summary = fmt.Sprintf("%s refuses the name %s by Basic and accepts %s", v.at(n), as, other)
	h.detail = fmt.Sprintf("The same password was refused by Basic for %s and accepted for %s, so only the form of the name is wrong here.", as, other)
	if strings.Contains(other, "@") {
		h.detail += " Enter the UPN as user name in the Dynamics profile: Dynamics needs that form anyway."
	} else {
		h.detail += " Dynamics needs the UPN as user name, so the server has to learn it: look at the UPN suffixes of the domain, and at what reads Basic in front of Exchange."
	}
	return h
}
