package rule

import (
	"fmt"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// userNameNotUPN: the sign-in takes the name, Test Connection does not.
func userNameNotUPN(v *view) *hit {
	user := v.rec.Target.User
	if v.proved == nil || v.rec.Target.CurrentUser || !strings.Contains(user, `\`) && strings.Contains(user, "@") {
		return nil // of the logged-on user nobody gave a name
	}
	form := `DOMAIN\user`
	if !strings.Contains(user, `\`) {
		form = "a name without a domain"
	}
	h := &hit{
		confidence: finding.Confirmed, evidence: []string{v.proved.ID},
		summary: fmt.Sprintf("%s is accepted, but Dynamics needs the user name as a UPN", user),
		detail:  "Dynamics' Test Connection uses the user name of the profile as the SMTP address to impersonate. " + form,
	}
	item := v.askedAnywhere(evidence.TestConnection)
	if !strings.Contains(user, `\`) && (item == nil || opens(item)) {
		return nil // a bare name is a fault only where it was seen to be one
	}
	if item != nil {
		h.evidence = append(h.evidence, item.ID)
	}
	switch {
	case item == nil:
		h.detail += " is none, so Exchange answers ErrorNonExistentMailbox although the password is right."
	case opens(item):
		h.detail += fmt.Sprintf(" is none as a rule. Asked here in the same way, this server takes %s and answers NoError; do not count on it.", user)
	case strings.HasPrefix(item.EWS.Code, "ErrorImpersonat"):
		h.detail += fmt.Sprintf(" is none. Asked here in the same way, with %s as the address, EWS answers %s (HTTP %d): Test Connection fails with that, although the password is right.", user, item.EWS.Code, item.Response.Status)
	default:
		h.detail += fmt.Sprintf(" is none: asked here in the same way, with %s as the address, EWS answers %s (HTTP %d). Test Connection fails so although the password is right.", user, codeOr(item.EWS.Code), item.Response.Status)
	}
	return h
}
