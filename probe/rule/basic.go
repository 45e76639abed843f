package rule

import (
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
	if n.notTheAccount(b) {
		return nil // basic-disabled
	}
	if other := n.otherForm(); other != nil {
		return v.formRejected(n, b, other)
	}
	h := confirmed("", finding.Params{Accepted: mechanism(v.proved.Logon), By: v.provedAt(n)}, b, v.proved)
	if v.proved.Address != n.address {
		h.confidence = finding.Likely
	}
	return h
}

// provedAt is where the logon was that proved the password, if it was not at n.
func (v *view) provedAt(n *node) string {
	if v.proved.Address == n.address {
		return ""
	}
	return v.proved.Address
}

// nameForm is the form in which the name was sent, which EWS looks up before it
// looks at the password.
func (v *view) nameForm() string {
	switch user := v.rec.Target.User; {
	case strings.Contains(user, `\`):
		return "domain"
	case !strings.Contains(user, "@"):
		return "bare"
	}
	return "upn"
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
	p := finding.Params{Account: refused.Logon.Account, Other: accepted.Logon.Account}
	p.Form = "domain"
	if strings.Contains(accepted.Logon.Account, "@") {
		p.Form = "upn"
	}
	return confirmed("form", p, refused, accepted)
}

// userNameNotUPN: the sign-in takes the name, Test Connection does not.
func userNameNotUPN(v *view) *hit {
	user := v.rec.Target.User
	if v.proved == nil || v.rec.Target.CurrentUser || !strings.Contains(user, `\`) && strings.Contains(user, "@") {
		return nil // of the logged-on user nobody gave a name
	}
	p := finding.Params{Account: user, Form: v.nameForm()}
	item := v.askedAnywhere(evidence.TestConnection)
	switch {
	case p.Form == "bare" && (item == nil || opens(item)):
		return nil // a bare name is a fault only where it was seen to be one
	case item == nil:
		return confirmed("not-asked", p, v.proved)
	case opens(item):
		return confirmed("works", p, v.proved, item)
	}
	p.Code, p.Status = item.EWS.Code, item.Response.Status
	return confirmed("", p, v.proved, item)
}
