package standin

// cloudScenarios are about what is decided outside the network: causes 2, 3, 4
// and 6 of KB 3212785.
func cloudScenarios() []Scenario {
	// In order, for a mailbox on the server here.
	here := Cloud{Location: LocationElsewhere, DomainTenant: Tenant, DynamicsTenant: Tenant, User: true, Plan: ExchangePlan}
	// In order, for one in Exchange Online.
	online := here
	online.Location = LocationOnline
	with := func(b Behaviour, c Cloud, change func(*Cloud)) Behaviour {
		change(&c)
		b.Cloud = &c
		return b
	}
	same := func(*Cloud) {}
	asking := func(c Check) Check {
		c.Cloud, c.Dynamics, c.Token = true, true, Token
		return c
	}
	applying := func(c Check, secret string) Check {
		c.Cloud, c.Dynamics, c.Tenant, c.Secret = true, true, Tenant, secret
		return c
	}
	oauth := oauthCheck.but(func(c *Check) { c.Mailbox = Mailbox })
	modern := everyScheme.but(func(b *Behaviour) { b.OAuth, b.AuthorizationURI = true, true })
	service := fronted(FrontExchangeOnline)
	return []Scenario{
		{
			Name: "cloud-ruled-out", Title: "everything is looked up, and all six causes are ruled out or do not apply",
			Behaviour: with(everyScheme, here, same), Check: asking(impersonating(Mailbox)),
			Expect: ok().saying("ruled-out ruled-out not-applicable not-applicable ruled-out ruled-out"),
		},
		{
			Name: "online-ruled-out", Title: "the same for a mailbox in Exchange Online and a profile with OAuth",
			Behaviour: with(service, online, same), Check: asking(oauth),
			Expect: ok().saying("not-checked not-applicable ruled-out ruled-out not-applicable ruled-out"),
		},
		{
			Name: "mailbox-online", Title: "the mailbox is in Exchange Online and not here",
			Behaviour: with(everyScheme, online, same), Check: asking(impersonating(UnknownMailbox)),
			Expect: critical("mailbox-online").ofCause(2).saying("undetermined confirmed ruled-out ruled-out ruled-out ruled-out"),
		},
		{
			Name: "mailbox-twice", Title: "the mailbox answers here, and Exchange Online says that it has it too",
			Behaviour: with(everyScheme, online, same), Check: asking(impersonating(Mailbox)),
			Expect: warning("mailbox-duplicate").saying("ruled-out undetermined not-applicable not-applicable ruled-out ruled-out"),
		},
		{
			Name: "mailbox-online-unasked", Title: "the mailbox is in Exchange Online, and the server here was not asked for it",
			Behaviour: with(everyScheme, online, same), Check: Check{Mailbox: Mailbox, Cloud: true},
			Expect: critical("mailbox-online").ofCause(2).saying("not-checked likely not-checked not-checked ruled-out not-checked"),
		},
		{
			Name: "endpoint-online-located", Title: "the URL leads to Exchange Online, and the mailbox is there",
			Behaviour: with(service, online, same), Check: goodCheck.but(func(c *Check) { c.Mailbox, c.Cloud = Mailbox, true }),
			Expect: critical("endpoint-online").ofCause(2).saying("not-checked confirmed not-checked not-checked not-applicable not-checked"),
		},
		{
			Name: "mailbox-unlicensed", Title: "the mailbox should be in Exchange Online, and its user has only a suspended plan",
			Behaviour: with(service, online, func(c *Cloud) { c.Location, c.Suspended, c.NoMailbox = LocationUnknown, true, true }), Check: asking(oauth),
			Expect: critical("mailbox-unlicensed").ofCause(3).saying("not-checked not-applicable confirmed ruled-out not-applicable ruled-out"),
		},
		{
			Name: "tenant-differs", Title: "Dynamics is in another tenant than the mailbox, and the profile uses OAuth",
			Behaviour: with(modern, here, func(c *Cloud) { c.DynamicsTenant = OtherTenant }), Check: asking(oauth),
			Expect: critical("tenant-differs").ofCause(4).saying("not-checked not-applicable not-applicable confirmed not-applicable ruled-out"),
		},
		{
			Name: "tenant-differs-here", Title: "Dynamics is in another tenant, which a password for a mailbox here does not need",
			Behaviour: with(everyScheme, here, func(c *Cloud) { c.DynamicsTenant = OtherTenant }), Check: asking(impersonating(Mailbox)),
			Expect: ok().saying("ruled-out ruled-out not-applicable not-applicable ruled-out ruled-out"),
		},
		{
			Name: "tenant-unknown", Title: "the mailbox's domain is in no tenant",
			Behaviour: with(service, online, func(c *Cloud) { c.DomainTenant = "" }), Check: asking(oauth),
			Expect: ok().saying("not-checked not-applicable ruled-out undetermined not-applicable ruled-out"),
		},
		{
			Name: "user-recreated", Title: "a deleted user had the address of the living one",
			Behaviour: with(service, online, func(c *Cloud) { c.Deleted = true }), Check: asking(oauth),
			Expect: critical("user-recreated").ofCause(6).saying("not-checked not-applicable ruled-out ruled-out not-applicable likely"),
		},
		{
			Name: "cloud-application", Title: "everything is looked up, Graph with a token that an application gets by its secret",
			Behaviour: with(service, online, same), Check: applying(oauth, ApplicationSecret),
			Expect: ok().saying("not-checked not-applicable ruled-out ruled-out not-applicable ruled-out"),
		},
		{
			Name: "cloud-application-expired", Title: "the application's secret has expired, so Graph cannot be asked",
			Behaviour: with(service, online, same), Check: applying(oauth, OldSecret),
			Expect: ok().saying("not-checked not-applicable undetermined ruled-out not-applicable undetermined"),
		},
		{
			Name: "cloud-silent", Title: "nobody outside the network answers",
			Behaviour: with(everyScheme, here, func(c *Cloud) { c.Hazard = HazardHang }),
			Check:     asking(goodCheck).but(func(c *Check) { c.Mailbox, c.Timeout = OutOfScopeMailbox, impatience }),
			Expect:    critical("access-denied").saying("undetermined undetermined undetermined undetermined ruled-out undetermined"),
		},
	}
}
