package main

import (
	"fmt"
	"strings"

	"github.com/mitchellh/go-wordwrap"
	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

func explainCommand(std stdio) *cli.Command {
	return &cli.Command{
		Name:      "explain",
		Usage:     "says what a verdict code or a pasted Dynamics alert means and what to do",
		ArgsUsage: `[CODE | "pasted alert text"]`,
		Description: `Without an argument it lists all codes. A topic such as basic-or-ntlm is explained too.
What it does not know is exit code 3.`,
		Action: func(c *cli.Context) error {
			e := explainer{width: max(std.style().Width, 0)}
			if e.width == 0 {
				e.width = 80
			}
			// An alert pasted without quotes arrives as many words.
			text := strings.TrimSpace(strings.Join(c.Args().Slice(), " "))
			switch {
			case c.NArg() == 0:
				e.list()
			case text == "":
				return usage("there is nothing to explain; give a code or paste the text of the alert in quotes")
			case e.code(strings.ToLower(text)), e.topic(strings.ToLower(text)), e.alert(text):
			default:
				return usage("nothing is known about %q; `ewsprobe explain` lists the codes", report.Clean(shorten(text, 60), 60))
			}
			fmt.Fprint(std.out, e.b.String())
			return nil
		},
	}
}

func shorten(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

type explainer struct {
	b     strings.Builder
	width int
}

func (e *explainer) text(indent int, s string) {
	pad := strings.Repeat(" ", indent)
	for line := range strings.SplitSeq(wordwrap.WrapString(s, uint(max(e.width-indent, 20))), "\n") {
		e.b.WriteString(strings.TrimRight(pad+line, " ") + "\n")
	}
}

var blockTitles = map[finding.Block]string{
	finding.BlockAsk: "Nothing could be asked", finding.BlockEndpoint: "The endpoint and its sign-in",
	finding.BlockMailbox: "The mailbox and what is around it", finding.BlockWarning: "Warnings, and ok",
}

func (e *explainer) list() {
	var block finding.Block
	for _, entry := range finding.Catalogue() {
		if entry.Block != block {
			if block != "" {
				e.b.WriteString("\n")
			}
			block = entry.Block
			e.text(0, blockTitles[block])
		}
		cause := ""
		if entry.Cause != 0 {
			cause = fmt.Sprintf(" (cause %d)", entry.Cause)
		}
		fmt.Fprintf(&e.b, "  %-24s %-9s %s%s\n", entry.Code, entry.Status, entry.Title, cause)
	}
	e.b.WriteString("\n")
	e.text(0, "Topics: "+strings.Join(topicNames(), ", "))
	e.text(0, "Ask for one: ewsprobe explain basic-disabled. Or paste what Dynamics says: ewsprobe explain \"Http server returned 401 Unauthorized exception\".")
}

func (e *explainer) code(text string) bool {
	entry, ok := finding.Lookup(finding.Code(text))
	if !ok {
		return false
	}
	fmt.Fprintf(&e.b, "%s  (%s", entry.Code, entry.Status)
	if entry.Cause != 0 {
		about, _ := finding.LookupCause(entry.Cause)
		fmt.Fprintf(&e.b, ", KB 3212785 cause %d: %s", entry.Cause, about.Title)
	}
	e.b.WriteString(")\n")
	e.text(0, entry.Title+".")
	e.section("What it means", entry.Meaning)
	e.section("How it is concluded", entry.Concluded)
	if len(entry.Remedies) > 0 {
		e.b.WriteString("\nWhat to do\n")
		for i, r := range entry.Remedies {
			e.text(2, fmt.Sprintf("%d. %s", i+1, sample(r.Text)))
			for _, line := range []string{sample(r.Command), r.Link} {
				if line != "" {
					e.b.WriteString("     " + line + "\n")
				}
			}
		}
	}
	if len(entry.SeeAlso) > 0 {
		names := make([]string, len(entry.SeeAlso))
		for i, c := range entry.SeeAlso {
			names[i] = string(c)
		}
		e.section("See also", strings.Join(names, ", "))
	}
	return true
}

func (e *explainer) section(title, text string) {
	e.b.WriteString("\n" + title + "\n")
	e.text(2, text)
}

// sample fills a remedy with names that stand for the reader's own.
func sample(s string) string {
	return strings.NewReplacer("{server}", "<SERVER>", "{host}", "mail.contoso.com", "{user}", "svc-crm@contoso.com", "{mailbox}", "anna@contoso.com").Replace(s)
}

func (e *explainer) topic(text string) bool {
	for _, t := range topics {
		if t.name == text {
			e.text(0, t.title)
			for _, paragraph := range t.paragraphs {
				e.b.WriteString("\n")
				e.text(2, paragraph)
			}
			return true
		}
	}
	return false
}

func (e *explainer) alert(text string) bool {
	alerts := finding.MatchAlert(text)
	for i, a := range alerts {
		if i > 0 {
			e.b.WriteString("\n")
		}
		e.text(0, a.Meaning)
		for _, n := range a.Causes {
			about, _ := finding.LookupCause(n)
			e.text(2, fmt.Sprintf("Cause %d, %s: %s", n, about.Title, about.Meaning))
		}
		if len(a.Codes) > 0 {
			names := make([]string, len(a.Codes))
			for i, c := range a.Codes {
				names[i] = string(c)
			}
			e.section("What ewsprobe may find", strings.Join(names, ", "))
		}
		if a.Next != "" {
			e.b.WriteString("\nWhat to run next\n  " + sample(a.Next) + "\n")
		}
	}
	return len(alerts) > 0
}

// topics are what a verdict points to beyond its own code.
var topics = []struct {
	name, title string
	paragraphs  []string
}{
	{
		name: "basic-or-ntlm", title: "Basic or NTLM for the Dynamics profile",
		paragraphs: []string{
			"The documented prerequisite for Exchange Server is NTLM or Basic on EWS, and with NTLM, Basic has to be disabled. KB 3212785 asks for Basic. So Basic being off is a fault only if the profile uses Basic: look into the profile (Authentication protocol) before you change Exchange.",
			"Basic is known to work with Dynamics online. It sends the password itself, protected by TLS alone, and is off on the EWS virtual directory after installation of Exchange 2016 and 2019; Autodiscover has it on, so a sign-in that works there proves nothing for EWS.",
			"NTLM sends a proof instead of the password. That Dynamics online signs in with NTLM is documented, not proved here; Extended Protection, balancers without connection affinity and policies that restrict NTLM can stand in its way, which `ewsprobe check --profile-auth ntlm` shows. Kerberos is out of reach for Dynamics online: it sees no domain controller.",
			"A third way is hybrid modern authentication (OAuth): `ewsprobe check --profile-auth oauth` says whether the server is set up for it.",
		},
	},
	{
		name: "exit-codes", title: "Exit codes",
		paragraphs: []string{
			"0 ok, 1 warning, 2 critical, 3 unknown: the convention of monitoring plugins. Unknown covers what could not be determined, wrong usage, unusable files and a check stopped by Ctrl-C. `demo` exits with 2 when a scenario differs from its expectation.",
		},
	},
	{
		name: "what-is-sent", title: "What a check sends",
		paragraphs: []string{
			"To EWS, everything is a POST to the one URL you named, under the user agent ewsprobe/VERSION. Three operations of EWS are sent and no others, and all three only read: FindFolder (the folders in an inbox, as Dynamics' Test Connection asks), GetFolder (the identifier of an inbox) and ResolveNames (one address in the address book). First come three requests without a credential, on connections of their own: an anonymous one, one with an empty Bearer token, one with an NTLM type 1 message, which names no account.",
			"Then the credential is used, one request at a time until one was accepted, and at most --max-rejections times (2) if it is refused: security event 4625 on the server and 4776 or 4771 on a domain controller show each. A scheme that is not offered never gets the password. Redirects are not followed, and nothing goes past an untrusted certificate without --insecure.",
			"A domain controller is asked after a refusal with --explain-rejection, and for a Kerberos ticket: with --keytab or --ccache, or where NTLM is not taken inside Negotiate and the domain is known. First comes a Kerberos AS-REQ without pre-authentication (port 88), which names the account, carries no proof and costs no logon. Then, with --explain-rejection, one LDAP bind with the password, only inside TLS and to a certificate that is in order and bears the controller's name (port 636); for a ticket, an AS-REQ with the password's or the keytab's proof (AES only), a TGS-REQ for HTTP/HOST, and the ticket to EWS. The bind and the proof are logons that count. The controllers are the one that --dc names, those of krb5.conf, or those that DNS names inside the domain of --domain or of this machine; what the EWS server says of its domain never decides it.",
			"With --current-user Windows itself signs in the logged-on user (SSPI): it chooses Kerberos or NTLM, may ask a domain controller for a ticket to HTTP/HOST (or --spn), and puts the name of this machine into its messages. They go to the named host only, bound to the certificate seen there (channel binding), never past an untrusted certificate, and one refusal is all it can cost. Where the certificate allows no binding, or a device re-encrypts TLS, Extended Protection can refuse this sign-in whoever it is: such a refusal says nothing about the account.",
			"With a password already accepted, NTLM may be sent again without a channel binding and with a foreign one, to see what Extended Protection does; a refusal of these shows as 4625 with sub status 0xC000035B and does not count against the account. Where the answer leaves something open, a few further calls follow: the same once more after a passing error, GetFolder to tell the named mailbox from the caller's own, ResolveNames for its primary address, and FindFolder with a user name that is no address, as Test Connection sends it. They use the connection that NTLM signed in; where only Basic can carry them, each is one more logon event of the account.",
			"After a 403, each user agent of Dynamics is tried once (not with --no-user-agent-probe). If the TLS handshake used a cipher suite that Dynamics does not accept, one ClientHello with exactly the suites that it accepts is sent on a connection of its own, which ends there.",
			"Autodiscover is asked only with a mailbox address as TARGET, with --autodiscover URL, or for --mailbox where the profile given with --profile leaves the server to it and no TARGET is given. First without a credential, by GET, which names no mailbox: https://DOMAIN/autodiscover/autodiscover.xml, the same at autodiscover.DOMAIN, over http there too for the sake of a redirect, and the SRV record _autodiscover._tcp.DOMAIN; with --autodiscover only the URL it names. Redirects are followed without a credential, over https, at most ten. Then the question for the mailbox, by POST with the password (Basic if offered, else NTLM): a logon that counts like any other. Where the check has no password to send, a GET of autodiscover.json takes its place, which names the mailbox and needs no sign-in.",
			"Before these steps, where a domain is known (--domain, --dc, or this machine's own: never one that a server names) and the check has a password, one of its domain controllers is asked for the service connection points of Autodiscover: LDAP inside TLS with a verified certificate, one simple bind with the account and its password, and two searches on the same connection, which read the root of the directory and, in the configuration naming context, the keywords and URLs of these entries. The bind counts like any logon, and --explain-rejection makes no second one. At most three of the URLs are asked, without a credential first. A pointer to another directory is not gone after.",
			"The password goes to the host of TARGET and of --autodiscover, and to hosts below the mailbox's own domain that answer with Exchange's headers, and likewise below the domain whose controller named service connection points; never to the domain itself, to what an SRV record or a redirect names, or to EWS on a host of another domain without --follow-autodiscover. Never over http, to Exchange Online, or past an untrusted certificate: --insecure holds for EWS on a host that you named, not here. Exchange Online is not even asked when a redirect or an SRV record leads there.",
			"The steps of Autodiscover go to the mailbox's own domain, wherever DNS says that is. Beside them nothing leaves the network unless you ask for it with --cloud, --dynamics-url, --tenant, --token-file or --client-id. Then, beside the check, each of these is one GET, without the account and its password: the mailbox's address goes to Exchange Online (outlook.office365.com), which says where the mailbox is; the domain of the mailbox, else that of the account's name, and the domain given with --tenant go to Entra (login.microsoftonline.com), which says the tenant; the host of --dynamics-url is asked for its tenant and told nothing.",
			"With --token-file the mailbox's address goes to Microsoft Graph (graph.microsoft.com) together with your access token, in three requests at most: the user with its service plans, whether it has a mailbox there, and a deleted user with the same address. They read only, and the token goes to no other host. Redirects are not followed, the certificate is verified whatever --insecure says, and everything ends after 5 seconds, and a second before --timeout.",
			"With --client-id and --client-secret-file an application of yours takes the place of that token: one POST to Entra (login.microsoftonline.com/TENANT/oauth2/v2.0/token, with the tenant of --tenant) carries the application's identifier and its secret and asks for a token for Microsoft Graph (client credentials, scope https://graph.microsoft.com/.default), which then goes to Graph as above. The secret goes to no other host and is not sent again; Entra's sign-in log of the application shows it (service principal sign-ins).",
			"Only for these hosts the proxy in the environment (HTTPS_PROXY, NO_PROXY) is used; a user name and password in its URL are not sent to it. --entra-url, --exchange-online-url and --graph-url point the look-ups elsewhere. A record of such a check holds the tenant identifiers, the application's identifier and what Graph showed of the user, but neither the token nor the secret.",
			"`ewsprobe check -v` prints the plan with its cost before anything is sent, and the report lists every attempt with its time.",
		},
	},
}

func topicNames() []string {
	names := make([]string, len(topics))
	for i, t := range topics {
		names[i] = t.name
	}
	return names
}
