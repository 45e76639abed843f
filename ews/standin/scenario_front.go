package standin

// fronted is Exchange in good order with something in front of it.
func fronted(front Front) Behaviour {
	return everyScheme.but(func(b *Behaviour) { b.Front = front })
}

// frontScenarios are about those who answer in Exchange's place for good.
func frontScenarios() []Scenario {
	return []Scenario{
		{Name: "redirect-form", Title: "the answer leads to Outlook on the web's sign-in form", Behaviour: fronted(FrontFormRedirect), Check: goodCheck, Expect: critical("preauth-redirect")},
		{Name: "redirect-adfs", Title: "the answer leads to AD FS", Behaviour: fronted(FrontFederatedRedirect), Check: goodCheck, Expect: critical("preauth-redirect")},
		{Name: "redirect-entra", Title: "the answer leads to Entra ID", Behaviour: fronted(FrontEntraRedirect), Check: goodCheck, Expect: critical("preauth-redirect")},
		{Name: "redirect-other", Title: "the answer leads to another host's EWS", Behaviour: fronted(FrontOtherRedirect), Check: goodCheck, Expect: critical("redirected")},
		{Name: "signin-page", Title: "the answer is a web page that asks for a password", Behaviour: fronted(FrontSignInPage), Check: goodCheck, Expect: critical("preauth-redirect")},
		{Name: "timeout-440", Title: "a sign-in module answers 440", Behaviour: fronted(FrontLoginTimeout), Check: goodCheck, Expect: critical("preauth-redirect")},
		{Name: "user-agent-refused", Title: "only Dynamics' user agents are let through", Behaviour: fronted(FrontForbiddenAgent), Check: goodCheck, Expect: warning("user-agent-refused")},
		{Name: "forbidden", Title: "the answer is 403 to everybody", Behaviour: fronted(FrontForbidden), Check: goodCheck, Expect: critical("forbidden")},
		{Name: "not-found", Title: "the answer is 404", Behaviour: fronted(FrontNotFound), Check: goodCheck, Expect: critical("not-ews")},
		{Name: "method-refused", Title: "the answer is 405", Behaviour: fronted(FrontMethodRefused), Check: goodCheck, Expect: critical("not-ews")},
		{Name: "welcome-page", Title: "the answer is a web page that is no EWS", Behaviour: fronted(FrontWelcomePage), Check: goodCheck, Expect: critical("not-ews")},
		{Name: "no-challenge", Title: "the answer is 401 without a scheme", Behaviour: fronted(FrontNoChallenge), Check: goodCheck, Expect: critical("no-scheme")},
		{Name: "exchange-online", Title: "Exchange Online answers", Behaviour: fronted(FrontExchangeOnline), Check: goodCheck, Expect: critical("endpoint-online").ofCause(2)},
		{Name: "exchange-online-retired", Title: "Exchange Online answers that EWS is switched off", Behaviour: fronted(FrontOnlineRetired), Check: goodCheck, Expect: critical("endpoint-online").ofCause(2)},
	}
}

// unavailableScenarios are about answers that say nothing of Exchange.
func unavailableScenarios() []Scenario {
	return []Scenario{
		{Name: "proxy-407", Title: "a proxy on the way asks for a logon", Behaviour: fronted(FrontProxy), Check: goodCheck, Expect: unknown("proxy-auth-required")},
		{Name: "failure-500", Title: "the answer is ASP.NET's error page", Behaviour: fronted(FrontFailure), Check: goodCheck, Expect: unknown("server-error")},
		{Name: "unavailable-503", Title: "the service is not available", Behaviour: fronted(FrontUnavailable), Check: goodCheck, Expect: unknown("server-error")},
		{Name: "retry-after-503", Title: "the service asks to come back in ten minutes", Behaviour: fronted(FrontRetryAfter), Check: goodCheck, Expect: unknown("throttled")},
		{Name: "too-many-429", Title: "the answer is 429", Behaviour: fronted(FrontTooMany), Check: goodCheck, Expect: unknown("throttled")},
	}
}

// transportScenarios are about TLS and certificates.
func transportScenarios() []Scenario {
	over := func(t Transport) Behaviour {
		return everyScheme.but(func(b *Behaviour) { b.Transport = t })
	}
	certified := func(fault CertificateFault) Behaviour {
		return everyScheme.but(func(b *Behaviour) { b.Certificate = fault })
	}
	noCA := goodCheck.but(func(c *Check) { c.NoCA = true })
	return []Scenario{
		{Name: "untrusted-certificate", Title: "the certificate's issuer is unknown", Behaviour: everyScheme, Check: noCA, Expect: critical("tls-untrusted")},
		{Name: "expired-certificate", Title: "the certificate has expired", Behaviour: certified(CertificateExpired), Check: goodCheck, Expect: critical("tls-untrusted")},
		{Name: "wrong-name-certificate", Title: "the certificate is for another name", Behaviour: certified(CertificateWrongName), Check: goodCheck, Expect: critical("tls-untrusted")},
		{
			Name: "insecure", Title: "the certificate's issuer is unknown, and the user goes on", Behaviour: everyScheme,
			Check: noCA.but(func(c *Check) { c.Insecure = true }), Expect: warning("tls-untrusted"),
		},
		{Name: "certificate-expiring", Title: "the certificate expires in ten days", Behaviour: certified(CertificateExpiring), Check: goodCheck, Expect: warning("certificate-expiring")},
		{Name: "tls-refused", Title: "the TLS handshake ends with an alert", Behaviour: over(TransportNoSuite), Check: goodCheck, Expect: critical("tls-failed")},
		{Name: "tls-old-version", Title: "the server knows TLS 1.0 only", Behaviour: over(TransportOldVersion), Check: goodCheck, Expect: critical("tls-failed")},
		{Name: "tls-client-certificate", Title: "the server demands a client certificate", Behaviour: over(TransportClientCertificate), Check: goodCheck, Expect: critical("tls-failed")},
		{Name: "tls-outdated", Title: "TLS 1.2, but no cipher suite that Dataverse accepts", Behaviour: over(TransportOutdated), Check: goodCheck, Expect: critical("tls-outdated")},
		{
			Name: "http-only", Title: "the URL begins with http://", Behaviour: over(TransportPlain),
			Check: goodCheck.but(func(c *Check) { c.PlainHTTP = true }), Expect: critical("plain-http"),
		},
	}
}
