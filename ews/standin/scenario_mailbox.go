package standin

import "time"

// addressScenarios are about which mailbox an address belongs to, and who may
// reach it how.
func addressScenarios() []Scenario {
	aliases := func(h AliasHandling) Behaviour {
		return everyScheme.but(func(b *Behaviour) { b.Aliases = h })
	}
	alone := func(b Behaviour) Behaviour {
		b.Negotiate, b.NTLM = false, false
		return b
	}
	losing := everyScheme.but(func(b *Behaviour) { b.LosesMailbox = true })
	return []Scenario{
		{
			Name: "alias-taken", Title: "a second address of the mailbox is impersonated, and Exchange takes it",
			Behaviour: aliases(AliasesTaken), Check: impersonating(AliasAddress), Expect: warning("mailbox-address-differs").ofCause(1),
		},
		{Name: "alias-taken-basic-alone", Title: "the same where EWS offers Basic alone", Behaviour: alone(aliases(AliasesTaken)), Check: impersonating(AliasAddress), Expect: warning("mailbox-address-differs").ofCause(1)},
		{Name: "alias-taken-delegated", Title: "the same without impersonation", Behaviour: aliases(AliasesTaken), Check: delegated(AliasAddress), Expect: warning("mailbox-address-differs").ofCause(1)},
		{Name: "alias-refused", Title: "Exchange refuses a second address and names the primary one", Behaviour: aliases(AliasesRefused), Check: impersonating(AliasAddress), Expect: critical("mailbox-address-differs").ofCause(1)},
		{Name: "alias-refused-delegated", Title: "the same without impersonation", Behaviour: aliases(AliasesRefused), Check: delegated(AliasAddress), Expect: critical("mailbox-address-differs").ofCause(1)},
		{Name: "alias-unknown", Title: "a second address is no mailbox to EWS, but the address book has it", Behaviour: aliases(AliasesUnknown), Check: impersonating(AliasAddress), Expect: critical("mailbox-address-differs").ofCause(1)},
		{Name: "remote-mailbox", Title: "the mailbox was moved to Exchange Online; the address book still has it", Behaviour: everyScheme, Check: impersonating(RemoteMailbox), Expect: critical("mailbox-not-found").ofCause(1)},
		{Name: "in-scope-only", Title: "a mailbox that may be impersonated, and not opened with rights of the account's own", Behaviour: everyScheme, Check: delegated(ScopedMailbox), Expect: critical("access-denied")},
		{Name: "in-scope", Title: "the same, impersonated", Behaviour: everyScheme, Check: impersonating(ScopedMailbox), Expect: ok()},
		{Name: "rights-only", Title: "a mailbox that may be opened, and is outside the role's scope", Behaviour: everyScheme, Check: impersonating(SharedMailbox), Expect: critical("impersonation-denied")},
		{Name: "rights", Title: "the same, without impersonation", Behaviour: everyScheme, Check: delegated(SharedMailbox), Expect: ok()},
		{Name: "delegated-to-own", Title: "a call for another's mailbox is answered with the caller's own", Behaviour: losing, Check: delegated(Mailbox), Expect: unknown("inconclusive")},
		{
			Name: "delegated-to-none", Title: "the same, and the caller has no mailbox", Behaviour: losing,
			Check: Check{User: NoMailboxUser, Password: Password, Mailbox: Mailbox}, Expect: unknown("exchange-error"),
		},
		{
			Name: "no-mailbox-impersonating", Title: "the account has no mailbox of its own and impersonates, as it should", Behaviour: everyScheme,
			Check: Check{User: NoMailboxUser, Password: Password, Mailbox: Mailbox, Impersonate: true}, Expect: ok(),
		},
		{
			Name: "no-mailbox-delegated", Title: "the account has no mailbox of its own and opens another's", Behaviour: everyScheme,
			Check: Check{User: NoMailboxUser, Password: Password, Mailbox: Mailbox}, Expect: ok(),
		},
		{
			Name: "signed-out", Title: "no connection stays signed in, and a call for another's mailbox needs more than one",
			Behaviour: windowsOnly.but(func(b *Behaviour) { b.ForgetsSignIn = true }), Check: ntlmCheck.but(func(c *Check) { c.Mailbox = Mailbox }), Expect: ok(),
		},
		{
			Name: "many-mailboxes", Title: "a thousand mailboxes, of which each fiftieth is out of scope, and a server that throttles: for batch",
			Behaviour: everyScheme.but(func(b *Behaviour) {
				b.Crowd = &Crowd{Mailboxes: 1000, Denied: 50, Delay: 20 * time.Millisecond, Throttle: Throttle{Rate: 100, Burst: 100, Pause: time.Second}}
			}),
			Check: impersonating(CrowdMailbox(1)), Expect: ok(),
		},
	}
}

// codeScenarios raise what EWS can answer beside that.
func codeScenarios() []Scenario {
	fault := func(name, title, code string, expect Expect) Scenario {
		return Scenario{Name: name, Title: title, Behaviour: everyScheme.but(func(b *Behaviour) { b.FaultCode = code }), Check: impersonating(Mailbox), Expect: expect}
	}
	folder := func(name, title, code string, expect Expect) Scenario {
		return Scenario{Name: name, Title: title, Behaviour: everyScheme.but(func(b *Behaviour) { b.FolderCode = code }), Check: impersonating(Mailbox), Expect: expect}
	}
	odd := unknown("exchange-error")
	return []Scenario{
		fault("impersonation-right", "the right to impersonate on the Client Access server is missing", "ErrorImpersonationDenied", critical("impersonation-denied")),
		fault("impersonation-failed", "the server fails to impersonate", "ErrorImpersonationFailed", critical("impersonation-denied")),
		folder("bad-address", "Exchange cannot read the address", "ErrorInvalidSmtpAddress", odd),
		folder("folder-hidden", "the folder is not to be seen", "ErrorFolderNotFound", critical("access-denied")),
		{Name: "account-disabled", Title: "the mailbox's account is disabled", Behaviour: everyScheme, Check: impersonating(DisabledMailbox), Expect: odd},
		folder("bad-mailbox-object", "the mailbox's object in the directory is not in order", "ErrorMailboxConfiguration", odd),
		fault("password-expired", "EWS says that the password has expired", "ErrorPasswordExpired", odd),
		fault("password-must-change", "EWS says that the password must be changed", "ErrorPasswordChangeRequired", odd),
		fault("caller-unusable", "the account is none that Exchange can use", "ErrorCallerIsInvalidADAccount", odd),
		fault("organisation-blocked", "the organisation is closed", "ErrorOrganizationAccessBlocked", odd),
		fault("directory-away", "Exchange does not reach the directory", "ErrorADUnavailable", odd),
		fault("server-trouble", "EWS fails for a passing reason, and fails again", "ErrorInternalServerTransientError", odd),
		fault("server-too-old", "EWS does not know the version that Dynamics asks for", "ErrorInvalidServerVersion", odd),
		fault("site-unreachable", "no server in the mailbox's site answers", "ErrorNoRespondingCASInDestinationSite", odd),
		fault("too-many-groups", "the account is in too many groups to be passed on", "ErrorProxyGroupSidLimitExceeded", odd),
		fault("too-many-connections", "the account has too many calls under way", "ErrorExceededConnectionCount", unknown("throttled")),
		folder("store-failover", "the database changes servers", "ErrorMailboxFailover", unknown("mailbox-unavailable")),
		{
			Name: "passing-trouble", Title: "EWS fails for a passing reason, and then works",
			Behaviour: basicOnly.but(func(b *Behaviour) { b.FaultCode, b.FaultOnce = "ErrorInternalServerTransientError", true }), Check: impersonating(Mailbox), Expect: ok(),
		},
		{
			Name: "unknown-mailbox-200", Title: "another EWS server says with status 200 that the mailbox is unknown",
			Behaviour: everyScheme.but(func(b *Behaviour) { b.FaultCode, b.FaultsAs200 = "ErrorCannotFindUser", true }), Check: impersonating(UnknownMailbox), Expect: critical("mailbox-not-found").ofCause(1),
		},
		{Name: "bare-user-name", Title: "the account is given without a domain", Behaviour: everyScheme, Check: Check{User: "svc-crm", Password: Password}, Expect: warning("user-name-not-upn")},
	}
}

// policyScenarios are about rules on user agents: Exchange's own is asked after
// the sign-in.
func policyScenarios() []Scenario {
	allowing := func(agents ...string) Behaviour {
		return everyScheme.but(func(b *Behaviour) { b.AllowedAgents = agents })
	}
	return []Scenario{
		{Name: "agents-allowed", Title: "EWS lets Dynamics' user agents pass, and no others", Behaviour: allowing(dynamicsAgents...), Check: goodCheck, Expect: warning("user-agent-refused")},
		{Name: "agents-sync-only", Title: "EWS lets synchronization pass, and not Test Connection", Behaviour: allowing("CRM/"), Check: goodCheck, Expect: warning("user-agent-refused")},
		{Name: "agents-others", Title: "EWS lets only other programs pass", Behaviour: allowing("Outlook/"), Check: goodCheck, Expect: critical("forbidden")},
		{Name: "ews-off", Title: "EWS is switched off for the organisation", Behaviour: everyScheme.but(func(b *Behaviour) { b.Disabled = true }), Check: goodCheck, Expect: critical("forbidden")},
		{Name: "sync-forbidden", Title: "a device lets Test Connection pass, and not synchronization", Behaviour: fronted(FrontForbiddenSync), Check: goodCheck, Expect: critical("forbidden")},
	}
}
