package standin

import "time"

// mailboxScenarios are about what EWS says to those who are signed in.
func mailboxScenarios() []Scenario {
	raising := func(code string) Behaviour {
		return everyScheme.but(func(b *Behaviour) { b.FaultCode = code })
	}
	noRole := everyScheme.but(func(b *Behaviour) { b.ImpersonationDenied = true })
	return []Scenario{
		{Name: "own-mailbox", Title: "the account's own mailbox answers", Behaviour: everyScheme, Check: delegated(UPN), Expect: ok()},
		{Name: "delegated-mailbox", Title: "a mailbox that the account may open answers", Behaviour: everyScheme, Check: delegated(Mailbox), Expect: ok()},
		{Name: "impersonated-mailbox", Title: "an impersonated mailbox answers", Behaviour: everyScheme, Check: impersonating(Mailbox), Expect: ok()},
		{Name: "impersonation-denied", Title: "the account lacks the role ApplicationImpersonation", Behaviour: noRole, Check: impersonating(Mailbox), Expect: critical("impersonation-denied")},
		{Name: "impersonation-out-of-scope", Title: "the role's scope leaves the mailbox out", Behaviour: everyScheme, Check: impersonating(OutOfScopeMailbox), Expect: critical("impersonation-denied")},
		{
			Name: "impersonation-denied-200", Title: "impersonation is denied by a bare fault with status 200",
			Behaviour: noRole.but(func(b *Behaviour) { b.FaultsAs200 = true }), Check: impersonating(Mailbox), Expect: critical("impersonation-denied"),
		},
		{Name: "unknown-mailbox", Title: "the impersonated mailbox does not exist", Behaviour: everyScheme, Check: impersonating(UnknownMailbox), Expect: critical("mailbox-not-found").ofCause(1)},
		{Name: "unknown-mailbox-delegated", Title: "the mailbox to open does not exist", Behaviour: everyScheme, Check: delegated(UnknownMailbox), Expect: critical("mailbox-not-found").ofCause(1)},
		{Name: "access-denied", Title: "the account may not open the mailbox", Behaviour: everyScheme, Check: delegated(OutOfScopeMailbox), Expect: critical("access-denied")},
		{
			Name: "no-mailbox-account", Title: "the account has no mailbox of its own", Behaviour: everyScheme,
			Check: Check{User: NoMailboxUser, Password: Password}, Expect: warning("service-mailbox-missing"),
		},
		{Name: "store-offline", Title: "the mailbox's database is not mounted", Behaviour: everyScheme, Check: impersonating(OfflineMailbox), Expect: unknown("mailbox-unavailable")},
		{Name: "mailbox-moving", Title: "the mailbox is being moved", Behaviour: everyScheme, Check: impersonating(MovingMailbox), Expect: unknown("mailbox-unavailable")},
		{Name: "busy", Title: "EWS is busy and asks for five minutes", Behaviour: raising("ErrorServerBusy"), Check: impersonating(Mailbox), Expect: unknown("throttled")},
		{
			Name: "odd-ews-code", Title: "EWS answers a code that says nothing about the sign-in",
			Behaviour: everyScheme.but(func(b *Behaviour) { b.FolderCode = "ErrorCorruptData" }), Check: impersonating(Mailbox), Expect: unknown("exchange-error"),
		},
	}
}

// impatience is the timeout of checks that get no answer in any time.
const impatience = 2 * time.Second

// hazardScenarios are about servers that mean harm, before and after the logon.
func hazardScenarios() []Scenario {
	before := func(h Hazard) Behaviour {
		return everyScheme.but(func(b *Behaviour) { b.Hazard = h })
	}
	after := func(h Hazard) Behaviour {
		return everyScheme.but(func(b *Behaviour) { b.Hazard, b.HazardOnLogon = h, true })
	}
	echoing := everyScheme.but(func(b *Behaviour) { b.Echo = true })
	hasty := goodCheck.but(func(c *Check) { c.Timeout = impatience })
	return []Scenario{
		{Name: "slow", Title: "the answer comes at a byte a second", Behaviour: before(HazardSlow), Check: hasty, Expect: unknown("timeout")},
		{Name: "hang", Title: "no answer comes", Behaviour: before(HazardHang), Check: hasty, Expect: unknown("timeout")},
		{Name: "huge", Title: "the answer has no end", Behaviour: before(HazardHuge), Check: goodCheck, Expect: unknown("server-error")},
		{Name: "endless-headers", Title: "the answer's header has no end", Behaviour: before(HazardEndlessHeaders), Check: goodCheck, Expect: unknown("server-error")},
		{Name: "garbage", Title: "the answer is no HTTP", Behaviour: before(HazardGarbage), Check: goodCheck, Expect: unknown("server-error")},
		{Name: "reset", Title: "the connection is reset", Behaviour: before(HazardReset), Check: goodCheck, Expect: unknown("connect-failed")},
		{Name: "lying-length", Title: "the answer is shorter than it says", Behaviour: before(HazardLyingLength), Check: goodCheck, Expect: unknown("server-error")},
		{Name: "slow-logon", Title: "the logon gets no answer", Behaviour: after(HazardHang), Check: hasty, Expect: unknown("timeout")},
		{Name: "huge-logon", Title: "the answer to the logon has no end", Behaviour: after(HazardHuge), Check: goodCheck, Expect: unknown("server-error")},
		{Name: "garbage-logon", Title: "the answer to the logon is no HTTP", Behaviour: after(HazardGarbage), Check: goodCheck, Expect: unknown("server-error")},
		{Name: "reset-logon", Title: "the connection is reset after the logon", Behaviour: after(HazardReset), Check: goodCheck, Expect: unknown("connect-failed")},
		{Name: "lying-length-logon", Title: "the answer to the logon is shorter than it says", Behaviour: after(HazardLyingLength), Check: goodCheck, Expect: unknown("server-error")},
		{Name: "xml-bomb", Title: "the answer to the logon explodes when it is parsed", Behaviour: after(HazardXMLBomb), Check: goodCheck, Expect: unknown("server-error")},
		{Name: "echo", Title: "the answer to the logon repeats the credentials", Behaviour: echoing, Check: goodCheck, Expect: unknown("exchange-error")},
		{Name: "echo-refused", Title: "the refusal repeats the credentials", Behaviour: echoing, Check: wrongCheck, Expect: critical("credentials-rejected").costing(2)},
	}
}
