package finding

import (
	"maps"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

// row is one row of the table of codes: what scripts and monitoring rely on, which
// neither changes nor goes. A new code needs no row before it is released.
type row struct {
	code   Code
	block  Block
	status Status
	cause  int
}

var table = []row{
	{"bad-usage", BlockAsk, Unknown, 0},
	{"config-invalid", BlockAsk, Unknown, 0},
	{"dns-failed", BlockAsk, Unknown, 0},
	{"connect-failed", BlockAsk, Unknown, 0},
	{"timeout", BlockAsk, Unknown, 0},
	{"tls-untrusted", BlockAsk, Critical, 0},
	{"tls-failed", BlockAsk, Critical, 0},
	{"proxy-auth-required", BlockAsk, Unknown, 0},
	{"server-error", BlockAsk, Unknown, 0},
	{"throttled", BlockAsk, Unknown, 0},

	{"plain-http", BlockEndpoint, Critical, 0},
	{"endpoint-online", BlockEndpoint, Critical, 2},
	{"preauth-redirect", BlockEndpoint, Critical, 0},
	{"redirected", BlockEndpoint, Critical, 0},
	{"forbidden", BlockEndpoint, Critical, 0},
	{"not-ews", BlockEndpoint, Critical, 0},
	{"no-scheme", BlockEndpoint, Critical, 0},
	{"basic-disabled", BlockEndpoint, Critical, 5},
	{"ntlm-disabled", BlockEndpoint, Critical, 0},
	{"negotiate-disabled", BlockEndpoint, Critical, 0},
	{"oauth-disabled", BlockEndpoint, Critical, 0},
	{"token-not-issued", BlockEndpoint, Critical, 0},
	{"token-refused", BlockEndpoint, Critical, 0},
	{"logon-blocked", BlockEndpoint, Critical, 0},
	{"credentials-rejected", BlockEndpoint, Critical, 0},
	{"basic-rejected", BlockEndpoint, Critical, 0},
	{"extended-protection", BlockEndpoint, Critical, 0},
	{"ntlm-broken", BlockEndpoint, Critical, 0},
	{"ntlm-rejected", BlockEndpoint, Critical, 0},

	{"impersonation-denied", BlockMailbox, Critical, 0},
	{"mailbox-online", BlockMailbox, Critical, 2},
	{"mailbox-not-found", BlockMailbox, Critical, 1},
	{"mailbox-address-differs", BlockMailbox, Critical, 1},
	{"mailbox-unlicensed", BlockMailbox, Critical, 3},
	{"tenant-differs", BlockMailbox, Critical, 4},
	{"user-recreated", BlockMailbox, Critical, 6},
	{"access-denied", BlockMailbox, Critical, 0},
	{"autodiscover-failed", BlockMailbox, Critical, 0},
	{"profile-contradiction", BlockMailbox, Critical, 0},
	{"tls-outdated", BlockMailbox, Critical, 0},
	{"certificate-private", BlockMailbox, Critical, 0},
	{"name-private", BlockMailbox, Critical, 0},
	{"mailbox-unavailable", BlockMailbox, Unknown, 0},
	{"exchange-error", BlockMailbox, Unknown, 0},
	{"not-checked", BlockMailbox, Unknown, 0},
	{"inconclusive", BlockMailbox, Unknown, 0},
	{"dynamics-unreadable", BlockMailbox, Unknown, 0},

	{"farm-inconsistent", BlockWarning, Warning, 0},
	{"user-agent-refused", BlockWarning, Warning, 0},
	{"user-name-not-upn", BlockWarning, Warning, 0},
	{"service-mailbox-missing", BlockWarning, Warning, 0},
	{"mailbox-duplicate", BlockWarning, Warning, 0},
	{"basic-and-ntlm", BlockWarning, Warning, 0},
	{"clock-skew", BlockWarning, Warning, 0},
	{"certificate-expiring", BlockWarning, Warning, 0},
	{"hma-certificate-expiring", BlockWarning, Warning, 0},
	{"address-family", BlockWarning, Warning, 0},
	{"kdc-unreachable", BlockWarning, Warning, 0},
	{"kdc-untrusted", BlockWarning, Warning, 0},
	{"ldaps-failed", BlockWarning, Warning, 0},
	{"keytab-unusable", BlockWarning, Warning, 0},
	{"ticket-expired", BlockWarning, Warning, 0},
	{"kerberos-failed", BlockWarning, Warning, 0},
	{"preauth-off", BlockWarning, Warning, 0},
	{"ok", BlockWarning, OK, 0},
}

func TestCatalogueIsTheTable(t *testing.T) {
	got, i := Catalogue(), 0
	for _, e := range got {
		if i < len(table) && e.Code == table[i].code {
			if have := (row{e.Code, e.Block, e.Status, e.Cause}); have != table[i] {
				t.Errorf("have %v, want %v", have, table[i])
			}
			i++
		}
	}
	if i < len(table) {
		t.Errorf("%s is missing, or not in its place", table[i].code)
	}
	seen := map[Code]bool{}
	for _, e := range got {
		if seen[e.Code] {
			t.Errorf("%s occurs twice", e.Code)
		}
		seen[e.Code] = true
	}
}

func TestLookupAndOrder(t *testing.T) {
	for i, want := range Catalogue() {
		e, ok := Lookup(want.Code)
		if !ok || e.Code != want.Code {
			t.Errorf("Lookup(%q) = %q, %v", want.Code, e.Code, ok)
		}
		if got := Order(want.Code); got != i {
			t.Errorf("Order(%q) = %d, want %d", want.Code, got, i)
		}
	}
	if e, ok := Lookup("no-such-code"); ok || e.Code != "" {
		t.Errorf("an unknown code was found: %+v", e)
	}
	if Order("no-such-code") <= Order("ok") {
		t.Error("an unknown code does not come last")
	}
}

// What a reason asks for begins with a look, too.
func TestReasonsAskForSomething(t *testing.T) {
	for name := range reasons() {
		list := ReasonRemedies("credentials-rejected", name)
		if len(list) == 0 || !strings.HasPrefix(list[0].Command, "Get-") && !strings.HasPrefix(list[0].Command, "{aduser} -Properties") {
			t.Errorf("%s: no look first: %+v", name, list)
		}
		for i, r := range list {
			checkRemedy(t, i, r)
		}
	}
	for _, flag := range []string{"--retry-refused", "--max-rejections 4"} {
		if !strings.HasSuffix((Names{Refused: true, Limit: 4}).Cost("ewsprobe check "+flag), ".") {
			t.Errorf("nothing says what %s costs", flag)
		}
	}
}

var sentenceEnd = regexp.MustCompile(`[.!?](?:\s|$)`)

func TestEntriesAreComplete(t *testing.T) {
	for _, e := range Catalogue() {
		t.Run(string(e.Code), func(t *testing.T) {
			if n := utf8.RuneCountInString(e.Title); n == 0 || n > 90 {
				t.Errorf("the title has %d characters, want 1 to 90", n)
			}
			if strings.HasSuffix(e.Title, ".") {
				t.Error("the title ends with a full stop")
			}
			if n := len(sentenceEnd.FindAllString(e.Meaning, -1)); n < 2 || n > 5 {
				t.Errorf("the meaning has %d sentences, want 2 to 5", n)
			}
			for name, text := range map[string]string{"meaning": e.Meaning, "concluded": e.Concluded} {
				if !strings.HasSuffix(text, ".") {
					t.Errorf("%s does not end with a full stop: %q", name, text)
				}
				checkPlain(t, text)
				if anyPlaceholder.MatchString(text) {
					t.Errorf("%s holds a placeholder, which nobody fills there", name)
				}
			}
			if len(e.Remedies) == 0 {
				t.Error("no remedy")
			}
			for i, r := range e.Remedies {
				checkRemedy(t, i, r)
			}
			for c, list := range e.Cases {
				if len(list) == 0 || strings.HasPrefix(list[0].Command, "Set-") || strings.HasPrefix(list[0].Command, "New-") {
					t.Errorf("%s: no remedy, or a change before a look", c)
				}
				for i, r := range list {
					checkRemedy(t, i, r)
				}
			}
			for _, c := range e.SeeAlso {
				if _, ok := Lookup(c); !ok || c == e.Code {
					t.Errorf("see also %q", c)
				}
			}
		})
	}
}

func checkRemedy(t *testing.T, i int, r Remedy) {
	t.Helper()
	if r.Text == "" {
		t.Errorf("remedy %d has no text", i)
	}
	if end := r.Text[max(0, len(r.Text)-1):]; end != "." {
		t.Errorf("remedy %d does not end with a full stop: %q", i, r.Text)
	}
	checkPlain(t, r.Text)
	checkNames(t, r.Text)
	checkPlaceholders(t, ofRemedies.Fill(r.Text))
	checkPlaceholders(t, ofRemedies.Fill(r.Command))
	if strings.Contains(r.Command, "\n") {
		t.Errorf("remedy %d has more than one command", i)
	}
	if r.Command != "" {
		checkCommand(t, r.Command)
	}
	if r.Link != "" && !isLink(r.Link) {
		t.Errorf("remedy %d has the unknown link %q", i, r.Link)
	}
}

// reporter is the part of testing.T that the checks need; the checks of the
// checks use another.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

type counter int

func (*counter) Helper()                 {}
func (c *counter) Errorf(string, ...any) { *c++ }

// checkPlain refuses what does not belong in a sentence.
func checkPlain(t reporter, text string) {
	t.Helper()
	for _, bad := range []string{
		"  ", "\t", "\n", " .", " ,", "http://", "https://learn", "TODO", "mend ", "all the same",
		"anew", "judg", " leg ", " legs",
	} {
		if strings.Contains(text, bad) {
			t.Errorf("%q in %q", bad, text)
		}
	}
}

var (
	anyPlaceholder = regexp.MustCompile(`\{[^}]*\}`)
	eventFilter    = regexp.MustCompile(`@\{LogName='(?:Security'; Id=[0-9,]+(; StartTime='BEGIN'; EndTime='END')?|` +
		`(?:Application|System)'; ProviderName='[\w -]+'|Microsoft-Windows-NTLM/Operational')\}`)
	powershellBlock = regexp.MustCompile(`ForEach-Object \{ ([^{}]*) \}`)
	// ofRemedies fills what only remedies have.
	ofRemedies     = Names{Server: "{server}", Host: "{host}", User: "{user}", Mailbox: "{mailbox}", More: Sample().More}
	powershellList = regexp.MustCompile(`@\{Add="[^"{}]+"(,"[^"{}]+")*\}`)
)

func checkPlaceholders(t reporter, text string) {
	t.Helper()
	text = powershellBlock.ReplaceAllString(eventFilter.ReplaceAllString(powershellList.ReplaceAllString(text, ""), ""), "")
	for _, p := range anyPlaceholder.FindAllString(strings.ReplaceAll(text, "{times}", ""), -1) {
		if !slices.Contains([]string{"{server}", "{host}", "{user}", "{mailbox}"}, p) {
			t.Errorf("placeholder %s in %q", p, text)
		}
	}
}

// knownCmdlets lists every cmdlet that may be named, with the parameters that
// may be used. The source is Microsoft's cmdlet reference for Exchange Server
// (https://learn.microsoft.com/powershell/module/exchangepowershell); look a
// new one up there before it is added. An -Identity that is left out is the
// first positional parameter. Set-WebServicesVirtualDirectory has no
// -IISAuthenticationMethods, whatever threads say.
var knownCmdlets = map[string][]string{
	"Get-OabVirtualDirectory":         {"-Server", "-Identity", "-ADPropertiesOnly", "-ShowMailboxVirtualDirectories"},
	"Get-WebServicesVirtualDirectory": {"-Server", "-Identity", "-ADPropertiesOnly", "-ShowMailboxVirtualDirectories"},
	"Set-WebServicesVirtualDirectory": {
		"-Identity", "-BasicAuthentication", "-WindowsAuthentication",
		"-OAuthAuthentication", "-ExtendedProtectionTokenChecking", "-ExternalUrl",
	},
	"Get-ManagementRoleAssignment": {"-Role", "-GetEffectiveUsers"},
	"New-ManagementRoleAssignment": {"-Name", "-Role", "-User", "-CustomRecipientWriteScope"},
	"New-ManagementScope":          {"-Name", "-RecipientRestrictionFilter"},
	"Get-CASMailbox":               {"-ResultSize"},
	"Set-CASMailbox":               {"-Identity", "-EwsEnabled", "-EwsApplicationAccessPolicy", "-EwsAllowList", "-EwsBlockList"},
	"Get-OrganizationConfig":       {"-RetrieveEwsOperationAccessPolicy"},
	"Set-OrganizationConfig": {
		"-DefaultAuthenticationPolicy", "-EwsEnabled", "-EwsApplicationAccessPolicy",
		"-EwsAllowList", "-EwsBlockList", "-OAuth2ClientProfileEnabled",
	},
	"Get-User":                            {},
	"Set-User":                            {"-Identity", "-AuthenticationPolicy"},
	"New-AuthenticationPolicy":            {"-Name"},
	"Get-Recipient":                       {},
	"Get-ThrottlingPolicyAssociation":     {},
	"Test-FederationTrust":                {},
	"Get-FederationTrust":                 {},
	"Set-FederationTrust":                 {"-RefreshMetadata"},
	"Get-AvailabilityAddressSpace":        {},
	"Set-AuthConfig":                      {},
	"Set-ExchangeServer":                  {},
	"Test-OutlookWebServices":             {"-Identity"},
	"Get-MapiVirtualDirectory":            {"-Server"},
	"Get-OutlookAnywhere":                 {"-Server"},
	"Get-OutlookProvider":                 {},
	"Remove-PSSession":                    {},
	"Get-PowerShellVirtualDirectory":      {"-Server"},
	"Get-MessageTrackingLog":              {"-Recipients"},
	"New-TestCasConnectivityUser":         {}, // a script of Exchange
	"Test-CsExStorageConnectivity":        {},
	"Test-WebServicesConnectivity":        {},
	"Set-ServerComponentState":            {},
	"Test-OrganizationRelationship":       {},
	"Add-MailboxPermission":               {},
	"Format-List":                         {},
	"Get-AuthServer":                      {},
	"Set-AuthServer":                      {"-RefreshAuthMetadata", "-IsDefaultAuthorizationEndpoint", "-Enabled"},
	"Set-PartnerApplication":              {"-Enabled"},
	"Set-ThrottlingPolicy":                {},
	"Set-ThrottlingPolicyAssociation":     {},
	"Get-MailboxFolderPermission":         {},
	"Get-TransportConfig":                 {},
	"Get-InboxRule":                       {},
	"Get-App":                             {},
	"Get-MailboxPermission":               {},
	"Get-MailboxAutoReplyConfiguration":   {},
	"Get-FederatedOrganizationIdentifier": {},
	"Get-SharingPolicy":                   {},
	"Get-OrganizationRelationship":        {},
	"Get-PartnerApplication":              {},
	"Get-AcceptedDomain":                  {},
	"Get-ServerComponentState":            {"-Identity"},
	"Get-ServerHealth":                    {"-Identity"},
	"Get-AuthConfig":                      {},
	"Get-ExchangeCertificate":             {"-Server"},
	"Enable-ExchangeCertificate":          {"-Thumbprint", "-Services"},
	"Disable-MailboxQuarantine":           {},
	"Get-ADPermission":                    {},
	"Get-AutodiscoverVirtualDirectory":    {},
	"Get-ExchangeServer":                  {},
	"Get-Mailbox":                         {"-Arbitration", "-PublicFolder"},
	"Get-MailboxDatabase":                 {"-Status"},
	"Get-MailboxStatistics":               {},
	"Get-MoveRequest":                     {},
	"New-MailboxRepairRequest":            {"-Mailbox", "-CorruptionType", "-DetectOnly"},
	"Get-MoveRequestStatistics":           {},
	"Get-ThrottlingPolicy":                {},
	"Test-ServiceHealth":                  {"-Server"},
	"Test-ApplicationAccessPolicy":        {"-Identity", "-AppId"},
	"Get-ApplicationAccessPolicy":         {},
	"Test-OAuthConnectivity":              {"-Service", "-TargetUri", "-Mailbox"},
	"Invoke-WebRequest":                   {"-UseBasicParsing", "-Uri"}, // of Windows PowerShell

	// Of Microsoft Graph PowerShell (https://learn.microsoft.com/powershell/microsoftgraph).
	"Get-AuthenticationPolicy":                {"-AllowLegacyExchangeTokens"},
	"Get-MgServicePrincipal":                  {"-Filter"},
	"Get-MgApplication":                       {"-Filter"},
	"Get-MgUser":                              {},
	"Update-MgServicePrincipal":               {"-ServicePrincipalId", "-ServicePrincipalNames"},
	"Get-MgServicePrincipalAppRoleAssignment": {"-ServicePrincipalId"},
	"Get-MgIdentityConditionalAccessPolicy":   {},

	// Of the module ActiveDirectory, and programs of Windows and MIT krb5.
	"Get-ADUser":                        {"-Filter", "-Properties"},
	"Set-ADAccountControl":              {"-Identity", "-DoesNotRequirePreAuth"},
	"Restart-WebAppPool":                {},
	"Unlock-ADAccount":                  {},
	"Enable-ADAccount":                  {},
	"Clear-ADAccountExpiration":         {},
	"Set-ADAccountPassword":             {"-Reset"},
	"Set-ADUser":                        {"-ChangePasswordAtLogon", "-Clear", "-SmartcardLogonRequired"},
	"Remove-ADPrincipalGroupMembership": {"-MemberOf"},
	"Get-ADDomainController":            {"-Filter"},

	"Get-Service":          {},
	"Get-Counter":          {"-Counter"},
	"Get-NetTCPConnection": {"-LocalPort", "-State"},

	// Of the Web Application Proxy.
	"Get-WebApplicationProxyApplication": {},

	// Of PowerShell itself.
	"Get-WinEvent":                 {"-ComputerName", "-FilterHashtable", "-MaxEvents", "-ErrorAction"},
	"Get-WebAppPoolState":          {"-Name"},
	"Get-WebBinding":               {"-Name", "-Protocol"}, // of WebAdministration, as CSS-Exchange uses it
	"Get-Website":                  {},                     // likewise
	"Get-WebApplication":           {"-Site", "-Name"},     // of WebAdministration
	"Set-WebConfigurationProperty": {"-PSPath", "-Location", "-Filter", "-Name", "-Value"},
	"Get-WindowsFeature":           {}, // of ServerManager
	"Test-NetConnection":           {"-Port"},
	"Get-ItemProperty":             {},
	"Get-Acl":                      {},
	"Get-ChildItem":                {},
	"Resolve-DnsName":              {},
	"Get-WebConfigurationProperty": {"-PSPath", "-Location", "-Filter", "-Name"},
	"Where-Object":                 {"-Match"},
	"ForEach-Object":               {},
	"Select-String":                {"-Path", "-Pattern"},
	"Select-Object":                {"-ExpandProperty"},
	"Import-Certificate":           {"-FilePath", "-CertStoreLocation"}, // of the module PKI
	"Test-ComputerSecureChannel":   {"-Verbose"},
	"w32tm":                        {},
	"nslookup":                     {"-type=SRV"},
	"nltest":                       {},
	"setspn":                       {"-Q"},
	"aspnet_regiis":                {"-iru"},
	"klist":                        {"-k", "-e"},
}

// knownProperties lists what Format-List may select.
var knownProperties = []string{
	"LocalAddress", "OwningProcess", // listening port
	"Site", "ServerRole", "Status", "name", "type", // server, service, module of IIS
	"*Quota*", "TotalItemSize", "StorageLimitStatus", // mailbox and its statistics
	"*Authentication", "ExtendedProtection*", "Identity", "InternalUrl", "ExternalUrl", // virtual directory
	"Ews*", "AuthenticationPolicy", "DefaultAuthenticationPolicy", // CAS mailbox, user, organisation
	"RecipientTypeDetails", "PrimarySmtpAddress", "EmailAddresses", // recipient
	"UserPrincipalName", "WindowsEmailAddress", // user
	"InternetWebProxy",                                                                                                       // server
	"SamAccountName", "Enabled", "Description", "LockedOut", "AccountLockoutTime", "BadLogonCount", "LastBadPasswordAttempt", // account
	"PasswordExpired", "PasswordLastSet", "PasswordNeverExpires", "AccountExpirationDate", "logonHours", "LogonWorkstations",
	"MemberOf", "AuthenticationPolicy*", "SmartcardLogonRequired",
	"MachineName", "TimeCreated", "Message", // event
	"Name", "Type", "IssuerIdentifier", "Realm", "AuthMetadataUrl", "ApplicationIdentifier", "UseAuthServer", "LinkedAccount", // OAuth
	"EwsEnabled", "EwsApplicationAccessPolicy", // access to EWS
	"DomainName", "DomainType", "OAuth2ClientProfileEnabled", "IsDefaultAuthorizationEndpoint",
	"DisplayName", "AppId", "SignInAudience", "AccountEnabled", "State", // Entra
	"IsValid", "ServerName", "Database", "AccountDisabled", "Mounted", "MountedOnServer", "LastLogonTime", "ItemCount",
	"IsQuarantined", "AdminDisplayVersion", "InternalNLBBypassUrl", // mailbox, server
	"ThrottlingPolicyId", "ThrottlingPolicyScope", "User", "Deny", "IsInherited", "ObjectClass", "DistinguishedName", "Id",
	"CurrentCertificateThumbprint", "PreviousCertificateThumbprint", "NextCertificateThumbprint", "Thumbprint", "Subject",
	"NotAfter", "CertificateDomains", "Issuer", "Services",
	"Component", "bindingInformation", "certificateHash", "value", "Value", "name", "enabled", "path", "applicationPool",
	"PhysicalPath", "allowed", "description", "InstallState", "AccessToString", "HasPrivateKey", "DisabledByDefault",
	"TotalItemSize", "StorageLimitStatus", "DatabaseProhibitSendQuota", "DoesNotRequirePreAuth", // of IIS
	"MaxFieldLength", "MaxRequestBytes", // of HTTP.sys, KB 820129
	"ActiveSync*", "SmtpClientAuthenticationDisabled", "ImapEnabled", "PopEnabled", "*Authentication*", "*Hostname",
	"RequireSSL",                                                           // services beside EWS
	"RoleAssigneeName", "RecipientWriteScope", "CustomRecipientWriteScope", // role assignment
}

// knownFlags lists the flags of check that a remedy may use.
var knownFlags = []string{
	"--user", "--mailbox", "--impersonate", "--profile", "--profile-auth", "--view", "--address", "--each-address",
	"--follow-autodiscover", "--ca-file", "--timeout", "--no-credentials", "--save", "--help",
	"--explain-rejection", "--dc", "--retry-refused", "--keytab", "--ccache", "--spn", "--resume",
	"--hma-token-file", "--entra-url", "--cloud", "--dynamics-url", "--tenant", "--token-file", "--client-id", "--client-secret-file",
}

func TestLinksAreMicrosoftLearn(t *testing.T) {
	seen := map[string]bool{}
	for name, l := range shared().Links {
		if u, err := url.Parse(l); err != nil || u.Scheme != "https" || u.Host != "learn.microsoft.com" || u.RawQuery != "" {
			t.Errorf("%s: %q is no page of Microsoft Learn", name, l)
		}
		if seen[l] {
			t.Errorf("%q twice", l)
		}
		seen[l] = true
	}
}

func isLink(l string) bool {
	return slices.Contains(slices.Collect(maps.Values(shared().Links)), l)
}

// What a document names of shared.yaml must be there, and what is there must be
// named; the head of a document, which is read without YAML, must say the same
// as YAML does.
func TestTextsAreWhole(t *testing.T) {
	used := map[string]bool{}
	name := func(where, kind, name string, known bool) {
		if name == "" {
			return
		}
		used[kind+" "+name] = true
		if !known {
			t.Errorf("%s: there is no %s %q in shared.yaml", where, kind, name)
		}
	}
	remedies := func(where string, list []Remedy) {
		for _, r := range list {
			_, known := shared().Remedies[r.Use]
			name(where, "remedy", r.Use, known)
			_, known = shared().Commands[r.Run]
			name(where, "command", r.Run, known)
			_, known = shared().Links[r.Link]
			name(where, "link", r.Link, known)
			ways := 0
			for _, s := range []string{r.Run, r.Check, r.Command} {
				if s != "" {
					ways++
				}
			}
			if ways > 1 || r.Use != "" && (r.Text != "" || ways > 0 || r.Link != "") {
				t.Errorf("%s: a remedy that is said twice: %+v", where, r)
			}
			if !slices.Contains([]string{"", "mailbox", "https", "url", "profile", "none"}, r.Target) || r.Target != "" && r.Check == "" {
				t.Errorf("%s: target %q", where, r.Target)
			}
			if !slices.Contains([]string{
				"", "explained", "no-logon", "nothing-held-back", "usual-path", "front-end-port",
				"kerberos-only", "asked-already", "url-given",
			}, r.Unless) {
				t.Errorf("%s: unless %q", where, r.Unless)
			}
		}
	}
	for _, d := range catalogue() {
		var e Entry
		decode(d.raw, &e)
		if e.Head != d.Head {
			t.Errorf("%s: the head is read as %+v, and by YAML as %+v", e.Code, d.Head, e.Head)
		}
		remedies(string(e.Code), e.Remedies)
		for c, list := range e.Cases {
			if _, variant := e.Sentences[string(c)]; !variant && !slices.Contains([]Case{
				AtFrontEnd, InPlace, ByAddress,
				OtherAudience, ByApplication, OwnMailbox, Advised, NoScheme, NoURL, DiscoveryError, Impersonated, AtAutodiscover,
				DomainTrouble, OneServer, NTLMBlocked, WindowsAlone, WrongName, Expired, Incomplete, InBatch, RefusedInRun, ReasonKnown,
				AtBackEnd, ByDevice, ByTMG, OneAddress, ByProxy, CallersOwn, ThroughProxy, PlainBehind, NoSite, ByIIS, Refused,
				Elsewhere, Unreached, Unasked,
			}, c) {
				t.Errorf("%s: there is no case %q", e.Code, c)
			}
			remedies(string(e.Code), list)
		}
	}
	for n, r := range reasons() {
		remedies(n, r.Remedies)
	}
	for n, r := range tokens().Reasons {
		remedies(n, r.Remedies)
	}
	for n, c := range EWSCodes() {
		remedies(n, c.Remedies)
		for i, r := range CodeRemedies(n) {
			checkRemedy(t, i, r)
		}
	}
	for _, a := range answers() {
		remedies(a.Names[0], a.Remedies)
		list := slices.Clone(a.Remedies)
		whole(list)
		for i, r := range list {
			checkRemedy(t, i, r)
		}
	}
	for n, r := range shared().Remedies {
		remedies(n, []Remedy{r})
	}
	for _, r := range OtherServer() {
		checkRemedy(t, 0, r)
	}
	for _, n := range []string{"see-other-server", "find-exchange"} {
		used["remedy "+n] = true
	}
	var raw map[int]causeTexts
	decode(causesText, &raw)
	for _, c := range raw {
		_, known := shared().Links[c.Link]
		name(c.Title, "link", c.Link, known)
	}
	for n, page := range shared().Links {
		if at[string](sharedText, "links", n) != page {
			t.Errorf("the link %s is read differently", n)
		}
		if !used["link "+n] {
			t.Errorf("nothing uses the link %s", n)
		}
	}
	for n, command := range shared().Commands {
		if at[string](sharedText, "commands", n) != command {
			t.Errorf("the command %s is read differently", n)
		}
		if !used["command "+n] {
			t.Errorf("nothing uses the command %s", n)
		}
	}
	for n, r := range shared().Remedies {
		if !reflect.DeepEqual(at[Remedy](sharedText, "remedies", n), r) {
			t.Errorf("the remedy %s is read differently", n)
		}
		if !used["remedy "+n] {
			t.Errorf("nothing uses the remedy %s", n)
		}
	}
}

// What the administrator of a device has to know is found by the name under which it is recognised.
func TestDevicesAreKnown(t *testing.T) {
	var devices map[string]struct{ Log, Pass, Bind string }
	decode(devicesText, &devices)
	var known strings.Builder
	for _, path := range []string{"../../ews/front/devices.txt", "../../ews/notices.txt"} {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		known.WriteString("\n" + strings.ReplaceAll(string(raw), "product | ", ""))
	}
	for name, d := range devices {
		if name != "other" && !strings.Contains(known.String(), "\n"+name+"\t") && !strings.Contains(known.String(), "\n"+name+" |") {
			t.Errorf("no device is recognised as %s", name)
		}
		if d.Log+d.Pass == "" || strings.HasSuffix(d.Log, ".") || strings.HasSuffix(d.Bind, ".") ||
			d.Pass != "" && !strings.HasSuffix(d.Pass, ".") {
			t.Errorf("%s: %+v", name, d)
		}
		got := AtDevice(name)
		if d.Log != "" && got["log"] != " ("+d.Log+")" || d.Pass != "" && got["pass"] != d.Pass || d.Bind != "" && got["bind"] != d.Bind {
			t.Errorf("%s is read differently: %v", name, got)
		}
		checkNames(t, d.Log+" "+d.Pass)
	}
}

// A report must not wait for its texts.
func BenchmarkOneEntry(b *testing.B) {
	raw, _, _ := strings.Cut(file("text/codes-3-signin.yaml"), "\n---\n")
	for b.Loop() {
		load(headOf(raw), raw)
	}
}

func BenchmarkHeads(b *testing.B) {
	for b.Loop() {
		for _, raw := range documents() {
			headOf(raw)
		}
	}
}

func BenchmarkShared(b *testing.B) {
	for b.Loop() {
		var s sharedTexts
		decode(sharedText, &s)
	}
}

var (
	apostrophes   = regexp.MustCompile(`'[^']*'`)
	quoted        = regexp.MustCompile(`"[^"]*"`)
	ewsprobeFlag  = regexp.MustCompile(`--[a-z][a-z-]*`)
	cmdletName    = regexp.MustCompile(`\b(?:Get|Set|New|Add|Remove|Enable|Disable|Test|Invoke|Restart|Format)-[A-Z]\w+`)
	parameterName = regexp.MustCompile(`(?:^|\s)(-[A-Za-z]\w+)`)
)

// checkCommand holds a command to the lists above.
func checkCommand(t reporter, command string) {
	t.Helper()
	if strings.Count(command, `"`)%2 != 0 {
		t.Errorf("unbalanced quotes in %q", command)
	}
	command = ofRemedies.Fill(command)
	bare := powershellList.ReplaceAllString(eventFilter.ReplaceAllString(command, "FILTER"), "LIST")
	bare = apostrophes.ReplaceAllString(quoted.ReplaceAllString(bare, "VALUE"), "VALUE")
	bare = powershellBlock.ReplaceAllString(bare, "ForEach-Object | $1")
	if strings.HasPrefix(bare, "ewsprobe ") {
		checkOwnCommand(t, command, strings.Fields(bare))
		return
	}
	for part := range strings.SplitSeq(bare, " | ") {
		words := strings.Fields(part)
		parameters, ok := knownCmdlets[words[0]]
		if !ok {
			t.Errorf("cmdlet %q in %q is not verified", words[0], command)
			continue
		}
		for _, w := range words[1:] {
			if strings.HasPrefix(w, "-") && !slices.Contains(parameters, w) {
				t.Errorf("parameter %s of %s in %q is not verified", w, words[0], command)
			}
		}
		if words[0] != "Format-List" {
			continue
		}
		if len(words) != 2 {
			t.Errorf("Format-List in %q wants one list", command)
			continue
		}
		for p := range strings.SplitSeq(words[1], ",") {
			if !slices.Contains(knownProperties, p) {
				t.Errorf("property %s in %q is not verified", p, command)
			}
		}
	}
}

// checkOwnCommand holds a command of this program to its rules: known flags,
// and all of them before the one target.
func checkOwnCommand(t reporter, command string, words []string) {
	t.Helper()
	if len(words) < 3 || words[1] != "check" {
		t.Errorf("%q is no check", command)
		return
	}
	for _, f := range ewsprobeFlag.FindAllString(command, -1) {
		if !slices.Contains(knownFlags, f) {
			t.Errorf("flag %s in %q", f, command)
		}
	}
	last := words[len(words)-1]
	if strings.HasPrefix(last, "https://HOST/") {
		return // which the reader puts in
	}
	if last != "--help" && !strings.Contains(last, "{host}") && last != "{mailbox}" && !slices.Contains(words, "--profile") {
		t.Errorf("%q does not end with its target", command)
	}
	if strings.Contains(command, "password") {
		t.Errorf("%q holds a password", command)
	}
}

// checkNames holds what a sentence names to the lists above.
func checkNames(t reporter, text string) {
	t.Helper()
	for _, c := range cmdletName.FindAllString(text, -1) {
		if _, ok := knownCmdlets[c]; !ok {
			t.Errorf("cmdlet %s in %q is not verified", c, text)
		}
	}
	for _, m := range parameterName.FindAllStringSubmatch(text, -1) {
		known := false
		for _, parameters := range knownCmdlets {
			known = known || slices.Contains(parameters, m[1])
		}
		if !known {
			t.Errorf("parameter %s in %q is not verified", m[1], text)
		}
	}
	for _, f := range ewsprobeFlag.FindAllString(text, -1) {
		if !slices.Contains(append([]string{"--proxy", "--insecure"}, knownFlags...), f) {
			t.Errorf("flag %s in %q", f, text)
		}
	}
}

func TestTheCheckerRefuses(t *testing.T) {
	for _, command := range []string{
		`Set-WebServicesVirtualDirectory -Identity "{server}\EWS (Default Web Site)" -IISAuthenticationMethods Basic`,
		`Get-EwsDirectory -Server {server}`,
		`Get-User "{user}" | Format-List Password`,
		`ewsprobe check {host} --user "{user}"`,
		`ewsprobe check --password secret {host}`,
		`ewsprobe guess {host}`,
	} {
		var complaints counter
		checkCommand(&complaints, command)
		if complaints == 0 {
			t.Errorf("%q was let pass", command)
		}
	}
}

// withoutTestEnable lists the critical codes of blocks B and C that may do
// without the last step in Dynamics, each with its reason. There is none: each
// of them keeps Dynamics from the mailbox, so Dynamics may have disabled it.
var withoutTestEnable = map[Code]string{}

func TestCriticalCodesEndInDynamics(t *testing.T) {
	for _, e := range Catalogue() {
		if e.Status != Critical || (e.Block != BlockEndpoint && e.Block != BlockMailbox) {
			continue
		}
		last := e.Remedies[len(e.Remedies)-1].Text
		_, excepted := withoutTestEnable[e.Code]
		if has := strings.Contains(last, "Test & Enable Mailbox"); has == excepted {
			t.Errorf("%s: ends with %q", e.Code, last)
		}
	}
}

func TestChangesComeAfterALook(t *testing.T) {
	for _, e := range Catalogue() {
		for i, r := range e.Remedies {
			if (strings.HasPrefix(r.Command, "Set-") || strings.HasPrefix(r.Command, "New-")) && i == 0 {
				t.Errorf("%s starts with a change: %q", e.Code, r.Command)
			}
		}
	}
}

// What an administrator must find with the two codes that this program is
// made to tell apart.
func TestBasicDisabledSaysWhatMatters(t *testing.T) {
	e, _ := Lookup("basic-disabled")
	text := everything(e)
	for _, want := range []string{
		`Set-WebServicesVirtualDirectory -Identity "{server}\EWS (Default Web Site)" -BasicAuthentication $true`,
		"in clear inside TLS", "--profile-auth ntlm", "not a fault by itself", "Autodiscover", "cause 5",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

func TestCredentialsRejectedNamesWhatLooksTheSame(t *testing.T) {
	e, _ := Lookup("credentials-rejected")
	text := everything(e)
	for _, want := range []string{
		"wrong password", "unknown user", "locked", "disabled", "expired", "must be changed", "logon hours", "workstations",
		"Protected Users", "BlockLegacyAuthWebServices", "Extended Protection", "4625", "401.1", "401.2", "lockout",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
	for _, l := range lookalikes() {
		if !strings.Contains(text, l.SubStatus) || !strings.Contains(text, l.Win32) {
			t.Errorf("the codes of %q are missing", l.Title)
		}
	}
}

func everything(e Entry) string {
	parts := []string{e.Title, e.Meaning, e.Concluded}
	for _, r := range e.Remedies {
		parts = append(parts, r.Text, r.Command)
	}
	return strings.Join(parts, "\n")
}

func TestLookalikes(t *testing.T) {
	reasons := []string{
		"", "unknown-user", "wrong-password", "locked", "disabled", "expired", "password-expired", "must-change-password",
		"logon-hours", "workstation", "restricted", "smartcard-required",
	}
	subStatus := regexp.MustCompile(`^0xC0000[0-9A-F]{3}$`)
	named := map[string]bool{}
	seen := map[string]bool{}
	for _, l := range lookalikes() {
		if !slices.Contains(reasons, l.Reason) {
			t.Errorf("reason %q", l.Reason)
		}
		named[l.Reason] = true
		if l.Title == "" || !strings.HasSuffix(l.Check, ".") {
			t.Errorf("%+v is incomplete", l)
		}
		if l.SubStatus == "" {
			continue
		}
		if !subStatus.MatchString(l.SubStatus) || seen[l.SubStatus] {
			t.Errorf("sub status %q of %q", l.SubStatus, l.Title)
		}
		seen[l.SubStatus] = true
	}
	for _, r := range reasons {
		if !named[r] {
			t.Errorf("no entry has the reason %q", r)
		}
	}
}

func TestCauses(t *testing.T) {
	all := causeList()
	if len(all) != 6 {
		t.Fatalf("%d causes", len(all))
	}
	for i, c := range all {
		if c.Number != i+1 {
			t.Errorf("place %d has number %d", i, c.Number)
		}
		if n := utf8.RuneCountInString(c.Title); n == 0 || n > 30 || strings.HasSuffix(c.Title, ".") {
			t.Errorf("title %q", c.Title)
		}
		if !strings.HasSuffix(c.Meaning, ".") {
			t.Errorf("meaning %q", c.Meaning)
		}
		checkPlain(t, c.Meaning)
		if !isLink(c.Link) {
			t.Errorf("link %q", c.Link)
		}
		if got, ok := LookupCause(c.Number); !ok || got != c.Cause {
			t.Errorf("LookupCause(%d) = %+v, %v", c.Number, got, ok)
		}
		for variant, text := range c.Why {
			if got := at[string](causesText, strconv.Itoa(c.Number), "why", variant); got != text {
				t.Errorf("cause %d, %s: %q is read as %q", c.Number, variant, text, got)
			}
		}
	}
	for _, n := range []int{-1, 0, 7} {
		if _, ok := LookupCause(n); ok {
			t.Errorf("cause %d exists", n)
		}
	}
	for _, e := range Catalogue() {
		if _, ok := LookupCause(e.Cause); e.Cause != 0 && !ok {
			t.Errorf("%s has cause %d", e.Code, e.Cause)
		}
	}
}

func TestStatusOrder(t *testing.T) {
	order := []Status{Critical, Unknown, Warning, OK}
	for i, s := range order {
		if s.Rank() != i {
			t.Errorf("rank of %s is %d", s, s.Rank())
		}
	}
	if Status("else").Rank() <= OK.Rank() || Status("else").ExitCode() != 3 {
		t.Error("an unknown status is not last, or does not exit 3")
	}
	for s, want := range map[Status]int{OK: 0, Warning: 1, Critical: 2, Unknown: 3} {
		if s.ExitCode() != want {
			t.Errorf("%s exits %d", s, s.ExitCode())
		}
	}
}

// TestNumbersOfEntra: each group of the documented list is told with who acts.
func TestNumbersOfEntra(t *testing.T) {
	for text, want := range map[string]string{
		"AADSTS50126: Error validating credentials": "the sign-in of a user failed, not of an application",
		"AADSTS50076":  "Entra asks a person for something",
		"AADSTS700082": "the sign-in of a user has to be made again",
		"AADSTS50020":  "the user belongs to another tenant",
		"AADSTS50011":  "the request does not fit the registration of the application",
		"AADSTS900144": "the program asks in a way that Entra does not take",
		"AADSTS75011":  "the identity provider or a SAML application of users",
		"AADSTS80001":  "the password or ticket of a user could not be checked in Active Directory",
		"AADSTS130004": "the device of a user or its key",
		"AADSTS90036":  "Entra itself failed",
		"AADSTS90090":  "Entra has a transient error",
		"AADSTS90094":  "the permission or its consent is missing",
		"MsalServiceException: ErrorCode: invalid_client":    "the request has no credential that Entra accepts",
		`{"error":"interaction_required"}`:                   "Entra asks a person for something",
		`2000004;reason="x";error_category="invalid_tenant"`: "Exchange does not accept the tenant of the token",
	} {
		if list := ExplainTokens(text); len(list) != 1 || list[0].Title != want || len(list[0].Remedies) == 0 {
			t.Errorf("%s: %+v, want %q", text, list, want)
		}
	}
}

// causeTexts is a cause as text/causes.yaml has it.
type causeTexts struct {
	Cause `yaml:",inline"`
	Why   map[string]string // the sentences of a report, by variant
}

var causeList = sync.OnceValue(func() (list []causeTexts) {
	var byNumber map[int]causeTexts
	decode(causesText, &byNumber)
	for n := range len(byNumber) {
		c := byNumber[n+1]
		c.Cause, _ = LookupCause(n + 1)
		list = append(list, c)
	}
	return list
})

// sharedTexts are those that several entries refer to by name.
type sharedTexts struct {
	Links    map[string]string
	Commands map[string]string
	Remedies map[string]Remedy
	Why      map[string]string // sentences that all causes share
	Logons   map[string]logonText
	Windows  map[Case][]string
}

var shared = sync.OnceValue(func() (s sharedTexts) {
	decode(sharedText, &s)
	return s
})
