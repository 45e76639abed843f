package rule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// causes answers all six causes of KB 3212785, always.
func (v *view) causes(findings []finding.Finding) []finding.CauseReport {
	opened := v.openedMailbox()
	return []finding.CauseReport{
		v.causeAddress(findings, opened),
		v.causeOnline(findings, opened),
		v.causeLicence(findings, opened),
		v.causeTenant(findings, opened),
		v.causeBasic(findings),
		v.causeRecreated(findings, opened),
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
		if item := v.signedIn(n); opens(item) && !v.isOnline(n) && v.callersOwn(n) == "" {
			return item
		}
	}
	return nil
}

func (v *view) causeAddress(findings []finding.Finding, opened *evidence.Item) finding.CauseReport {
	if f := found(findings, "mailbox-address-differs"); f != nil {
		status := finding.CauseConfirmed
		if f.Status == finding.Warning {
			status = finding.CauseLikely
		}
		return cause(1, status, fmt.Sprintf("%s is not the primary address of the mailbox", v.mailbox()), f.Evidence...)
	}
	if f := found(findings, "mailbox-not-found"); f != nil {
		switch {
		case v.listed() != nil:
			return cause(1, finding.CauseUndetermined, fmt.Sprintf("there is no mailbox %s here, but the address book knows the address", v.mailbox()), f.Evidence...)
		case f.Confidence != finding.Confirmed:
			return cause(1, finding.CauseLikely, fmt.Sprintf("Autodiscover knows no mailbox %s", v.mailbox()), f.Evidence...)
		}
		return cause(1, finding.CauseConfirmed, fmt.Sprintf("Exchange knows no mailbox %s here", v.mailbox()), f.Evidence...)
	}
	if item := v.sentOnline(); item != nil && opened == nil {
		return cause(1, finding.CauseUndetermined, "Autodiscover here knows the address and sends its clients to Exchange Online; which address is the primary one there was not looked up", item.ID)
	}
	if f := found(findings, "mailbox-online"); f != nil && f.Confidence == finding.Confirmed {
		return cause(1, finding.CauseUndetermined, "the mailbox is in Exchange Online, so that Exchange here does not know the address says nothing", f.Evidence...)
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

func (v *view) causeBasic(findings []finding.Finding) finding.CauseReport {
	if p := v.rec.Target.ProfileAuth; p == "" {
		return cause(5, finding.CauseNotChecked, "what the profile uses is not known")
	} else if p != "basic" && p != "auto" {
		return cause(5, finding.CauseNotApplicable, fmt.Sprintf("the profile uses %s, not Basic", p))
	}
	if f := found(findings, "basic-disabled"); f != nil {
		status := finding.CauseLikely
		if f.Confidence == finding.Confirmed {
			status = finding.CauseConfirmed
		}
		why := "EWS offers no Basic"
		if len(f.Addresses) < len(v.nodes) {
			why += " at " + strings.Join(f.Addresses, ", ") // and some at the others
		}
		return cause(5, status, why, f.Evidence...)
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
	if held := v.heldAt(v.rec.Target.URL); held != nil {
		return cause(5, finding.CauseUndetermined, fmt.Sprintf("what answers on %s offers Basic, but whether that is your Exchange is not known", v.host()), append(ids, held.ID)...)
	}
	return cause(5, finding.CauseRuledOut, fmt.Sprintf("EWS offers Basic, as seen from %s", v.side()), ids...)
}
