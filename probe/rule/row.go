package rule

import (
	"slices"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// rowCodes are what one call for one mailbox can show. What is around the
// endpoint (certificate, clock, schemes, the name of the account) is the same for
// every mailbox: the endpoint's own check says it once.
var rowCodes = []finding.Code{
	"dns-failed", "connect-failed", "timeout", "tls-untrusted", "tls-failed", "proxy-auth-required", "server-error", "throttled",
	"preauth-redirect", "redirected", "forbidden", "token-refused", "credentials-rejected",
	"impersonation-denied", "mailbox-online", "mailbox-not-found", "mailbox-address-differs", "access-denied", "mailbox-unavailable",
	"exchange-error",
}

// outsideCodes are what look-ups for the mailbox can show beside that.
var outsideCodes = []finding.Code{"mailbox-unlicensed", "tenant-differs", "user-recreated"}

// Mailbox judges a record of what was asked for one mailbox, at an endpoint that
// was examined before: the anonymous answer of that check, the call, and what was
// looked up outside the network if anything was.
func Mailbox(rec evidence.Record) Judgement {
	return arrangeAs(&rec, true).judge(slices.DeleteFunc(slices.Clone(table), func(r row) bool {
		return !slices.Contains(rowCodes, r.code) && !(rec.Target.Cloud && slices.Contains(outsideCodes, r.code))
	}))
}

// call is what was asked for the mailbox of a row, if EWS did not answer it and
// did not refuse the account: what became of it is then the row's verdict, sent
// or not.
func (n *node) call() []*evidence.Item {
	if len(n.logons) == 0 {
		return nil
	}
	call := n.logons[len(n.logons)-1]
	if call.EWS.Answered() || result(call) == evidence.Refused {
		return nil
	}
	return []*evidence.Item{call}
}

// noAnswer: the connection of a row's call did not last until the answer to the
// call itself. What stands in the item then is the server's part of a handshake.
func (v *view) noAnswer(n *node) *evidence.Item {
	if !v.row {
		return nil
	}
	for _, call := range n.call() {
		if call.NTLM != nil && call.NTLM.Problem != "" {
			continue // it was kept, and no challenge came
		}
		sent := call.Error == nil && call.Step == evidence.StepLogon && result(call) == evidence.Unfinished
		if sent && (call.Response == nil || call.Response.Status == 401 && call.Logon.Why != "") {
			return call
		}
	}
	return nil
}

// questionOf is what a step asked: the call of a row, the anonymous request, or a logon
// by a scheme.
func (v *view) questionOf(item *evidence.Item) string {
	switch {
	case v.row:
		return "call"
	case item.Logon != nil:
		return item.Logon.Scheme
	case item.Step == evidence.StepEmptyBearer:
		return "bearer"
	}
	return "anonymous"
}

// With is the judgement of a mailbox together with a warning about the account
// that asked for it, which the one call cannot show.
func With(j Judgement, warning finding.Finding) Judgement {
	j.Findings = append(slices.Clone(j.Findings), warning)
	if j.Verdict.Status == finding.OK {
		j.Verdict = verdictOf(warning)
	}
	return j
}

// NotChecked is the judgement of a mailbox that nobody asked for, because of what
// was answered before.
func NotChecked(target evidence.Target, why string) Judgement {
	return notAsked(target, "not-checked", "mailbox-not-asked", why)
}

// Refused is NotChecked for what was left when the account was refused in the
// middle of the run.
func Refused(target evidence.Target, why string) Judgement {
	j := NotChecked(target, why)
	j.Verdict.Reason = string(finding.RefusedInRun)
	return j
}

// BadRow is the judgement of a row that names no mailbox that could be asked for.
func BadRow(target evidence.Target, why string) Judgement {
	return notAsked(target, "config-invalid", "nothing-asked", why)
}

// notAsked is the judgement of what was never asked for; why is a sentence without
// its end.
func notAsked(target evidence.Target, code finding.Code, variant, why string) Judgement {
	head, _ := finding.HeadOf(code)
	j := Judgement{Verdict: finding.Verdict{Code: code, Status: head.Status, Confidence: finding.Confirmed, Summary: why}}
	v := arrange(&evidence.Record{Target: target})
	for _, c := range v.causes(nil) {
		if c.Status != finding.CauseNotApplicable {
			c = v.cause(c.Number, finding.Params{Error: why}, []outcome{{true, finding.CauseNotChecked, variant, nil}})
		}
		j.Causes = append(j.Causes, c)
	}
	return j
}
