package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ewsprobe/ewsprobe/probe/agent"
	"github.com/ewsprobe/ewsprobe/probe/agent/history"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// served are the paths of the API with their methods, as openapi.json writes them.
func served(s *Server) []string {
	var list []string
	for _, r := range s.routes() {
		if strings.HasPrefix(r.path, "/api/") || strings.HasPrefix(r.path, "/-/") {
			list = append(list, r.method+" "+r.path)
		}
	}
	slices.Sort(list)
	return list
}

// The document has the paths that are served, and no other.
func TestDocument(t *testing.T) {
	s, _, _ := started(t, nil)
	doc := getJSON[struct{ Paths map[string]map[string]any }](t, s, "/api/v1/openapi.json")
	var described []string
	for path, methods := range doc.Paths {
		for method := range methods {
			described = append(described, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(described)
	if diff := cmp.Diff(served(s), described); diff != "" {
		t.Errorf("-served +described\n%s", diff)
	}
}

// Every answer has the form that the document gives for it, and the document gives
// one for every code.
func TestAnswersFitTheDocument(t *testing.T) {
	s, a, h := started(t, nil)
	doc := must(jsonschema.UnmarshalJSON(bytes.NewReader(openAPI)))
	c := jsonschema.NewCompiler()
	if err := c.AddResource("api.json", doc); err != nil {
		t.Fatal(err)
	}
	h.transitions[0].Changes = []history.Change{{What: "x"}}
	for _, one := range []struct {
		method, path, body string
		code               int
		err                error
	}{
		{"GET", "/api/v1/openapi.json", "", 200, nil},
		{"GET", "/api/v1/targets", "", 200, nil},
		{"GET", "/api/v1/targets/mail-inside", "", 200, nil},
		{"GET", "/api/v1/targets/new", "", 200, nil},
		{"GET", "/api/v1/targets/none", "", 404, nil},
		{"GET", "/api/v1/targets/mail-inside/runs", "", 200, nil},
		{"GET", "/api/v1/targets/new/runs", "", 200, nil},
		{"GET", "/api/v1/targets/mail-inside/runs?limit=0", "", 400, nil},
		{"GET", "/api/v1/targets/none/runs", "", 404, nil},
		{"GET", "/api/v1/targets/mail-inside/runs/12", "", 200, nil},
		{"GET", "/api/v1/targets/mail-inside/runs/22", "", 404, nil}, // of another target
		{"GET", "/api/v1/targets/mail-inside/runs/x", "", 404, nil},
		{"GET", "/api/v1/transitions", "", 200, nil},
		{"GET", "/api/v1/transitions?limit=x", "", 400, nil},
		{"GET", "/api/v1/transitions?target=none", "", 404, nil},
		{"POST", "/api/v1/targets/mail-inside/run", "", 202, nil},
		{"POST", "/api/v1/targets/mail-inside/run", "{", 400, nil},
		{"POST", "/api/v1/targets/none/run", "", 404, nil},
		{"POST", "/api/v1/targets/mail-inside/run", "", 409, agent.ErrWithheld},
		{"POST", "/api/v1/targets/mail-inside/release", "", 200, nil},
		{"POST", "/api/v1/targets/mail-inside/release", `{"x":1}`, 400, nil},
		{"POST", "/api/v1/targets/none/release", "", 404, nil},
		{"POST", "/api/v1/targets/mail-inside/silence", `{"for":"2h"}`, 200, nil},
		{"POST", "/api/v1/targets/mail-inside/silence", `{"for":"0s"}`, 200, nil},
		{"POST", "/api/v1/targets/mail-inside/silence", ``, 400, nil},
		{"POST", "/api/v1/targets/none/silence", `{"for":"2h"}`, 404, nil},
		{"POST", "/-/reload", "", 200, nil},
		{"POST", "/-/reload", "", 500, http.ErrAbortHandler},
	} {
		a.err = one.err
		w := ask(s, request(one.method, one.path, one.body))
		if w.Code != one.code || !strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
			t.Errorf("%s %s %s: %d %s %s", one.method, one.path, one.body, w.Code, w.Header().Get("Content-Type"), w.Body)
			continue
		}
		path, _, _ := strings.Cut(one.path, "?")
		path = regexp.MustCompile(`/targets/[^/]+`).ReplaceAllString(path, "/targets/{name}")
		path = regexp.MustCompile(`/runs/[^/]+`).ReplaceAllString(path, "/runs/{id}")
		pointer := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(path)
		schema, err := c.Compile("api.json#/paths/" + pointer + "/" + strings.ToLower(one.method) + "/responses/" + strconv.Itoa(one.code) + "/content/application~1json/schema")
		if err != nil {
			t.Errorf("%s %s: the document has no answer %d: %v", one.method, one.path, one.code, err)
			continue
		}
		if err := schema.Validate(must(jsonschema.UnmarshalJSON(w.Body))); err != nil {
			t.Errorf("%s %s: %v", one.method, one.path, err)
		}
	}
}

func TestTargetsInTheAPI(t *testing.T) {
	s, _, _ := started(t, nil)
	list := getJSON[struct{ Targets []map[string]any }](t, s, "/api/v1/targets").Targets
	first, third := list[0], list[2]
	if first["name"] != "mail-inside" || first["status"] != "critical" || first["code"] != "basic-disabled" || first["last_run_id"] != 12.0 {
		t.Errorf("%v", first)
	}
	if w, _ := first["withheld"].(map[string]any); w["why"] != "2 logons of svc-crm@contoso.com were refused." {
		t.Errorf("%v", first["withheld"])
	}
	for _, name := range []string{"status", "code", "summary", "since", "last_run", "withheld"} {
		if v, ok := third[name]; !ok || v != nil {
			t.Errorf("a target without a run has %s %v", name, v)
		}
	}
}

func TestRunsInTheAPI(t *testing.T) {
	s, a, h := started(t, nil)
	for id := range 7 {
		h.runs = append(h.runs, history.Run{ID: int64(7 - id), Target: "new", Status: "ok", Code: "ok"})
	}
	type page struct {
		Runs []apiRun
		Next *int64
	}
	var got []int64
	for path := "/api/v1/targets/new/runs?limit=3"; path != ""; {
		p := getJSON[page](t, s, path)
		for _, r := range p.Runs {
			got = append(got, r.ID)
		}
		if path = ""; p.Next != nil {
			path = "/api/v1/targets/new/runs?limit=3&after=" + strconv.FormatInt(*p.Next, 10)
		}
	}
	if !slices.Equal(got, []int64{7, 6, 5, 4, 3, 2, 1}) {
		t.Errorf("the pages have %v", got)
	}
	for _, bad := range []string{
		"limit=0", "limit=1001", "limit=x", "limit=", "status=good", "status=", "since=yesterday", "until=2026-11-30", "after=0", "after=-1", "after=x",
	} {
		if w := ask(s, request(http.MethodGet, "/api/v1/targets/new/runs?"+bad, "")); w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, w.Code)
		}
	}
	if p := getJSON[page](t, s, "/api/v1/targets/mail-inside/runs?status=critical"); len(p.Runs) != 1 || p.Runs[0].ID != 12 || p.Next != nil {
		t.Errorf("%+v", p)
	}
	a.targets[0].LastRun = &agent.Run{Run: history.Run{Status: "ok", Code: "ok"}}
	if p := getJSON[page](t, s, "/api/v1/targets/mail-inside/runs"); len(p.Runs) != 3 || p.Runs[0].ID != 0 || p.Runs[0].Stored {
		t.Errorf("a run that is not stored: %+v", p.Runs)
	}
}

// A run is what diagnose and diff take, with the fields of the list beside its own.
func TestRunInTheAPI(t *testing.T) {
	s, _, h := started(t, nil)
	for _, path := range []string{"/api/v1/targets/mail-inside/runs/12", "/targets/mail-inside/runs/12.json"} {
		rec, err := report.Load([]byte(get(t, s, path)))
		if err != nil || len(rec.Items) == 0 {
			t.Errorf("%s: %v", path, err)
		}
	}
	if got := get(t, s, "/targets/mail-inside/runs/12.json"); got != string(h.records[12]) {
		t.Error("the record is not as it is stored")
	}
	fields := getJSON[map[string]json.RawMessage](t, s, "/api/v1/targets/mail-inside/runs/12")
	if string(fields["id"]) != "12" || string(fields["code"]) != `"basic-disabled"` || string(fields["credential"]) != "true" {
		t.Errorf("%s %s", fields["id"], fields["code"])
	}
}

func TestPagesThatAreNot(t *testing.T) {
	s, _, _ := started(t, nil)
	for path, want := range map[string]int{
		"/none": 404, "/targets/none": 404, "/targets/mail-inside/runs/99": 404, "/targets/mail-inside/runs/12.xml": 404, "/targets/mail-inside/runs/22.json": 404,
		"/targets/mail-inside/diff?a=12": 400, "/targets/mail-inside/diff?a=12&b=22": 404, "/targets/mail-inside/diff?a=11&b=12&with=none": 404,
		"/targets/mail-inside?after=x": 400, "/probe": 404, "/probe?target=none": 404, "/probe?target=https://mail.contoso.com/": 404,
		"/debug/pprof/": 404, "/debug/requests": 404, "/targets/..%2f..%2fetc/passwd": 404,
	} {
		if w := ask(s, request(http.MethodGet, path, "")); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
	if out := get(t, s, "/probe?target=mail-inside"); !strings.Contains(out, "probe_success") || strings.Contains(out, `target="`) {
		t.Errorf("/probe gives\n%s", out)
	}
}
