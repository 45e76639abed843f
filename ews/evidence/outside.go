package evidence

import (
	"strconv"
	"strings"
	"time"
)

// The steps of look-ups outside the network. Each is one HTTPS GET, the token's a
// POST; the item has no Address, because the host asked is no address of the endpoint.
const (
	StepCloudLocation      Step = "cloud-location"       // Exchange Online: where is the mailbox
	StepCloudDomainTenant  Step = "cloud-domain-tenant"  // Entra: which tenant has the mailbox's domain
	StepCloudNamedTenant   Step = "cloud-named-tenant"   // Entra: which tenant is meant by the domain that names Dynamics'
	StepCloudDynamics      Step = "cloud-dynamics"       // Dynamics: which tenant its Bearer challenge names
	StepCloudToken         Step = "cloud-token"          // Entra: a token for Graph, with an application's secret
	StepCloudGraphUser     Step = "cloud-graph-user"     // Graph: the user with the mailbox's address, and the plans
	StepCloudGraphDeleted  Step = "cloud-graph-deleted"  // Graph: a deleted user with the same address
	StepCloudGraphSettings Step = "cloud-graph-settings" // Graph: has the user a mailbox there
)

// Cloud says whether the step is a look-up outside the network.
func (s Step) Cloud() bool { return strings.HasPrefix(string(s), "cloud-") }

// Location is where Exchange Online says a mailbox is.
type Location string

// Online: in Exchange Online. Elsewhere: it names another host. Unknown: it
// redirects to itself, which is how it answers for an address it does not know.
const (
	LocationOnline    Location = "online"
	LocationElsewhere Location = "elsewhere"
	LocationUnknown   Location = "unknown"
)

// Cloud is what one look-up outside the network brought. Fields that the step
// does not ask for are empty. Problem says why an answer that came holds no
// fact; an answer that did not come is the item's Error.
type Cloud struct {
	Host    string `json:"host" keep:"endpoint"`                    // who was asked
	Subject string `json:"subject" keep:"asked-about" differs:"no"` // address, domain or host asked about

	Location Location `json:"location" keep:"word"`
	EWSURL   string   `json:"ews_url" keep:"url,said"`       // the URL given for the mailbox
	Redirect string   `json:"redirect" keep:"endpoint,said"` // the host that a redirect names

	Tenant    string `json:"tenant" keep:"tenant,said"`      // GUID in small letters
	NoTenant  bool   `json:"no_tenant"`                      // AADSTS90002: the domain is in no tenant
	Region    string `json:"region" keep:"region,said"`      // tenant_region_scope, for example EU
	Instance  string `json:"instance" keep:"endpoint,said"`  // cloud_instance_name
	Authority string `json:"authority" keep:"endpoint,said"` // the sign-in host that a challenge names, or that an issuer is of

	Users []CloudUser `json:"users"`

	Code    string  `json:"code" keep:"cloud-code,said"`           // the error code of the service
	Message string  `json:"message" keep:"text,said" differs:"no"` // and its words
	Problem string  `json:"problem" keep:"sentence,said"`
	Detail  *Detail `json:"detail"` // Problem as data
}

// CloudUser is a user of Entra, living or deleted.
type CloudUser struct {
	ID        string      `json:"id" keep:"tenant,said"`
	Principal string      `json:"principal" keep:"mailbox,said"` // userPrincipalName; of a deleted user without the identifier put in front
	Mail      string      `json:"mail" keep:"mailbox,said"`
	Addresses []string    `json:"addresses" keep:"mailbox,said"` // proxyAddresses, smtp only, without the prefix
	Created   *time.Time  `json:"created" differs:"no"`
	Deleted   *time.Time  `json:"deleted"`
	PlansRead bool        `json:"plans_read"` // Graph showed the plans; without the right it leaves them out
	Plans     []CloudPlan `json:"plans"`      // of the service exchange only
}

// CloudPlan is a service plan assigned to a user (Graph, assignedPlan).
type CloudPlan struct {
	ID     string `json:"id" keep:"plan,said"`
	Status string `json:"status" keep:"plan-status,said"` // Enabled, Warning, Suspended, Deleted, LockedOut
}

// The steps by which tokens are got and looked at. Like a look-up outside the
// network they have no Address.
const (
	StepHMAToken Step = "hma-token" // Entra: a token for EWS; or one that was got elsewhere is read
)

// Token is one request to Entra's token endpoint and what came of it. Of the token
// itself only its claims are kept.
type Token struct {
	Host        string       `json:"host" keep:"endpoint"`                  // who was asked; "" none: the token was brought
	Tenant      string       `json:"tenant" keep:"tenant" differs:"no"`     // where the application is registered
	Application string       `json:"application" keep:"tenant"`             // client_id
	Scope       string       `json:"scope" keep:"url"`                      // the resource and /.default
	Proof       string       `json:"proof" keep:"word"`                     // one of Proof…
	Certificate *Certificate `json:"certificate"`                           // of the application
	Claims      *Claims      `json:"claims"`                                // of the token that came; nil: none did
	Codes       []int        `json:"aadsts"`                                // error_codes, the first is the one that counts
	Error       string       `json:"error" keep:"cloud-code,said"`          // RFC 6749 5.2
	SubError    string       `json:"suberror" keep:"cloud-code,said"`       //
	Message     string       `json:"message" keep:"text,said" differs:"no"` // error_description
	Correlation string       `json:"correlation_id" keep:"tenant,said" differs:"no"`
	Trace       string       `json:"trace_id" keep:"tenant,said" differs:"no"`
	RetryAfter  string       `json:"retry_after" keep:"number,said" differs:"no"`
	Again       bool         `json:"asked_again" differs:"no"` // the one before failed for a passing reason
	Problem     string       `json:"problem" keep:"sentence,said"`
	Detail      *Detail      `json:"detail"` // Problem as data
}

// HMA is the application by which a profile for Hybrid Modern Authentication signs in.
type HMA struct {
	Tenant      string `json:"tenant" keep:"tenant"`      // that Exchange is in hybrid with, as given; "" with a token that was brought
	Application string `json:"application" keep:"tenant"` // client ID
	Resource    string `json:"resource" keep:"url"`       // Entra resource id of the profile; "" made of the URL
	Proof       string `json:"proof" keep:"word"`         // one of Proof…
}

// By what an application proves itself, or ProofToken: it need not, a token was
// brought.
const (
	ProofCertificate = "certificate"
	ProofSecret      = "secret"
	ProofToken       = "token-file"
)

// Claims are what a token says (RFC 7519 4). They are read, never verified: only
// who the token is for can do that.
type Claims struct {
	Version     string     `json:"ver" keep:"build,said"`
	Audience    string     `json:"aud" keep:"url,said"`
	Issuer      string     `json:"iss" keep:"url,said"`
	Tenant      string     `json:"tid" keep:"tenant,said"`
	Application string     `json:"appid" keep:"tenant,said"`
	Roles       []string   `json:"roles" keep:"word,said"`
	Scopes      string     `json:"scp" keep:"word,said"` // of a delegated token
	Proof       string     `json:"appidacr" keep:"number,said"`
	IssuedAt    *time.Time `json:"iat" differs:"no"`
	Expires     *time.Time `json:"exp" differs:"no"`
}

// Code is the number of the refusal as Microsoft writes it, else the word of RFC
// 6749, "" where there was no refusal.
func (t *Token) Code() string {
	switch {
	case t == nil:
		return ""
	case len(t.Codes) > 0:
		return "AADSTS" + strconv.Itoa(t.Codes[0])
	}
	return t.Error
}

// The steps of reading Dynamics over the Dataverse Web API, each a GET.
const (
	StepDataverseToken        Step = "dataverse-token"              // Entra: a token for Dynamics
	StepDataverseOrganization Step = "cloud-dataverse-organization" // the environment's name and version
	StepDataverseProfiles     Step = "cloud-dataverse-profiles"     // e-mail server profiles
	StepDataverseIdentities   Step = "cloud-dataverse-identities"   // the applications of profiles with hybrid modern authentication
	StepDataverseMailboxes    Step = "cloud-dataverse-mailboxes"    // mailboxes
	StepDataverseUser         Step = "cloud-dataverse-user"         // the user that a mailbox belongs to
	StepDataverseAlerts       Step = "cloud-dataverse-alerts"       // alerts: the table tracelog
)

// Dataverse is what one answer of the Dataverse Web API brought. Names in the
// comments are logical names of its tables
// (https://learn.microsoft.com/power-apps/developer/data-platform/reference/about-entity-reference).
type Dataverse struct {
	Set       string   `json:"set" keep:"dataverse-name"`
	Rows      int      `json:"rows"` // of all pages so far
	Pages     int      `json:"pages" differs:"no"`
	Visible   bool     `json:"visible"`                                    // the set was read
	Without   []string `json:"without" keep:"dataverse-name" differs:"no"` // columns that this version does not have
	Absent    bool     `json:"absent"`                                     // 404: an older environment, which does not have the set
	Privilege string   `json:"privilege" keep:"privilege,said"`            // the one that is missing
	NoUser    bool     `json:"no_application_user"`                        // 0x80072560: the environment has no user for who asks
	Throttled bool     `json:"throttled"`                                  // 429 or 503
	Further   bool     `json:"further" differs:"no"`                       // there are more pages
	Truncated bool     `json:"truncated"`                                  // there are more than are read

	Organization *DynamicsOrganization `json:"organization"`
	Profiles     []Profile             `json:"profiles"`
	Mailbox      *DynamicsMailbox      `json:"mailbox"`
	User         *DynamicsUser         `json:"user"`
	Statuses     []DynamicsStatus      `json:"statuses"`
	Alerts       []DynamicsAlert       `json:"alerts"`
}

// DynamicsOrganization is the environment (organization).
type DynamicsOrganization struct {
	ID      string `json:"id" keep:"tenant,said"`
	Name    string `json:"name" keep:"profile,said"`
	Version string `json:"version" keep:"build,said"`
}

// DynamicsMailbox is the record that Dynamics keeps of a mailbox (mailbox).
type DynamicsMailbox struct {
	ID        string  `json:"id" keep:"tenant,said" differs:"no"`
	Name      string  `json:"name" keep:"profile,said" differs:"no"`
	Address   string  `json:"address" keep:"mailbox,said"`          // emailaddress
	ProfileID string  `json:"profile_id" keep:"tenant,said"`        // emailserverprofile
	UserID    string  `json:"user_id" keep:"tenant,said"`           // regardingobjectid
	EWSURL    string  `json:"ews_url" keep:"url,said"`              // ewsurl, which Autodiscover found
	Inactive  bool    `json:"inactive"`                             // statecode
	Approval  *Option `json:"approval"`                             // emailrouteraccessapproval
	Status    *Option `json:"status"`                               // mailboxstatus
	Incoming  *Option `json:"incoming"`                             // incomingemailstatus
	Outgoing  *Option `json:"outgoing"`                             // outgoingemailstatus
	Sync      *Option `json:"appointments_contacts_tasks"`          // actstatus
	Tested    string  `json:"tested" keep:"date,said" differs:"no"` // testmailboxaccesscompletedon
	SyncError string  `json:"sync_error" keep:"alert,said"`         // lastsyncerror
	ErrorCode string  `json:"sync_error_code" keep:"alert,said"`    // lastsyncerrorcode
	ErrorAt   string  `json:"sync_error_at" keep:"date,said" differs:"no"`
}

// DynamicsUser is the user of a mailbox (systemuser).
type DynamicsUser struct {
	Address   string `json:"address" keep:"mailbox,said"`   // internalemailaddress
	Principal string `json:"principal" keep:"mailbox,said"` // domainname, the user principal name
	EntraID   string `json:"entra_id" keep:"tenant,said"`   // azureactivedirectoryobjectid
	Disabled  bool   `json:"disabled"`
}

// DynamicsStatus is how many active mailboxes have a status, and the first of them.
type DynamicsStatus struct {
	Status   *Option  `json:"status"`
	Count    int      `json:"count"`
	Examples []string `json:"examples" keep:"mailbox,said"`
}

// DynamicsAlert are alerts of one kind (tracelog), which the number tells in every
// language.
type DynamicsAlert struct {
	Number  int        `json:"number"` // tracecode
	Level   int        `json:"level"`  // 2 warning, 3 error
	Text    string     `json:"text" keep:"alert,said"`
	Details string     `json:"details" keep:"alert,said"` // errordetails
	Count   int        `json:"count" differs:"no"`
	Last    *time.Time `json:"last" differs:"no"`
	About   string     `json:"about" keep:"mailbox,said" differs:"no"` // the mailbox of one of them
}

// Values of mailboxstatus and of the statuses beside it.
const (
	MailboxNotRun  = 0
	MailboxSuccess = 1
	MailboxFailure = 2
)
