package metrics

import (
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ewsprobe/ewsprobe/probe/agent"
	"github.com/ewsprobe/ewsprobe/probe/agent/agentfile"
	"github.com/ewsprobe/ewsprobe/probe/agent/history"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
	"github.com/ewsprobe/ewsprobe/probe/rule"
)

var update = flag.Bool("update", false, "write the golden files again")

var began = time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)

// inside is a target that has all there is to be known.
func inside() *agent.Target {
	skew := int64(1500)
	run := agent.Run{Run: history.Run{
		ID: 7, Started: began, Duration: 1200 * time.Millisecond, Status: finding.Critical, Code: "basic-disabled",
		HTTPStatus: 401, Certificate: began.Add(240 * time.Hour), Credential: true,
	}}
	r := &report.Report{
		Verdict:  finding.Verdict{Code: "basic-disabled", Status: finding.Critical, Cause: 5, Confidence: finding.Confirmed},
		Findings: []finding.Finding{{Code: "basic-disabled", Status: finding.Critical}, {Code: "clock-skew", Status: finding.Warning}, {Code: "clock-skew", Status: finding.Warning}},
		Causes:   []finding.CauseReport{{Number: 1, Status: finding.CauseNotChecked}, {Number: 5, Status: finding.CauseConfirmed}},
		Server:   rule.Server{ClockSkewMS: &skew},
		Nodes: []rule.Node{
			{Address: "192.0.2.1", Schemes: []rule.Scheme{{Name: "nTlM"}, {Name: "evil\"} 1\nx{"}}},
			{Address: "192.0.2.2"}, // no answer
		},
	}
	t := &agent.Target{
		State: agent.State{
			Status: finding.Critical, Code: "basic-disabled", LastOK: began.Add(-time.Hour), Withheld: &agent.Withheld{},
			Whole: &agent.Seen{Run: run, Report: r}, Mailboxes: map[finding.Status]int{finding.OK: 3},
		},
		Name: "inside", Labels: map[string]string{"site": "fra\n\"}"}, LastRun: &run, LogonsLeft: 1, Logons: map[agent.Logon]int{{Scheme: "NTLM", Result: "accepted"}: 4},
	}
	t.Durations.Counts[4], t.Durations.Sum = 2, 2400*time.Millisecond
	return t
}

func scrape(t *testing.T, h http.Handler) string {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	return string(must(io.ReadAll(w.Body)))
}

func source(list ...*agent.Target) Source {
	return Source{
		Version: "1.2.3", Snapshot: func() []*agent.Target { return list },
		Bytes: func() int64 { return 4096 }, NotStored: func() (int, string) { return 2, "" },
	}
}

// own are the lines of a scrape that are not of the Go runtime and the process,
// nor comments.
func own(scraped string) string {
	var b strings.Builder
	for line := range strings.Lines(scraped) {
		if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "go_") && !strings.HasPrefix(line, "process_") {
			b.WriteString(regexp.MustCompile(`goversion="[^"]*"`).ReplaceAllString(line, `goversion="GO"`))
		}
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		save(t, file, []byte(got))
	}
	if diff := cmp.Diff(string(must(os.ReadFile(file))), got); diff != "" {
		t.Errorf("%s (-update rewrites it): -want +got\n%s", name, diff)
	}
}

// The samples of an agent with two targets, one of which has not been run.
func TestScrape(t *testing.T) {
	m := New(source(inside(), &agent.Target{Name: "new"}))
	m.Notified("admins", "failed")
	golden(t, "scrape.txt", own(scrape(t, m.All())))
	golden(t, "probe.txt", own(scrape(t, m.One(inside()))))
	for _, one := range []*agent.Target{{Name: "new"}, {Name: "not-stored", LastRun: &agent.Run{}}} {
		if s := scrape(t, m.One(one)); s != "" {
			t.Errorf("a target without a stored run has samples: %s", s)
		}
	}
}

func TestMetricsInPromtool(t *testing.T) {
	m := New(source(inside()))
	m.Notified("admins", "delivered")
	for _, h := range []http.Handler{m.All(), m.One(inside())} {
		if out := promtool(t, scrape(t, h), "check", "metrics"); out != "" {
			t.Errorf("promtool says: %s", out)
		}
	}
}

// Each metric of the table is exported, and nothing else of that name.
func TestEveryDefinitionIsExported(t *testing.T) {
	m := New(source(inside()))
	m.Notified("admins", "delivered")
	var got, want []string
	for _, name := range regexp.MustCompile(`(?m)^# TYPE (\S+)`).FindAllStringSubmatch(scrape(t, m.All()), -1) {
		if !strings.HasPrefix(name[1], "go_") && !strings.HasPrefix(name[1], "process_") {
			got = append(got, name[1])
		}
	}
	for _, d := range Definitions() {
		want = append(want, d.Name)
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// A status that an anonymous run made has that run's verdict and its findings.
func TestAnonymousRunDecides(t *testing.T) {
	one := inside()
	one.Partial = &agent.Seen{
		Run:    agent.Run{Run: history.Run{Started: began.Add(time.Minute)}},
		Report: &report.Report{Verdict: finding.Verdict{Code: "no-scheme", Status: finding.Critical}, Findings: []finding.Finding{{Code: "no-scheme", Status: finding.Critical}}},
	}
	if s := scrape(t, New(source(one)).All()); !strings.Contains(s, `ewsprobe_finding{code="basic-disabled"`) {
		t.Errorf("the whole run decides:\n%s", own(s))
	}
	one.Code = "no-scheme"
	s := scrape(t, New(source(one)).All())
	if strings.Contains(s, `{code="basic-disabled"`) || !strings.Contains(s, `ewsprobe_finding{code="no-scheme"`) || !strings.Contains(s, `verdict_info{cause="",code="no-scheme"`) {
		t.Errorf("the anonymous run decides:\n%s", own(s))
	}
}

// No target can have a label of its own that the metrics have: both would be in one
// sample.
func TestLabelsAreReserved(t *testing.T) {
	names := []string{"target", "le"}
	for _, d := range Definitions() {
		names = append(names, d.Labels...)
	}
	for _, name := range names {
		file := filepath.Join(t.TempDir(), "agent.yaml")
		save(t, file, []byte("targets: [{name: a, target: mail.contoso.com, no_credentials: true, labels: {"+name+": x}}]\n"))
		if _, err := agentfile.Load(t.Context(), file, "1.2.3", func(string) string { return "" }); err == nil || !strings.Contains(err.Error(), "label "+name) {
			t.Errorf("label %s: %v", name, err)
		}
	}
}
