package standin

import "time"

// basicScenarios are about the main question: is Basic offered?
func basicScenarios() []Scenario {
	return []Scenario{
		{Name: "basic-on", Title: "Negotiate, NTLM and Basic are offered, the password is right", Behaviour: everyScheme, Check: goodCheck, Expect: ok()},
		{Name: "basic-off", Title: "Basic is off, as Exchange installs EWS", Behaviour: windowsOnly, Check: goodCheck, Expect: critical("basic-disabled").ofCause(5)},
		{
			Name: "basic-off-auto", Title: "Basic is off, and the profile's authentication is not known", Behaviour: windowsOnly,
			Check: goodCheck.but(func(c *Check) { c.ProfileAuth = "auto" }), Expect: warning("basic-disabled").ofCause(5),
		},
		{Name: "basic-off-wrong-password", Title: "Basic is off, and the password is wrong as well", Behaviour: windowsOnly, Check: wrongCheck, Expect: critical("basic-disabled").ofCause(5).costing(2)},
		{
			Name: "basic-off-behind-gateway", Title: "a publishing gateway lists the schemes without Basic, Exchange is not seen",
			Behaviour: windowsOnly.but(func(b *Behaviour) { b.Front = FrontGateway }), Check: goodCheck, Expect: critical("basic-disabled").ofCause(5),
		},
		{Name: "basic-only", Title: "only Basic is offered", Behaviour: basicOnly, Check: goodCheck, Expect: ok()},
		{Name: "negotiate-only", Title: "only Negotiate is offered", Behaviour: Behaviour{Negotiate: true}, Check: goodCheck, Expect: critical("basic-disabled").ofCause(5)},
		{Name: "no-credentials", Title: "Basic is offered, and no account is given", Behaviour: everyScheme, Check: Check{}, Expect: ok()},
		{
			Name: "joined-headers", Title: "the schemes come in one line, joined by commas", Behaviour: everyScheme.but(func(b *Behaviour) { b.Headers = HeadersJoined }),
			Check: goodCheck, Expect: ok(),
		},
		{
			Name: "odd-case-headers", Title: "header and scheme names come in unusual case", Behaviour: everyScheme.but(func(b *Behaviour) { b.Headers = HeadersOddCase }),
			Check: goodCheck, Expect: ok(),
		},
		{
			Name: "farm", Title: "two nodes behind one name, and one of them has no Basic", Behaviour: everyScheme.but(func(b *Behaviour) { b.SecondNode = &Behaviour{Negotiate: true, NTLM: true} }),
			Check: goodCheck.but(func(c *Check) { c.EachNode = true }), Expect: critical("basic-disabled").ofCause(5),
		},
		{
			Name: "farm-windows-differs", Title: "two nodes behind one name, and one of them has no Windows authentication", Behaviour: everyScheme.but(func(b *Behaviour) { b.SecondNode = &Behaviour{Basic: true} }),
			Check: goodCheck.but(func(c *Check) { c.EachNode = true }), Expect: warning("farm-inconsistent"),
		},
	}
}

// credentialScenarios are about accounts, and about the profile's other schemes.
func credentialScenarios() []Scenario {
	basicRefuses := everyScheme.but(func(b *Behaviour) { b.BasicRefuses = true })
	ntlmRefuses := everyScheme.but(func(b *Behaviour) { b.NTLMRefuses = true })
	return []Scenario{
		{Name: "wrong-password", Title: "every scheme is offered, the password is wrong", Behaviour: everyScheme, Check: wrongCheck, Expect: critical("credentials-rejected").costing(2)},
		{
			Name: "wrong-password-ntlm", Title: "an NTLM profile, Basic is off, the password is wrong", Behaviour: windowsOnly,
			Check: wrongCheck.but(func(c *Check) { c.ProfileAuth = "ntlm" }), Expect: critical("credentials-rejected").costing(2),
		},
		{Name: "wrong-password-basic-only", Title: "only Basic is offered, the password is wrong", Behaviour: basicOnly, Check: wrongCheck, Expect: critical("credentials-rejected").costing(1)},
		{Name: "locked", Title: "the account is locked", Behaviour: everyScheme, Check: Check{User: LockedUser, Password: Password}, Expect: critical("credentials-rejected")},
		{Name: "unknown-user", Title: "there is no such account", Behaviour: everyScheme, Check: Check{User: "svc-nosuch@contoso.com", Password: Password}, Expect: critical("credentials-rejected")},
		{Name: "basic-refusing", Title: "Basic is offered but refuses what NTLM accepts", Behaviour: basicRefuses, Check: goodCheck, Expect: critical("basic-rejected")},
		{Name: "ntlm-refusing", Title: "NTLM is offered but refuses what Basic accepts", Behaviour: ntlmRefuses, Check: goodCheck, Expect: warning("ntlm-rejected")},
		{Name: "ntlm-refusing-profile-ntlm", Title: "the same with an NTLM profile", Behaviour: ntlmRefuses, Check: ntlmCheck, Expect: critical("ntlm-rejected")},
		{
			Name: "negotiate-for-kerberos", Title: "Basic works; Negotiate refuses NTLM, as where it is meant for Kerberos alone",
			Behaviour: Behaviour{Negotiate: true, Basic: true, NTLMRefuses: true}, Check: goodCheck, Expect: ok(),
		},
		{
			Name: "name-form", Title: `Basic knows the account by its UPN only, and it is given as DOMAIN\user`,
			Behaviour: everyScheme.but(func(b *Behaviour) { b.BasicUPNOnly = true }), Check: Check{User: User, Password: Password}, Expect: critical("basic-rejected"),
		},
		{Name: "domain-user-name", Title: `the account is given as DOMAIN\user`, Behaviour: everyScheme, Check: Check{User: User, Password: Password}, Expect: warning("user-name-not-upn")},
		{Name: "basic-and-ntlm", Title: "an NTLM profile, while Basic is offered too", Behaviour: everyScheme, Check: ntlmCheck, Expect: warning("basic-and-ntlm")},
		{Name: "ntlm-off-profile-ntlm", Title: "an NTLM profile, and only Basic is offered", Behaviour: basicOnly, Check: ntlmCheck, Expect: critical("ntlm-disabled")},
		{Name: "negotiate-profile", Title: "a Negotiate profile, NTLM inside it works", Behaviour: windowsOnly, Check: negotiateCheck, Expect: ok()},
		{
			Name: "negotiate-spnego", Title: "a Negotiate profile, and NTLM is taken inside SPNEGO only",
			Behaviour: windowsOnly.but(func(b *Behaviour) { b.Inside = InsideSPNEGO }), Check: negotiateCheck, Expect: ok(),
		},
		{
			Name: "negotiate-kerberos-only", Title: "a Negotiate profile, and Negotiate takes Kerberos alone",
			Behaviour: Behaviour{Negotiate: true, Inside: InsideKerberos}, Check: negotiateCheck, Expect: critical("ntlm-broken"),
		},
		{
			Name: "negotiate-kerberos-only-basic", Title: "the same with a Basic profile",
			Behaviour: Behaviour{Negotiate: true, Inside: InsideKerberos}, Check: goodCheck, Expect: critical("basic-disabled").ofCause(5),
		},
		{Name: "negotiate-off", Title: "a Negotiate profile, and only NTLM and Basic are offered", Behaviour: Behaviour{NTLM: true, Basic: true}, Check: negotiateCheck, Expect: critical("negotiate-disabled")},
		{
			Name: "oauth-on", Title: "an OAuth profile, and modern authentication is configured", Behaviour: everyScheme.but(func(b *Behaviour) { b.OAuth, b.AuthorizationURI = true, true }),
			Check: oauthCheck, Expect: ok(),
		},
		{
			Name: "oauth-half", Title: "an OAuth profile, and no authorization server is named", Behaviour: everyScheme.but(func(b *Behaviour) { b.OAuth = true }),
			Check: oauthCheck, Expect: critical("oauth-disabled"),
		},
		{Name: "oauth-off", Title: "an OAuth profile, and OAuth is off", Behaviour: everyScheme, Check: oauthCheck, Expect: critical("oauth-disabled")},
		{Name: "oauth-alone", Title: "a Basic profile, and nothing but tokens is taken", Behaviour: Behaviour{OAuth: true, AuthorizationURI: true}, Check: goodCheck, Expect: critical("no-scheme")},
	}
}

// explainScenarios are refusals that a domain controller explains.
func explainScenarios() []Scenario {
	withDirectory := everyScheme.but(func(b *Behaviour) { b.Directory = true })
	return []Scenario{
		{
			Name: "explain-wrong-password", Title: "the password is wrong, and a domain controller says so", Behaviour: withDirectory,
			Check: explainCheck.but(func(c *Check) { c.Password = WrongPassword }), Expect: critical("credentials-rejected").costing(2),
		},
		{
			Name: "explain-locked", Title: "the account is locked, and a domain controller says so", Behaviour: withDirectory,
			Check: explainCheck.but(func(c *Check) { c.User = LockedUser }), Expect: critical("credentials-rejected"),
		},
		{
			Name: "explain-unknown-user", Title: "there is no such account, and a domain controller says so", Behaviour: withDirectory,
			Check: explainCheck.but(func(c *Check) { c.User = "svc-nosuch@contoso.com" }), Expect: critical("credentials-rejected"),
		},
		{
			Name: "explain-logon-blocked", Title: "a domain controller accepts the password, EWS refuses it by every scheme",
			Behaviour: withDirectory.but(func(b *Behaviour) { b.BasicRefuses, b.NTLMRefuses = true, true }), Check: explainCheck, Expect: critical("logon-blocked"),
		},
	}
}

// bindingScenarios are about Extended Protection.
func bindingScenarios() []Scenario {
	protected := func(demand ExtendedProtection, bridged bool, base Behaviour) Behaviour {
		base.ExtendedProtection, base.Bridged = demand, bridged
		return base
	}
	return []Scenario{
		{Name: "ep-none", Title: "Extended Protection is off", Behaviour: windowsOnly, Check: ntlmCheck, Expect: ok()},
		{Name: "ep-allow", Title: "Extended Protection checks a binding that is sent", Behaviour: protected(ExtendedProtectionAllow, false, windowsOnly), Check: ntlmCheck, Expect: ok()},
		{Name: "ep-require", Title: "Extended Protection demands a binding", Behaviour: protected(ExtendedProtectionRequire, false, windowsOnly), Check: ntlmCheck, Expect: ok()},
		{
			Name: "ep-bridged", Title: "TLS is re-encrypted on the way, and a right binding is refused",
			Behaviour: protected(ExtendedProtectionAllow, true, windowsOnly), Check: ntlmCheck, Expect: critical("extended-protection"),
		},
		{
			Name: "ep-bridged-basic", Title: "the same, where the profile's Basic works",
			Behaviour: protected(ExtendedProtectionAllow, true, everyScheme), Check: goodCheck, Expect: warning("extended-protection"),
		},
		{
			Name: "ep-require-bridged", Title: "Extended Protection demands the binding of another certificate",
			Behaviour: protected(ExtendedProtectionRequire, true, windowsOnly), Check: ntlmCheck, Expect: critical("credentials-rejected"),
		},
		{
			Name: "ep-require-bridged-basic", Title: "the same, where the profile's Basic works",
			Behaviour: protected(ExtendedProtectionRequire, true, everyScheme), Check: goodCheck, Expect: warning("ntlm-rejected"),
		},
	}
}

// handshakeScenarios are about NTLM handshakes that go wrong, and clocks.
func handshakeScenarios() []Scenario {
	broken := func(h Handshake, base Behaviour) Behaviour {
		base.Handshake = h
		return base
	}
	return []Scenario{
		{Name: "dropped-between-legs", Title: "the connection is closed in the middle of the NTLM handshake", Behaviour: broken(HandshakeDropped, windowsOnly), Check: ntlmCheck, Expect: critical("ntlm-broken")},
		{Name: "dropped-between-legs-basic", Title: "the same, where the profile's Basic works", Behaviour: broken(HandshakeDropped, everyScheme), Check: goodCheck, Expect: warning("ntlm-broken")},
		{Name: "other-node", Title: "the second half of the NTLM handshake meets another node", Behaviour: broken(HandshakeOtherNode, windowsOnly), Check: ntlmCheck, Expect: critical("ntlm-broken")},
		{Name: "alternating-nodes", Title: "the requests of a connection meet two nodes in turn, which only NTLM tells apart", Behaviour: broken(HandshakeAlternating, windowsOnly), Check: ntlmCheck, Expect: critical("ntlm-broken")},
		{Name: "ntlm-no-challenge", Title: "NTLM is offered, but the handshake gets no challenge", Behaviour: broken(HandshakeNoChallenge, windowsOnly), Check: ntlmCheck, Expect: critical("ntlm-broken")},
		{
			Name: "clock-skew", Title: "the server's clock is ten minutes off",
			Behaviour: everyScheme.but(func(b *Behaviour) { b.ClockSkew = 10 * time.Minute }), Check: goodCheck, Expect: warning("clock-skew"),
		},
	}
}
