package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/html"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/agent"
	"github.com/ewsprobe/ewsprobe/probe/agent/history"
	"github.com/ewsprobe/ewsprobe/probe/agent/peer"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

var allPages = []string{
	"/", "/?range=7d", "/?range=90d", "/targets/mail-inside", "/targets/new", "/targets/hostile", "/targets/mail-inside/runs/12",
	"/targets/mail-inside/diff?a=11&b=12", "/targets/mail-inside/diff?a=12&b=22&with=mail-outside",
}

// The page of all targets says what is wrong, since when, what changed then, and what
// to do.
func TestOverview(t *testing.T) { synctest.Test(t, testOverview) } // time stands still

func testOverview(t *testing.T) {
	s, _, _ := started(t, nil)
	page := get(t, s, "/")
	for _, want := range []string{
		`<span class="code">basic-disabled</span> <span class="soft">for 5 min</span>`,
		"What changed on ", "answer to the anonymous request: gone: Basic (explains the verdict)",
		"What to do", "Get-WebServicesVirtualDirectory", `<a href="/targets/mail-inside#todo">`,
		"Credential withheld", `action="/api/v1/targets/mail-inside/release"`, "in 10 min", "1 logon may still be refused", "<strong class=\"status critical\">Credential withheld</strong> since ", "20 days left",
		"The verdicts differ, basic-disabled in mail-inside and ok in mail-outside: ", "/targets/mail-inside/diff?a=12&amp;b=22&amp;with=mail-outside",
		"not checked yet", `aria-label="Status over 24 hours: `, `<path d="M`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	order := regexp.MustCompile(`<h3><a href="/targets/([a-z-]+)"`).FindAllStringSubmatch(page, -1)
	if len(order) != 4 || order[0][1] != "hostile" || order[1][1] != "mail-inside" || order[2][1] != "mail-outside" || order[3][1] != "new" {
		t.Errorf("the order is %v", order)
	}
}

func TestTargetPage(t *testing.T) {
	s, a, h := started(t, nil)
	h.rows = []byte(`{"mailbox":"anna@contoso.com","verdict":{"status":"critical","code":"impersonation-denied","summary":"refused"}}` + "\n")
	page := get(t, s, "/targets/mail-inside")
	for _, want := range []string{
		"Status over 90 days", `<a href="/targets/mail-inside/runs/12">`, `<a href="/targets/mail-inside/diff?a=11&amp;b=12">Compare</a>`,
		"anna@contoso.com", `action="/api/v1/targets/mail-inside/run"`, `id="todo"`, `id="steps"`, "/runs/12.json", "Path to the mailbox",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	a.targets[0].LastRun.ID, a.notOK = 0, "the disk is full"
	if page := get(t, s, "/targets/mail-inside"); !strings.Contains(page, "not stored") {
		t.Error("a run that is not stored is not marked")
	}
	if page := get(t, s, "/"); !strings.Contains(page, "3 runs could not be stored: the disk is full") {
		t.Error("the page does not say that runs are not stored")
	}
}

// The targets of another agent stand beside those of the same endpoint, with what
// explains the difference; one that does not answer is named.
func TestPeers(t *testing.T) { synctest.Test(t, testPeers) } // time stands still

func testPeers(t *testing.T) {
	_, r := stored("farm")
	raw, _ := stored("farm")
	rec := must(report.Load(raw))
	s, _, _ := started(t, func(_ *fakeAgent, _ *fakeHistory, o *Options) {
		o.Peers = func() []peer.State {
			return []peer.State{
				{Name: "dmz", Asked: time.Now(), Targets: []peer.Target{
					{Name: "mail-dmz", Endpoint: "mail", View: "public", Status: r.Verdict.Status, Code: r.Verdict.Code, Summary: attack, RunID: 7, Record: &rec},
					{Name: "other", Endpoint: "elsewhere", Status: "ok"},
					{Name: "none"},
				}},
				{Name: "cloud", Error: "it answers 503", Asked: time.Now().Add(-10 * time.Minute)},
			}
		}
	})
	page := get(t, s, "/")
	for _, want := range []string{
		`mail-dmz <span class="soft">at agent dmz</span>`, "mail-dmz of dmz", "it answers 503; what is shown of it is 10 min old", "&lt;img src=x",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	for _, not := range []string{"elsewhere", "/targets/mail-dmz", "<img"} {
		if strings.Contains(page, not) {
			t.Errorf("the page has %q", not)
		}
	}
}

// Whatever a server, a mailbox or a label is called, it is text: no element, no
// attribute, no script and no link comes of it, and no character that cannot be seen.
func TestNothingLeavesItsPlace(t *testing.T) {
	s, a, h := started(t, nil)
	raw, _ := stored("impersonation-denied")
	h.records[32] = []byte(strings.ReplaceAll(string(raw), "Exchange", strings.Trim(string(must(json.Marshal(attack))), `"`)))
	for _, run := range []int{0, 1} {
		h.runs[run].Summary = attack
	}
	h.transitions[0].Changes = a.Target("hostile").Changed
	h.rows = []byte(fmt.Sprintf(`{"mailbox":%q,"verdict":{"status":"critical","code":"x","summary":%q}}`, "<img src=x>", "<img src=x>") + "\n")
	safe := map[string]bool{}
	for name := range strings.FieldsSeq(`html head meta link title style body div header p a main h1 h2 h3 h4 span nav ul ol li section article svg path rect
		figure figcaption dl dt dd form button input strong pre code table thead tbody tr th td br footer script noscript details summary caption`) {
		safe[name] = true
	}
	for _, path := range append(allPages, "/targets/hostile/runs/32") {
		page := get(t, s, path)
		for _, r := range page {
			if r == '\u202e' || r == '\x1b' {
				t.Errorf("%s has the character %U", path, r)
			}
		}
		doc := must(html.Parse(strings.NewReader(page)))
		scripts := 0
		for n := range doc.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			if !safe[n.Data] {
				t.Errorf("%s has an element %s", path, n.Data)
			}
			if n.Data == "script" {
				scripts++
			}
			for _, at := range n.Attr {
				if strings.HasPrefix(at.Key, "on") || at.Key == "style" || strings.HasPrefix(strings.ToLower(at.Val), "javascript:") {
					t.Errorf("%s: %s %s=%q", path, n.Data, at.Key, at.Val)
				}
			}
		}
		if scripts > 1 || scripts == 1 && !strings.HasPrefix(path, "/?") && path != "/" {
			t.Errorf("%s has %d scripts", path, scripts)
		}
	}
}

// The policy allows the page's own style and script and nothing else.
func TestPolicy(t *testing.T) {
	s, _, _ := started(t, nil)
	for _, path := range append(allPages, "/api/v1/targets", "/metrics", "/targets/none", "/none") {
		h := ask(s, request(http.MethodGet, path, "")).Header()
		policy := h.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s: %s", path, policy)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", path, h)
		}
	}
	page := get(t, s, "/")
	policy := policy()
	for _, name := range []string{"style", "script"} {
		between := regexp.MustCompile(`(?s)<` + name + `>(.*?)</` + name + `>`).FindStringSubmatch(page)
		if between == nil || !strings.Contains(policy, name+"-src '"+hashOf(between[1])+"'") {
			t.Errorf("the policy does not allow the page's own %s", name)
		}
	}
}

func TestChart(t *testing.T) {
	now := time.Date(2026, 11, 30, 8, 10, 0, 0, time.UTC)
	a, _ := world(now)
	c := chartOf(a.targets[0], 0, now)
	var got []string
	for _, b := range c.Blocks {
		got = append(got, fmt.Sprint(b.X, "+", b.Wide, " ", b.Status))
	}
	if want := "0+35 ok, 35+1 critical, 36+6 ok, 43+4 ok, 47+1 critical"; strings.Join(got, ", ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
	if c.Says != "0.3 % critical, 99.7 % ok of 1320 runs" || strings.Count(c.Line, "M") != 2 {
		t.Errorf("%s\n%s", c.Says, c.Line)
	}
	if empty := chartOf(&agent.Target{}, 0, now); empty.Says != "no run" || empty.Line != "" {
		t.Errorf("%+v", empty)
	}
	if old := chartOf(a.targets[0], 0, now.Add(48*time.Hour)); len(old.Blocks) != 0 {
		t.Errorf("spans of the day before: %+v", old.Blocks)
	}
}

// The comparison of two runs is made once.
func TestComparisonIsRemembered(t *testing.T) { synctest.Test(t, testComparisonIsRemembered) } // time stands still

func testComparisonIsRemembered(t *testing.T) {
	s, _, h := started(t, nil)
	get(t, s, "/")
	reads := h.reads
	get(t, s, "/")
	if reads == 0 || h.reads != reads {
		t.Errorf("%d, then %d records were read", reads, h.reads)
	}
	says := s.compare.get(pair{a: "x"}, time.Now().Add(-time.Second), func() (a, b evidence.Record, err error) {
		t.Error("it is compared although the time is over")
		return a, b, err
	})
	if says != "" {
		t.Errorf("it says %q", says)
	}
}

// What changed is what explains the change, and only else the first of what differs.
func TestChanges(t *testing.T) {
	part := func(what string, explains bool) history.Change {
		return history.Change{What: what, Before: []string{"status 401, offers NTLM, Basic"}, After: []string{"status 401, offers NTLM, in front: TMG"}, Explains: explains}
	}
	for want, list := range map[string][]history.Change{
		"b: Basic → in front: TMG (explains the verdict)":                              {part("a", false), part("b", true), part("c", false)},
		"a: Basic → in front: TMG; b: Basic → in front: TMG; c: Basic → in front: TMG": {part("a", false), part("b", false), part("c", false), part("d", false)},
		"certificate: new: x": {{What: "certificate", After: []string{"x"}}},
		"":                    nil,
	} {
		if got := strings.Join(changes(list), "; "); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
