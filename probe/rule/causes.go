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

// cause makes a report of one cause; variant is that of its sentence.
func (v *view) cause(number int, status finding.CauseStatus, variant string, ids ...string) finding.CauseReport {
	return v.causeWith(finding.Params{}, number, status, variant, ids...)
}

// causeWith is the same for a sentence with parameters of its own.
func (v *view) causeWith(p finding.Params, number int, status finding.CauseStatus, variant string, ids ...string) finding.CauseReport {
	return finding.CauseReport{Number: number, Status: status, Why: finding.SayCause(number, variant, v.complete(p)), Evidence: ids}
}

func found(findings []finding.Finding, code finding.Code) *finding.Finding {
	if i := slices.IndexFunc(findings, func(f finding.Finding) bool { return f.Code == code }); i >= 0 {
		return &findings[i]
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
	if f := found(findings, "mailbox-address-differs"); f != nil {
		status := finding.CauseConfirmed
		if f.Status == finding.Warning {
			status = finding.CauseLikely
		}
		return v.cause(1, status, "not-primary", f.Evidence...)
	}
	if f := found(findings, "mailbox-not-found"); f != nil {
		switch {
		case v.listed() != nil:
			return v.cause(1, finding.CauseUndetermined, "listed", f.Evidence...)
		case f.Confidence != finding.Confirmed:
			return v.cause(1, finding.CauseLikely, "unknown-to-autodiscover", f.Evidence...)
		}
		return v.cause(1, finding.CauseConfirmed, "unknown", f.Evidence...)
	}
	if item := v.sentOnline(); item != nil && opened == nil {
		return v.cause(1, finding.CauseUndetermined, "sent-online", item.ID)
	}
	if f := found(findings, "mailbox-online"); f != nil && f.Confidence == finding.Confirmed {
		return v.cause(1, finding.CauseUndetermined, "online", f.Evidence...)
	}
	switch {
	case v.rec.Target.Mailbox == "":
		return v.cause(1, finding.CauseNotChecked, "no-mailbox")
	case opened != nil:
		return v.cause(1, finding.CauseRuledOut, "opened", opened.ID)
	case v.proved == nil:
		return v.cause(1, finding.CauseNotChecked, "no-logon")
	}
	return v.cause(1, finding.CauseUndetermined, "unclear", v.proved.ID)
}

func (v *view) causeBasic(findings []finding.Finding) finding.CauseReport {
	t := v.rec.Target
	p := finding.Params{Scheme: t.ProfileAuth}
	switch t.ProfileAuth {
	case "":
		return v.causeWith(p, 5, finding.CauseNotChecked, "unknown-profile")
	case "basic", "auto":
	default:
		return v.causeWith(p, 5, finding.CauseNotApplicable, "other-scheme")
	}
	if f := found(findings, "basic-disabled"); f != nil {
		if len(f.Addresses) < len(v.nodes) { // and some at the others
			p.Places = f.Addresses
		}
		return v.causeWith(p, 5, as(f), "disabled", f.Evidence...)
	}
	if f := found(findings, "endpoint-online"); f != nil {
		return v.causeWith(p, 5, finding.CauseNotApplicable, "online", f.Evidence...)
	}
	var ids []string
	for _, n := range v.nodes {
		if n.ask != nil {
			ids = append(ids, n.ask.ID)
		}
		if !n.challenged() || v.plain() {
			return v.causeWith(p, 5, finding.CauseUndetermined, "no-schemes", ids...)
		}
	}
	if len(ids) == 0 {
		return v.causeWith(p, 5, finding.CauseUndetermined, "not-reached")
	}
	if held := v.heldAt(t.URL); held != nil {
		return v.causeWith(p, 5, finding.CauseUndetermined, "not-yours", append(ids, held.ID)...)
	}
	return v.causeWith(p, 5, finding.CauseRuledOut, "offered", ids...)
}

// Causes 2, 3, 4 and 6 are decided outside the network. What the endpoint alone
// can say of them comes first; then what was found there; then why nothing was.

// as is the status of the cause whose finding that is.
func as(f *finding.Finding) finding.CauseStatus {
	if f.Confidence == finding.Confirmed {
		return finding.CauseConfirmed
	}
	return finding.CauseLikely
}

func (v *view) causeOnline(findings []finding.Finding, opened *evidence.Item) finding.CauseReport {
	endpoint, mailbox := found(findings, "endpoint-online"), found(findings, "mailbox-online")
	located, sent := v.located(evidence.LocationOnline), v.sentOnline()
	elsewhere := v.located(evidence.LocationElsewhere)
	item := v.lookUp(evidence.StepCloudLocation)
	of := func(f *finding.Finding, status finding.CauseStatus, variant string) finding.CauseReport {
		return v.cause(2, status, variant, f.Evidence...)
	}
	switch {
	case endpoint != nil && mailbox != nil && located == nil && sent == nil:
		return of(endpoint, as(endpoint), "endpoint-and-domain")
	case endpoint != nil && mailbox != nil:
		return of(endpoint, as(endpoint), "endpoint-and-mailbox")
	case endpoint != nil && item == nil:
		return of(endpoint, as(endpoint), "endpoint-alone")
	case endpoint != nil && elsewhere != nil:
		return of(endpoint, as(endpoint), "endpoint-without-mailbox")
	case endpoint != nil:
		return of(endpoint, as(endpoint), "endpoint-unknown")
	case v.rec.Target.ProfileAuth == "oauth":
		return v.cause(2, finding.CauseNotApplicable, "oauth")
	case mailbox != nil && sent != nil:
		return of(mailbox, as(mailbox), "sent")
	case mailbox != nil && mailbox.Confidence == finding.Confirmed:
		return of(mailbox, finding.CauseConfirmed, "located-and-missing")
	case mailbox != nil && located == nil:
		return of(mailbox, finding.CauseLikely, "domain")
	case mailbox != nil:
		return of(mailbox, finding.CauseLikely, "located")
	case opened != nil && located != nil:
		return v.cause(2, finding.CauseUndetermined, "opened-and-located", opened.ID, located.ID)
	case opened != nil && sent != nil:
		return v.cause(2, finding.CauseUndetermined, "opened-and-sent", opened.ID, sent.ID)
	case opened != nil:
		return v.cause(2, finding.CauseRuledOut, "opened", opened.ID)
	}
	f := found(findings, "mailbox-not-found")
	switch {
	case item == nil && f != nil && v.listed() != nil:
		return of(f, finding.CauseUndetermined, "listed")
	case elsewhere != nil:
		return v.causeWith(finding.Params{Redirect: item.Cloud.Redirect}, 2, finding.CauseRuledOut, "elsewhere", item.ID)
	case item != nil:
		return v.causeWith(finding.Params{Query: item}, 2, finding.CauseUndetermined, "unknown", item.ID)
	case v.redirectedOnline() != nil:
		return v.cause(2, finding.CauseLikely, "redirected", v.redirectedOnline().ID)
	case v.rec.Target.Cloud && v.rec.Target.Mailbox == "":
		return v.cause(2, finding.CauseNotChecked, "no-mailbox")
	}
	return v.cause(2, finding.CauseNotChecked, "not-looked-up")
}

func (v *view) causeLicence(findings []finding.Finding, opened *evidence.Item) finding.CauseReport {
	if opened != nil {
		return v.cause(3, finding.CauseNotApplicable, "opened", opened.ID)
	}
	if item := v.located(evidence.LocationElsewhere); item != nil {
		return v.cause(3, finding.CauseNotApplicable, "elsewhere", item.ID)
	}
	if f := found(findings, "mailbox-unlicensed"); f != nil {
		return v.cause(3, as(f), "no-plan", f.Evidence...)
	}
	l, asked := v.licence()
	switch {
	case asked && l.plan != "":
		return v.causeWith(finding.Params{Plans: []finding.Plan{{Name: l.plan}}}, 3, finding.CauseRuledOut, "plan", l.item.ID)
	case asked && l.unknown:
		return v.causeWith(finding.Params{Gaps: []finding.Gap{l.gap}}, 3, finding.CauseUndetermined, "unknown", l.item.ID)
	case asked:
		return v.cause(3, finding.CauseUndetermined, "not-needed", l.item.ID)
	case v.rec.Target.Token && v.rec.Target.Mailbox == "":
		return v.cause(3, finding.CauseNotChecked, "no-mailbox")
	case v.tokenless() != nil:
		return v.causeWith(gapParams(v.tokenless()), 3, finding.CauseUndetermined, "unknown", v.tokenless().ID)
	}
	return v.cause(3, finding.CauseNotChecked, "not-looked-up")
}

// gapParams are the parameters of a sentence about a look-up that brought no fact.
func gapParams(item *evidence.Item) finding.Params {
	return finding.Params{Gaps: []finding.Gap{{Query: item}}}
}

func (v *view) causeTenant(findings []finding.Finding, opened *evidence.Item) finding.CauseReport {
	oauth := v.rec.Target.ProfileAuth == "oauth"
	if item := v.located(evidence.LocationElsewhere); !oauth && opened != nil {
		return v.cause(4, finding.CauseNotApplicable, "opened", opened.ID)
	} else if !oauth && item != nil {
		return v.cause(4, finding.CauseNotApplicable, "elsewhere", item.ID)
	}
	if f := found(findings, "tenant-differs"); f != nil {
		return v.cause(4, as(f), "differ", f.Evidence...)
	}
	if v.rec.Target.HMA != nil {
		return v.causeTokenTenant()
	}
	dynamics, asked := v.dynamicsTenant()
	switch {
	case !asked:
		return v.cause(4, finding.CauseNotChecked, "not-looked-up")
	case dynamics.guid == "":
		return v.causeWith(finding.Params{Gaps: dynamics.gaps}, 4, finding.CauseUndetermined, "unknown", dynamics.evidence...)
	}
	if tenants, ids := v.tenantDifference(); len(ids) > 0 {
		p := finding.Params{Tenants: tenants}
		switch {
		case v.crossTenant():
			return v.causeWith(p, 4, finding.CauseNotApplicable, "across", ids...)
		case v.knownOnline():
			return v.causeWith(p, 4, finding.CauseLikely, "online", ids...)
		}
		return v.causeWith(p, 4, finding.CauseUndetermined, "not-needed", ids...)
	}
	domain, known := v.domainTenant()
	exchange, trusted := v.exchangeTenant()
	switch {
	case known && domain.guid == "":
		return v.causeWith(finding.Params{Gaps: domain.gaps}, 4, finding.CauseUndetermined, "unknown", domain.evidence...)
	case known:
		p := finding.Params{Tenants: finding.Tenants{Dynamics: domain.guid, Domain: domain.origin.Name}}
		return v.causeWith(p, 4, finding.CauseRuledOut, "same", append(domain.evidence, dynamics.evidence...)...)
	case trusted && oauth:
		p := finding.Params{Tenants: finding.Tenants{Dynamics: exchange.guid, Exchange: v.host()}}
		return v.causeWith(p, 4, finding.CauseRuledOut, "trusted", append(exchange.evidence, dynamics.evidence...)...)
	}
	return v.cause(4, finding.CauseNotChecked, "no-domain", dynamics.evidence...)
}

func (v *view) causeRecreated(findings []finding.Finding, opened *evidence.Item) finding.CauseReport {
	if f := found(findings, "user-recreated"); f != nil {
		variant := "twin"
		switch inDynamics, _ := v.otherUser(); {
		case f.Confidence == finding.Confirmed:
			variant = "alert"
		case inDynamics != nil && slices.Contains(f.Evidence, inDynamics.ID):
			variant = "other-user"
		}
		return v.cause(6, as(f), variant, f.Evidence...)
	}
	living, deleted := v.lookUp(evidence.StepCloudGraphUser), v.lookUp(evidence.StepCloudGraphDeleted)
	switch {
	case deleted == nil && v.rec.Target.Token && v.rec.Target.Mailbox == "":
		return v.cause(6, finding.CauseNotChecked, "no-mailbox")
	case deleted == nil && v.tokenless() != nil:
		return v.causeWith(gapParams(v.tokenless()), 6, finding.CauseUndetermined, "unknown", v.tokenless().ID)
	case deleted == nil:
		return v.cause(6, finding.CauseNotChecked, "not-looked-up")
	case factless(deleted):
		return v.causeWith(gapParams(deleted), 6, finding.CauseUndetermined, "unknown", deleted.ID)
	case living == nil || factless(living):
		return v.cause(6, finding.CauseUndetermined, "user-unknown", deleted.ID)
	case len(deleted.Cloud.Users) > 0 && opened != nil:
		return v.cause(6, finding.CauseNotApplicable, "opened", deleted.ID, opened.ID)
	case len(deleted.Cloud.Users) > 0:
		return v.cause(6, finding.CauseUndetermined, "deleted", deleted.ID, living.ID)
	case len(living.Cloud.Users) == 0:
		p := finding.Params{Mailbox: living.Cloud.Subject}
		return v.causeWith(p, 6, finding.CauseUndetermined, "no-user", living.ID, deleted.ID)
	}
	if made := living.Cloud.Users[0].Created; made != nil && v.rec.Started.Sub(*made) < recycled {
		return v.causeWith(finding.Params{Until: *made}, 6, finding.CauseUndetermined, "new", living.ID, deleted.ID)
	}
	return v.cause(6, finding.CauseRuledOut, "none", deleted.ID, living.ID)
}
