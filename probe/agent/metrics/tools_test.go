package metrics

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// promtool runs Prometheus' own tool, as Debian's package prometheus has it.
func promtool(t *testing.T, input string, args ...string) string {
	t.Helper()
	program, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed here")
	}
	cmd := exec.Command(program, args...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func save(t *testing.T, name string, raw []byte) string {
	t.Helper()
	if err := os.WriteFile(name, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestRulesInPromtool(t *testing.T) {
	dir := t.TempDir()
	rules := save(t, filepath.Join(dir, "rules.yml"), must(Rules()))
	promtool(t, "", "check", "rules", rules)

	text := string(must(os.ReadFile(filepath.Join("testdata", "rules-test.yml"))))
	for _, r := range parsedRules(t) {
		code := r.Labels["code"]
		text = strings.ReplaceAll(text, "'SUMMARY OF "+code+"'", fmt.Sprintf("%q", strings.ReplaceAll(r.Annotations["summary"], "{{ $labels.target }}", "inside")))
		text = strings.ReplaceAll(text, "'DESCRIPTION OF "+code+"'", fmt.Sprintf("%q", r.Annotations["description"]))
	}
	promtool(t, "", "test", "rules", save(t, filepath.Join(dir, "test.yml"), []byte(text)))
}

func TestScrapeConfigInPromtool(t *testing.T) {
	for _, s := range []Scrape{{Address: "127.0.0.1:9719"}, {Address: "agent.contoso.com:9719", TLS: true, Users: true}} {
		raw := must(s.Config())
		dir := t.TempDir()
		save(t, filepath.Join(dir, "ewsprobe-password.txt"), []byte("x"))
		promtool(t, "", "check", "config", save(t, filepath.Join(dir, "prometheus.yml"), raw))
		if !strings.Contains(string(raw), s.Address) || strings.Contains(string(raw), "https") != s.TLS || strings.Contains(string(raw), "basic_auth") != s.Users {
			t.Errorf("%+v gives\n%s", s, raw)
		}
	}
}

// Every query of the dashboard is one that Prometheus can read.
func TestDashboardInPromtool(t *testing.T) {
	var list []map[string]string
	for i, expr := range queries(t) {
		list = append(list, map[string]string{"record": fmt.Sprintf("panel:%d", i), "expr": strings.ReplaceAll(expr, "$__range", "24h")})
	}
	raw := must(yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "dashboard", "rules": list}}}))
	promtool(t, "", "check", "rules", save(t, filepath.Join(t.TempDir(), "dashboard.yml"), raw))
}

// queries are the expressions of the dashboard, from its JSON.
func queries(t *testing.T) []string {
	t.Helper()
	var d struct {
		Panels []struct {
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(Dashboard(), &d); err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			list = append(list, q.Expr)
		}
	}
	return list
}

type alert struct {
	Alert, Expr, For    string
	Labels, Annotations map[string]string
}

func parsedRules(t *testing.T) []alert {
	t.Helper()
	var f struct{ Groups []struct{ Rules []alert } }
	if err := yaml.Unmarshal(must(Rules()), &f); err != nil {
		t.Fatal(err)
	}
	var list []alert
	for _, g := range f.Groups {
		list = append(list, g.Rules...)
	}
	return list
}

// Rules and dashboard name the metrics that exist, and the dashboard all of them.
func TestQueriesNameMetrics(t *testing.T) {
	exist := map[string]bool{"up": true}
	for _, d := range Definitions() {
		exist[d.Name] = true
		if d.Type == "histogram" {
			exist[d.Name+"_bucket"] = true
		}
	}
	name := regexp.MustCompile(`\b(?:ewsprobe|probe)_[a-z_]+|\bup\b`)
	shown := strings.Join(queries(t), "\n")
	all := shown
	for _, r := range parsedRules(t) {
		all += "\n" + r.Expr
	}
	for _, n := range name.FindAllString(all, -1) {
		if !exist[n] {
			t.Errorf("there is no metric %s", n)
		}
	}
	for _, d := range Definitions() {
		if !regexp.MustCompile(`\b` + d.Name + `(_bucket)?\b`).MatchString(shown) {
			t.Errorf("the dashboard does not show %s", d.Name)
		}
	}
}

// Each code that is not ok has one alert, with the texts of the catalogue.
func TestEveryCodeHasAnAlert(t *testing.T) {
	alerts := map[string]alert{}
	names := map[string]bool{}
	for _, r := range parsedRules(t) {
		if names[r.Alert] {
			t.Errorf("%s is there twice", r.Alert)
		}
		names[r.Alert] = true
		alerts[r.Labels["code"]] = r
	}
	for _, e := range finding.Catalogue() {
		r, ok := alerts[string(e.Code)]
		if ok == (e.Status == finding.OK) {
			t.Errorf("%s, %s: has an alert: %v", e.Code, e.Status, ok)
		}
		if ok && !strings.Contains(r.Annotations["summary"], e.Title) {
			t.Errorf("%s: %s", e.Code, r.Annotations["summary"])
		}
	}
}
