package finding

import (
	"maps"
	"slices"
	"sync"
)

// Pages that several entries point to.
const (
	linkPrerequisites = "https://learn.microsoft.com/power-platform/admin/connect-exchange-server-on-premises"
	linkHMA           = "https://learn.microsoft.com/power-platform/admin/connect-exchange-server-onprem-hma"
	linkOnlineProfile = "https://learn.microsoft.com/power-platform/admin/connect-exchange-online"
	linkNetwork       = "https://learn.microsoft.com/power-platform/admin/online-requirements"
	linkCiphers       = "https://learn.microsoft.com/power-platform/admin/server-cipher-tls-requirements"
	linkBestPractices = "https://learn.microsoft.com/power-platform/admin/best-practices-server-side-synchronization"

	linkSetEWS        = "https://learn.microsoft.com/powershell/module/exchangepowershell/set-webservicesvirtualdirectory"
	linkSetOrg        = "https://learn.microsoft.com/powershell/module/exchangepowershell/set-organizationconfig"
	linkSetCAS        = "https://learn.microsoft.com/powershell/module/exchangepowershell/set-casmailbox"
	linkAuthPolicy    = "https://learn.microsoft.com/powershell/module/exchangepowershell/new-authenticationpolicy"
	linkVdirs         = "https://learn.microsoft.com/exchange/clients/default-virtual-directory-settings"
	linkEP            = "https://learn.microsoft.com/exchange/plan-and-deploy/post-installation-tasks/security-best-practices/exchange-extended-protection"
	linkKerberosPorts = "https://learn.microsoft.com/troubleshoot/windows-server/active-directory/config-firewall-for-ad-domains-and-trusts"
	linkLDAPS         = "https://learn.microsoft.com/troubleshoot/windows-server/active-directory/enable-ldap-over-ssl-3rd-certification-authority"
	linkADControl     = "https://learn.microsoft.com/powershell/module/activedirectory/set-adaccountcontrol"
	linkProtected     = "https://learn.microsoft.com/windows-server/security/credentials-protection-and-management/protected-users-security-group"

	linkKB401        = "https://learn.microsoft.com/troubleshoot/power-platform/dataverse/email-exchange-synchronization/exception-when-using-server-side-sync"
	linkKB403        = "https://learn.microsoft.com/troubleshoot/power-platform/dataverse/email-exchange-synchronization/http-server-returned-forbidden-exception"
	linkKBNoMailbox  = "https://learn.microsoft.com/troubleshoot/power-platform/dataverse/email-exchange-synchronization/the-smtp-address-has-no-mailbox"
	linkKBMonitoring = "https://learn.microsoft.com/troubleshoot/power-platform/dataverse/email-exchange-synchronization/troubleshooting-monitoring-server-side-synchronization"
)

// Commands that several entries show. All are for the Exchange Management
// Shell, except those that start with ewsprobe; there IP stands for the address
// of one server.
const (
	cmdShowEWSAuth    = `Get-WebServicesVirtualDirectory -Server {server} | Format-List Identity,*Authentication`
	cmdShowEWSURLs    = `Get-WebServicesVirtualDirectory -ADPropertiesOnly | Format-List Identity,InternalUrl,ExternalUrl`
	cmdShowEP         = `Get-WebServicesVirtualDirectory -Server {server} | Format-List Identity,ExtendedProtection*`
	cmdShowRecipient  = `Get-Recipient "{mailbox}" | Format-List RecipientTypeDetails,PrimarySmtpAddress,EmailAddresses`
	cmdShowUserPolicy = `Get-User "{user}" | Format-List AuthenticationPolicy`
	cmdShowOrgPolicy  = `Get-OrganizationConfig | Format-List DefaultAuthenticationPolicy`
	cmdShowCASEWS     = `Get-CASMailbox "{mailbox}" | Format-List Ews*`
	cmdShowOrgEWS     = `Get-OrganizationConfig | Format-List Ews*`
	cmdShowRole       = `Get-ManagementRoleAssignment -Role ApplicationImpersonation -GetEffectiveUsers`
	cmdShowScopes     = `Get-ManagementRoleAssignment -Role ApplicationImpersonation | Format-List Identity,RoleAssigneeName,RecipientWriteScope,CustomRecipientWriteScope`
	cmdAssignRole     = `New-ManagementRoleAssignment -Name "Dynamics impersonation" -Role ApplicationImpersonation -User "{user}"`
	cmdWindowsAuthOn  = `Set-WebServicesVirtualDirectory -Identity "{server}\EWS (Default Web Site)" -WindowsAuthentication $true`

	cmdAnonymous   = `ewsprobe check --no-credentials {host}`
	cmdEachNode    = `ewsprobe check --no-credentials --each-address {host}`
	cmdCheck       = `ewsprobe check --user "{user}" {host}`
	cmdCheckEach   = `ewsprobe check --user "{user}" --each-address {host}`
	cmdCheckNTLM   = `ewsprobe check --user "{user}" --profile-auth ntlm {host}`
	cmdCheckBasic  = `ewsprobe check --user "{user}" --profile-auth basic {host}`
	cmdImpersonate = `ewsprobe check --user "{user}" --mailbox "{mailbox}" --impersonate {host}`
	cmdOneNode     = `ewsprobe check --user "{user}" --address IP {host}`
	cmdExplain     = `ewsprobe check --user "{user}" --explain-rejection --dc DC {host}`
	cmdProfile     = `ewsprobe check --profile FILE --mailbox "{mailbox}"`
	cmdAskDirectly = `ewsprobe check --no-credentials --address IP {host}`
)

// The last step wherever the fix is in Exchange, in front of it or in the
// account: Dynamics does not notice by itself that something was mended.
var (
	testEnable401 = Remedy{
		Text: "In Dynamics, run Test & Enable Mailbox on every affected mailbox: Dynamics takes a 401 as permanent, disables the mailbox at once and does not try again by itself.",
		Link: linkKBMonitoring,
	}
	testEnable = Remedy{
		Text: "In Dynamics, run Test & Enable Mailbox on every affected mailbox: one that Dynamics has disabled stays disabled until that succeeds.",
		Link: linkKBMonitoring,
	}
)

// catalogue is the one place that orders the codes. It is built once and never
// changed afterwards.
var catalogue = sync.OnceValue(func() []Entry {
	return slices.Concat(
		askEntries(),      // block A
		endpointEntries(), // block B
		mailboxEntries(),  // block C
		warningEntries(),  // block D
		directoryEntries(),
		okEntries(),
	)
})

var positions = sync.OnceValue(func() map[Code]int {
	m := make(map[Code]int)
	for i, e := range catalogue() {
		m[e.Code] = i
	}
	return m
})

// Catalogue lists every code once, in the order in which codes of one status
// take precedence. The caller may change the result.
func Catalogue() []Entry {
	all := slices.Clone(catalogue())
	for i := range all {
		all[i] = all[i].clone()
	}
	return all
}

// Lookup finds the entry of a code.
func Lookup(c Code) (Entry, bool) {
	i, ok := positions()[c]
	if !ok {
		return Entry{}, false
	}
	return catalogue()[i].clone(), true
}

// Order is the position of a code in the catalogue; a code that is not in it
// comes last.
func Order(c Code) int {
	if i, ok := positions()[c]; ok {
		return i
	}
	return len(catalogue())
}

func (e Entry) clone() Entry {
	e.Remedies = slices.Clone(e.Remedies)
	e.SeeAlso = slices.Clone(e.SeeAlso)
	e.Other = maps.Clone(e.Other)
	for c, list := range e.Other {
		e.Other[c] = slices.Clone(list)
	}
	return e
}
