package rule

import (
	"fmt"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// Causes 2, 3, 4 and 6 are decided outside the network. What the endpoint alone
// can say of them comes first; then what was found there; then why nothing was.

const noMailbox = "no --mailbox was given"

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
	switch {
	case endpoint != nil && mailbox != nil && located == nil && sent == nil:
		return cause(2, as(endpoint), "the endpoint is Exchange Online, and Autodiscover of the domain leads there too", endpoint.Evidence...)
	case endpoint != nil && mailbox != nil:
		return cause(2, as(endpoint), "the endpoint is Exchange Online, and the mailbox is there", endpoint.Evidence...)
	case endpoint != nil && v.lookUp(evidence.StepCloudLocation) == nil:
		return cause(2, as(endpoint), "the endpoint is Exchange Online; where the mailbox is was not looked up", endpoint.Evidence...)
	case endpoint != nil && v.located(evidence.LocationElsewhere) != nil:
		return cause(2, as(endpoint), "the endpoint is Exchange Online, although the mailbox is not there", endpoint.Evidence...)
	case endpoint != nil:
		return cause(2, as(endpoint), "the endpoint is Exchange Online; where the mailbox is was asked in vain", endpoint.Evidence...)
	case v.rec.Target.ProfileAuth == "oauth":
		return cause(2, finding.CauseNotApplicable, "it concerns profiles with a user name and password")
	case mailbox != nil && sent != nil:
		return cause(2, as(mailbox), "Exchange here sends clients of the mailbox to Exchange Online", mailbox.Evidence...)
	case mailbox != nil && mailbox.Confidence == finding.Confirmed:
		return cause(2, finding.CauseConfirmed, "Exchange Online has the mailbox, and Exchange here does not", mailbox.Evidence...)
	case mailbox != nil && located == nil:
		return cause(2, finding.CauseLikely, "Autodiscover of the domain leads to Exchange Online, and to no server of your own", mailbox.Evidence...)
	case mailbox != nil:
		return cause(2, finding.CauseLikely, "Exchange Online says that it has the mailbox", mailbox.Evidence...)
	case opened != nil && located != nil:
		return cause(2, finding.CauseUndetermined, "the mailbox answers on this server, and Exchange Online says that it has it too", opened.ID, located.ID)
	case opened != nil && sent != nil:
		return cause(2, finding.CauseUndetermined, "the mailbox answers on this server, and Autodiscover sends its clients to Exchange Online", opened.ID, sent.ID)
	case opened != nil:
		return cause(2, finding.CauseRuledOut, "the mailbox answers on this server, so it is not in Exchange Online", opened.ID)
	}
	item := v.lookUp(evidence.StepCloudLocation)
	if f := found(findings, "mailbox-not-found"); item == nil && f != nil && v.listed() != nil {
		return cause(2, finding.CauseUndetermined, "the address book knows the address, but the mailbox is not on these servers: it may be in Exchange Online, which was not looked up (--cloud)", f.Evidence...)
	}
	switch {
	case item != nil && v.located(evidence.LocationElsewhere) != nil:
		return cause(2, finding.CauseRuledOut, fmt.Sprintf("Exchange Online says that the mailbox is not there, and points to %s", item.Cloud.Redirect), item.ID)
	case item != nil:
		return cause(2, finding.CauseUndetermined, v.whyUnplaced(item), item.ID)
	case v.rec.Target.Cloud && v.rec.Target.Mailbox == "":
		return cause(2, finding.CauseNotChecked, noMailbox)
	}
	return cause(2, finding.CauseNotChecked, "where the mailbox is was not looked up (--cloud)")
}

func (v *view) causeLicence(findings []finding.Finding, opened *evidence.Item) finding.CauseReport {
	if opened != nil {
		return cause(3, finding.CauseNotApplicable, "the mailbox is on this server and needs no Exchange Online licence", opened.ID)
	}
	if item := v.located(evidence.LocationElsewhere); item != nil {
		return cause(3, finding.CauseNotApplicable, "the mailbox is not in Exchange Online and needs no licence for it", item.ID)
	}
	if f := found(findings, "mailbox-unlicensed"); f != nil {
		return cause(3, as(f), "Graph shows no enabled Exchange plan for the user", f.Evidence...)
	}
	l, asked := v.licence()
	switch {
	case asked && l.plan != "":
		return cause(3, finding.CauseRuledOut, fmt.Sprintf("the user has the enabled plan %s", l.plan), l.item.ID)
	case asked && l.why != "":
		return cause(3, finding.CauseUndetermined, l.why, l.item.ID)
	case asked:
		return cause(3, finding.CauseUndetermined, "the user has no enabled Exchange plan, which matters only if the mailbox should be in Exchange Online, and that is not known", l.item.ID)
	case v.rec.Target.Token && v.rec.Target.Mailbox == "":
		return cause(3, finding.CauseNotChecked, noMailbox)
	case v.tokenless() != nil:
		return cause(3, finding.CauseUndetermined, vain(v.tokenless()), v.tokenless().ID)
	}
	return cause(3, finding.CauseNotChecked, "licences are not visible from here (--token-file)")
}

func (v *view) causeTenant(findings []finding.Finding, opened *evidence.Item) finding.CauseReport {
	if v.rec.Target.ProfileAuth != "oauth" {
		if opened != nil {
			return cause(4, finding.CauseNotApplicable, "with a user name and password and a mailbox on this server, tenants play no part", opened.ID)
		}
		if item := v.located(evidence.LocationElsewhere); item != nil {
			return cause(4, finding.CauseNotApplicable, "with a user name and password and a mailbox outside Exchange Online, tenants play no part", item.ID)
		}
	}
	if f := found(findings, "tenant-differs"); f != nil {
		return cause(4, as(f), "Dynamics and Exchange are in different tenants", f.Evidence...)
	}
	dynamics, asked := v.dynamicsTenant()
	switch {
	case !asked:
		return cause(4, finding.CauseNotChecked, "the tenant of Dynamics was not looked up (--dynamics-url or --tenant)")
	case dynamics.guid == "":
		return cause(4, finding.CauseUndetermined, dynamics.why, dynamics.evidence...)
	}
	if differs, ids := v.tenantDifference(); differs != "" && v.crossTenant() {
		return cause(4, finding.CauseNotApplicable, differs+", and the profile was made for access across tenants", ids...)
	} else if differs != "" && v.knownOnline() {
		return cause(4, finding.CauseLikely, differs+"; the Exchange Online profile that this mailbox needs meets that, unless it is made for access across tenants", ids...)
	} else if differs != "" {
		return cause(4, finding.CauseUndetermined, differs+"; that matters only if the mailbox is in Exchange Online, and where it is is not known", ids...)
	}
	domain, known := v.domainTenant()
	exchange, trusted := v.exchangeTenant()
	switch {
	case known && domain.guid == "":
		return cause(4, finding.CauseUndetermined, domain.why, domain.evidence...)
	case known:
		return cause(4, finding.CauseRuledOut, fmt.Sprintf("Dynamics and %s are in the same tenant, %s", domain.source, domain.guid), append(domain.evidence, dynamics.evidence...)...)
	case trusted && v.rec.Target.ProfileAuth == "oauth":
		return cause(4, finding.CauseRuledOut, fmt.Sprintf("Dynamics is in the tenant that %s trusts, %s", exchange.source, exchange.guid), append(exchange.evidence, dynamics.evidence...)...)
	}
	return cause(4, finding.CauseNotChecked, "neither --mailbox nor the account's name names a domain whose tenant could be compared", dynamics.evidence...)
}

func (v *view) causeRecreated(findings []finding.Finding, opened *evidence.Item) finding.CauseReport {
	if f := found(findings, "user-recreated"); f != nil {
		if f.Confidence == finding.Confirmed {
			return cause(6, as(f), "Dynamics' own last error names a user who does not exist in the tenant any more", f.Evidence...)
		}
		return cause(6, as(f), "a deleted user had the same address", f.Evidence...)
	}
	living, deleted := v.lookUp(evidence.StepCloudGraphUser), v.lookUp(evidence.StepCloudGraphDeleted)
	switch {
	case deleted == nil && v.rec.Target.Token && v.rec.Target.Mailbox == "":
		return cause(6, finding.CauseNotChecked, noMailbox)
	case deleted == nil && v.tokenless() != nil:
		return cause(6, finding.CauseUndetermined, vain(v.tokenless()), v.tokenless().ID)
	case deleted == nil:
		return cause(6, finding.CauseNotChecked, "a re-created user shows in the text of the Dynamics alert or in Entra ID (--token-file), not at the endpoint")
	case vain(deleted) != "":
		return cause(6, finding.CauseUndetermined, vain(deleted), deleted.ID)
	case living == nil || vain(living) != "":
		return cause(6, finding.CauseUndetermined, "the user with the address was asked for in vain", deleted.ID)
	case len(deleted.Cloud.Users) > 0 && opened != nil:
		return cause(6, finding.CauseNotApplicable, "the mailbox is on this server and opens; the user was re-created in Entra, which plays no part in that", deleted.ID, opened.ID)
	case len(deleted.Cloud.Users) > 0:
		return cause(6, finding.CauseUndetermined, "a deleted user had the address, and no user has it now: deleted, but not re-created", deleted.ID, living.ID)
	case len(living.Cloud.Users) == 0:
		return cause(6, finding.CauseUndetermined, fmt.Sprintf("Graph knows no user with the address %s, living or deleted", living.Cloud.Subject), living.ID, deleted.ID)
	}
	if made := living.Cloud.Users[0].Created; made != nil && v.rec.Started.Sub(*made) < recycled {
		return cause(6, finding.CauseUndetermined, fmt.Sprintf("no deleted user has the address, but the user was made on %s: an earlier one may have been removed for good", made.Format("2006-01-02")), living.ID, deleted.ID)
	}
	return cause(6, finding.CauseRuledOut, "no user with this address was deleted in the last 30 days", deleted.ID, living.ID)
}
