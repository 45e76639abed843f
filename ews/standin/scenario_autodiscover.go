package standin

// autodiscoverScenarios are about Autodiscover beside EWS, and about finding EWS
// by it.
func autodiscoverScenarios() []Scenario {
	beside := func(b Behaviour, does Autodiscover) Behaviour {
		b.Autodiscover = does
		return b
	}
	asking := func(c Check) Check {
		return c.but(func(c *Check) { c.Autodiscover = true })
	}
	finding := func(mailbox string) Check {
		return impersonating(mailbox).but(func(c *Check) { c.Autodiscover, c.ByAddress = true, true })
	}
	blocked := everyScheme.but(func(b *Behaviour) { b.BasicRefuses, b.NTLMRefuses = true, true })
	return []Scenario{
		{Name: "autodiscover-ok", Title: "the mailbox address is given, and Autodiscover finds EWS", Behaviour: beside(everyScheme, AutodiscoverSettings), Check: finding(Mailbox), Expect: ok()},
		{Name: "autodiscover-soap", Title: "the same, where only the SOAP form is there", Behaviour: beside(everyScheme, AutodiscoverSOAPOnly), Check: finding(Mailbox), Expect: ok()},
		{Name: "autodiscover-anonymous", Title: "the same without an account, by version 2", Behaviour: beside(everyScheme, AutodiscoverSettings), Check: Check{Mailbox: Mailbox, Autodiscover: true, ByAddress: true}, Expect: ok()},
		{Name: "autodiscover-missing", Title: "the mailbox address is given, and there is no Autodiscover", Behaviour: everyScheme, Check: finding(Mailbox), Expect: critical("autodiscover-failed")},
		{Name: "autodiscover-beside", Title: "the URL is given, and there is no Autodiscover beside it", Behaviour: everyScheme, Check: asking(goodCheck), Expect: warning("autodiscover-failed")},
		{Name: "autodiscover-invalid", Title: "Autodiscover does not understand the question", Behaviour: beside(everyScheme, AutodiscoverInvalid), Check: finding(Mailbox), Expect: critical("autodiscover-failed")},
		{Name: "autodiscover-elsewhere", Title: "Autodiscover leads to EWS on a host that was not named", Behaviour: beside(everyScheme, AutodiscoverElsewhere), Check: finding(Mailbox), Expect: critical("autodiscover-failed")},
		{
			Name: "autodiscover-basic", Title: "Basic is on for Autodiscover and off for EWS, as Exchange is installed",
			Behaviour: beside(windowsOnly, AutodiscoverSettings), Check: asking(goodCheck), Expect: critical("basic-disabled").ofCause(5),
		},
		{Name: "autodiscover-wrong-password", Title: "Autodiscover refuses the password", Behaviour: beside(everyScheme, AutodiscoverSettings), Check: finding(Mailbox).but(func(c *Check) { c.Password = WrongPassword }), Expect: critical("credentials-rejected").costing(1)},
		{Name: "logon-blocked", Title: "Autodiscover takes the password, and EWS refuses it by every scheme", Behaviour: beside(blocked, AutodiscoverSettings), Check: asking(goodCheck), Expect: critical("logon-blocked")},
		{Name: "autodiscover-online", Title: "Exchange says by Autodiscover that the mailbox is in Exchange Online", Behaviour: beside(everyScheme, AutodiscoverRedirectAddr), Check: finding(UnknownMailbox), Expect: critical("mailbox-online").ofCause(2)},
		{
			Name: "autodiscover-online-url", Title: "the same, where the EWS URL is given and finds no such mailbox", Behaviour: beside(everyScheme, AutodiscoverRedirectAddr),
			Check: asking(impersonating(UnknownMailbox)), Expect: critical("mailbox-online").ofCause(2),
		},
		{Name: "address-differs", Title: "the mailbox answers, but its primary address is another one", Behaviour: beside(everyScheme, AutodiscoverOtherAddress), Check: asking(impersonating(Mailbox)), Expect: warning("mailbox-address-differs").ofCause(1)},
		{Name: "address-differs-unknown", Title: "EWS finds no mailbox under the address, for its primary one is another", Behaviour: beside(everyScheme, AutodiscoverOtherAddress), Check: asking(impersonating(UnknownMailbox)), Expect: critical("mailbox-address-differs").ofCause(1)},
		{Name: "autodiscover-unknown", Title: "Autodiscover does not know the address", Behaviour: beside(everyScheme, AutodiscoverUnknown), Check: finding(UnknownMailbox), Expect: critical("mailbox-not-found").ofCause(1)},
	}
}
