package rule

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

const (
	contoso  = "1d3c9b43-0d0f-45d9-a207-99dc10fb7d4a" // what bearerOnPremises trusts
	fabrikam = "0b5f7c1e-43d2-4a8f-b6c0-91e2d47f3a65"
	anna     = "anna@contoso.com"
	planTwo  = "efb87545-963c-4e0d-99df-69c6916d9eb0"
	bookings = "199a5c09-e0ca-4e37-8f7c-b05d533e1ea2"
)

// looked is a look-up with these facts. It has no address, and none is given it.
func looked(step evidence.Step, facts evidence.Cloud) option {
	return func(b *builder) {
		b.rec.Target.Cloud = true
		facts.Host, facts.Subject = "cloud.example", anna
		if step == evidence.StepCloudDomainTenant || step == evidence.StepCloudNamedTenant {
			facts.Subject = "contoso.com"
		}
		b.add(evidence.Item{Step: step, Cloud: &facts, Response: &evidence.Response{Status: 200}})
		b.rec.Items[len(b.rec.Items)-1].Address = ""
	}
}

// unreached is a look-up without an answer.
func unreached(step evidence.Step) option {
	return func(b *builder) {
		looked(step, evidence.Cloud{})(b)
		i := &b.rec.Items[len(b.rec.Items)-1]
		i.Response, i.Error = nil, &evidence.Failure{Code: evidence.TimedOut, Phase: "read", Text: "no answer within the time"}
	}
}

func place(l evidence.Location) option {
	return looked(evidence.StepCloudLocation, evidence.Cloud{Location: l, Redirect: "autodiscover.contoso.com"})
}

func domainIn(tenant string) option {
	return looked(evidence.StepCloudDomainTenant, evidence.Cloud{Tenant: tenant, NoTenant: tenant == ""})
}

func dynamicsIn(tenant string) option {
	return looked(evidence.StepCloudDynamics, evidence.Cloud{Tenant: tenant})
}

func given(tenant string) option {
	return target(func(t *evidence.Target) { t.Cloud, t.Tenant = true, tenant })
}

// users is Graph's answer with one user of these plans, "ID" or "ID Status".
func users(plans ...string) option {
	u := evidence.CloudUser{ID: "1", Mail: anna, PlansRead: true}
	for _, p := range plans {
		id, status, ok := strings.Cut(p, " ")
		if !ok {
			status = "Enabled"
		}
		u.Plans = append(u.Plans, evidence.CloudPlan{ID: id, Status: status})
	}
	return func(b *builder) {
		b.rec.Target.Token = true
		looked(evidence.StepCloudGraphUser, evidence.Cloud{Users: []evidence.CloudUser{u}})(b)
	}
}

func madeBefore(d time.Duration) option {
	return func(b *builder) {
		made := noon.Add(-d)
		b.rec.Items[len(b.rec.Items)-1].Cloud.Users[0].Created = &made
	}
}

func deletedUsers(n int) option {
	return func(b *builder) {
		b.rec.Target.Token = true
		gone := noon.Add(-12 * time.Hour)
		facts := evidence.Cloud{}
		for range n {
			facts.Users = append(facts.Users, evidence.CloudUser{ID: "2", Mail: anna, Deleted: &gone})
		}
		looked(evidence.StepCloudGraphDeleted, facts)(b)
	}
}

var (
	noMailboxThere = looked(evidence.StepCloudGraphSettings, evidence.Cloud{Code: "MailboxNotEnabledForRESTAPI", Problem: "the answer is HTTP 404"})

	// Ways in which the check of the endpoint ends.
	itOpens  = []option{mailbox(anna), ask("Basic"), logon("Basic", 200)}
	notHere  = []option{mailbox(anna), ask("Basic"), logon("Basic", 500, code("ErrorNonExistentMailbox"))}
	unasked  = []option{mailbox(anna), anonymousOnly(), ask("Basic")}
	service  = []option{mailbox(anna), asked(401, headers("X-RUM-Validated", "1", "WWW-Authenticate", bearerOnline))}
	modernly = []option{profile("oauth"), mailbox(anna), ask("NTLM"), bearer(exchange("WWW-Authenticate", modern))}
	// Exchange Online under a profile with OAuth.
	apps = []option{profile("oauth"), mailbox(anna), asked(401, headers("X-RUM-Validated", "1", "WWW-Authenticate", bearerOnline)), bearer(headers("WWW-Authenticate", bearerOnline))}
)

// retrieving is an exported profile with that way to its credentials.
func retrieving(how int) option {
	return target(func(t *evidence.Target) {
		t.Profile = &evidence.Profile{Incoming: evidence.ProfileSide{Credentials: &evidence.Option{Number: how}}}
	})
}

func with(base []option, more ...option) evidence.Record {
	return record(append(append([]option{}, base...), more...)...)
}

// cloudCases: a record, its verdict and what is found beside it as in cases, and
// the causes 1, 2, 3, 4 and 6.
var cloudCases = []struct {
	name             string
	rec              evidence.Record
	want, also, five string
}{
	// Dynamics itself was read.
	{"a privilege in Dynamics is missing", with(itOpens, annasRecord, noAlerts), "unknown dynamics-unreadable undetermined", "", "ruled-out ruled-out not-applicable not-applicable not-checked"},
	// Cause 2, and cause 1 that looks the same.
	{"online, not here", with(notHere, place(evidence.LocationOnline)), "critical mailbox-online confirmed", "", "undetermined confirmed not-checked not-checked not-checked"},
	{"online as Autodiscover here and Exchange Online say", with(notHere, saying(anna, online), place(evidence.LocationOnline)), "critical mailbox-online confirmed", "", "undetermined confirmed not-checked not-checked not-checked"},
	{"online as Autodiscover here says, and Exchange Online denies", record(fromAddress(""), saying(anna, online), place(evidence.LocationElsewhere)), "critical mailbox-online likely", "", "undetermined likely not-applicable not-applicable not-checked"},
	{"online as Autodiscover here says, and it opens", with(itOpens, saying(anna, online)), "warning mailbox-duplicate likely", "", "ruled-out undetermined not-applicable not-applicable not-checked"},
	{"Autodiscover leads online, and so says Exchange Online", record(fromAddress(""), ledOnline, place(evidence.LocationOnline)), "critical mailbox-online likely", "", "not-checked likely not-checked not-checked not-checked"},
	{"Autodiscover leads online, and Exchange Online denies", record(fromAddress(""), ledOnline, place(evidence.LocationElsewhere)), "critical autodiscover-failed confirmed", "", "not-checked ruled-out not-applicable not-applicable not-checked"},
	{"no plan, and Autodiscover here sends clients online", record(fromAddress(""), saying(anna, online), users()), "critical mailbox-online confirmed", "mailbox-unlicensed", "undetermined confirmed likely not-checked not-checked"},
	{"not here, nor there", with(notHere, place(evidence.LocationUnknown)), "critical mailbox-not-found confirmed", "", "confirmed undetermined not-checked not-checked not-checked"},
	{"not here, elsewhere", with(notHere, place(evidence.LocationElsewhere)), "critical mailbox-not-found confirmed", "", "confirmed ruled-out not-applicable not-applicable not-checked"},
	{"not here, no answer there", with(notHere, unreached(evidence.StepCloudLocation)), "critical mailbox-not-found confirmed", "", "confirmed undetermined not-checked not-checked not-checked"},
	{"online, not asked here", with(unasked, place(evidence.LocationOnline)), "critical mailbox-online likely", "", "not-checked likely not-checked not-checked not-checked"},
	{"online and here", with(itOpens, place(evidence.LocationOnline)), "warning mailbox-duplicate likely", "", "ruled-out undetermined not-applicable not-applicable not-checked"},
	{"here, no answer there", with(itOpens, unreached(evidence.StepCloudLocation)), "ok ok confirmed", "", "ruled-out ruled-out not-applicable not-applicable not-checked"},
	{"an answer without a fact", with(unasked, looked(evidence.StepCloudLocation, evidence.Cloud{Location: evidence.LocationOnline, Problem: "odd"})), "ok ok confirmed", "", "not-checked undetermined not-checked not-checked not-checked"},
	{"online, the profile uses OAuth", with(modernly, place(evidence.LocationOnline)), "ok ok confirmed", "", "not-checked not-applicable not-checked not-checked not-checked"},
	{"online, the endpoint too", with(service, place(evidence.LocationOnline)), "critical endpoint-online confirmed", "mailbox-online", "not-checked confirmed not-checked not-checked not-checked"},
	{"the endpoint online, the mailbox elsewhere", with(service, place(evidence.LocationElsewhere)), "critical endpoint-online likely", "", "not-checked likely not-applicable not-applicable not-checked"},
	{"the endpoint online, the mailbox unknown", with(service, place(evidence.LocationUnknown)), "critical endpoint-online likely", "", "not-checked likely not-checked not-checked not-checked"},
	{"impersonation denied, online", with([]option{mailbox(anna), ask("Basic"), logon("Basic", 500, code("ErrorImpersonateUserDenied"))}, place(evidence.LocationOnline)), "critical impersonation-denied confirmed", "mailbox-online", "undetermined likely not-checked not-checked not-checked"},
	{"cloud without a mailbox", record(anonymousOnly(), target(func(t *evidence.Target) { t.Cloud, t.Token = true, true }), ask("Basic")), "ok ok confirmed", "", "not-checked not-checked not-checked not-checked not-checked"},

	// Cause 3.
	{"no plan, Exchange Online", with(apps, users()), "critical mailbox-unlicensed likely", "", "not-checked not-applicable likely not-checked not-checked"},
	{"no plan and no mailbox", with(apps, users(), noMailboxThere), "critical mailbox-unlicensed confirmed", "", "not-checked not-applicable confirmed not-checked not-checked"},
	{"no mailbox alone proves nothing", with(apps, noMailboxThere), "ok ok confirmed", "", "not-checked not-applicable not-checked not-checked not-checked"},
	{"a suspended plan", with(apps, users(planTwo+" Suspended"), noMailboxThere), "critical mailbox-unlicensed confirmed", "", "not-checked not-applicable confirmed not-checked not-checked"},
	{"a plan without a mailbox", with(apps, users(bookings)), "critical mailbox-unlicensed likely", "", "not-checked not-applicable likely not-checked not-checked"},
	{"a plan that is not known", with(apps, users("00000000-1111-2222-3333-444444444444")), "ok ok confirmed", "", "not-checked not-applicable undetermined not-checked not-checked"},
	{"a plan", with(apps, users(bookings, planTwo), noMailboxThere), "ok ok confirmed", "", "not-checked not-applicable ruled-out not-checked not-checked"},
	{"plans not shown", with(apps, users(), func(b *builder) { b.rec.Items[len(b.rec.Items)-1].Cloud.Users[0].PlansRead = false }), "ok ok confirmed", "", "not-checked not-applicable undetermined not-checked not-checked"},
	{"no such user", with(apps, looked(evidence.StepCloudGraphUser, evidence.Cloud{})), "ok ok confirmed", "", "not-checked not-applicable undetermined not-checked not-checked"},
	{"two users", with(apps, users(), func(b *builder) {
		c := b.rec.Items[len(b.rec.Items)-1].Cloud
		c.Users = append(c.Users, c.Users[0])
	}), "ok ok confirmed", "", "not-checked not-applicable undetermined not-checked not-checked"},
	{"Graph silent", with(apps, unreached(evidence.StepCloudGraphUser), unreached(evidence.StepCloudGraphDeleted)), "ok ok confirmed", "", "not-checked not-applicable undetermined not-checked undetermined"},
	{"no plan, but the mailbox is here", with(itOpens, users(), noMailboxThere), "ok ok confirmed", "", "ruled-out ruled-out not-applicable not-applicable not-checked"},
	{"no plan, the mailbox elsewhere", with(unasked, place(evidence.LocationElsewhere), users(), noMailboxThere), "ok ok confirmed", "", "not-checked ruled-out not-applicable not-applicable not-checked"},
	{"no plan, the mailbox anywhere", with(unasked, place(evidence.LocationUnknown), users(), noMailboxThere), "ok ok confirmed", "", "not-checked undetermined undetermined not-checked not-checked"},
	{"no plan, not here", with(notHere, users(), noMailboxThere), "critical mailbox-not-found confirmed", "mailbox-unlicensed", "confirmed not-checked confirmed not-checked not-checked"},

	// Cause 4.
	{"same tenant", with(modernly, domainIn(contoso), dynamicsIn(contoso)), "ok ok confirmed", "", "not-checked not-applicable not-checked ruled-out not-checked"},
	{"another tenant", with(modernly, domainIn(fabrikam), dynamicsIn(fabrikam), func(b *builder) { b.rec.Items[2].Cloud.Tenant = contoso }), "critical tenant-differs confirmed", "", "not-checked not-applicable not-checked confirmed not-checked"},
	{"the domain's is the same, Exchange's another", with(modernly, domainIn(fabrikam), dynamicsIn(fabrikam)), "critical tenant-differs confirmed", "", "not-checked not-applicable not-checked confirmed not-checked"},
	{"another tenant, as given", with(modernly, domainIn(contoso), given(strings.ToUpper(fabrikam))), "critical tenant-differs confirmed", "", "not-checked not-applicable not-checked confirmed not-checked"},
	{"the same, as given in capitals", with(modernly, domainIn(contoso), given(strings.ToUpper(contoso))), "ok ok confirmed", "", "not-checked not-applicable not-checked ruled-out not-checked"},
	{"given as a domain", with(modernly, domainIn(contoso), given("fabrikam.com"), looked(evidence.StepCloudNamedTenant, evidence.Cloud{Tenant: fabrikam})), "critical tenant-differs confirmed", "", "not-checked not-applicable not-checked confirmed not-checked"},
	{"given as a domain in no tenant", with(modernly, domainIn(contoso), given("fabrikam.com"), looked(evidence.StepCloudNamedTenant, evidence.Cloud{NoTenant: true})), "ok ok confirmed", "", "not-checked not-applicable not-checked undetermined not-checked"},
	{"Dynamics and --tenant disagree", with(modernly, domainIn(contoso), dynamicsIn(fabrikam), given(contoso)), "ok ok confirmed", "", "not-checked not-applicable not-checked undetermined not-checked"},
	{"Dynamics silent, --tenant stands", with(modernly, domainIn(contoso), unreached(evidence.StepCloudDynamics), given(fabrikam)), "critical tenant-differs confirmed", "", "not-checked not-applicable not-checked confirmed not-checked"},
	{"Dynamics silent", with(modernly, domainIn(contoso), unreached(evidence.StepCloudDynamics)), "ok ok confirmed", "", "not-checked not-applicable not-checked undetermined not-checked"},
	{"Dynamics not believed", with(modernly, domainIn(contoso), looked(evidence.StepCloudDynamics, evidence.Cloud{Authority: "evil.example", Problem: "not believed"})), "ok ok confirmed", "", "not-checked not-applicable not-checked undetermined not-checked"},
	{"domain in no tenant", with(apps, domainIn(""), dynamicsIn(contoso)), "ok ok confirmed", "", "not-checked not-applicable not-checked undetermined not-checked"},
	{"Entra silent", with(apps, unreached(evidence.StepCloudDomainTenant), dynamicsIn(contoso)), "ok ok confirmed", "", "not-checked not-applicable not-checked undetermined not-checked"},
	{"no domain, Exchange's word alone", record(profile("oauth"), ask("NTLM"), bearer(exchange("WWW-Authenticate", modern)), dynamicsIn(contoso)), "ok ok confirmed", "", "not-checked not-applicable not-checked ruled-out not-checked"},
	{"no domain at all", record(profile("oauth"), asked(401, headers("WWW-Authenticate", bearerOnline)), bearer(headers("WWW-Authenticate", bearerOnline)), dynamicsIn(contoso)), "ok ok confirmed", "", "not-checked not-applicable not-checked not-checked not-checked"},
	{"another tenant, a password, the mailbox here", with(itOpens, domainIn(contoso), dynamicsIn(fabrikam)), "ok ok confirmed", "", "ruled-out ruled-out not-applicable not-applicable not-checked"},
	{"another tenant, a password, the mailbox elsewhere", with(unasked, place(evidence.LocationElsewhere), domainIn(contoso), dynamicsIn(fabrikam)), "ok ok confirmed", "", "not-checked ruled-out not-applicable not-applicable not-checked"},
	{"another tenant, a password, the mailbox anywhere", with(unasked, domainIn(contoso), dynamicsIn(fabrikam)), "ok ok confirmed", "", "not-checked not-checked not-checked undetermined not-checked"},
	{"another tenant, a password, and Autodiscover here sends clients online", record(fromAddress(""), saying(anna, online), domainIn(contoso), dynamicsIn(fabrikam)), "critical mailbox-online confirmed", "", "undetermined confirmed not-checked likely not-checked"},
	{"another tenant, a password, the mailbox online", with(unasked, place(evidence.LocationOnline), domainIn(contoso), dynamicsIn(fabrikam)), "critical mailbox-online likely", "", "not-checked likely not-checked likely not-checked"},
	{"another tenant, a profile across tenants", with(modernly, retrieving(evidence.CredentialsEntra), domainIn(contoso), dynamicsIn(fabrikam)), "ok ok confirmed", "", "not-checked not-applicable not-checked not-applicable not-checked"},
	{"another tenant, a server-to-server profile, the mailbox online", with(apps, retrieving(evidence.CredentialsServerToServer), place(evidence.LocationOnline), domainIn(contoso), dynamicsIn(fabrikam)), "critical tenant-differs confirmed", "", "not-checked not-applicable not-checked confirmed not-checked"},
	{"Exchange's tenant is nothing to a password", with(unasked, bearer(exchange("WWW-Authenticate", bearerOnPremises)), domainIn(fabrikam), dynamicsIn(fabrikam)), "ok ok confirmed", "", "not-checked not-checked not-checked ruled-out not-checked"},

	// Cause 6.
	{"a twin", with(apps, users(planTwo), deletedUsers(1)), "critical user-recreated likely", "", "not-checked not-applicable ruled-out not-checked likely"},
	{"deleted, not re-created", with(apps, looked(evidence.StepCloudGraphUser, evidence.Cloud{}), deletedUsers(1)), "ok ok confirmed", "", "not-checked not-applicable undetermined not-checked undetermined"},
	{"no twin", with(apps, users(planTwo), madeBefore(1000*time.Hour), deletedUsers(0)), "ok ok confirmed", "", "not-checked not-applicable ruled-out not-checked ruled-out"},
	{"no twin, a young user", with(apps, users(planTwo), madeBefore(100*time.Hour), deletedUsers(0)), "ok ok confirmed", "", "not-checked not-applicable ruled-out not-checked undetermined"},
	{"no twin, no user", with(apps, looked(evidence.StepCloudGraphUser, evidence.Cloud{}), deletedUsers(0)), "ok ok confirmed", "", "not-checked not-applicable undetermined not-checked undetermined"},
	{"a twin, the mailbox here", with(itOpens, users(planTwo), deletedUsers(1)), "ok ok confirmed", "", "ruled-out ruled-out not-applicable not-applicable not-applicable"},
	{"deleted ones not shown", with(apps, users(planTwo), looked(evidence.StepCloudGraphDeleted, evidence.Cloud{Code: "Authorization_RequestDenied", Problem: "the answer is HTTP 403, Authorization_RequestDenied"})), "ok ok confirmed", "", "not-checked not-applicable ruled-out not-checked undetermined"},
}

func TestCloud(t *testing.T) {
	for _, c := range cloudCases {
		t.Run(c.name, func(t *testing.T) {
			j := Judge(c.rec)
			got := strings.Join([]string{string(j.Verdict.Status), string(j.Verdict.Code), string(j.Verdict.Confidence)}, " ")
			var also, five []string
			for _, f := range j.Findings {
				if f.Code != j.Verdict.Code {
					also = append(also, string(f.Code))
				}
			}
			for _, k := range j.Causes {
				if k.Number != 5 {
					five = append(five, string(k.Status))
				}
			}
			want := []string{c.want, c.also, c.five}
			if d := cmp.Diff(want, []string{got, strings.Join(also, " "), strings.Join(five, " ")}); d != "" {
				t.Errorf("(-want +got):\n%s%s", d, j.Verdict.Summary)
			}
			checkWhole(t, c.rec, j)
		})
	}
}

// A look-up is no probed address, and it never changes what the endpoint's check
// concludes when it brings nothing.
func TestLookUpsWithoutAnAnswerChangeNothing(t *testing.T) {
	silent := []option{
		unreached(evidence.StepCloudLocation), unreached(evidence.StepCloudDomainTenant), unreached(evidence.StepCloudDynamics), unreached(evidence.StepCloudNamedTenant),
		unreached(evidence.StepCloudGraphUser), unreached(evidence.StepCloudGraphDeleted), unreached(evidence.StepCloudGraphSettings),
	}
	for _, c := range cases {
		before := Judge(c.rec)
		b := &builder{rec: c.rec}
		b.rec.Items = append([]evidence.Item{}, c.rec.Items...)
		for _, o := range silent {
			o(b)
		}
		// An address does not make it one of the endpoint's either.
		b.rec.Items[len(b.rec.Items)-1].Address = "192.0.2.1:443"
		after := Judge(b.rec)
		if c.name == "nothing at all" {
			continue // a look-up is something
		}
		if before.Verdict.Code != after.Verdict.Code || before.Verdict.Status != after.Verdict.Status || before.Verdict.Confidence != after.Verdict.Confidence || len(before.Facts.Nodes) != len(after.Facts.Nodes) {
			t.Errorf("%s: %v becomes %v, %d nodes become %d", c.name, before.Verdict, after.Verdict, len(before.Facts.Nodes), len(after.Facts.Nodes))
		}
		for i, k := range after.Causes {
			if k.Status == finding.CauseNotChecked && before.Causes[i].Status != finding.CauseNotChecked {
				t.Errorf("%s: cause %d was %s and is not checked any more", c.name, k.Number, before.Causes[i].Status)
			}
		}
	}
}

// Without a token Graph was not asked: causes 3 and 6 are open, and say why.
func TestCausesWithoutAToken(t *testing.T) {
	wanted := target(func(t *evidence.Target) { t.Token = true })
	refused := looked(evidence.StepCloudToken, evidence.Cloud{Code: "AADSTS7000215", Problem: "no token for Graph: the answer is HTTP 401, AADSTS7000215"})
	for _, c := range []struct {
		name string
		rec  evidence.Record
		want string // causes 3 and 6
		why  string
	}{
		{"refused", with(apps, wanted, refused), "undetermined undetermined", "cloud.example: no token for Graph: the answer is HTTP 401, AADSTS7000215"},
		{"no answer", with(apps, wanted, unreached(evidence.StepCloudToken)), "undetermined undetermined", "cloud.example did not answer (no answer within the time)"},
		{"granted", with(apps, wanted, looked(evidence.StepCloudToken, evidence.Cloud{}), users(planTwo), deletedUsers(0)), "ruled-out ruled-out", ""},
		{"no matter, for the mailbox is here", with(itOpens, wanted, refused), "not-applicable undetermined", ""},
	} {
		causes := Judge(c.rec).Causes
		if got := string(causes[2].Status) + " " + string(causes[5].Status); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if c.why != "" && (causes[2].Why != c.why || causes[5].Why != c.why || len(causes[2].Evidence) != 1) {
			t.Errorf("%s: %q, %q", c.name, causes[2].Why, causes[5].Why)
		}
	}
}
