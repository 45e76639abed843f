package web

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/agent"
	"github.com/ewsprobe/ewsprobe/probe/agent/history"
	"github.com/ewsprobe/ewsprobe/probe/agent/metrics"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// fakeAgent has targets, and writes down what it was told to do.
type fakeAgent struct {
	targets []*agent.Target
	err     error // of every action
	notOK   string

	mu   sync.Mutex
	told []string
}

func (f *fakeAgent) Snapshot() []*agent.Target { return f.targets }

func (f *fakeAgent) Target(name string) *agent.Target {
	if i := slices.IndexFunc(f.targets, func(t *agent.Target) bool { return t.Name == name }); i >= 0 {
		return f.targets[i]
	}
	return nil
}

func (f *fakeAgent) tell(words ...string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = append(f.told, strings.Join(words, " "))
	return f.err
}

// done is what it was told since the last time.
func (f *fakeAgent) done() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	told := strings.Join(f.told, "; ")
	f.told = nil
	return told
}

func (f *fakeAgent) NotStored() (int, string) { return 3, f.notOK }

func (f *fakeAgent) RunNow(name string, credential bool) error {
	if credential {
		return f.tell("run", name, "with credential")
	}
	return f.tell("run", name)
}
func (f *fakeAgent) Release(name string) error { return f.tell("release", name) }
func (f *fakeAgent) Silence(name string, d time.Duration) error {
	return f.tell("silence", name, d.String())
}
func (f *fakeAgent) Reload(context.Context) error { return f.tell("reload") }
func (f *fakeAgent) Ready() error                 { return f.err }

// fakeHistory has runs and transitions, the newest first.
type fakeHistory struct {
	runs        []history.Run
	records     map[int64][]byte
	transitions []history.Transition
	rows        []byte
	reads       int // of records
	queries     int // of runs and transitions
}

func (f *fakeHistory) Runs(_ context.Context, target string, q history.Query) ([]history.Run, bool, error) {
	f.queries++
	var list []history.Run
	for _, r := range f.runs {
		if r.Target == target && (q.After == 0 || r.ID < q.After) && q.Fits(r) {
			list = append(list, r)
		}
	}
	more := len(list) > q.Limit
	return list[:min(q.Limit, len(list))], more, nil
}

func (f *fakeHistory) Run(_ context.Context, target string, id int64) (history.Run, error) {
	for _, r := range f.runs {
		if r.Target == target && r.ID == id {
			return r, nil
		}
	}
	return history.Run{}, history.ErrNone
}

func (f *fakeHistory) Record(_ context.Context, _ string, id int64) ([]byte, error) {
	f.reads++
	if raw, ok := f.records[id]; ok {
		return raw, nil
	}
	return nil, history.ErrNone
}

func (f *fakeHistory) Transitions(_ context.Context, target string, limit int, after int64) ([]history.Transition, bool, error) {
	f.queries++
	var list []history.Transition
	for _, t := range f.transitions {
		if (target == "" || t.Target == target) && (after == 0 || t.ID < after) {
			list = append(list, t)
		}
	}
	return list[:min(limit, len(list))], len(list) > limit, nil
}

func (f *fakeHistory) Batch(context.Context, string) ([]byte, error) {
	if f.rows == nil {
		return nil, history.ErrNone
	}
	return f.rows, nil
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// stored is a record of the laboratory, and the report of it.
func stored(name string) ([]byte, *report.Report) {
	raw := must(os.ReadFile(filepath.Join("..", "..", "..", "testdata", "records", name+".json")))
	r := report.New(must(report.Load(raw)), "1.2.3")
	return must(r.Render(report.FormatJSON, report.Style{})), &r
}

// world is an agent with four targets: two views of one endpoint that are judged
// differently, one that waits for its first run, and one whose texts a hostile server
// chose.
func world(now time.Time) (*fakeAgent, *fakeHistory) {
	a, h := &fakeAgent{}, &fakeHistory{records: map[int64][]byte{}}
	add := func(name, record string, id int64, change func(*agent.Target)) {
		raw, r := stored(record)
		run := history.Run{
			ID: id, Target: name, Started: now.Add(-5 * time.Minute), Duration: 1300 * time.Millisecond, Status: r.Verdict.Status, Code: r.Verdict.Code,
			Summary: r.Verdict.Summary, Credential: true, HTTPStatus: 401, Certificate: now.Add(20 * 24 * time.Hour),
		}
		before := run
		before.ID, before.Status, before.Code, before.Started = id-1, finding.OK, "ok", now.Add(-20*time.Minute)
		h.runs = append(h.runs, run, before)
		h.records[id] = raw
		h.records[id-1], _ = stored("own-mailbox")
		r.Evidence = nil
		t := &agent.Target{
			Name: name, Endpoint: "mail", View: "inside", URL: "https://mail.contoso.com/EWS/Exchange.asmx", Labels: map[string]string{"site": "fra"},
			State: agent.State{
				Status: run.Status, Code: run.Code, Summary: run.Summary, Since: run.Started, LastOK: before.Started,
				Whole: &agent.Seen{Run: agent.Run{Run: run}, Report: r},
			},
			NextRun: now.Add(10 * time.Minute), LogonsLeft: 1, Spans: &[3]history.Bar{}, LastRun: &agent.Run{Run: run},
		}
		for i, w := range history.Widths {
			for n := range w.Kept {
				if n == 5 { // the machine was off
					continue
				}
				s := history.Span{At: now.Truncate(w.Each).Add(-w.Each * time.Duration(n)), Runs: [4]int{3: 28}, Latency: time.Duration(200+100*(n%7)) * time.Millisecond}
				if n == 0 || n == 12 {
					s.Runs[0] = 2
				}
				t.Spans[i] = append(history.Bar{s}, t.Spans[i]...)
			}
		}
		if change != nil {
			change(t)
		}
		a.targets = append(a.targets, t)
	}
	add("mail-inside", "basic-off", 12, func(t *agent.Target) {
		t.Changed = []history.Change{{
			What: "answer to the anonymous request", Before: []string{"HTTP 401, offers Negotiate, NTLM, Basic"}, After: []string{"HTTP 401, offers Negotiate, NTLM"}, Explains: true,
		}}
		t.Withheld = &agent.Withheld{Since: now.Add(-time.Hour), Why: "2 logons of svc-crm@contoso.com were refused."}
		h.transitions = append(h.transitions, history.Transition{
			ID: 5, Target: t.Name, At: t.Since, From: finding.OK, To: t.Status, FromCode: "ok", ToCode: t.Code, Run: 12, Previous: 11, Changes: t.Changed,
		}, history.Transition{ID: 4, Target: t.Name, At: t.Since.Add(-time.Hour), To: finding.OK, ToCode: "ok", Run: 11})
	})
	add("mail-outside", "own-mailbox", 22, func(t *agent.Target) { t.View = "public" })
	a.targets = append(a.targets, &agent.Target{Name: "new", View: "inside", URL: "https://new.contoso.com", NextRun: now.Add(time.Minute)})
	add("hostile", "impersonation-denied", 32, func(t *agent.Target) { hostile(t); t.Endpoint = "" })
	return a, h
}

// attack is what a server, a mailbox or a label may be called.
const attack = "</script></title><img src=x onerror=alert(1)>\"'`{{.}}\u202e\x1b[31m javascript:alert(1)//"

func hostile(t *agent.Target) {
	t.Summary, t.URL, t.View, t.Labels["site"] = attack, attack, attack, attack
	t.Changed = []history.Change{{What: attack, Before: []string{attack}, After: []string{"x"}}}
	t.Withheld = &agent.Withheld{Since: t.Since, Why: attack}
	r := t.Whole.Report
	r.Verdict.Summary, r.Server.Product, r.Target.URL = attack, attack, attack
	for i := range r.Findings {
		f := &r.Findings[i]
		f.Detail, f.Summary, f.Addresses = attack, attack, []string{attack}
		f.Remedies = []finding.Remedy{{Text: attack, Command: attack, Link: "javascript:alert(1)"}}
	}
}

// started is a server with the world in it.
func started(t *testing.T, change func(*fakeAgent, *fakeHistory, *Options)) (*Server, *fakeAgent, *fakeHistory) {
	t.Helper()
	a, h := world(time.Now())
	o := options(a, h)
	if change != nil {
		change(a, h, &o)
	}
	return New(o), a, h
}

func options(a *fakeAgent, h *fakeHistory) Options {
	return Options{
		Agent: a, History: h, Version: "1.2.3", Log: slog.New(slog.DiscardHandler),
		Metrics: metrics.New(metrics.Source{Version: "1.2.3", Snapshot: a.Snapshot, Bytes: func() int64 { return 4096 }, NotStored: a.NotStored}),
	}
}

// request is one from this machine.
func request(method, path, body string) *http.Request {
	r := httptest.NewRequest(method, "http://127.0.0.1:9719"+path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:50000"
	return r
}

func ask(s *Server, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

// get is the body of an answer, which has to be 200.
func get(t *testing.T, s *Server, path string) string {
	t.Helper()
	w := ask(s, request(http.MethodGet, path, ""))
	if w.Code != http.StatusOK {
		t.Fatalf("GET %s: %d %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

func getJSON[T any](t *testing.T, s *Server, path string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(get(t, s, path)), &v); err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
	return v
}

// filled is the path of a route with values in it.
func filled(path string) string {
	return strings.NewReplacer("{$}", "", "{name}", "mail-inside", "{id}", "12").Replace(path)
}
