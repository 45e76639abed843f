package rule

import (
	"slices"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

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
		return cause(2, status, variant, finding.Params{}, f.Evidence...)
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
		return cause(2, finding.CauseNotApplicable, "oauth", finding.Params{})
	case mailbox != nil && sent != nil:
		return of(mailbox, as(mailbox), "sent")
	case mailbox != nil && mailbox.Confidence == finding.Confirmed:
		return of(mailbox, finding.CauseConfirmed, "located-and-missing")
	case mailbox != nil && located == nil:
		return of(mailbox, finding.CauseLikely, "domain")
	case mailbox != nil:
		return of(mailbox, finding.CauseLikely, "located")
	case opened != nil && located != nil:
		return cause(2, finding.CauseUndetermined, "opened-and-located", finding.Params{}, opened.ID, located.ID)
	case opened != nil && sent != nil:
		return cause(2, finding.CauseUndetermined, "opened-and-sent", finding.Params{}, opened.ID, sent.ID)
	case opened != nil:
		return cause(2, finding.CauseRuledOut, "opened", finding.Params{}, opened.ID)
	}
	f := found(findings, "mailbox-not-found")
	switch {
	case item == nil && f != nil && v.listed() != nil:
		return of(f, finding.CauseUndetermined, "listed")
	case elsewhere != nil:
		return cause(2, finding.CauseRuledOut, "elsewhere", finding.Params{Redirect: item.Cloud.Redirect}, item.ID)
	case item != nil:
		return cause(2, finding.CauseUndetermined, "unknown", finding.Params{Query: item}, item.ID)
	case v.redirectedOnline() != nil:
		return cause(2, finding.CauseLikely, "redirected", finding.Params{}, v.redirectedOnline().ID)
	case v.rec.Target.Cloud && v.rec.Target.Mailbox == "":
		return cause(2, finding.CauseNotChecked, "no-mailbox", finding.Params{})
	}
	return cause(2, finding.CauseNotChecked, "not-looked-up", finding.Params{})
}

func (v *view) causeLicence(findings []finding.Finding, opened *evidence.Item) finding.CauseReport {
	if opened != nil {
		return cause(3, finding.CauseNotApplicable, "opened", finding.Params{}, opened.ID)
	}
	if item := v.located(evidence.LocationElsewhere); item != nil {
		return cause(3, finding.CauseNotApplicable, "elsewhere", finding.Params{}, item.ID)
	}
	if f := found(findings, "mailbox-unlicensed"); f != nil {
		return cause(3, as(f), "no-plan", finding.Params{}, f.Evidence...)
	}
	l, asked := v.licence()
	switch {
	case asked && l.plan != "":
		return cause(3, finding.CauseRuledOut, "plan", finding.Params{Plans: []finding.Plan{{Name: l.plan}}}, l.item.ID)
	case asked && l.unknown:
		return cause(3, finding.CauseUndetermined, "unknown", finding.Params{Gaps: []finding.Gap{l.gap}}, l.item.ID)
	case asked:
		return cause(3, finding.CauseUndetermined, "not-needed", finding.Params{}, l.item.ID)
	case v.rec.Target.Token && v.rec.Target.Mailbox == "":
		return cause(3, finding.CauseNotChecked, "no-mailbox", finding.Params{})
	case v.tokenless() != nil:
		return cause(3, finding.CauseUndetermined, "unknown", gap(v.tokenless()), v.tokenless().ID)
	}
	return cause(3, finding.CauseNotChecked, "not-looked-up", finding.Params{})
}

// gap are the parameters of a sentence about a look-up that brought no fact.
func gap(item *evidence.Item) finding.Params {
	return finding.Params{Gaps: []finding.Gap{{Query: item}}}
}

func (v *view) causeTenant(findings []finding.Finding, opened *evidence.Item) finding.CauseReport {
	oauth := v.rec.Target.ProfileAuth == "oauth"
	if item := v.located(evidence.LocationElsewhere); !oauth && opened != nil {
		return cause(4, finding.CauseNotApplicable, "opened", finding.Params{}, opened.ID)
	} else if !oauth && item != nil {
		return cause(4, finding.CauseNotApplicable, "elsewhere", finding.Params{}, item.ID)
	}
	if f := found(findings, "tenant-differs"); f != nil {
		return cause(4, as(f), "differ", finding.Params{}, f.Evidence...)
	}
	if v.rec.Target.HMA != nil {
		return v.causeTokenTenant()
	}
	dynamics, asked := v.dynamicsTenant()
	switch {
	case !asked:
		return cause(4, finding.CauseNotChecked, "not-looked-up", finding.Params{})
	case dynamics.guid == "":
		return cause(4, finding.CauseUndetermined, "unknown", finding.Params{Gaps: dynamics.gaps}, dynamics.evidence...)
	}
	if tenants, ids := v.tenantDifference(); len(ids) > 0 {
		p := finding.Params{Tenants: tenants}
		switch {
		case v.crossTenant():
			return cause(4, finding.CauseNotApplicable, "across", p, ids...)
		case v.knownOnline():
			return cause(4, finding.CauseLikely, "online", p, ids...)
		}
		return cause(4, finding.CauseUndetermined, "not-needed", p, ids...)
	}
	domain, known := v.domainTenant()
	exchange, trusted := v.exchangeTenant()
	switch {
	case known && domain.guid == "":
		return cause(4, finding.CauseUndetermined, "unknown", finding.Params{Gaps: domain.gaps}, domain.evidence...)
	case known:
		p := finding.Params{Tenants: finding.Tenants{Dynamics: domain.guid, Domain: domain.origin.Name}}
		return cause(4, finding.CauseRuledOut, "same", p, append(domain.evidence, dynamics.evidence...)...)
	case trusted && oauth:
		p := finding.Params{Tenants: finding.Tenants{Dynamics: exchange.guid, Exchange: v.host()}}
		return cause(4, finding.CauseRuledOut, "trusted", p, append(exchange.evidence, dynamics.evidence...)...)
	}
	return cause(4, finding.CauseNotChecked, "no-domain", finding.Params{}, dynamics.evidence...)
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
		return cause(6, as(f), variant, finding.Params{}, f.Evidence...)
	}
	living, deleted := v.lookUp(evidence.StepCloudGraphUser), v.lookUp(evidence.StepCloudGraphDeleted)
	switch {
	case deleted == nil && v.rec.Target.Token && v.rec.Target.Mailbox == "":
		return cause(6, finding.CauseNotChecked, "no-mailbox", finding.Params{})
	case deleted == nil && v.tokenless() != nil:
		return cause(6, finding.CauseUndetermined, "unknown", gap(v.tokenless()), v.tokenless().ID)
	case deleted == nil:
		return cause(6, finding.CauseNotChecked, "not-looked-up", finding.Params{})
	case factless(deleted):
		return cause(6, finding.CauseUndetermined, "unknown", gap(deleted), deleted.ID)
	case living == nil || factless(living):
		return cause(6, finding.CauseUndetermined, "user-unknown", finding.Params{}, deleted.ID)
	case len(deleted.Cloud.Users) > 0 && opened != nil:
		return cause(6, finding.CauseNotApplicable, "opened", finding.Params{}, deleted.ID, opened.ID)
	case len(deleted.Cloud.Users) > 0:
		return cause(6, finding.CauseUndetermined, "deleted", finding.Params{}, deleted.ID, living.ID)
	case len(living.Cloud.Users) == 0:
		p := finding.Params{Mailbox: living.Cloud.Subject}
		return cause(6, finding.CauseUndetermined, "nobody", p, living.ID, deleted.ID)
	}
	if made := living.Cloud.Users[0].Created; made != nil && v.rec.Started.Sub(*made) < recycled {
		return cause(6, finding.CauseUndetermined, "new", finding.Params{Until: *made}, living.ID, deleted.ID)
	}
	return cause(6, finding.CauseRuledOut, "none", finding.Params{}, deleted.ID, living.ID)
}
