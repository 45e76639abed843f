package rule

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// What the look-ups outside the network brought. Each question here has three
// answers: a fact, "not asked" (no item), and "no answer" with its reason. A
// host that does not answer leaves its causes undetermined and changes nothing
// else.

// lookUp is the last look-up of that step, nil if there was none.
func (v *view) lookUp(step evidence.Step) *evidence.Item {
	return last(v.items, func(item *evidence.Item) bool { return item.Step == step && item.Cloud != nil })
}

// factless says that a look-up was made and brought no fact.
func factless(item *evidence.Item) bool {
	return item != nil && (item.Error != nil || item.Cloud.Problem != "")
}

// tokenless is the request for a token for Graph that brought none, so that Graph
// was not asked.
func (v *view) tokenless() *evidence.Item {
	if item := v.lookUp(evidence.StepCloudToken); factless(item) {
		return item
	}
	return nil
}

// outside is what the look-up of the mailbox's place brought: online, elsewhere or
// unknown; "" it was not made.
func (v *view) outside() (located string, item *evidence.Item) {
	item = v.lookUp(evidence.StepCloudLocation)
	switch {
	case item == nil:
		return "", nil
	case factless(item):
		return "unknown", item
	}
	return cmp.Or(string(item.Cloud.Location), "unknown"), item
}

// located is the look-up that says the mailbox is in that place, nil if none
// does.
func (v *view) located(place evidence.Location) *evidence.Item {
	if located, item := v.outside(); located == string(place) && !factless(item) {
		return item
	}
	return nil
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

// tenantFact is a tenant, from where it is known, or why it is not.
type tenantFact struct {
	guid     string // "" not known
	origin   finding.Origin
	gaps     []finding.Gap
	evidence []string
}

// tenantOf reads a look-up of a tenant; given says that the user named what was
// looked up.
func tenantOf(item *evidence.Item, kind string) tenantFact {
	origin := finding.Origin{Kind: kind, Name: item.Cloud.Subject}
	f := tenantFact{guid: item.Cloud.Tenant, origin: origin, evidence: []string{item.ID}}
	switch {
	case item.Cloud.NoTenant:
		f.gaps = []finding.Gap{{Kind: "no-tenant", Origin: f.origin}}
	case factless(item):
		f.gaps = []finding.Gap{{Query: item}}
	}
	return f
}

// dynamicsTenant is the tenant of Dynamics: as it says itself, as the user says,
// or as the domain says that the user named. Sources that disagree leave it
// unknown.
func (v *view) dynamicsTenant() (tenantFact, bool) {
	var facts []tenantFact
	if item := v.lookUp(evidence.StepCloudDynamics); item != nil {
		facts = append(facts, tenantOf(item, "dynamics"))
	}
	if item := v.lookUp(evidence.StepCloudNamedTenant); item != nil {
		facts = append(facts, tenantOf(item, "named-domain"))
	} else if given := v.rec.Target.Tenant; given != "" {
		facts = append(facts, tenantFact{guid: strings.ToLower(given), origin: finding.Origin{Kind: "flag"}})
	}
	switch {
	case len(facts) == 0:
		return tenantFact{}, false
	case len(facts) == 1:
		return facts[0], true
	}
	own, given := facts[0], facts[1]
	both := tenantFact{guid: own.guid, origin: own.origin, evidence: slices.Concat(own.evidence, given.evidence)}
	switch {
	case own.guid == "" && given.guid == "":
		both.gaps = slices.Concat(own.gaps, given.gaps)
	case own.guid == "":
		// What was given cannot be compared with Dynamics' word, but holds.
		both.guid, both.origin = given.guid, given.origin
	case given.guid != "" && given.guid != own.guid:
		both.guid = ""
		both.gaps = []finding.Gap{{Kind: "disagree", Origin: own.origin, One: own.guid, Two: given.guid}}
	}
	return both, true
}

// domainTenant is the tenant of the mailbox's domain, else of the account's.
func (v *view) domainTenant() (tenantFact, bool) {
	item := v.lookUp(evidence.StepCloudDomainTenant)
	if item == nil {
		return tenantFact{}, false
	}
	return tenantOf(item, "domain"), true
}

// exchangeTenant is the tenant that Exchange on premises trusts; where it trusts several,
// that of Dynamics if it is among them.
func (v *view) exchangeTenant() (tenantFact, bool) {
	dynamics, _ := v.dynamicsTenant()
	for _, n := range v.nodes {
		if tenant := v.server(n).Tenant; tenant != "" {
			c, item := n.bearerChallenge()
			if slices.Contains(front.Tenants(c), dynamics.guid) {
				tenant = dynamics.guid
			}
			origin := finding.Origin{Kind: "exchange", Name: v.host()}
			return tenantFact{guid: tenant, origin: origin, evidence: []string{item.ID}}, true
		}
	}
	return tenantFact{}, false
}

// licence is what Graph says of the plans of the mailbox's user.
type licence struct {
	plan    string // an enabled plan with a mailbox, "" none
	unknown bool   // whether there is one
	gap     finding.Gap
	off     []finding.Plan
	item    *evidence.Item
}

// licence reads it; false if Graph was not asked. Only an enabled plan counts.
func (v *view) licence() (licence, bool) {
	item := v.lookUp(evidence.StepCloudGraphUser)
	if item == nil {
		return licence{}, false
	}
	l := licence{item: item}
	lacks := func(g finding.Gap) { l.unknown, l.gap = true, g }
	users := item.Cloud.Users
	subject := finding.Origin{Name: item.Cloud.Subject}
	switch {
	case factless(item):
		lacks(finding.Gap{Query: item})
	case len(users) == 0:
		lacks(finding.Gap{Kind: "no-user", Origin: subject})
	case len(users) > 1:
		lacks(finding.Gap{Kind: "users", Origin: subject, Count: len(users)})
	case !users[0].PlansRead:
		lacks(finding.Gap{Kind: "plans-hidden"})
	default:
		for _, p := range users[0].Plans {
			name, other := finding.ServicePlan(p.ID)
			enabled := strings.EqualFold(p.Status, "Enabled")
			switch {
			case name != "" && enabled:
				return licence{plan: name, off: l.off, item: item}, true
			case name != "":
				l.off = append(l.off, finding.Plan{Name: name, Status: p.Status})
			case enabled && !other:
				lacks(finding.Gap{Kind: "plan", Origin: finding.Origin{Name: p.ID}})
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

// livingAndDeleted is a deleted user with the mailbox's address beside the living one.
func (v *view) livingAndDeleted() (living, deleted *evidence.Item) {
	living, deleted = v.lookUp(evidence.StepCloudGraphUser), v.lookUp(evidence.StepCloudGraphDeleted)
	for _, item := range []*evidence.Item{living, deleted} {
		if item == nil || factless(item) || len(item.Cloud.Users) == 0 {
			return nil, nil
		}
	}
	return living, deleted
}

// recycled is how long Entra keeps a deleted user.
const recycled = 30 * 24 * time.Hour
