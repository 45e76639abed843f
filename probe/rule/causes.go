package rule

import (
	"slices"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// causes answers all six causes of KB 3212785, always.
func (v *view) causes(findings []finding.Finding) []finding.CauseReport {
	opened := v.openedMailbox()
	return []finding.CauseReport{
		v.byDynamics(v.causeAddress(findings, opened)),
		v.byDynamics(v.causeOnline(findings, opened)),
		v.causeLicence(findings, opened),
		v.byDynamics(v.causeTenant(findings, opened)),
		v.causeBasic(findings),
		v.byDynamics(v.causeRecreated(findings, opened)),
	}
}

// cause makes a report of one cause; variant and p are those of its sentence.
func cause(number int, status finding.CauseStatus, variant string, p finding.Params, ids ...string) finding.CauseReport {
	return finding.CauseReport{Number: number, Status: status, Why: finding.SayCause(number, variant, p), Evidence: ids}
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
		if item := v.signedIn(n); opens(item) && !v.isOnline(n) && !v.callersOwn(n) {
			return item
		}
	}
	return nil
}

func (v *view) causeAddress(findings []finding.Finding, opened *evidence.Item) finding.CauseReport {
	p := finding.Params{Mailbox: v.mailbox()}
	if f := found(findings, "mailbox-address-differs"); f != nil {
		status := finding.CauseConfirmed
		if f.Status == finding.Warning {
			status = finding.CauseLikely
		}
		return cause(1, status, "not-primary", p, f.Evidence...)
	}
	if f := found(findings, "mailbox-not-found"); f != nil {
		switch {
		case v.listed() != nil:
			return cause(1, finding.CauseUndetermined, "listed", p, f.Evidence...)
		case f.Confidence != finding.Confirmed:
			return cause(1, finding.CauseLikely, "unknown-to-autodiscover", p, f.Evidence...)
		}
		return cause(1, finding.CauseConfirmed, "unknown", p, f.Evidence...)
	}
	if item := v.sentOnline(); item != nil && opened == nil {
		return cause(1, finding.CauseUndetermined, "sent-online", p, item.ID)
	}
	if f := found(findings, "mailbox-online"); f != nil && f.Confidence == finding.Confirmed {
		return cause(1, finding.CauseUndetermined, "online", p, f.Evidence...)
	}
	switch {
	case v.rec.Target.Mailbox == "":
		return cause(1, finding.CauseNotChecked, "no-mailbox", p)
	case opened != nil:
		return cause(1, finding.CauseRuledOut, "opened", p, opened.ID)
	case v.proved == nil:
		return cause(1, finding.CauseNotChecked, "no-logon", p)
	}
	return cause(1, finding.CauseUndetermined, "unclear", p, v.proved.ID)
}

func (v *view) causeBasic(findings []finding.Finding) finding.CauseReport {
	t := v.rec.Target
	p := finding.Params{Scheme: t.ProfileAuth, Host: v.host(), View: v.side()}
	switch t.ProfileAuth {
	case "":
		return cause(5, finding.CauseNotChecked, "unknown-profile", p)
	case "basic", "auto":
	default:
		return cause(5, finding.CauseNotApplicable, "other-scheme", p)
	}
	if f := found(findings, "basic-disabled"); f != nil {
		if len(f.Addresses) < len(v.nodes) { // and some at the others
			for _, a := range f.Addresses {
				p.Places = append(p.Places, a)
			}
		}
		return cause(5, as(f), "disabled", p, f.Evidence...)
	}
	if f := found(findings, "endpoint-online"); f != nil {
		return cause(5, finding.CauseNotApplicable, "online", p, f.Evidence...)
	}
	var ids []string
	for _, n := range v.nodes {
		if n.ask != nil {
			ids = append(ids, n.ask.ID)
		}
		if !n.challenged() || v.plain() {
			return cause(5, finding.CauseUndetermined, "no-schemes", p, ids...)
		}
	}
	if len(ids) == 0 {
		return cause(5, finding.CauseUndetermined, "not-reached", p)
	}
	if held := v.heldAt(t.URL); held != nil {
		return cause(5, finding.CauseUndetermined, "not-yours", p, append(ids, held.ID)...)
	}
	return cause(5, finding.CauseRuledOut, "offered", p, ids...)
}
