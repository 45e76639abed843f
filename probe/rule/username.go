package rule

import (
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
