package dataverse

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Organization asks for the name and version of the environment.
func (r *Reader) Organization(ctx context.Context) evidence.Item {
	var found *evidence.DynamicsOrganization
	return r.pages(query{
		step: evidence.StepDataverseOrganization, set: organizations, columns: columnsOf("organization"),
	}, func(o row) bool {
		found = &evidence.DynamicsOrganization{ID: o.text("organizationid"), Name: o.text("name"), Version: o.text("version")}
		return false
	}).all(ctx, func(i *evidence.Item) { i.Dataverse.Organization = found })
}

// maxProfiles is far above what an organisation has.
const maxProfiles = 1000

// Profiles asks for the active e-mail server profiles, with the applications of
// those that sign in with hybrid modern authentication.
func (r *Reader) Profiles(ctx context.Context) evidence.Item {
	columns := columnsOf("profile")
	var found []evidence.Profile
	var identity []string // of each
	var unusable error
	seen := 0 // with those that cannot be used: each of them takes time, too
	return r.pages(query{step: evidence.StepDataverseProfiles, set: profiles, columns: columns}, func(o row) bool {
		if n, _ := o.number("statecode"); n != 0 {
			return true
		}
		seen++
		p, err := r.Profile(o.inJSON(slices.Concat(columns.core, columns.wide)))
		if err != nil {
			unusable = cmp.Or(unusable, err)
			return seen < maxProfiles
		}
		id := ""
		if p.Incoming.Credentials.Is(evidence.CredentialsHybridModern) {
			id = o.guid("_managedidentityid_value")
		}
		found, identity = append(found, *p), append(identity, id)
		return seen < maxProfiles
	}).all(ctx, func(i *evidence.Item) {
		if strings.Join(identity, "") != "" {
			known := r.identities(ctx)
			for at, id := range identity {
				if of, has := known[id]; has {
					found[at].Application, found[at].ApplicationTenant = of[0], of[1]
				}
			}
		}
		i.Dataverse.Profiles = found
		if unusable != nil && i.Cloud.Detail == nil {
			i.Cloud.Detail = evidence.Say("row-unusable", unusable)
		}
	})
}

// identities are the applications that profiles sign in as, and their tenants.
func (r *Reader) identities(ctx context.Context) map[string][2]string {
	known := map[string][2]string{}
	r.pages(query{
		step: evidence.StepDataverseIdentities, set: identities, columns: columnsOf("identity"),
	}, func(o row) bool {
		known[o.guid("managedidentityid")] = [2]string{o.guid("applicationid"), o.guid("tenantid")}
		return len(known) < maxProfiles
	}).all(ctx, func(*evidence.Item) {})
	return known
}

// Mailbox asks for the record of a mailbox, by its address. Where several have the
// address, an active one is meant.
func (r *Reader) Mailbox(ctx context.Context, address string) evidence.Item {
	var found *evidence.DynamicsMailbox
	return r.pages(query{
		step: evidence.StepDataverseMailboxes, set: mailboxes, columns: columnsOf("mailbox"), filter: "emailaddress eq " + ews.ODataText(address),
	}, func(o row) bool {
		if !strings.EqualFold(strings.TrimSpace(o.text("emailaddress")), address) {
			return true // a service that does not filter
		}
		if m := mailboxOf(o); found == nil || found.Inactive {
			found = m
		}
		return found.Inactive
	}).all(ctx, func(i *evidence.Item) { i.Dataverse.Mailbox = found })
}

func mailboxOf(o row) *evidence.DynamicsMailbox {
	state, _ := o.number("statecode")
	m := &evidence.DynamicsMailbox{
		ID: o.guid("mailboxid"), Name: o.text("name"), Address: strings.TrimSpace(o.text("emailaddress")),
		ProfileID: o.guid("_emailserverprofile_value"), EWSURL: o.text("ewsurl"), Inactive: state != 0,
		Approval: o.option("emailrouteraccessapproval"), Status: o.option("mailboxstatus"), Incoming: o.option("incomingemailstatus"),
		Outgoing: o.option("outgoingemailstatus"), Sync: o.option("actstatus"), Tested: o.text("testmailboxaccesscompletedon"),
		SyncError: o.text("lastsyncerror"), ErrorCode: o.text("lastsyncerrorcode"), ErrorAt: o.text("lastsyncerroroccurredon"),
	}
	if of := o.text("_regardingobjectid_value@" + entityName); of == "" || of == "systemuser" {
		m.UserID = o.guid("_regardingobjectid_value")
	}
	return m
}

// labels are those of options in English; Dynamics gives them in the language of
// who asks.
var labels = map[string][]string{
	"emailrouteraccessapproval": {"Empty", "Approved", "Pending Approval", "Rejected"},
	"mailboxstatus":             {"Not Run", "Success", "Failure"},
}

func (o row) option(column string) *evidence.Option {
	n, ok := o.number(column)
	if !ok {
		return nil
	}
	list := labels[column]
	if list == nil {
		list = labels["mailboxstatus"] // those of one direction have the same
	}
	if n >= 0 && n < len(list) {
		return &evidence.Option{Number: n, Label: list[n]}
	}
	return &evidence.Option{Number: n, Label: cmp.Or(o.label(column), "option "+o.text(column))}
}

// User asks for the user of a mailbox.
func (r *Reader) User(ctx context.Context, id string) evidence.Item {
	var found *evidence.DynamicsUser
	return r.pages(query{
		step: evidence.StepDataverseUser, set: users, columns: columnsOf("user"), filter: "systemuserid eq " + id,
	}, func(o row) bool {
		if !strings.EqualFold(o.text("systemuserid"), id) {
			return true
		}
		found = &evidence.DynamicsUser{
			Address: o.text("internalemailaddress"), Principal: o.text("domainname"), Disabled: o.text("isdisabled") == "true",
			EntraID: o.guid("azureactivedirectoryobjectid"),
		}
		return false
	}).all(ctx, func(i *evidence.Item) { i.Dataverse.User = found })
}

// How many mailboxes of a status are named, and the addresses of how many are
// remembered for alerts about them.
const (
	examples     = 5
	maxAddresses = 50000
)

// Statuses counts the active mailboxes by their status.
func (r *Reader) Statuses(ctx context.Context) evidence.Item {
	var list []evidence.DynamicsStatus
	r.addresses = map[string]string{}
	return r.pages(query{
		step: evidence.StepDataverseMailboxes, set: mailboxes, columns: columnsOf("status"), filter: "statecode eq 0",
	}, func(o row) bool {
		if n, _ := o.number("statecode"); n != 0 {
			return true
		}
		status := o.option("mailboxstatus")
		if status == nil {
			status = &evidence.Option{Number: evidence.MailboxNotRun, Label: labels["mailboxstatus"][evidence.MailboxNotRun]}
		}
		i := slices.IndexFunc(list, func(s evidence.DynamicsStatus) bool { return s.Status.Number == status.Number })
		if i < 0 {
			i, list = len(list), append(list, evidence.DynamicsStatus{Status: status})
		}
		list[i].Count++
		address := strings.TrimSpace(o.text("emailaddress"))
		if len(r.addresses) < maxAddresses {
			r.addresses[o.guid("mailboxid")] = address
		}
		if address != "" && len(list[i].Examples) < examples {
			list[i].Examples = append(list[i].Examples, address)
		}
		return true
	}).all(ctx, func(i *evidence.Item) {
		slices.SortFunc(list, func(a, b evidence.DynamicsStatus) int { return cmp.Compare(b.Status.Number, a.Status.Number) })
		i.Dataverse.Statuses = list
	})
}

// Alerts of the last days count.
const alertDays = 7 * 24 * time.Hour

// How many alerts are read, and kinds of them kept.
const (
	maxAlerts = 20000
	maxKinds  = 200
)

// Alerts asks for warnings and errors of the last seven days, by kind: all, or those
// about one record.
func (r *Reader) Alerts(ctx context.Context, about string) evidence.Item {
	since := time.Now().UTC().Add(-alertDays).Truncate(time.Second)
	filter := "(level eq 2 or level eq 3) and modifiedon ge " + since.Format(time.RFC3339)
	if about != "" {
		filter += " and _regardingobjectid_value eq " + about
	}
	var list []evidence.DynamicsAlert
	seen := 0
	return r.pages(query{
		step: evidence.StepDataverseAlerts, set: alerts, columns: columnsOf("alert"), filter: filter, order: "modifiedon desc",
	}, func(o row) bool {
		at := cmp.Or(ews.ODataTime(o.text("modifiedon")), ews.ODataTime(o.text("createdon")))
		level, _ := o.number("level")
		if level != 2 && level != 3 || at != nil && at.Before(since) || about != "" && o.guid("_regardingobjectid_value") != about {
			return true
		}
		seen++
		number, _ := o.number("tracecode")
		i := slices.IndexFunc(list, func(a evidence.DynamicsAlert) bool {
			return a.Number == number && (number != 0 || a.Text == o.text("text"))
		})
		if i < 0 && len(list) < maxKinds {
			i = len(list)
			list = append(list, evidence.DynamicsAlert{
				Number: number, Level: level, Text: o.text("text"), Details: cmp.Or(o.text("errordetails"), o.text("errortypedisplay")),
			})
		}
		if i >= 0 {
			a := &list[i]
			a.Count++
			a.About = cmp.Or(a.About, r.addresses[o.guid("_regardingobjectid_value")])
			a.Level = max(a.Level, level)
			if at != nil && (a.Last == nil || at.After(*a.Last)) {
				a.Last = at
			}
		}
		return seen < maxAlerts
	}).all(ctx, func(i *evidence.Item) {
		i.Dataverse.Alerts, i.Dataverse.Truncated = list, i.Dataverse.Truncated || seen >= maxAlerts
	})
}
