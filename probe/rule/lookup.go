package rule

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
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

// tenantOf reads the look-up of a tenant.
func tenantOf(item *evidence.Item, kind string) finding.Tenant {
	if item == nil {
		return finding.Tenant{}
	}
	t := finding.Tenant{ID: item.Cloud.Tenant, Kind: kind, Name: item.Cloud.Subject, Seen: []*evidence.Item{item}}
	switch {
	case item.Cloud.NoTenant:
		t.Gaps = []finding.Gap{{Kind: "no-tenant", Name: t.Name, Given: kind == "named-domain"}}
	case factless(item):
		t.Gaps = []finding.Gap{{Query: item}}
	}
	return t
}

// dynamicsTenant is the tenant of Dynamics: as it says itself, as the user says,
// or as the domain says that the user named. Sources that disagree leave it
// unknown.
func (v *view) dynamicsTenant() finding.Tenant {
	own := tenantOf(v.lookUp(evidence.StepCloudDynamics), "dynamics")
	given := tenantOf(v.lookUp(evidence.StepCloudNamedTenant), "named-domain")
	if id := v.rec.Target.Tenant; given.Kind == "" && id != "" {
		given = finding.Tenant{ID: strings.ToLower(id), Kind: "flag"}
	}
	seen := slices.Concat(own.Seen, given.Seen)
	switch {
	case own.Kind == "":
		return given
	case given.Kind == "":
	case own.ID == "" && given.ID == "":
		own.Gaps = append(own.Gaps, given.Gaps...)
	case own.ID == "":
		own = given // it cannot be compared with Dynamics' word, but holds
	case given.ID != "" && given.ID != own.ID:
		own.Gaps = []finding.Gap{{Kind: "disagree", Name: own.Name, One: own.ID, Two: given.ID}}
		own.ID = ""
	}
	own.Seen = seen
	return own
}

// tenants are that of Dynamics, that of the mailbox's domain, else of the account's, and
// the one that Exchange on premises trusts; where it trusts several, that of Dynamics if
// it is among them.
func (v *view) tenants() finding.Tenants {
	t := finding.Tenants{Dynamics: v.dynamicsTenant(), Domain: tenantOf(v.lookUp(evidence.StepCloudDomainTenant), "domain")}
	own := t.Dynamics.ID
	for _, n := range v.nodes {
		if trusted := n.trusted(); len(trusted) > 0 {
			_, item := n.bearerChallenge()
			t.Exchange = finding.Tenant{ID: trusted[0], Kind: "exchange", Name: v.host(), Seen: []*evidence.Item{item}}
			if slices.Contains(trusted, own) {
				t.Exchange.ID = own
			}
			break
		}
	}
	t.Domain.Differs = own != "" && t.Domain.ID != "" && t.Domain.ID != own
	t.Exchange.Differs = own != "" && t.Exchange.ID != "" && t.Exchange.ID != own && v.rec.Target.ProfileAuth == "oauth"
	return t
}

// differing show that tenants differ; none where they agree or nothing is known.
func (v *view) differing(t finding.Tenants) (items []*evidence.Item) {
	for _, other := range []finding.Tenant{t.Domain, t.Exchange} {
		if other.Differs {
			items = append(items, other.Seen...)
		}
	}
	if len(items) > 0 {
		items = append(items, t.Dynamics.Seen...)
	}
	return items
}

// licence is what Graph says of the plans of the mailbox's user.
type licence struct {
	plan string        // an enabled plan with a mailbox, "" none
	gaps []finding.Gap // why it is not known whether there is one
	off  []finding.Plan
	item *evidence.Item // nil: Graph was not asked
}

// licence reads it. Only an enabled plan counts.
func (v *view) licence() (l licence) {
	l.item = v.lookUp(evidence.StepCloudGraphUser)
	if l.item == nil {
		return l
	}
	users, subject := l.item.Cloud.Users, l.item.Cloud.Subject
	switch {
	case factless(l.item):
		l.gaps = []finding.Gap{{Query: l.item}}
	case len(users) == 0:
		l.gaps = []finding.Gap{{Kind: "no-user", Name: subject}}
	case len(users) > 1:
		l.gaps = []finding.Gap{{Kind: "users", Name: subject, Count: len(users)}}
	case !users[0].PlansRead:
		l.gaps = []finding.Gap{{Kind: "plans-hidden"}}
	default:
		for _, p := range users[0].Plans {
			name, other := finding.ServicePlan(p.ID)
			enabled := strings.EqualFold(p.Status, "Enabled")
			switch {
			case name != "" && enabled:
				return licence{plan: name, off: l.off, item: l.item}
			case name != "":
				l.off = append(l.off, finding.Plan{Name: name, Status: p.Status})
			case enabled && !other:
				l.gaps = []finding.Gap{{Kind: "plan", Name: p.ID}}
			}
		}
	}
	return l
}

// usersOf are those whom a look-up found.
func usersOf(item *evidence.Item) []evidence.CloudUser {
	if item == nil || factless(item) {
		return nil
	}
	return item.Cloud.Users
}

// recycled is how long Entra keeps a deleted user.
const recycled = 30 * 24 * time.Hour
