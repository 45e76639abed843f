package finding

// askEntries is block A: what keeps the endpoint from being asked at all.
func askEntries() []Entry {
	return []Entry{
		{
			Code: "bad-usage", Block: BlockAsk, Status: Unknown,
			Title:     "The command line cannot be used as it is",
			Meaning:   "Nothing was sent to any server, so nothing is known about Exchange or the account. A flag is unknown, a value is missing or not allowed, or no source for the password was given. The error line names the place.",
			Concluded: "From the command line alone, before any name was looked up. It says nothing about the endpoint.",
			Remedies: []Remedy{
				{Text: "Read the error line: it says what is wrong and how to write it. Flags stand before the target; a password never stands on the command line."},
				{Text: "List the flags with their meaning.", Command: `ewsprobe check --help`},
			},
			SeeAlso: []Code{"config-invalid"},
		},
		{
			Code: "config-invalid", Block: BlockAsk, Status: Unknown,
			Title:     "A file that was given cannot be used",
			Meaning:   "Nothing was sent to any server. A file named on the command line, for example a saved record or a password file, is missing, cannot be read, is cut off or is of another kind. Whatever a damaged record once said about Exchange is not judged.",
			Concluded: "From reading the file. A file that another program wrote and one that was damaged on its way can look the same.",
			Remedies: []Remedy{
				{Text: "Check the path, and that the account running this may read the file."},
				{Text: "For a saved record: take it again, and copy it as a file instead of pasting its text.", Command: `ewsprobe check --no-credentials --save record.json {host}`},
			},
			SeeAlso: []Code{"bad-usage"},
		},
		{
			Code: "dns-failed", Block: BlockAsk, Status: Unknown,
			Title:     "The host name has no address, as seen from this machine",
			Meaning:   "The name could not be turned into an address, so EWS was not asked. Dynamics online uses public DNS: in a network with its own inside DNS the name can be missing here and fine there, or the reverse. If public DNS does not know the name either, Dynamics cannot reach the server at all.",
			Concluded: "The resolver of this machine found no A or AAAA record for the name, or did not answer. A mistyped name, a missing record and a resolver that is down look alike; the detail holds the resolver's words.",
			Remedies: []Remedy{
				{Text: "Compare the name, letter by letter, with the server location in the Dynamics email server profile and with the URLs that Exchange publishes.", Command: cmdShowEWSURLs},
				{Text: "Ask two resolvers for {host}, the one of this machine and a public one (nslookup does), and compare the answers."},
				{Text: "If a server's address is known, ask it directly; the name is still used for TLS and in the request.", Command: cmdAskDirectly},
				{Text: "Correct the DNS record or the name in the profile, then check again.", Command: cmdAnonymous, Link: linkNetwork},
				testEnable,
			},
			SeeAlso: []Code{"connect-failed", "address-family"},
		},
		{
			Code: "connect-failed", Block: BlockAsk, Status: Unknown,
			Title:     "The endpoint could not be reached, or hung up without an answer",
			Meaning:   "The name has an address, but no connection was made, or it ended before any HTTP answer. Whether Basic is enabled and whether the password is right is not known. A firewall may treat this machine and Dynamics differently: Dynamics comes from Azure addresses, over HTTPS.",
			Concluded: "The connection was refused, was reset, or closed without an HTTP answer, at every address that was tried. A stopped service, a closed port and a firewall that resets connections look alike from here.",
			Remedies: []Remedy{
				{Text: "Check from this machine that the port is right and open: EWS listens on 443 unless a publishing device says otherwise."},
				{Text: "Ask every address behind the name; one dead node is enough for trouble that comes and goes.", Command: cmdEachNode},
				{Text: "On the Exchange server, check that the web site runs; on the load balancer, that the node is not taken out of service."},
				{Text: "If it works inside and Dynamics still cannot connect, check that the firewall lets the Azure addresses of the environment's region in.", Link: linkNetwork},
				testEnable,
			},
			Other: map[Case][]Remedy{
				InBatch: {
					{Text: "The endpoint was reached before and not for these calls, as long as each was tried: see whether it, or the device in front of it, was restarted or taken out of service during the run. Then run the batch again for these mailboxes.", Command: cmdEachNode},
				},
			},
			SeeAlso: []Code{"timeout", "tls-failed", "farm-inconsistent"},
		},
		{
			Code: "timeout", Block: BlockAsk, Status: Unknown,
			Title:     "No complete answer came in time",
			Meaning:   "The check reached its time limit before an answer was complete. Nothing is known about the sign-in. If Dynamics meets the same silence, it counts as a passing fault: it tries ten times, five minutes apart, before it disables the mailbox.",
			Concluded: "No answer within the time limit, or one that never ended. A firewall that drops packets, an overloaded server and a device that inspects the traffic look alike; the timing of each phase shows how far the check came.",
			Remedies: []Remedy{
				{Text: "Look in the report where the time went. Where no connection came about, look at the network; where it did and nothing came back, at the server or the device in front of it."},
				{Text: "Ask every address behind the name, to see whether one node is slow.", Command: cmdEachNode},
				{Text: "Give it more time once, to tell slow from silent.", Command: `ewsprobe check --no-credentials --timeout 90s {host}`},
				{Text: "If only Dynamics times out, check that the firewall lets the Azure addresses of the environment's region in.", Link: linkNetwork},
				testEnable,
			},
			Other: map[Case][]Remedy{
				InBatch: {
					{Text: "The endpoint was reached before and did not answer these calls in time: look at the load of the server, and at the databases of these mailboxes. Then check one by itself, with more time.", Command: `ewsprobe check --user "{user}" --mailbox "{mailbox}" --impersonate --timeout 90s {host}`},
				},
			},
			SeeAlso: []Code{"connect-failed", "server-error"},
		},
		{
			Code: "tls-untrusted", Block: BlockAsk, Status: Critical,
			Title:     "The certificate of the endpoint is not trusted",
			Meaning:   "The certificate has expired, is not for this name, or was issued by an authority that this machine does not know. The check stopped at the handshake and sent no request. Dynamics connects from the cloud and has to trust the certificate as well: an expired one or a wrong name must be expected to fail there too, and a private issuer is not known there even if it is trusted here. With --insecure the check goes on and this is a warning only, but then the server has not proved who it is.",
			Concluded: "The handshake itself worked; verifying the chain, the name or the dates did not, and the detail says which. A device that opens TLS and signs again with its own authority looks like an unknown issuer.",
			Remedies: []Remedy{
				{Text: "Compare issuer, names and dates in the report with the certificate you expect: in IIS on the Exchange server, and on the load balancer if it ends TLS."},
				{Text: "If the issuer is your own authority and you trust it, go on with its certificate as a root.", Command: `ewsprobe check --no-credentials --ca-file ca.pem {host}`},
				{Text: "For Dynamics online, install a certificate of a public authority that names {host}, on every node and on the load balancer, and renew it before it ends."},
				{Text: "Check every node behind the name.", Command: cmdEachNode},
				testEnable,
			},
			SeeAlso: []Code{"certificate-private", "certificate-expiring", "tls-failed"},
		},
		{
			Code: "tls-failed", Block: BlockAsk, Status: Critical,
			Title:     "No TLS connection could be agreed with the endpoint",
			Meaning:   "Client and server found no common TLS version or cipher suite, the server demands a client certificate, or it does not speak TLS on this port. No request was sent. Dynamics accepts only TLS 1.2 and 1.3 with a short list of suites that use ECDHE; a server limited to TLS 1.0, 1.1 or RSA key exchange cannot be used by it.",
			Concluded: "The connection stood, but the handshake ended with an alert or an error. A device in front of Exchange that ends TLS looks the same as Exchange; try the server's own address to tell them apart. Where the server has a suite that Dynamics accepts and only this program lacks, the status is unknown instead of critical.",
			Remedies: []Remedy{
				{Text: "Ask the server directly, past the load balancer, to see who refuses.", Command: cmdAskDirectly},
				{Text: "Compare the TLS versions and suites of the server, and of the device in front, with the list that Dynamics accepts.", Link: linkCiphers},
				{Text: "Enable TLS 1.2 with ECDHE suites there, and keep the TLS settings of all Exchange servers the same. EWS must not demand a client certificate from Dynamics."},
				{Text: "Check again.", Command: cmdAnonymous},
				testEnable,
			},
			SeeAlso: []Code{"tls-untrusted", "connect-failed"},
		},
		{
			Code: "proxy-auth-required", Block: BlockAsk, Status: Unknown,
			Title:     "A proxy between this machine and EWS demands a logon",
			Meaning:   "The answer comes from a web proxy on the way out of this machine, not from Exchange. Dynamics does not pass through that proxy, so this explains nothing that Dynamics reports. EWS itself has not been asked yet.",
			Concluded: "The status was 407, which only a proxy sends. It carries no news about the endpoint or the account.",
			Remedies: []Remedy{
				{Text: "Run the check from a machine that reaches EWS without the proxy, for example in the network of the Exchange servers."},
				{Text: "Without --proxy the check goes straight to the endpoint: leave the flag out, or find the device that intercepts the connection.", Command: cmdAnonymous},
			},
			SeeAlso: []Code{"connect-failed"},
		},
		{
			Code: "server-error", Block: BlockAsk, Status: Unknown,
			Title:     "The server failed instead of answering",
			Meaning:   "The answer was a server error without an EWS message in it, or could not be read. The sign-in could not be judged. Common reasons are a stopped or starting application pool, a server in maintenance, or a device in front that finds no working server.",
			Concluded: "A status of 500 or above without a SOAP answer, or a body that is too large or garbled; in a row of a batch also a page or any other answer that is not EWS, since EWS was seen at the same address before. With a SOAP fault in it a 500 would have been a normal EWS answer and would prove the logon. A device in front can send the same status for a server that it cannot reach.",
			Remedies: []Remedy{
				{Text: "Ask every address behind the name, to see whether one node fails or all do.", Command: cmdEachNode},
				{Text: "On the server that failed, check the application pool MSExchangeServicesAppPool and the event log; on the load balancer, the health of the nodes."},
				{Text: "Right after a restart Exchange may answer so for a few minutes. Wait, then check again.", Command: cmdAnonymous},
				testEnable,
			},
			Other: map[Case][]Remedy{
				InBatch: {
					{Text: "EWS answered other calls of this run, so its address is right: see who answered in its place (a page of the device in front, a server in maintenance) and whether one node fails or all do. Then run the batch again for these mailboxes.", Command: cmdEachNode},
				},
			},
			SeeAlso: []Code{"throttled", "farm-inconsistent", "mailbox-unavailable"},
		},
		{
			Code: "throttled", Block: BlockAsk, Status: Unknown,
			Title:     "Exchange is busy and asks to come back later",
			Meaning:   "The server works, but it limits this caller at the moment; the check was told to wait longer than it had time left. With impersonation the budget is that of the impersonated mailbox. Dynamics meets the same limit if it works on the same mailbox at the same time.",
			Concluded: "EWS answered ErrorServerBusy, or the status was 429 or 503 with a time to wait, and it did not pass. A device in front that limits requests can send the same 429 or 503; an EWS code proves that Exchange itself did.",
			Remedies: []Remedy{
				{Text: "Wait as long as the answer asks for (the detail has the time; five minutes is common), then check again.", Command: cmdCheck},
				{Text: "See which throttling policy holds for the account.", Command: `Get-ThrottlingPolicyAssociation "{user}"`},
				{Text: "If it comes back, lower the maximum concurrent connections in the Dynamics email server profile before you loosen the policy in Exchange."},
				testEnable,
			},
			Other: map[Case][]Remedy{
				InBatch: {
					{Text: "See which throttling policy holds for the account, and what else works on the same mailboxes. Then run the batch again for these, at a quieter time or with fewer calls at once.", Command: `Get-ThrottlingPolicyAssociation "{user}"`},
				},
			},
			SeeAlso: []Code{"server-error", "mailbox-unavailable"},
		},
	}
}
