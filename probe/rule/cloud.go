package rule

import (
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
	where, item := v.outside()
	located, sent, leads, missing := v.located(evidence.LocationOnline), v.sentOnline(), v.leadsOnline(), v.missingHere()
	switch {
	case sent != nil:
		h := confirmed("sent", finding.Params{Source: source(sent), Target: sent.Discovery.RedirectAddr}, sent)
		if where == "elsewhere" {
			h.confidence = finding.Likely
		}
		if where == "elsewhere" || where == "online" {
			h.locates(where, item)
		}
		return h.missingHere(missing)
	case located != nil:
		h := likely("located", finding.Params{Mailbox: located.Cloud.Subject, Host: located.Cloud.Host}, located)
		if missing != nil {
			h.confidence = finding.Confirmed
		}
		return h.missingHere(missing)
	case leads != nil:
		return likely("domain", finding.Params{Domain: v.discoveryDomain(), URL: leads.Discovery.Endpoint}, leads)
	}
	return nil
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

// mailboxDuplicate: the mailbox opens here, and there is word that it is in
// Exchange Online. Which of the two people use is not to be seen from here.
func mailboxDuplicate(v *view) *hit {
	opened, located, sent := v.openedMailbox(), v.located(evidence.LocationOnline), v.sentOnline()
	if opened == nil || v.rec.Target.ProfileAuth == "oauth" || located == nil && sent == nil {
		return nil
	}
	h := likely("", finding.Params{}, opened)
	if located != nil {
		h.locates("online", located)
	}
	if sent != nil {
		h.cite(sent)
		h.params.Source, h.params.Target = source(sent), sent.Discovery.RedirectAddr
	}
	return h
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
	l := v.licence()
	sign, item := v.shouldBeOnline()
	if l.item == nil || len(l.gaps) > 0 || l.plan != "" || sign == "" {
		return nil
	}
	h := likely("", finding.Params{Plans: l.off, Located: sign}, l.item, item)
	if sign == "sent" {
		h.params.Source = source(item)
	}
	// Graph says that the user has no mailbox in Exchange Online that it can open. Alone it
	// proves nothing: one on premises answers so as well.
	missing := v.lookUp(evidence.StepCloudGraphSettings)
	if missing != nil && missing.Cloud.Code == "MailboxNotEnabledForRESTAPI" && v.located(evidence.LocationOnline) == nil {
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

// tenantDiffers: cause 4.
func tenantDiffers(v *view) *hit {
	if v.rec.Target.HMA != nil {
		return tokenTenant(v)
	}
	need, t := v.tenantNeeded(), v.tenants()
	shown := v.differing(t)
	if need == "" || len(shown) == 0 {
		return nil
	}
	return confirmed(need, finding.Params{Tenants: t}, shown...)
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
	living, deleted := v.lookUp(evidence.StepCloudGraphUser), v.lookUp(evidence.StepCloudGraphDeleted)
	if len(usersOf(living)) == 0 || len(usersOf(deleted)) == 0 || v.openedMailbox() != nil && v.rec.Target.ProfileAuth != "oauth" {
		return nil
	}
	h := likely("twin", finding.Params{Mailbox: deleted.Cloud.Subject}, deleted, living)
	if at := deleted.Cloud.Users[0].Deleted; at != nil {
		h.params.Until = *at
	}
	return h
}
