package ews

import (
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/soap"
)

// Question is what EWS is asked. It reads only.
type Question struct {
	Purpose   evidence.Purpose // of a further call; "" it is the check's own, FindFolder
	Call      soap.Call        // whose inbox; for PrimaryAddress, the address is its Mailbox
	UserAgent string           // "": that of the sign-in
}

// MailboxQuestion is the one call for a mailbox of a batch: FindFolder
// impersonating it, as Dynamics does; without impersonation GetFolder, whose
// answer tells the mailbox from the caller's own.
func MailboxQuestion(address string, impersonate bool) Question {
	q := Question{Call: soap.Call{Mailbox: address, Impersonate: impersonate}}
	if !impersonate {
		q.Purpose = evidence.NamedInbox
	}
	return q
}

func (q *Question) operation() string {
	switch q.Purpose {
	case evidence.OwnInbox, evidence.NamedInbox:
		return "GetFolder"
	case evidence.PrimaryAddress:
		return "ResolveNames"
	}
	return "FindFolder"
}

func (q *Question) describe(r *evidence.Request) {
	r.Operation, r.Mailbox, r.Impersonate, r.Purpose = q.operation(), q.Call.Mailbox, q.Call.Impersonate, q.Purpose
}

func (q *Question) envelope() []byte {
	switch q.operation() {
	case "GetFolder":
		return soap.GetFolder(q.Call)
	case "ResolveNames":
		return soap.ResolveNames(q.Call.Mailbox)
	}
	return soap.FindFolder(q.Call)
}
