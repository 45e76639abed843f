package rule

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// mailboxOnline: cause 2. A word of the premises makes it certain: Autodiscover
// here sends the mailbox's clients to Exchange Online (redirectAddr), or EWS here
// does not have the mailbox that Exchange Online says it has. The word of Exchange
// Online alone makes it likely, and so does an Autodiscover that leads nowhere
// else. Where the mailbox opens here, that contradicts it: mailboxDuplicate.
func mailboxOnline(v *view) *hit {
	if v.mailbox() == "" || v.rec.Target.ProfileAuth == "oauth" || v.openedMailbox() != nil {
		return nil
	}
	located := v.located(evidence.LocationOnline)
	if sent := v.sentOnline(); sent != nil {
		return v.movedOnline(sent, located)
	}
	if located != nil {
		return v.locatedOnline(located)
	}
	if item := v.leadsOnline(); item != nil {
		return &hit{
			confidence: finding.Likely, evidence: []string{item.ID},
			summary: fmt.Sprintf("Autodiscover for %s leads to Exchange Online", v.discoveryDomain()),
			detail:  fmt.Sprintf("The way leads to %s and to no server of your own. It was not asked, and no credential was sent there. Where a domain has mailboxes on its own servers too, its Autodiscover should lead to these.", item.Discovery.Endpoint),
		}
	}
	return nil
}

// movedOnline: Exchange here says so itself.
func (v *view) movedOnline(sent, located *evidence.Item) *hit {
	h := &hit{confidence: finding.Confirmed, evidence: []string{sent.ID}}
	h.summary = fmt.Sprintf("The mailbox %s is in Exchange Online, where this profile cannot reach it", v.mailbox())
	h.detail = fmt.Sprintf("%s, on premises, sends clients of this mailbox to %s: it knows the address, and the mailbox has moved.", capital(where(sent)), sent.Discovery.RedirectAddr)
	elsewhere := v.located(evidence.LocationElsewhere)
	switch {
	case located != nil:
		h.evidence = append(h.evidence, located.ID)
		h.detail += fmt.Sprintf(" %s says that it has the mailbox.", located.Cloud.Host)
	case elsewhere != nil:
		h.confidence = finding.Likely
		h.evidence = append(h.evidence, elsewhere.ID)
		h.detail += fmt.Sprintf(" But %s says that it does not have the mailbox, and points to %s: one of the two holds an old record.", elsewhere.Cloud.Host, elsewhere.Cloud.Redirect)
	}
	if missing := v.missingHere(); missing != nil {
		h.evidence = append(h.evidence, missing.ID)
		h.detail += fmt.Sprintf(" So that EWS here does not know the address (%s) does not show that the address is wrong.", missing.EWS.Code)
	}
	return h
}

// locatedOnline: Exchange Online says so.
func (v *view) locatedOnline(item *evidence.Item) *hit {
	h := &hit{confidence: finding.Likely, evidence: []string{item.ID}}
	h.summary = fmt.Sprintf("The mailbox %s is in Exchange Online, where this profile cannot reach it", item.Cloud.Subject)
	h.detail = fmt.Sprintf("%s says that it has the mailbox.", item.Cloud.Host)
	if missing := v.missingHere(); missing != nil {
		h.confidence = finding.Confirmed
		h.evidence = append(h.evidence, missing.ID)
		h.detail += fmt.Sprintf(" The Exchange server here accepts the sign-in and does not know the address (%s): both say the same. So that answer does not show that the address is wrong.", missing.EWS.Code)
	} else {
		h.detail += " The Exchange server here was not asked for it, or gave no answer that says whether it has it too."
	}
	return h
}

// mailboxDuplicate: the mailbox opens here, and there is word that it is in
// Exchange Online. Which of the two people use is not to be seen from here.
func mailboxDuplicate(v *view) *hit {
	opened := v.openedMailbox()
	if opened == nil || v.rec.Target.ProfileAuth == "oauth" {
		return nil
	}
	h := &hit{confidence: finding.Likely, evidence: []string{opened.ID}}
	h.summary = fmt.Sprintf("The mailbox %s answers here, and there seems to be another in Exchange Online", v.mailbox())
	h.detail = "EWS here opens the mailbox."
	located, sent := v.located(evidence.LocationOnline), v.sentOnline()
	if located != nil {
		h.evidence = append(h.evidence, located.ID)
		h.detail += fmt.Sprintf(" %s says that it has it too.", located.Cloud.Host)
	}
	if sent != nil {
		h.evidence = append(h.evidence, sent.ID)
		h.detail += fmt.Sprintf(" And %s sends its clients to %s.", where(sent), sent.Discovery.RedirectAddr)
	}
	if located == nil && sent == nil {
		return nil
	}
	h.detail += " Dynamics reads the one here. Whether it is the one that the user works in cannot be seen from here."
	return h
}

// explained takes out what another finding explains: a mailbox that is in
// Exchange Online cannot be found here, so its address is not thereby wrong.
func explained(findings []finding.Finding) []finding.Finding {
	if f := found(findings, "mailbox-online"); f == nil || f.Confidence != finding.Confirmed {
		return findings
	}
	return slices.DeleteFunc(findings, func(f finding.Finding) bool { return f.Code == "mailbox-not-found" })
}

// locate completes endpoint-online with where the mailbox was found to be.
func (v *view) locate(h *hit) {
	item := v.lookUp(evidence.StepCloudLocation)
	switch sent := v.sentOnline(); {
	case sent != nil && v.located(evidence.LocationElsewhere) == nil:
		h.confidence = finding.Confirmed
		h.evidence = append(h.evidence, sent.ID)
		h.detail += fmt.Sprintf(" The mailbox %s is there, as %s says, so it needs the Exchange Online profile.", v.mailbox(), where(sent))
	case item == nil:
		h.detail += " Where the mailbox really is has not been looked up."
	case v.located(evidence.LocationOnline) != nil:
		h.confidence = finding.Confirmed
		h.evidence = append(h.evidence, item.ID)
		h.detail += fmt.Sprintf(" The mailbox %s is there, so it needs the Exchange Online profile.", item.Cloud.Subject)
	case v.located(evidence.LocationElsewhere) != nil:
		h.evidence = append(h.evidence, item.ID)
		h.detail += fmt.Sprintf(" But Exchange Online says that the mailbox %s is not there, and points to %s: then only the URL is wrong.", item.Cloud.Subject, item.Cloud.Redirect)
	default:
		h.evidence = append(h.evidence, item.ID)
		h.detail += fmt.Sprintf(" Where the mailbox really is was asked in vain (%s).", v.whyUnplaced(item))
	}
}

func (v *view) whyUnplaced(item *evidence.Item) string {
	if why := vain(item); why != "" {
		return why
	}
	return fmt.Sprintf("%s does not know the address %s", item.Cloud.Host, item.Cloud.Subject)
}

// shouldBeOnline says why the mailbox is taken to belong to Exchange Online, ""
// if nothing speaks for it or anything against it.
func (v *view) shouldBeOnline() (why string, ids []string) {
	if v.openedMailbox() != nil || v.located(evidence.LocationElsewhere) != nil || v.rec.Target.Mailbox == "" {
		return "", nil
	}
	if item := v.located(evidence.LocationOnline); item != nil {
		return "Exchange Online says that the mailbox is there", []string{item.ID}
	}
	if item := v.sentOnline(); item != nil {
		return fmt.Sprintf("%s sends clients of the mailbox to Exchange Online", where(item)), []string{item.ID}
	}
	for _, n := range v.nodes {
		if n.answered() && (n.who.Online || v.isOnline(n)) {
			return "the endpoint is Exchange Online", []string{n.ask.ID}
		}
	}
	if item := v.missingHere(); item != nil {
		return "the Exchange server here does not have the mailbox", []string{item.ID}
	}
	return "", nil
}

// mailboxUnlicensed: cause 3. Two words make it certain: no plan, and no mailbox
// that Graph can open. Shared mailboxes need no licence, so the plans alone make
// it likely.
func mailboxUnlicensed(v *view) *hit {
	l, asked := v.licence()
	why, ids := v.shouldBeOnline()
	if !asked || l.why != "" || l.plan != "" || why == "" {
		return nil
	}
	h := &hit{confidence: finding.Likely, evidence: append([]string{l.item.ID}, ids...)}
	h.summary = fmt.Sprintf("The user of %s has no Exchange Online licence", v.mailbox())
	h.detail = "Graph shows no enabled service plan with an Exchange mailbox for the user"
	if len(l.off) > 0 {
		h.detail += " (" + strings.Join(l.off, ", ") + ")"
	}
	h.detail += fmt.Sprintf(", and %s.", why)
	if missing := v.mailboxMissing(); missing != nil && v.located(evidence.LocationOnline) == nil {
		h.confidence = finding.Confirmed
		h.evidence = append(h.evidence, missing.ID)
		h.detail += " Graph also opens no mailbox for the user (MailboxNotEnabledForRESTAPI)."
	} else {
		h.detail += " A shared mailbox needs no licence and looks the same."
	}
	return h
}

// tenantNeeded says why the profile needs Dynamics and the mailbox to be in one
// tenant, "" if it does not, and how sure that is.
func (v *view) tenantNeeded() (why string, sure finding.Confidence) {
	switch {
	case v.crossTenant():
		return "", ""
	case v.serverToServer():
		if v.knownOnline() && v.openedMailbox() == nil {
			return "the profile is a server-to-server one and the mailbox is in Exchange Online", finding.Confirmed
		}
	case v.rec.Target.ProfileAuth == "oauth":
		return "a profile that signs in with OAuth needs the same tenant, unless it was made for access across tenants", finding.Confirmed
	}
	return "", ""
}

// crossTenant: the exported profile was made for access across tenants.
func (v *view) crossTenant() bool { return v.retrieves(evidence.CredentialsEntra) }

// serverToServer: the exported profile uses no user's credentials.
func (v *view) serverToServer() bool { return v.retrieves(evidence.CredentialsServerToServer) }

func (v *view) retrieves(how int) bool {
	p := v.rec.Target.Profile
	return p != nil && p.Incoming.Credentials != nil && p.Incoming.Credentials.Is(how)
}

// knownOnline: Exchange Online says that it has the mailbox, or Exchange here
// sends its clients there and nothing contradicts that.
func (v *view) knownOnline() bool {
	return v.located(evidence.LocationOnline) != nil || v.sentOnline() != nil && v.located(evidence.LocationElsewhere) == nil
}

// tenantDifference compares Dynamics' tenant with that of the mailbox's domain
// and with Exchange's own. differs is empty if they agree or nothing is known.
func (v *view) tenantDifference() (differs string, ids []string) {
	dynamics, asked := v.dynamicsTenant()
	if !asked || dynamics.guid == "" {
		return "", nil
	}
	var parts []string
	if domain, ok := v.domainTenant(); ok && domain.guid != "" && domain.guid != dynamics.guid {
		parts = append(parts, fmt.Sprintf("the domain %s in %s", domain.source, domain.guid))
		ids = append(ids, domain.evidence...)
	}
	if exchange, ok := v.exchangeTenant(); ok && exchange.guid != dynamics.guid && v.rec.Target.ProfileAuth == "oauth" {
		parts = append(parts, fmt.Sprintf("%s trusts %s", exchange.source, exchange.guid))
		ids = append(ids, exchange.evidence...)
	}
	if len(parts) == 0 {
		return "", nil
	}
	return fmt.Sprintf("Dynamics is in the tenant %s (%s), %s", dynamics.guid, dynamics.source, strings.Join(parts, ", and ")), append(ids, dynamics.evidence...)
}

// tenantDiffers: cause 4.
func tenantDiffers(v *view) *hit {
	need, sure := v.tenantNeeded()
	differs, ids := v.tenantDifference()
	if need == "" || differs == "" {
		return nil
	}
	return &hit{
		confidence: sure, evidence: ids,
		summary: "Dynamics and Exchange are in different tenants",
		detail:  fmt.Sprintf("%s. That matters because %s.", differs, need),
	}
}

// userRecreated: cause 6, as far as Entra shows it: a deleted user with the same
// address beside the living one. Whether Dynamics still remembers the old one is
// not to be seen, so it is certain only where Dynamics itself wrote so.
func userRecreated(v *view) *hit {
	if h := recreatedByDynamics(v); h != nil {
		return h
	}
	living, deleted := v.twin()
	if living == nil || v.openedMailbox() != nil && v.rec.Target.ProfileAuth != "oauth" {
		return nil
	}
	h := &hit{confidence: finding.Likely, evidence: []string{deleted.ID, living.ID}}
	h.summary = fmt.Sprintf("A deleted user had the address %s before", deleted.Cloud.Subject)
	h.detail = "Entra has a user with this address, and a deleted one"
	if at := deleted.Cloud.Users[0].Deleted; at != nil {
		h.detail += fmt.Sprintf(" (deleted on %s)", at.Format("2006-01-02 15:04 UTC"))
	}
	h.detail += ". So the user was made again, and Dynamics or Exchange Online may still look for the old one; caches can take up to 72 hours to forget it."
	return h
}

// notOnline goes on where a mailbox is not found here: has it moved?
func (v *view) notOnline() string {
	item := v.lookUp(evidence.StepCloudLocation)
	switch {
	case item == nil && v.leadsOnline() != nil:
		return ", which the Autodiscover of the domain leads to"
	case item == nil:
		return ", which was not looked up"
	case v.located(evidence.LocationElsewhere) != nil:
		return fmt.Sprintf("; but Exchange Online says that it is not there, and points to %s", item.Cloud.Redirect)
	}
	return fmt.Sprintf(", which was asked in vain (%s)", v.whyUnplaced(item))
}
