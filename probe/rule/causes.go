package rule

import (
	"cmp"
	"slices"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// outcome is what a cause may come to: its status, its sentence and what shows it.
type outcome struct {
	holds   bool
	status  finding.CauseStatus
	variant string // of the sentence
	shown   []string
}

// cause reports the first of the outcomes that holds; the last one always does.
func (v *view) cause(number int, p finding.Params, outcomes []outcome) finding.CauseReport {
	o := outcomes[slices.IndexFunc(outcomes, func(o outcome) bool { return o.holds })]
	return finding.CauseReport{Number: number, Status: o.status, Why: finding.SayCause(number, o.variant, v.complete(p)), Evidence: o.shown}
}

// findings are those of a record by their code; one that does not hold has none.
type findings map[finding.Code]finding.Finding

// causes answers all six causes of KB 3212785, always.
func (v *view) causes(list []finding.Finding) []finding.CauseReport {
	f := findings{}
	for _, one := range list {
		f[one.Code] = one
	}
	opened := v.openedMailbox()
	return []finding.CauseReport{
		v.byDynamics(v.causeAddress(f, opened)),
		v.byDynamics(v.causeOnline(f, opened)),
		v.causeLicence(f, opened),
		v.byDynamics(v.causeTenant(f, opened)),
		v.causeBasic(f),
		v.byDynamics(v.causeRecreated(f, opened)),
	}
}

// as is the status of the cause whose finding that is.
func as(f finding.Finding) finding.CauseStatus {
	if f.Confidence == finding.Confirmed {
		return finding.CauseConfirmed
	}
	return finding.CauseLikely
}

// ids names those of the items that there are.
func ids(items ...*evidence.Item) (list []string) {
	for _, item := range items {
		if item != nil {
			list = append(list, item.ID)
		}
	}
	return list
}

// openedMailbox is the answer in which Exchange on premises opened the mailbox
// that was asked for.
func (v *view) openedMailbox() *evidence.Item {
	for _, n := range v.nodes {
		if item := v.signedIn(n); v.mailbox() != "" && opens(item) && !v.isOnline(n) && !v.callersOwn(n) {
			return item
		}
	}
	return nil
}

func (v *view) causeAddress(f findings, opened *evidence.Item) finding.CauseReport {
	differs, missing, online, sent := f["mailbox-address-differs"], f["mailbox-not-found"], f["mailbox-online"], v.sentOnline()
	return v.cause(1, finding.Params{}, []outcome{
		{differs.Status == finding.Warning, finding.CauseLikely, "not-primary", differs.Evidence},
		{differs.Code != "", finding.CauseConfirmed, "not-primary", differs.Evidence},
		{missing.Code != "" && v.listed() != nil, finding.CauseUndetermined, "listed", missing.Evidence},
		{missing.Confidence == finding.Confirmed, finding.CauseConfirmed, "unknown", missing.Evidence},
		{missing.Code != "", finding.CauseLikely, "unknown-to-autodiscover", missing.Evidence},
		{sent != nil && opened == nil, finding.CauseUndetermined, "sent-online", ids(sent)},
		{online.Confidence == finding.Confirmed, finding.CauseUndetermined, "online", online.Evidence},
		{v.mailbox() == "", finding.CauseNotChecked, "no-mailbox", nil},
		{opened != nil, finding.CauseRuledOut, "opened", ids(opened)},
		{v.proved == nil, finding.CauseNotChecked, "no-logon", nil},
		{true, finding.CauseUndetermined, "unclear", ids(v.proved)},
	})
}

func (v *view) causeBasic(f findings) finding.CauseReport {
	auth, disabled, online := v.rec.Target.ProfileAuth, f["basic-disabled"], f["endpoint-online"]
	p := finding.Params{Scheme: auth}
	if len(disabled.Addresses) < len(v.nodes) { // and some at the others
		p.Places = disabled.Addresses
	}
	var asked []*evidence.Item
	silent := false
	for _, n := range v.nodes {
		asked = append(asked, n.ask)
		if silent = !n.challenged() || v.plain(); silent {
			break
		}
	}
	held := v.heldAt(v.rec.Target.URL)
	return v.cause(5, p, []outcome{
		{auth == "", finding.CauseNotChecked, "unknown-profile", nil},
		{auth != "basic" && auth != "auto", finding.CauseNotApplicable, "other-scheme", nil},
		{disabled.Code != "", as(disabled), "disabled", disabled.Evidence},
		{online.Code != "", finding.CauseNotApplicable, "online", online.Evidence},
		{silent, finding.CauseUndetermined, "no-schemes", ids(asked...)},
		{len(asked) == 0, finding.CauseUndetermined, "not-reached", nil},
		{held != nil, finding.CauseUndetermined, "not-yours", ids(append(asked, held)...)},
		{true, finding.CauseRuledOut, "offered", ids(asked...)},
	})
}

// Causes 2, 3, 4 and 6 are decided outside the network. What the endpoint alone
// can say of them comes first; then what was found there; then why nothing was.

func (v *view) causeOnline(f findings, opened *evidence.Item) finding.CauseReport {
	endpoint, mailbox, missing := f["endpoint-online"], f["mailbox-online"], f["mailbox-not-found"]
	sent, redirected, item := v.sentOnline(), v.redirectedOnline(), v.lookUp(evidence.StepCloudLocation)
	located, elsewhere := v.located(evidence.LocationOnline), v.located(evidence.LocationElsewhere)
	p := finding.Params{Query: item}
	if item != nil {
		p.Redirect = item.Cloud.Redirect
	}
	here, there := endpoint.Code != "", mailbox.Code != ""
	return v.cause(2, p, []outcome{
		{here && there && located == nil && sent == nil, as(endpoint), "endpoint-and-domain", endpoint.Evidence},
		{here && there, as(endpoint), "endpoint-and-mailbox", endpoint.Evidence},
		{here && item == nil, as(endpoint), "endpoint-alone", endpoint.Evidence},
		{here && elsewhere != nil, as(endpoint), "endpoint-without-mailbox", endpoint.Evidence},
		{here, as(endpoint), "endpoint-unknown", endpoint.Evidence},
		{v.rec.Target.ProfileAuth == "oauth", finding.CauseNotApplicable, "oauth", nil},
		{there && sent != nil, as(mailbox), "sent", mailbox.Evidence},
		{there && mailbox.Confidence == finding.Confirmed, finding.CauseConfirmed, "located-and-missing", mailbox.Evidence},
		{there && located == nil, finding.CauseLikely, "domain", mailbox.Evidence},
		{there, finding.CauseLikely, "located", mailbox.Evidence},
		{opened != nil && located != nil, finding.CauseUndetermined, "opened-and-located", ids(opened, located)},
		{opened != nil && sent != nil, finding.CauseUndetermined, "opened-and-sent", ids(opened, sent)},
		{opened != nil, finding.CauseRuledOut, "opened", ids(opened)},
		{item == nil && missing.Code != "" && v.listed() != nil, finding.CauseUndetermined, "listed", missing.Evidence},
		{elsewhere != nil, finding.CauseRuledOut, "elsewhere", ids(item)},
		{item != nil, finding.CauseUndetermined, "unknown", ids(item)},
		{redirected != nil, finding.CauseLikely, "redirected", ids(redirected)},
		{v.rec.Target.Cloud && v.mailbox() == "", finding.CauseNotChecked, "no-mailbox", nil},
		{true, finding.CauseNotChecked, "not-looked-up", nil},
	})
}

func (v *view) causeLicence(f findings, opened *evidence.Item) finding.CauseReport {
	l, tokenless, elsewhere, unlicensed := v.licence(), v.tokenless(), v.located(evidence.LocationElsewhere), f["mailbox-unlicensed"]
	p := finding.Params{Plans: []finding.Plan{{Name: l.plan}}, Gaps: l.gaps}
	if l.item == nil {
		p.Gaps = []finding.Gap{{Query: tokenless}}
	}
	return v.cause(3, p, []outcome{
		{opened != nil, finding.CauseNotApplicable, "opened", ids(opened)},
		{elsewhere != nil, finding.CauseNotApplicable, "elsewhere", ids(elsewhere)},
		{unlicensed.Code != "", as(unlicensed), "no-plan", unlicensed.Evidence},
		{l.plan != "", finding.CauseRuledOut, "plan", ids(l.item)},
		{len(l.gaps) > 0, finding.CauseUndetermined, "unknown", ids(l.item)},
		{l.item != nil, finding.CauseUndetermined, "not-needed", ids(l.item)},
		{v.rec.Target.Token && v.mailbox() == "", finding.CauseNotChecked, "no-mailbox", nil},
		{tokenless != nil, finding.CauseUndetermined, "unknown", ids(tokenless)},
		{true, finding.CauseNotChecked, "not-looked-up", nil},
	})
}

// causeTenant: for a check with a token only the tenant of the token and those that
// Exchange trusts count.
func (v *view) causeTenant(f findings, opened *evidence.Item) finding.CauseReport {
	oauth, token, differs := v.rec.Target.ProfileAuth == "oauth", v.rec.Target.HMA != nil, f["tenant-differs"]
	elsewhere, t, p := v.located(evidence.LocationElsewhere), v.tenants(), v.tokenParams()
	p.Tenants, p.Gaps = t, t.Domain.Gaps
	if t.Dynamics.ID == "" {
		p.Gaps = t.Dynamics.Gaps
	}
	got := ids(v.tokenItem(evidence.StepHMAToken))
	trusted := slices.ContainsFunc(v.nodes, func(n *node) bool { return slices.Contains(n.trusted(), p.Token.Claims.Tenant) })
	differing := ids(v.differing(t)...)
	return v.cause(4, p, []outcome{
		{!oauth && opened != nil, finding.CauseNotApplicable, "opened", ids(opened)},
		{!oauth && elsewhere != nil, finding.CauseNotApplicable, "elsewhere", ids(elsewhere)},
		{differs.Code != "", as(differs), "differ", differs.Evidence},
		{token && p.Token.Claims.Tenant == "", finding.CauseNotChecked, "no-token", nil},
		{token && trusted, finding.CauseRuledOut, "token", got},
		{token, finding.CauseUndetermined, "token-unknown", got},
		{t.Dynamics.Kind == "", finding.CauseNotChecked, "not-looked-up", nil},
		{t.Dynamics.ID == "", finding.CauseUndetermined, "unknown", ids(t.Dynamics.Seen...)},
		{differing != nil && v.crossTenant(), finding.CauseNotApplicable, "across", differing},
		{differing != nil && v.knownOnline(), finding.CauseLikely, "online", differing},
		{differing != nil, finding.CauseUndetermined, "not-needed", differing},
		{t.Domain.Kind != "" && t.Domain.ID == "", finding.CauseUndetermined, "unknown", ids(t.Domain.Seen...)},
		{t.Domain.Kind != "", finding.CauseRuledOut, "same", ids(append(t.Domain.Seen, t.Dynamics.Seen...)...)},
		{t.Exchange.Kind != "" && oauth, finding.CauseRuledOut, "trusted", ids(append(t.Exchange.Seen, t.Dynamics.Seen...)...)},
		{true, finding.CauseNotChecked, "no-domain", ids(t.Dynamics.Seen...)},
	})
}

func (v *view) causeRecreated(f findings, opened *evidence.Item) finding.CauseReport {
	recreated, variant := f["user-recreated"], "twin"
	switch inDynamics, _ := v.otherUser(); {
	case recreated.Confidence == finding.Confirmed:
		variant = "alert"
	case inDynamics != nil && slices.Contains(recreated.Evidence, inDynamics.ID):
		variant = "other-user"
	}
	living, deleted, tokenless := v.lookUp(evidence.StepCloudGraphUser), v.lookUp(evidence.StepCloudGraphDeleted), v.tokenless()
	now, gone := usersOf(living), usersOf(deleted)
	p := finding.Params{Gaps: []finding.Gap{{Query: cmp.Or(deleted, tokenless)}}}
	if living != nil {
		p.Mailbox = living.Cloud.Subject
	}
	if len(now) > 0 && now[0].Created != nil {
		p.Until = *now[0].Created
	}
	lately := !p.Until.IsZero() && v.rec.Started.Sub(p.Until) < recycled
	return v.cause(6, p, []outcome{
		{recreated.Code != "", as(recreated), variant, recreated.Evidence},
		{deleted == nil && v.rec.Target.Token && v.mailbox() == "", finding.CauseNotChecked, "no-mailbox", nil},
		{deleted == nil && tokenless != nil, finding.CauseUndetermined, "unknown", ids(tokenless)},
		{deleted == nil, finding.CauseNotChecked, "not-looked-up", nil},
		{factless(deleted), finding.CauseUndetermined, "unknown", ids(deleted)},
		{living == nil || factless(living), finding.CauseUndetermined, "user-unknown", ids(deleted)},
		{len(gone) > 0 && opened != nil, finding.CauseNotApplicable, "opened", ids(deleted, opened)},
		{len(gone) > 0, finding.CauseUndetermined, "deleted", ids(deleted, living)},
		{len(now) == 0, finding.CauseUndetermined, "no-user", ids(living, deleted)},
		{lately, finding.CauseUndetermined, "new", ids(living, deleted)},
		{true, finding.CauseRuledOut, "none", ids(deleted, living)},
	})
}
