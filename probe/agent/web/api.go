package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/agent"
	"github.com/ewsprobe/ewsprobe/probe/agent/history"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// apiTarget is a target as the API has it: what is not known is null, as evidence.Encode
// writes it.
type apiTarget struct {
	*agent.Target
	LastRun   time.Time `json:"last_run"`
	LastRunID int64     `json:"last_run_id" null:"zero"` // null: there is none, or it is not stored
	// LastWholeRunID is what a peer compares.
	LastWholeRunID    int64     `json:"last_whole_run_id" null:"zero"`
	CertificateExpiry time.Time `json:"certificate_expiry"`
}

type apiRun struct {
	history.Run
	DurationMS int64 `json:"duration_ms"`
	Stored     bool  `json:"stored"`
}

func listed(t *agent.Target) apiTarget {
	a := apiTarget{Target: t, CertificateExpiry: t.Certificate()}
	if r := t.LastRun; r != nil {
		a.LastRun, a.LastRunID = r.Started, r.ID
	}
	if t.Whole != nil {
		a.LastWholeRunID = t.Whole.Run.ID
	}
	return a
}

func (s *Server) listTargets(w http.ResponseWriter, _ *http.Request, _ *agent.Target) error {
	var list struct {
		Targets []apiTarget `json:"targets"`
	}
	for _, t := range s.o.Agent.Snapshot() {
		list.Targets = append(list.Targets, listed(t))
	}
	return answer(w, http.StatusOK, list)
}

func (s *Server) oneTarget(w http.ResponseWriter, _ *http.Request, t *agent.Target) error {
	return answer(w, http.StatusOK, listed(t))
}

func (s *Server) listRuns(w http.ResponseWriter, r *http.Request, t *agent.Target) error {
	q, err := queryOf(r.URL.Query())
	if err != nil {
		return err
	}
	runs, more, err := s.runs(r.Context(), t, q)
	if err != nil {
		return err
	}
	var list struct {
		Runs []apiRun `json:"runs"`
		Next int64    `json:"next" null:"zero"`
	}
	for _, r := range runs {
		list.Runs = append(list.Runs, apiRun{r, r.Duration.Milliseconds(), r.ID != 0})
	}
	if more {
		list.Next = runs[len(runs)-1].ID
	}
	return answer(w, http.StatusOK, list)
}

// runs are those of a target that a query chooses, with one that is not stored.
func (s *Server) runs(ctx context.Context, t *agent.Target, q history.Query) ([]history.Run, bool, error) {
	runs, more, err := s.o.History.Runs(ctx, t.Name, q)
	if last := t.LastRun; last != nil && last.ID == 0 && q.After == 0 && q.Fits(last.Run) {
		runs = append([]history.Run{last.Run}, runs...)
	}
	return runs, more, err
}

// oneRun is the report of a run, which diagnose and diff take, and beside its fields
// those of the list.
func (s *Server) oneRun(w http.ResponseWriter, r *http.Request, t *agent.Target) error {
	run, raw, err := s.record(r.Context(), t.Name, r.PathValue("id"))
	fields := map[string]json.RawMessage{}
	if err == nil {
		err = json.Unmarshal(raw, &fields)
	}
	if err != nil {
		return err
	}
	for name, value := range map[string]any{
		"id": run.ID, "status": run.Status, "code": run.Code, "credential": run.Credential, "stored": true,
	} {
		fields[name], _ = json.Marshal(value)
	}
	return answer(w, http.StatusOK, fields)
}

func (s *Server) listTransitions(w http.ResponseWriter, r *http.Request, _ *agent.Target) error {
	values := r.URL.Query()
	q, err := queryOf(values)
	if err != nil {
		return err
	}
	name := values.Get("target")
	if name != "" && s.o.Agent.Target(name) == nil {
		return agent.ErrUnknown
	}
	var list struct {
		Transitions []history.Transition `json:"transitions"`
		Next        int64                `json:"next" null:"zero"`
	}
	var more bool
	if list.Transitions, more, err = s.o.History.Transitions(r.Context(), name, q.Limit, q.After); err != nil {
		return err
	}
	if more {
		list.Next = list.Transitions[len(list.Transitions)-1].ID
	}
	return answer(w, http.StatusOK, list)
}

// queryOf reads since, until, status, limit and after.
func queryOf(v url.Values) (history.Query, error) {
	q, wrong := history.Query{Limit: 100}, ""
	for name, at := range map[string]*time.Time{"since": &q.Since, "until": &q.Until} {
		if v.Has(name) {
			var err error
			if *at, err = time.Parse(time.RFC3339, v.Get(name)); err != nil {
				wrong = fmt.Sprintf("%s must be a time like 2026-11-30T08:00:00Z", name)
			}
		}
	}
	if q.Status = finding.Status(v.Get("status")); v.Has("status") && q.Status.Rank() > finding.OK.Rank() {
		wrong = "status must be ok, warning, critical or unknown"
	}
	if v.Has("limit") {
		n, err := strconv.Atoi(v.Get("limit"))
		if q.Limit = n; err != nil || n < 1 || n > 1000 {
			wrong = "limit must be a number from 1 to 1000"
		}
	}
	if v.Has("after") {
		n, err := strconv.ParseInt(v.Get("after"), 10, 64)
		if q.After = n; err != nil || n < 1 {
			wrong = "after must be the id in next of the previous answer"
		}
	}
	if wrong != "" {
		return q, refusal{http.StatusBadRequest, wrong}
	}
	return q, nil
}

// record is a run of a target with its report.
func (s *Server) record(ctx context.Context, target, id string) (run history.Run, raw []byte, err error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return run, nil, history.ErrNone
	}
	if run, err = s.o.History.Run(ctx, target, n); err == nil {
		raw, err = s.o.History.Record(ctx, target, n)
	}
	return run, raw, err
}

// answer writes a value as JSON.
func answer(w http.ResponseWriter, code int, v any) error {
	raw, err := evidence.Encode(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(append(raw, '\n')) // the other end may be gone
	return nil
}
