package rule

import (
	"fmt"
	"slices"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// causes answers all six causes of KB 3212785, always.
func (v *view) causes(findings []finding.Finding) []finding.CauseReport {
	opened := v.openedMailbox()
	return []finding.CauseReport{
		v.causeAddress(findings, opened),
		v.causeOnline(findings, opened),
		v.causeLicence(opened),
		v.causeTenant(opened),
		v.causeBasic(findings),
		{Number: 6, Status: finding.CauseNotChecked, Why: "a re-created user shows in the text of the Dynamics alert or in Entra ID, not at the endpoint"},
	}
}

func cause(number int, status finding.CauseStatus, why string, evidence ...string) finding.CauseReport {
	return finding.CauseReport{Number: number, Status: status, Why: why, Evidence: evidence}
}

func found(findings []finding.Finding, codes ...finding.Code) *finding.Finding {
	for i := range findings {
		if slices.Contains(codes, findings[i].Code) {
			return &findings[i]
		}
	}
	return nil
}

// openedMailbox is the answer in which Exchange on premises opened the mailbox
// that was asked for.
func (v *view) openedMailbox() *evidence.Item {
	if v.rec.Target.Mailbox == "" {
		return nil
	}
	for _, n := range v.nodes {
		if item := v.signedIn(n); item != nil && item.EWS.Code == "NoError" && item.EWS.Class != "Error" && !v.isOnline(n) {
			return item
		}
	}
	return nil
}

func (v *view) causeAddress(findings []finding.Finding, opened *evidence.Item) finding.CauseReport {
	if f := found(findings, "mailbox-address-differs"); f != nil {
		if f.Status == finding.Critical {
			return cause(1, finding.CauseConfirmed, f.Summary, f.Evidence...)
		}
		return cause(1, finding.CauseLikely, f.Summary, f.Evidence...)
	}
	if f := found(findings, "mailbox-not-found"); f != nil {
		status := finding.CauseLikely
		if f.Confidence == finding.Confirmed {
			status = finding.CauseConfirmed
		}
		return cause(1, status, fmt.Sprintf("Exchange knows no mailbox %s here", v.mailbox()), f.Evidence...)
	}
	if item := v.sentOnline(); item != nil && opened == nil {
		return cause(1, finding.CauseUndetermined, "Exchange knows the address, but the mailbox is in Exchange Online, and its primary address there was not looked up", item.ID)
	}
	switch {
	case v.rec.Target.Mailbox == "":
		return cause(1, finding.CauseNotChecked, "no --mailbox was given")
	case opened != nil:
		return cause(1, finding.CauseRuledOut, fmt.Sprintf("the mailbox answers under %s", v.mailbox()), opened.ID)
	case v.proved == nil:
		return cause(1, finding.CauseNotChecked, "the mailbox was not asked: no logon was accepted")
	}
	return cause(1, finding.CauseUndetermined, "the mailbox was asked, but the answer does not say whether it exists", v.proved.ID)
}

func (v *view) causeOnline(findings []finding.Finding, opened *evidence.Item) finding.CauseReport {
	if f := found(findings, "mailbox-online"); f != nil {
		status := finding.CauseLikely
		if f.Confidence == finding.Confirmed {
			status = finding.CauseConfirmed
		}
		return cause(2, status, sentence(f.Summary), f.Evidence...)
	}
	if f := found(findings, "endpoint-online"); f != nil {
		return cause(2, finding.CauseLikely, "the endpoint is Exchange Online; where the mailbox is was not looked up", f.Evidence...)
	}
	switch {
	case v.rec.Target.ProfileAuth == "oauth":
		return cause(2, finding.CauseNotApplicable, "it concerns profiles with a user name and password")
	case opened != nil:
		return cause(2, finding.CauseRuledOut, "the mailbox answers on this server, so it is not in Exchange Online", opened.ID)
	}
	return cause(2, finding.CauseNotChecked, "where the mailbox is was not looked up")
}

func (v *view) causeLicence(opened *evidence.Item) finding.CauseReport {
	if opened != nil {
		return cause(3, finding.CauseNotApplicable, "the mailbox is on this server and needs no Exchange Online licence", opened.ID)
	}
	return cause(3, finding.CauseNotChecked, "licences are not visible from here")
}

func (v *view) causeTenant(opened *evidence.Item) finding.CauseReport {
	if opened != nil && v.rec.Target.ProfileAuth != "oauth" {
		return cause(4, finding.CauseNotApplicable, "with a user name and password and a mailbox on this server, tenants play no part", opened.ID)
	}
	return cause(4, finding.CauseNotChecked, "the tenant of Dynamics was not looked up")
}

func (v *view) causeBasic(findings []finding.Finding) finding.CauseReport {
	if p := v.rec.Target.ProfileAuth; p != "basic" && p != "auto" {
		return cause(5, finding.CauseNotApplicable, fmt.Sprintf("the profile uses %s, not Basic", p))
	}
	if f := found(findings, "basic-disabled"); f != nil {
		status := finding.CauseLikely
		if f.Confidence == finding.Confirmed {
			status = finding.CauseConfirmed
		}
		return cause(5, status, "EWS offers no Basic", f.Evidence...)
	}
	if f := found(findings, "endpoint-online"); f != nil {
		return cause(5, finding.CauseNotApplicable, "Exchange Online has no Basic to enable", f.Evidence...)
	}
	var ids []string
	for _, n := range v.nodes {
		switch {
		case !n.challenged() || v.plain():
			if n.ask != nil {
				ids = append(ids, n.ask.ID)
			}
			return cause(5, finding.CauseUndetermined, "the endpoint did not say which schemes it offers", ids...)
		default:
			ids = append(ids, n.ask.ID)
		}
	}
	if len(ids) == 0 {
		return cause(5, finding.CauseUndetermined, "the endpoint was not reached")
	}
	return cause(5, finding.CauseRuledOut, fmt.Sprintf("EWS offers Basic, as seen from %s", v.side()), ids...)
}
