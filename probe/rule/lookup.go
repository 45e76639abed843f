package rule

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// What the look-ups outside the network brought. Each question here has three
// answers: a fact, "not asked" (no item), and "asked in vain" with its reason. A
// host that does not answer leaves its causes undetermined and changes nothing
// else.

// lookUp is the last look-up of that step, nil if there was none.
func (v *view) lookUp(step evidence.Step) *evidence.Item {
	for i := range slices.Backward(v.rec.Items) {
		if item := &v.rec.Items[i]; item.Step == step && item.Cloud != nil {
			return item
		}
	}
	return nil
}

// vain says why a look-up brought no fact, "" if it did or was not made.
func vain(item *evidence.Item) string {
	switch {
	case item == nil:
		return ""
	case item.Error != nil && item.Response != nil:
		return fmt.Sprintf("%s did not finish its answer (%s)", item.Cloud.Host, item.Error.Text)
	case item.Error != nil:
		return fmt.Sprintf("%s did not answer (%s)", item.Cloud.Host, item.Error.Text)
	case item.Cloud.Problem != "":
		return fmt.Sprintf("%s: %s", item.Cloud.Host, item.Cloud.Problem)
	}
	return ""
}

// tokenless is the request for a token for Graph that brought none, so that Graph
// was not asked.
func (v *view) tokenless() *evidence.Item {
	if item := v.lookUp(evidence.StepCloudToken); vain(item) != "" {
		return item
	}
	return nil
}

// located is the look-up that says the mailbox is in that place, nil if none
// does.
func (v *view) located(place evidence.Location) *evidence.Item {
	item := v.lookUp(evidence.StepCloudLocation)
	if item == nil || vain(item) != "" || item.Cloud.Location != place {
		return nil
	}
	return item
}

// missingHere is the answer in which Exchange on premises says that it does not
// know the mailbox asked for.
func (v *view) missingHere() *evidence.Item {
	if v.rec.Target.Mailbox == "" {
		return nil
	}
	for _, n := range v.nodes {
		if item, _ := v.about(n, "mailbox-not-found"); item != nil && !v.isOnline(n) {
			return item
		}
	}
	return nil
}

// tenantFact is a tenant, from where it is known, and why it is not.
type tenantFact struct {
	guid     string // "" not known
	source   string // for a sentence: "Dynamics' own challenge"
	why      string // asked in vain, or two sources that disagree
	evidence []string
	none     bool // the domain is in no tenant
}

// dynamicsTenant is the tenant of Dynamics: as it says itself, as the user says,
// or as the domain says that the user named. Sources that disagree leave it
// unknown.
func (v *view) dynamicsTenant() (tenantFact, bool) {
	t := v.rec.Target
	var facts []tenantFact
	if item := v.lookUp(evidence.StepCloudDynamics); item != nil {
		facts = append(facts, tenantFact{guid: item.Cloud.Tenant, source: item.Cloud.Subject, why: vain(item), evidence: []string{item.ID}})
	}
	if item := v.lookUp(evidence.StepCloudNamedTenant); item != nil {
		f := tenantFact{guid: item.Cloud.Tenant, source: "the domain " + item.Cloud.Subject, why: vain(item), evidence: []string{item.ID}, none: item.Cloud.NoTenant}
		if f.none {
			f.why = fmt.Sprintf("%s, given with --tenant, is in no tenant (AADSTS90002)", item.Cloud.Subject)
		}
		facts = append(facts, f)
	} else if t.Tenant != "" {
		facts = append(facts, tenantFact{guid: strings.ToLower(t.Tenant), source: "--tenant"})
	}
	switch {
	case len(facts) == 0:
		return tenantFact{}, false
	case len(facts) == 1:
		return facts[0], true
	}
	own, given := facts[0], facts[1]
	both := tenantFact{guid: own.guid, source: own.source, evidence: slices.Concat(own.evidence, given.evidence)}
	switch {
	case own.guid == "" && given.guid == "":
		both.why = own.why + "; " + given.why
	case own.guid == "":
		// What was given cannot be held against Dynamics' word, but stands.
		both.guid, both.source = given.guid, given.source
	case given.guid != "" && given.guid != own.guid:
		both.guid, both.why = "", fmt.Sprintf("Dynamics at %s is in the tenant %s, but --tenant means %s: one of the two is wrong", own.source, own.guid, given.guid)
	}
	return both, true
}

// domainTenant is the tenant of the mailbox's domain, else of the account's.
func (v *view) domainTenant() (tenantFact, bool) {
	item := v.lookUp(evidence.StepCloudDomainTenant)
	if item == nil {
		return tenantFact{}, false
	}
	f := tenantFact{guid: item.Cloud.Tenant, source: item.Cloud.Subject, why: vain(item), evidence: []string{item.ID}, none: item.Cloud.NoTenant}
	if f.none {
		f.why = fmt.Sprintf("%s is in no tenant (AADSTS90002)", item.Cloud.Subject)
	}
	return f, true
}

// exchangeTenant is the tenant that Exchange on premises trusts.
func (v *view) exchangeTenant() (tenantFact, bool) {
	for _, n := range v.nodes {
		if tenant := v.server(n).Tenant; tenant != "" {
			_, item := n.bearerChallenge()
			return tenantFact{guid: tenant, source: "Exchange on " + v.host(), evidence: []string{item.ID}}, true
		}
	}
	return tenantFact{}, false
}

// mailboxPlans are the service plans with a mailbox (Microsoft's list of service
// plan identifiers). Graph counts much else to the service exchange: Bookings,
// archives, auditing.
var mailboxPlans = map[string]string{
	"9aaf7827-d63c-4b61-89c3-182f06f82e5c": "EXCHANGE_S_STANDARD",
	"efb87545-963c-4e0d-99df-69c6916d9eb0": "EXCHANGE_S_ENTERPRISE",
	"4a82b400-a79f-41a4-b4e2-e94f5787b113": "EXCHANGE_S_DESKLESS",
	"1126bef5-da20-4f07-b45e-ad25d2581aa8": "EXCHANGE_S_ESSENTIALS",
	"fc52cc4b-ed7d-472d-bbe7-b081c23ecc56": "EXCHANGE_S_STANDARD_MIDMARKET",
	"e9b4930a-925f-45e2-ac2a-3f7788ca6fdd": "EXCHANGE_S_STANDARD_GOV",
	"8c3069c0-ccdb-44be-ab77-986203a67df2": "EXCHANGE_S_ENTERPRISE_GOV",
	"88f4d7ef-a73b-4246-8047-516022144c9f": "EXCHANGE_S_DESKLESS_GOV",
	"90927877-dcff-4af6-b346-2332c0b15bb7": "EXCHANGE_B_STANDARD",
	"d42bdbd6-c335-4231-ab3d-c8f348d5aff5": "EXCHANGE_L_STANDARD",
}

// otherPlans belong to the service exchange too and bring no mailbox.
var otherPlans = []string{
	"113feb6c-3fe4-4440-bddc-54d774bf0318", // EXCHANGE_S_FOUNDATION, in nearly every licence
	"176a09a6-7ec5-4039-ac02-b2791c6ba793", // EXCHANGE_S_ARCHIVE_ADDON
	"da040e0a-b393-4bea-bb76-928b3fa1cf5a", // EXCHANGE_S_ARCHIVE
	"34c0d7a0-a70f-4668-9238-47f9fc208882", // EXCHANGE_ANALYTICS
	"33c4f319-9bdd-48d6-9c4d-410b750a4a5a", // MYANALYTICS_P2
	"199a5c09-e0ca-4e37-8f7c-b05d533e1ea2", // MICROSOFTBOOKINGS
	"c4801e8a-cb58-4c35-aca6-f2dcc106f287", // INFORMATION_BARRIERS
	"9f431833-0334-42de-a7dc-70aa40db46db", // LOCKBOX_ENTERPRISE
	"5bfe124c-bbdc-4494-8835-f1297d457d79", // O365_SB_Relationship_Management
	"efb0351d-3b08-4503-993d-383af8de41e3", // MIP_S_CLP2
	"5136a095-5cf0-4aff-bec3-e84448b38ea5", // MIP_S_CLP1
}

// KnownPlan says whether a service plan is one of Microsoft's that the rules know.
func KnownPlan(id string) bool { return mailboxPlans[id] != "" || slices.Contains(otherPlans, id) }

// licence is what Graph says of the plans of the mailbox's user.
type licence struct {
	plan string // an enabled plan with a mailbox, "" none
	why  string // why it is not known whether there is one
	off  []string
	item *evidence.Item
}

// licence reads it; false if Graph was not asked. Only an enabled plan counts.
func (v *view) licence() (licence, bool) {
	item := v.lookUp(evidence.StepCloudGraphUser)
	if item == nil {
		return licence{}, false
	}
	l := licence{why: vain(item), item: item}
	users := item.Cloud.Users
	switch {
	case l.why != "":
	case len(users) == 0:
		l.why = fmt.Sprintf("Graph knows no user with the address %s in the tenant of the token", item.Cloud.Subject)
	case len(users) > 1:
		l.why = fmt.Sprintf("Graph knows %d users with the address %s", len(users), item.Cloud.Subject)
	case !users[0].PlansRead:
		l.why = "Graph does not show the user's plans to this token (it needs User.Read.All)"
	default:
		for _, p := range users[0].Plans {
			name, mailbox := mailboxPlans[p.ID]
			enabled := strings.EqualFold(p.Status, "Enabled")
			switch {
			case mailbox && enabled:
				l.plan, l.why = name, ""
				return l, true
			case mailbox:
				l.off = append(l.off, fmt.Sprintf("%s is %s", name, p.Status))
			case enabled && !slices.Contains(otherPlans, p.ID):
				l.why = fmt.Sprintf("the user has the Exchange plan %s, of which it is not known here whether it brings a mailbox", p.ID)
			}
		}
	}
	return l, true
}

// mailboxMissing is Graph's word that the user has no mailbox in Exchange Online
// that it can open. Alone it proves nothing: one on premises answers so as well.
func (v *view) mailboxMissing() *evidence.Item {
	if item := v.lookUp(evidence.StepCloudGraphSettings); item != nil && item.Cloud.Code == "MailboxNotEnabledForRESTAPI" {
		return item
	}
	return nil
}

// twin is a deleted user with the mailbox's address beside the living one.
func (v *view) twin() (living, deleted *evidence.Item) {
	living, deleted = v.lookUp(evidence.StepCloudGraphUser), v.lookUp(evidence.StepCloudGraphDeleted)
	if living == nil || deleted == nil || vain(living) != "" || vain(deleted) != "" || len(living.Cloud.Users) == 0 || len(deleted.Cloud.Users) == 0 {
		return nil, nil
	}
	return living, deleted
}

// recycled is how long Entra keeps a deleted user.
const recycled = 30 * 24 * time.Hour
