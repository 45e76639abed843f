package evidence

import "time"

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
