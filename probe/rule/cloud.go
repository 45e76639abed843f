package rule

import (
	"slices"

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
		return v.movedOnline(sent)
	}
	if located != nil {
		return v.locatedOnline(located)
	}
	if item := v.leadsOnline(); item != nil {
		return likely("domain", finding.Params{Domain: v.discoveryDomain(), URL: item.Discovery.Endpoint}, item)
	}
	return nil
}

// movedOnline: Exchange here says so itself.
func (v *view) movedOnline(sent *evidence.Item) *hit {
	to := sent.Discovery.RedirectAddr
	h := confirmed("sent", finding.Params{Source: source(sent), Target: to}, sent)
	switch located, item := v.outside(); located {
	case "elsewhere":
		h.confidence = finding.Likely
		fallthrough
	case "online":
		h.locates(located, item)
	}
	return h.missingHere(v.missingHere())
}

// locates adds what Exchange Online says of the mailbox.
func (h *hit) locates(where string, item *evidence.Item) {
	h.cite(item)
	h.params.Located, h.params.Host, h.params.Redirect = where, item.Cloud.Host, item.Cloud.Redirect
}

// missingHere adds that the Exchange server here does not know the mailbox, if it
// said so.
func (h *hit) missingHere(item *evidence.Item) *hit {
	if item != nil {
		h.cite(item)
		h.params.Code = item.EWS.Code
	}
	return h
}

// locatedOnline: Exchange Online says so.
func (v *view) locatedOnline(item *evidence.Item) *hit {
	h := likely("located", finding.Params{Mailbox: item.Cloud.Subject, Host: item.Cloud.Host}, item)
	if missing := v.missingHere(); missing != nil {
		h.confidence = finding.Confirmed
		h.missingHere(missing)
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
	h := likely("", finding.Params{}, opened)
	located, sent := v.located(evidence.LocationOnline), v.sentOnline()
	if located == nil && sent == nil {
		return nil
	}
	if located != nil {
		h.locates("online", located)
	}
	if sent != nil {
		h.cite(sent)
		h.params.Source, h.params.Target = source(sent), sent.Discovery.RedirectAddr
	}
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
	p := &h.params
	located, item := v.outside()
	if item != nil {
		p.Mailbox, p.Redirect, p.Query = item.Cloud.Subject, item.Cloud.Redirect, item
	}
	if sent := v.sentOnline(); sent != nil && located != "elsewhere" {
		h.confidence = finding.Confirmed
		p.Located, p.Mailbox, p.Source = "sent", v.mailbox(), source(sent)
		h.cite(sent)
		return
	}
	if p.Located = located; located == "online" {
		h.confidence = finding.Confirmed
	}
	if item != nil {
		h.cite(item)
	}
}

// shouldBeOnline says by what the mailbox is taken to belong to Exchange Online
// (located, sent, endpoint, missing), "" if nothing speaks for it or anything
// against it.
func (v *view) shouldBeOnline() (sign string, item *evidence.Item) {
	if v.openedMailbox() != nil || v.located(evidence.LocationElsewhere) != nil || v.rec.Target.Mailbox == "" {
		return "", nil
	}
	if item := v.located(evidence.LocationOnline); item != nil {
		return "located", item
	}
	if item := v.sentOnline(); item != nil {
		return "sent", item
	}
	for _, n := range v.nodes {
		if n.answered() && (n.who.Online || v.isOnline(n)) {
			return "endpoint", n.ask
		}
	}
	if item := v.missingHere(); item != nil {
		return "missing", item
	}
	return "", nil
}

// mailboxUnlicensed: cause 3. Two words make it certain: no plan, and no mailbox
// that Graph can open. Shared mailboxes need no licence, so the plans alone make
// it likely.
func mailboxUnlicensed(v *view) *hit {
	for _, n := range v.nodes {
		if item, m := v.about(n, "mailbox-unlicensed"); item != nil {
			return v.said(item, m, "said")
		}
	}
	l, asked := v.licence()
	sign, item := v.shouldBeOnline()
	if !asked || l.unknown || l.plan != "" || sign == "" {
		return nil
	}
	h := likely("", finding.Params{Plans: l.off, Located: sign}, l.item, item)
	if sign == "sent" {
		h.params.Source = source(item)
	}
	if missing := v.mailboxMissing(); missing != nil && v.located(evidence.LocationOnline) == nil {
		h.confidence = finding.Confirmed
		h.cite(missing)
		h.params.Code = missing.Cloud.Code
	}
	return h
}

// tenantNeeded says for what the profile needs Dynamics and the mailbox to be in
// one tenant: server-to-server, oauth; "" if it does not.
func (v *view) tenantNeeded() string {
	switch {
	case v.crossTenant():
	case v.serverToServer():
		if v.knownOnline() && v.openedMailbox() == nil {
			return "server-to-server"
		}
	case v.rec.Target.ProfileAuth == "oauth":
		return "oauth"
	}
	return ""
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
// and with Exchange's own. ids are empty if they agree or nothing is known.
func (v *view) tenantDifference() (t finding.Tenants, ids []string) {
	dynamics, asked := v.dynamicsTenant()
	if !asked || dynamics.guid == "" {
		return t, nil
	}
	t.Dynamics, t.Origin = dynamics.guid, dynamics.origin
	if domain, ok := v.domainTenant(); ok && domain.guid != "" && domain.guid != dynamics.guid {
		t.Domain, t.DomainTenant = domain.origin.Name, domain.guid
		ids = append(ids, domain.evidence...)
	}
	if exchange, ok := v.exchangeTenant(); ok && exchange.guid != dynamics.guid && v.rec.Target.ProfileAuth == "oauth" {
		t.Exchange, t.ExchangeTenant = v.host(), exchange.guid
		ids = append(ids, exchange.evidence...)
	}
	if len(ids) == 0 {
		return t, nil
	}
	return t, append(ids, dynamics.evidence...)
}

// tenantDiffers: cause 4.
func tenantDiffers(v *view) *hit {
	if v.rec.Target.HMA != nil {
		return tokenTenant(v)
	}
	need := v.tenantNeeded()
	tenants, ids := v.tenantDifference()
	if need == "" || len(ids) == 0 {
		return nil
	}
	h := confirmed(need, finding.Params{Tenants: tenants})
	h.evidence = ids
	return h
}

// userRecreated: cause 6, as far as Entra shows it: a deleted user with the same
// address beside the living one. Whether Dynamics still remembers the old one is
// not to be seen, so it is certain only where Dynamics itself wrote so.
func userRecreated(v *view) *hit {
	if h := recreatedByDynamics(v); h != nil {
		return h
	}
	if v.openedMailbox() == nil || v.rec.Target.ProfileAuth == "oauth" {
		if inDynamics, inEntra := v.otherUser(); inDynamics != nil {
			return likely("other-user", finding.Params{}, inDynamics, inEntra)
		}
	}
	living, deleted := v.livingAndDeleted()
	if living == nil || v.openedMailbox() != nil && v.rec.Target.ProfileAuth != "oauth" {
		return nil
	}
	h := likely("twin", finding.Params{Mailbox: deleted.Cloud.Subject}, deleted, living)
	if at := deleted.Cloud.Users[0].Deleted; at != nil {
		h.params.Until = *at
	}
	return h
}

// notOnline says, where a mailbox is not found here, what is known of its being in
// Exchange Online.
func (v *view) notOnline(p *finding.Params) {
	switch located, item := v.outside(); {
	case item != nil:
		p.Located, p.Redirect, p.Query = located, item.Cloud.Redirect, item
	case v.leadsOnline() != nil:
		p.Located = "autodiscover"
	default:
		p.Located = "not-looked-up"
	}
}
