package evidence

import (
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
