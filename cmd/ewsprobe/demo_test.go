package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// Every scenario of the stand-in, through the real check: what the report says
// is held against what the scenario expects and against the server's own view.
func TestScenarios(t *testing.T) {
	for _, s := range some(standin.Scenarios()) {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			got := play(t, s)
			r, view := got.report(t), got.view

			want := fmt.Sprintf("%s %s, cause %d, exit %d", s.Expect.Status, s.Expect.Code, s.Expect.Cause, exitCodes[s.Expect.Status])
			if have := fmt.Sprintf("%s %s, cause %d, exit %d", r.Verdict.Status, r.Verdict.Code, r.Verdict.Cause, got.exit); have != want {
				t.Errorf("got %s, want %s: %s", have, want, r.Verdict.Summary)
			}
			if view.BadLogons > s.Expect.MaxBadLogons {
				t.Errorf("the server counted %d bad logons, at most %d are expected", view.BadLogons, s.Expect.MaxBadLogons)
			}
			var causes []string
			for _, c := range r.Causes {
				causes = append(causes, c.Status)
			}
			if have := strings.Join(causes, " "); s.Expect.Causes != "" && have != s.Expect.Causes {
				t.Errorf("the causes are %s, want %s", have, s.Expect.Causes)
			}
			hasShape(t, got.out)
			asSchema(t, "report", []byte(got.out))
			agrees(t, r, view)
			keepsToEWS(t, view)
			judgedAgain(t, got.outcome)
		})
	}
}

// scene is a scenario's check, and what its server saw.
type scene struct {
	outcome
	view standin.View
}

var scenes sync.Map // by name, for all tests that look at their reports

func play(t *testing.T, s standin.Scenario) scene {
	t.Helper()
	server := begin(t, s.Behaviour, standin.Options{})
	got := program{}.run(t, lineTo(server, s.Check).args(t, asJSON)...)
	scenes.Store(s.Name, scene{got, server.View()})
	return scene{got, server.View()}
}

// recordOf is what the check of a scenario has written down.
func recordOf(t *testing.T, s standin.Scenario) evidence.Record {
	t.Helper()
	got, ok := scenes.Load(s.Name)
	if !ok {
		got = play(t, s)
	}
	rec, err := report.Load([]byte(got.(scene).out))
	if err != nil {
		t.Fatalf("%s: %v", s.Name, err)
	}
	return rec
}

// agrees holds the attempts of a report against what the server saw: as many
// logons, in the same order, with the same binding and end, and counted as the
// contract says. A question by Basic goes beside the logon by NTLM, once the
// password is accepted: of these two, either may arrive first.
func agrees(t *testing.T, r told, view standin.View) {
	t.Helper()
	sent, seen := r.sent(), logons(view)
	if len(sent) > len(seen) {
		sent = slices.DeleteFunc(sent, neverRead(len(sent)-len(seen)))
	}
	if len(sent) != len(seen) {
		t.Fatalf("the report tells of %d logons, the server saw %d\n%+v\n%+v", len(sent), len(seen), sent, seen)
	}
	bindings := map[string]string{standin.BindingServed: "right", standin.BindingNone: "none", standin.BindingForeign: "foreign", standin.BindingZero: "zero"}
	proved := false
	for i, a := range sent {
		if next := i + 1; proved && next < len(sent) && a.Scheme != seen[i].Scheme && a.Scheme == seen[next].Scheme && sent[next].Scheme == seen[i].Scheme {
			seen[i], seen[next] = seen[next], seen[i]
		}
		q := seen[i]
		for _, before := range r.Attempts[:slices.Index(r.Attempts, a)] {
			proved = proved || before.Result == "accepted" // by a domain controller
		}
		if a.Scheme != q.Scheme || a.Account != q.Account || a.Binding != bindings[q.Binding] {
			t.Errorf("attempt %d: %s of %s, binding %q; the server saw %s of %s, binding %q", i+1, a.Scheme, a.Account, a.Binding, q.Scheme, q.Account, q.Binding)
		}
		if ends := endsOf(q); !slices.Contains(ends, a.Result) {
			t.Errorf("attempt %d: %s; to the server it was %s", i+1, a.Result, q.Outcome)
		}
		if q.Status != 0 && a.Status != 0 && a.Status != q.Status {
			t.Errorf("attempt %d: status %d; the server sent %d", i+1, a.Status, q.Status)
		}
		comparison := r.item(a.ID).Logon.Comparison
		if comparison && !proved {
			t.Errorf("attempt %d: a comparison before a logon was accepted", i+1)
		}
		if want := !comparison && (a.Result == "refused" || a.Result == "unfinished" && !proved); a.Counted != (want && a.Scheme != "Bearer") {
			t.Errorf("attempt %d: counted %v, want %v", i+1, a.Counted, want)
		}
		proved = proved || a.Result == "accepted"
	}
	if n := counted(r.Attempts); n < view.BadLogons {
		t.Errorf("the report counts %d refusals, the server %d bad logons", n, view.BadLogons)
	}
}

// neverRead tells of the first n logons that ended without an answer: what is
// sent while the server closes the connection may never be read. The report
// counts such a logon, since it cannot know.
func neverRead(n int) func(attempt) bool {
	return func(a attempt) bool {
		if n == 0 || a.Result != "unfinished" || a.Status != 0 {
			return false
		}
		n--
		return true
	}
}

// endsOf are the results that a client may report of a logon.
func endsOf(q standin.Request) []string {
	switch q.Outcome {
	case standin.OutcomeAccepted:
		if q.Status == 0 {
			return []string{"unfinished"} // a hazard came instead of the answer
		}
		return []string{"accepted", "unfinished"}
	case standin.OutcomeUnfinished:
		return []string{"unfinished"}
	case standin.OutcomeStranger, standin.OutcomeWrongPassword, standin.OutcomeLocked, standin.OutcomeUnknownUser, standin.OutcomeBinding, standin.OutcomeConfiguration,
		standin.OutcomeToken:
		return []string{"refused"}
	}
	return nil // no credential belongs there
}

// keepsToEWS: a credential goes only where an anonymous request was answered
// with a list of schemes, and only by a scheme in it.
func keepsToEWS(t *testing.T, view standin.View) {
	t.Helper()
	type place struct {
		node int
		path string
	}
	challenged := map[place]bool{}
	for _, q := range view.Requests {
		if q.Message == standin.MessageAnonymous && q.Outcome == standin.OutcomeChallenged {
			challenged[place{q.Node, q.Path}] = true
		}
		if q.Message == standin.MessageOther || q.Message == standin.MessageBearer && q.Outcome != standin.OutcomeAccepted && q.Outcome != standin.OutcomeToken {
			t.Errorf("a message that the contract does not name: %+v", q)
		}
		if discovery := strings.HasPrefix(q.Path, "/autodiscover/"); q.Method != "POST" && q.Message != standin.MessageBind && !(discovery && q.Method == "GET" && q.Message == standin.MessageAnonymous) {
			t.Errorf("%s %s, and a check sends POST only, and GET without a credential to Autodiscover", q.Method, q.Path)
		}
	}
	for _, q := range logons(view) {
		if !challenged[place{q.Node, q.Path}] || q.Outcome == standin.OutcomeNotOffered || q.Outcome == standin.OutcomeFront || q.Outcome == standin.OutcomeMalformed {
			t.Errorf("a credential was sent where none may go: %+v", q)
		}
	}
}

// Where no credential of any kind may go, none goes: the rule of promise 2, named
// scenario by scenario.
func TestWhereNoCredentialGoes(t *testing.T) {
	slow(t)
	for _, name := range []string{
		"http-only", "exchange-online", "exchange-online-retired",
		"untrusted-certificate", "expired-certificate", "wrong-name-certificate", "tls-refused", "tls-client-certificate",
		"redirect-form", "redirect-adfs", "redirect-entra", "redirect-other", "signin-page", "timeout-440",
		"forbidden", "not-found", "welcome-page", "proxy-407", "no-challenge", "no-credentials", "oauth-on",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, ok := standin.Find(name)
			if !ok {
				t.Fatal("no such scenario")
			}
			for _, profile := range []string{"basic", "ntlm", "negotiate", "auto"} {
				check := s.Check
				if check.User != "" {
					check.ProfileAuth = profile
				}
				server := begin(t, s.Behaviour, standin.Options{})
				program{}.run(t, lineTo(server, check).args(t, asJSON)...)
				if sent := logons(server.View()); len(sent) > 0 {
					t.Errorf("profile %s: %+v", profile, sent)
				}
			}
		})
	}
}

// judgedAgain: diagnose reads the report and says the same, and exits the same.
func judgedAgain(t *testing.T, got outcome) {
	t.Helper()
	again := program{stdin: got.out}.run(t, "diagnose", asJSON, "-")
	if again.exit != got.exit {
		t.Errorf("diagnose exits %d, check %d: %s", again.exit, got.exit, again.err)
	}
	var first, second map[string]any
	if err := errors.Join(json.Unmarshal([]byte(got.out), &first), json.Unmarshal([]byte(again.out), &second)); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(first, second); d != "" {
		t.Errorf("diagnose differs from check (-check +diagnose):\n%s", d)
	}
}

// The keys of every object of the report, as the contract lists them. More may be
// there.
var shape = map[string]string{
	"":         "schema tool started duration_ms target verdict causes findings schemes server nodes attempts evidence",
	"tool":     "name version",
	"target":   "url host addresses mailbox user profile_auth impersonate view",
	"verdict":  "code status cause confidence reason summary",
	"causes":   "number status why evidence",
	"findings": "code status cause confidence addresses title detail evidence remedies",
	"remedies": "text command link",
	"schemes":  "name realm params",
	"server":   "product version front_end netbios_domain dns_domain dns_host os_build clock_skew_ms tenant oauth in_front extended_protection certificate",
	"nodes":    "address schemes server",
	"attempts": "scheme account address result status channel_binding counted why",
	"evidence": "id step address connection request response tls error timing_ms",
}

// lists are never null, and everything else that is unknown is.
var lists = strings.Fields("users plans addresses causes findings evidence remedies schemes nodes attempts headers names problems")

// hasShape holds a report against contract section 5.
func hasShape(t *testing.T, raw string) {
	t.Helper()
	var r map[string]any
	d := json.NewDecoder(strings.NewReader(raw))
	if err := d.Decode(&r); err != nil {
		t.Fatal(err)
	}
	if d.More() {
		t.Error("something follows the object")
	}
	walk(t, "report", "", r)

	findings, causes := r["findings"].([]any), r["causes"].([]any)
	verdict := r["verdict"].(map[string]any)
	code := verdict["code"].(string)
	if !slices.Contains([]string{"ok", "inconclusive", "bad-usage", "config-invalid"}, code) {
		if len(findings) == 0 || findings[0].(map[string]any)["code"] != code {
			t.Errorf("the verdict is %s, but does not stand first among the findings", code)
		}
	}
	if len(causes) != 6 {
		t.Fatalf("%d causes, want all six", len(causes))
	}
	known := map[string]bool{}
	for _, e := range r["evidence"].([]any) {
		known[e.(map[string]any)["id"].(string)] = true
	}
	cites := func(what string, o map[string]any) {
		for _, id := range o["evidence"].([]any) {
			if !known[id.(string)] {
				t.Errorf("%s names evidence %v, which is not there", what, id)
			}
		}
	}
	for i, c := range causes {
		c := c.(map[string]any)
		if c["number"] != float64(i+1) {
			t.Errorf("cause %v at place %d", c["number"], i+1)
		}
		if s := c["status"].(string); !slices.Contains([]string{"confirmed", "likely", "ruled-out", "not-applicable", "not-checked", "undetermined"}, s) {
			t.Errorf("cause %d: status %q", i+1, s)
		}
		if c["why"] == nil {
			t.Errorf("cause %d does not say why", i+1)
		}
		cites(fmt.Sprintf("cause %d", i+1), c)
	}
	for _, f := range findings {
		f := f.(map[string]any)
		cites(f["code"].(string), f)
		if len(f["evidence"].([]any)) == 0 {
			t.Errorf("the finding %s names no evidence", f["code"]) // promise 5
		}
	}
	for _, o := range append(findings, verdict) {
		o := o.(map[string]any)
		if !slices.Contains([]string{"ok", "warning", "critical", "unknown"}, o["status"].(string)) {
			t.Errorf("status %q", o["status"])
		}
		if !slices.Contains([]string{"confirmed", "likely", "undetermined"}, o["confidence"].(string)) {
			t.Errorf("%s: confidence %q", o["code"], o["confidence"])
		}
	}
	if at, err := time.Parse(time.RFC3339, r["started"].(string)); err != nil || at.Location() != time.UTC {
		t.Errorf("started %v is no time in UTC", r["started"])
	}
}

// walk looks at every value of a report: keys that are there, lists that are
// lists, and no empty string where null is meant.
func walk(t *testing.T, path, key string, v any) {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		if want, ok := shape[key]; ok && !strings.HasSuffix(path, "].evidence") {
			for _, k := range strings.Fields(want) {
				if _, there := v[k]; !there {
					t.Errorf("%s has no %q", path, k)
				}
			}
		}
		for k, member := range v {
			if k == "params" || k == "headers" {
				continue // as the server sent them
			}
			walk(t, path+"."+k, k, member)
		}
	case []any:
		for _, member := range v {
			walk(t, path+"[]", key, member)
		}
	case string:
		if v == "" {
			t.Errorf("%s is an empty string; unknown is null", path)
		}
	case nil:
		if slices.Contains(lists, key) && !(key == "evidence" && strings.HasSuffix(path, "attempts[].evidence")) {
			t.Errorf("%s is null; an empty list is []", path)
		}
	}
}

// The demo runs all scenarios, prints a line for each and is content.
func TestDemo(t *testing.T) {
	slow(t)
	t.Parallel()
	got := program{}.run(t, "demo")
	if got.exit != 0 || got.err != "" {
		t.Errorf("exit %d, standard error %q\n%s", got.exit, got.err, got.out)
	}
	for _, s := range standin.Scenarios() {
		if !strings.Contains(got.out, "ok       "+s.Name+" ") {
			t.Errorf("no good line for %s", s.Name)
		}
	}
}
