package finding

// directoryEntries are the rest of block D's warnings: what kept a domain
// controller from being asked. None of them says anything of EWS itself.
func directoryEntries() []Entry {
	return []Entry{
		{
			Code: "kdc-unreachable", Block: BlockWarning, Status: Warning,
			Title:     "No domain controller could be asked",
			Meaning:   "The reason of a refusal, or a Kerberos ticket, was to be had from a domain controller, and none is known here or none answered. What EWS itself answered stands as it is; only the explanation is missing.",
			Concluded: "No domain was named and this machine belongs to none; or DNS has no record of its controllers; or TCP to port 88 (Kerberos) or 636 (LDAPS) got no connection or no answer. A firewall between this machine and the controllers looks the same as controllers that are off.",
			Remedies: []Remedy{
				{Text: "See which controllers DNS names for the domain.", Command: `nslookup -type=SRV _kerberos._tcp.DOMAIN`},
				{Text: "Name one yourself, by the name that its certificate bears.", Command: cmdExplain},
				{Text: "If it does not answer, let this machine reach ports 88 and 636 of it, or run the check on a machine that may.", Link: linkKerberosPorts},
			},
			SeeAlso: []Code{"ldaps-failed", "credentials-rejected"},
		},
		{
			Code: "kdc-untrusted", Block: BlockWarning, Status: Warning,
			Title:     "A domain controller's answer does not verify",
			Meaning:   "Something answers on the Kerberos port, but not as the KDC of this account does: the reply is no Kerberos, belongs to another request or realm, is encrypted with another key, or asks for a key derivation that is not safe. It was not used. With a right password this points to a wrong host or to somebody in between.",
			Concluded: "Every reply is decrypted and compared with what was asked before anything in it is believed. A KDC of another realm with an account of the same name, a device that answers in place of the controller and an attack look the same.",
			Remedies: []Remedy{
				{Text: "See in the report which address answered, and compare it with the controllers of the domain.", Command: `nltest /dclist:DOMAIN`},
				{Text: "Name the domain and a controller yourself, then check again.", Command: cmdExplain},
				{Text: "If it happens again at a controller that is yours, have your security team look at what stands between."},
			},
			SeeAlso: []Code{"kdc-unreachable", "kerberos-failed"},
		},
		{
			Code: "ldaps-failed", Block: BlockWarning, Status: Warning,
			Title:     "The directory could not be asked over LDAPS",
			Meaning:   "A bind at a domain controller would have named the reason of the refusal. It was not possible: the password goes there only inside TLS, to a certificate that is in order and bears the controller's name. Nothing was sent in clear.",
			Concluded: "The TLS handshake with the controller failed, or its certificate is not trusted here, or the bind was answered with a code that is no decision. A controller without a certificate for LDAPS and a port that speaks something else look the same.",
			Remedies: []Remedy{
				{Text: "If the certificate comes from your own authority, hand that over.", Command: `ewsprobe check --user "{user}" --explain-rejection --dc DC --ca-file CA.pem {host}`},
				{Text: "Name the controller by the name that its certificate bears, not by its address."},
				{Text: "If the controllers have no certificate for LDAPS, give them one; or read event 4625 on the Exchange server instead.", Link: linkLDAPS},
			},
			SeeAlso: []Code{"kdc-unreachable", "credentials-rejected"},
		},
		{
			Code: "keytab-unusable", Block: BlockWarning, Status: Warning,
			Title:     "The keytab has no key that can be used",
			Meaning:   "No Kerberos ticket could be asked for, because the keytab holds no AES key of the account, or none that the domain controller knows. Nothing was sent with it and nothing counted.",
			Concluded: "The keytab was read and its entries compared with the account's name, realm and the kinds of keys the KDC has. Keys for RC4 or DES are passed over on purpose.",
			Remedies: []Remedy{
				{Text: "See what is in the file: names must match letter by letter, the realm in capitals.", Command: `klist -k -e FILE`},
				{Text: "Make it anew with AES keys (on Windows with ktpass /crypto AES256-SHA1; setting the password there changes it)."},
				{Text: "Check again.", Command: `ewsprobe check --user "{user}" --keytab FILE --profile-auth negotiate {host}`},
			},
			SeeAlso: []Code{"ticket-expired", "kerberos-failed"},
		},
		{
			Code: "ticket-expired", Block: BlockWarning, Status: Warning,
			Title:     "The Kerberos ticket in the cache has expired",
			Meaning:   "The sign-in with Kerberos was not tried, because the ticket is over. That says nothing of EWS.",
			Concluded: "The end time in the credential cache is before this machine's clock. With a clock that is wrong a good ticket looks the same.",
			Remedies: []Remedy{
				{Text: "Get a new one (kinit), and check again.", Command: `ewsprobe check --ccache FILE --profile-auth negotiate {host}`},
			},
			SeeAlso: []Code{"clock-skew", "keytab-unusable"},
		},
		{
			Code: "kerberos-failed", Block: BlockWarning, Status: Warning,
			Title:     "Kerberos does not lead into EWS",
			Meaning:   "A ticket for EWS could not be had, or EWS refused it. For Dynamics online this has no weight: it sees no domain controller and never uses Kerberos. For Outlook and other clients of the domain it means that they fall back to NTLM.",
			Concluded: "The KDC answered with an error that is not about the account's password or state, or gave a ticket that EWS answered with 401. A missing or doubled service principal name, an alternate service account that is not on every server, clocks that differ, and accounts without AES keys lead here.",
			Remedies: []Remedy{
				{Text: "See which account holds the name; there must be exactly one.", Command: `setspn -Q HTTP/{host}`},
				{Text: "If clients of the domain are to use Kerberos, set up the alternate service account on every server; else leave it, NTLM serves."},
				{Text: "If EWS answers under another name, name it.", Command: `ewsprobe check --user "{user}" --profile-auth negotiate --spn HTTP/NAME {host}`},
			},
			SeeAlso: []Code{"kdc-unreachable", "clock-skew", "ntlm-broken"},
		},
		{
			Code: "preauth-off", Block: BlockWarning, Status: Warning,
			Title:     "The account is open to offline guessing (no Kerberos pre-authentication)",
			Meaning:   "Anybody in the network can ask the domain controller for a reply that is encrypted with a key made from this account's password, and guess it at leisure. It does not disturb Dynamics, but it should not stay.",
			Concluded: "The KDC answered a request without pre-authentication with a full reply instead of asking for proof. The reply was dropped unread.",
			Remedies: []Remedy{
				{Text: "See the setting \"Do not require Kerberos preauthentication\" of the account.", Command: `Get-ADUser -Filter "UserPrincipalName -eq '{user}'" -Properties DoesNotRequirePreAuth`, Link: linkADControl},
				{Text: "Clear it, and set a new long password.", Command: `Set-ADAccountControl -Identity ACCOUNT -DoesNotRequirePreAuth $false`},
			},
			SeeAlso: []Code{"credentials-rejected"},
		},
	}
}
