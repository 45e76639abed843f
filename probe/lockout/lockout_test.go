package lockout

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

const (
	accepted   = evidence.Accepted
	refused    = evidence.Refused
	unfinished = evidence.Unfinished
	skipped    = evidence.Skipped

	theUser, thePassword = "svc-crm@contoso.com", "Passw0rd!wrong"
)

var here = endpoint("https://mail.contoso.com/EWS/Exchange.asmx")

func endpoint(raw string) *url.URL {
	u, err := url.Parse(raw)
	if err != nil {
		panic(err)
	}
	return u
}

// clockwork is a time that a test sets.
type clockwork struct{ now time.Time }

func (c *clockwork) Now() time.Time { return c.now }

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// logOn sends one logon that ends so, or says why it may not be sent.
func logOn(t *testing.T, a *Account, ends evidence.Result) *Denial {
	t.Helper()
	g, d := a.Begin(t.Context(), Use{At: here})
	if d == nil {
		g.End(ends)
	}
	return d
}

func reasonOf(d *Denial) Reason {
	if d == nil {
		return ""
	}
	return d.Reason
}

// A logon counts as refused from the moment it is sent until it is accepted; at
// the limit nothing more is sent.
func TestOneRunCounts(t *testing.T) {
	type sent struct {
		comparison bool
		result     evidence.Result
		counted    bool
	}
	logon := func(r evidence.Result, counted bool) sent { return sent{false, r, counted} }
	compare := func(r evidence.Result) sent { return sent{true, r, false} }
	tests := []struct {
		name    string
		max     int
		sent    []sent
		another bool // may another logon be sent
	}{
		{"nothing sent", 1, nil, true},
		{"one refused of one", 1, []sent{logon(refused, true)}, false},
		{"one refused of two", 2, []sent{logon(refused, true)}, true},
		{"two refused of two", 2, []sent{logon(refused, true), logon(refused, true)}, false},
		{"no answer counts as refused", 1, []sent{logon(unfinished, true)}, false},
		{"accepted counts nothing", 1, []sent{logon(accepted, false)}, true},
		{"no answer after an accepted one counts nothing", 1, []sent{logon(accepted, false), logon(unfinished, false)}, true},
		{"refused after an accepted one counts", 1, []sent{logon(accepted, false), logon(refused, true)}, false},
		{"never sent counts nothing", 1, []sent{logon(skipped, false)}, true},
		{"comparisons count nothing", 1, []sent{logon(accepted, false), compare(refused), compare(refused)}, true},
	}
	for _, c := range tests {
		for _, dir := range []string{"", t.TempDir()} {
			t.Run(c.name, func(t *testing.T) {
				a := (&Lockout{Dir: dir}).Account(Terms{User: theUser, Password: thePassword, Max: c.max})
				for i, s := range c.sent {
					g, d := a.Begin(t.Context(), Use{At: here, Comparison: s.comparison})
					if d != nil {
						t.Fatalf("logon %d may not be sent: %s", i+1, d)
					}
					if got := g.End(s.result); got != s.counted {
						t.Errorf("logon %d (%s) counted %v, want %v", i+1, s.result, got, s.counted)
					}
				}
				if d := logOn(t, a, skipped); (d == nil) != c.another {
					t.Errorf("another logon: %v, want %v", d, c.another)
				}
			})
		}
	}
}

// What one run leaves behind counts in the next.
func TestRunsCountTogether(t *testing.T) {
	type run struct {
		user, password string
		max            int
		again          bool // RetryRefused
		later          time.Duration
		ends           []evidence.Result // of its logons; the last may be denied
		denied         Reason            // of what comes after them
	}
	one := func(ends evidence.Result, denied Reason) run {
		return run{ends: []evidence.Result{ends}, denied: denied}
	}
	silent := run{ends: []evidence.Result{unfinished}}
	second := one(unfinished, LimitReached)
	tests := []struct {
		name string
		runs []run
	}{
		{"two without an answer are the limit", []run{silent, second, {denied: LimitReached}}},
		{"a kill counts as no answer", []run{one("killed", ""), one("killed", ""), {denied: LimitReached}}},
		{"under every form of the name", []run{silent, {user: `CONTOSO\svc-crm`, ends: silent.ends, denied: LimitReached}, {user: "SVC-CRM", denied: LimitReached}}},
		{"another password changes nothing", []run{silent, second, {password: "another", denied: LimitReached}}},
		{"a higher limit lets more go", []run{silent, second, {max: 3, ends: silent.ends, denied: LimitReached}}},
		{"a lower limit holds", []run{silent, {max: 1, denied: LimitReached}}},
		{"another domain is another account", []run{silent, second, {user: "svc-crm@cntoso.com"}}},
		{"an hour later it is over", []run{silent, second, {later: Remembered}}},
		{"just before the hour it is not", []run{silent, second, {later: Remembered - time.Second, denied: LimitReached}}},
		{"a clock set back forgets nothing", []run{silent, second, {later: -time.Minute, denied: LimitReached}}},
		{"an accepted logon sets it to zero", []run{silent, one(accepted, ""), silent, one(unfinished, LimitReached)}},
		{"the same password is not sent again", []run{one(refused, ""), {denied: RefusedBefore}}},
		{"within its own run it is", []run{{max: 3, ends: []evidence.Result{refused, refused}}}},
		{"unless the user insists", []run{one(refused, ""), {again: true, ends: []evidence.Result{refused}, denied: ""}}},
		{"who insists has the limit of a run", []run{one(refused, ""), {again: true, ends: []evidence.Result{refused, refused}, denied: LimitReached}}},
		{"and what got no answer counts too", []run{silent, {again: true, ends: silent.ends, denied: LimitReached}}},
		{"another password is sent within the limit", []run{one(refused, ""), {password: "another", ends: []evidence.Result{refused}, denied: LimitReached}}},
		{"accepted, the other password is still known", []run{one(refused, ""), {password: "right", ends: []evidence.Result{accepted}}, {denied: RefusedBefore}}},
		{"accepted after all, it is forgotten", []run{one(refused, ""), {again: true, ends: []evidence.Result{accepted}}, {}}},
		{"refused by one scheme, accepted by another", []run{{ends: []evidence.Result{refused, accepted}}, {}}},
		{"accepted by one scheme, refused by another", []run{{ends: []evidence.Result{accepted, refused}}, {max: 1}}},
		{"what was not sent does not count", []run{one(skipped, ""), one(skipped, ""), {}}},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			dir, at := t.TempDir(), noon
			for i, r := range c.runs {
				at = at.Add(r.later + time.Millisecond)
				now := clockwork{at}
				terms := Terms{User: theUser, Password: thePassword, Max: 2, RetryRefused: r.again}
				if r.user != "" {
					terms.User = r.user
				}
				if r.password != "" {
					terms.Password = r.password
				}
				if r.max != 0 {
					terms.Max = r.max
				}
				a := (&Lockout{Dir: dir, Now: now.Now}).Account(terms)
				killed := false
				for _, ends := range r.ends {
					g, d := a.Begin(t.Context(), Use{At: here})
					switch {
					case d != nil:
						t.Fatalf("run %d: %s", i+1, d)
					case ends == "killed":
						g.release() // as the system does
						killed = true
					default:
						g.End(ends)
					}
				}
				if killed {
					continue
				}
				g, d := a.Begin(t.Context(), Use{At: here})
				if reasonOf(d) != r.denied {
					t.Errorf("run %d, after its logons: %v, want %q", i+1, d, r.denied)
				}
				if d == nil {
					g.End(skipped)
				}
			}
		})
	}
}

// A refusal is one of an endpoint: another one is asked within the limit.
func TestRefusedAtAnotherEndpoint(t *testing.T) {
	for _, c := range []struct {
		at    string
		known bool
	}{
		{"https://MAIL.contoso.com.:443/ews/other", true},
		{"https://mail.contoso.com:8443/EWS/Exchange.asmx", false},
		{"https://mail2.contoso.com/EWS/Exchange.asmx", false},
		{"ldaps://mail.contoso.com/", false},
	} {
		dir := t.TempDir()
		terms := Terms{User: theUser, Password: thePassword, Max: 2}
		logOn(t, (&Lockout{Dir: dir}).Account(terms), refused)
		g, d := (&Lockout{Dir: dir}).Account(terms).Begin(t.Context(), Use{At: endpoint(c.at)})
		if d.Remembered() != c.known {
			t.Errorf("%s: %v", c.at, d)
		}
		if g != nil {
			g.End(skipped)
		}
		_, d = (&Lockout{Dir: dir}).Account(terms).Begin(t.Context(), Use{At: endpoint("https://other.contoso.com/"), Also: []*url.URL{endpoint(c.at)}})
		if d.Remembered() != c.known {
			t.Errorf("beside %s: %v", c.at, d)
		}
	}
}

// What was refused is told under the name that was refused.
func TestDenials(t *testing.T) {
	for _, c := range []struct {
		name string
		runs []Terms // each refused once, the last denied
		ends evidence.Result
		want string
	}{
		{"the same name", []Terms{{User: theUser}, {User: "SVC-CRM@contoso.com"}}, refused, "the same password was refused at 2026-11-23 12:00:00 UTC and is not sent again before 13:00:00 UTC (--retry-refused sends it anyway)"},
		{"another name", []Terms{{User: `CONTOSO\svc-crm`}, {User: theUser}}, refused, `the same password was refused for CONTOSO\svc-crm at 2026-11-23 12:00:00 UTC and is not sent again before 13:00:00 UTC (--retry-refused sends it anyway)`},
		{"no answer", []Terms{{User: theUser, Max: 1}, {User: theUser, Max: 1}}, unfinished, "1 failed or unanswered logon of the account since 2026-11-23 12:00:00 UTC (--max-rejections 1); nothing more is sent before 13:00:00 UTC"},
		{"another password was refused", []Terms{{User: theUser, Max: 1}, {User: theUser, Password: "other", Max: 1}}, refused, "1 failed or unanswered logon of the account since 2026-11-23 12:00:00 UTC (--max-rejections 1); nothing more is sent before 13:00:00 UTC (--retry-refused sends it anyway)"},
	} {
		dir, now := t.TempDir(), clockwork{noon}
		for i, terms := range c.runs {
			if terms.Max = max(terms.Max, 1); terms.Password == "" {
				terms.Password = thePassword
			}
			d := logOn(t, (&Lockout{Dir: dir, Now: now.Now}).Account(terms), c.ends)
			if i == 0 && d != nil || i > 0 && (d == nil || d.String() != c.want) {
				t.Errorf("%s, run %d: %v", c.name, i+1, d)
			}
		}
	}
	a := (&Lockout{}).Account(Terms{User: theUser, Max: 1})
	logOn(t, a, refused)
	if d := logOn(t, a, refused); d.String() != "the limit of 1 refused logon (--max-rejections) is reached" {
		t.Error(d)
	}
}

func TestComparisons(t *testing.T) {
	a := (&Lockout{}).Account(Terms{User: theUser, Max: 2})
	compare := func() *Denial {
		g, d := a.Begin(t.Context(), Use{At: here, Comparison: true})
		if d == nil {
			g.End(refused)
		}
		return d
	}
	if compare() == nil {
		t.Error("a comparison may be sent before any logon was accepted")
	}
	logOn(t, a, accepted)
	for i := range Comparisons {
		if d := compare(); d != nil {
			t.Fatalf("comparison %d: %s", i+1, d)
		}
	}
	if compare() == nil {
		t.Errorf("more than %d comparisons may be sent", Comparisons)
	}
	b := (&Lockout{}).Account(Terms{User: theUser, Max: 1})
	for range Comparisons {
		if !b.ShowAgain() {
			t.Fatal("the ticket may not be shown again")
		}
	}
	if b.ShowAgain() {
		t.Errorf("more than %d comparisons of a ticket", Comparisons)
	}
	if b.Free().End(refused) || b.Refused() != 0 || b.Proved() {
		t.Error("a refused ticket counts")
	}
}

func TestSameAccount(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"svc", "SVC", true},
		{"svc", "svc@contoso.com", true},
		{`CONTOSO\svc`, "svc", true},
		{`CONTOSO\svc`, "svc@contoso.com", true},
		{`contoso.com\svc`, "svc@contoso.com", true},
		{`CONTOSO\svc`, `contoso.com\svc`, true},
		{"svc@contoso.com", "SVC@Contoso.COM.", true},
		{"svc@contoso.com", "svc@cntoso.com", false},
		{"info@two.lab", "info@four.lab", false},
		{`A\svc`, `B\svc`, false},
		{`a.lab\svc`, `b.lab\svc`, false},
		{"svc", "svc2", false},
	} {
		if SameAccount(c.a, c.b) != c.same || SameAccount(c.b, c.a) != c.same {
			t.Errorf("%s and %s: %v", c.a, c.b, !c.same)
		}
	}
}

// Kept until released: no time makes it over, but another password does, and who
// releases it. A check on the same machine knows of it.
func TestUntilReleased(t *testing.T) {
	dir := t.TempDir()
	run := func(later time.Duration, password string, keep bool) *Account {
		now := clockwork{noon.Add(later)}
		return (&Lockout{Dir: dir, Now: now.Now, UntilReleased: keep}).Account(Terms{User: theUser, Password: password, Max: 2})
	}
	if d := logOn(t, run(0, thePassword, true), refused); d != nil {
		t.Fatal(d)
	}
	if d := logOn(t, run(time.Minute, thePassword, true), unfinished); d != nil {
		t.Fatal(d)
	}
	for _, c := range []struct {
		later    time.Duration
		password string
		keep     bool
		want     Reason
	}{
		{2 * time.Minute, thePassword, true, LimitReached},
		{100 * time.Hour, thePassword, true, LimitReached},
		{100 * time.Hour, thePassword, false, RefusedBefore},
		{100 * time.Hour, "changed", true, ""},
	} {
		if d := logOn(t, run(c.later, c.password, c.keep), skipped); reasonOf(d) != c.want {
			t.Errorf("%+v: %v", c, d)
		}
	}
	if n, since := run(time.Hour, thePassword, true).Withheld(); n != 2 || !since.Equal(noon) {
		t.Errorf("%d withheld since %s", n, since)
	}
	if err := run(time.Hour, "", true).Release(); err != nil {
		t.Fatal(err)
	}
	if d := logOn(t, run(time.Hour, thePassword, true), skipped); d != nil {
		t.Error(d)
	}
}

// What is stored confirms no guess: of the password there are 16 bits of a salted
// scrypt value, of account and server nothing readable.
func TestStoredTellsNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	logOn(t, (&Lockout{Dir: dir}).Account(Terms{User: `CONTOSO\svc-crm`, Password: thePassword, Max: 2}), refused)
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 3 {
		t.Fatalf("files %v, %v", files, err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, clear := range []string{"passw0rd", "svc-crm", "contoso"} {
			if strings.Contains(strings.ToLower(f+string(raw)), clear) {
				t.Errorf("%q can be read in %s: %s", clear, f, raw)
			}
		}
		if info, _ := os.Stat(f); info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others may use %s: %v", f, info.Mode())
		}
		var l logons
		if strings.HasSuffix(f, ".json") {
			if err := json.Unmarshal(raw, &l); err != nil || len(l.Logons) != 1 || l.Logons[0].Check == nil {
				t.Errorf("%s: %v", raw, err)
			}
			if long := regexp.MustCompile(`"check":\d{6}`).Find(raw); long != nil {
				t.Errorf("more than 16 bits: %s", long)
			}
		}
	}
}

// scrypt is for what is compared or written down, and nothing else: it costs a
// check more than everything it does with the network.
func TestCheckIsComputedOnlyWhereNeeded(t *testing.T) {
	dir := t.TempDir()
	account := func(user string) *Account {
		return (&Lockout{Dir: dir}).Account(Terms{User: user, Password: thePassword, Max: 5})
	}
	for _, c := range []struct {
		user     string
		at       *url.URL
		ends     evidence.Result
		computed bool
	}{
		{theUser, here, accepted, false},
		{theUser, here, unfinished, false},
		{theUser, here, accepted, false},
		{theUser, here, refused, true},
		{theUser, endpoint("https://elsewhere.contoso.com/"), unfinished, false},
		{"svc-crm@cntoso.com", here, accepted, false},
		{"svc-erp@contoso.com", here, unfinished, false},
		{theUser, here, skipped, true},
	} {
		a := account(c.user)
		g, d := a.Begin(t.Context(), Use{At: c.at})
		if d == nil {
			g.End(c.ends)
		}
		if (len(a.checks.known) > 0) != c.computed {
			t.Errorf("%s, %s: computed %v", c.user, c.ends, !c.computed)
		}
	}
}
