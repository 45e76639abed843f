package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/agent"
	"github.com/ewsprobe/ewsprobe/probe/agent/history"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// apiTarget is a target as the API has it.
type apiTarget struct {
	Name      string            `json:"name"`
	Status    *finding.Status   `json:"status"` // null before the first run
	Code      *finding.Code     `json:"code"`
	Summary   *string           `json:"summary"`
	Since     *time.Time        `json:"since"`
	LastRun   *time.Time        `json:"last_run"`
	NextRun   *time.Time        `json:"next_run"`
	Labels    map[string]string `json:"labels"`
	Withheld  *agent.Withheld   `json:"withheld"`
	Endpoint  string            `json:"endpoint"`
	View      string            `json:"view"`
	LastRunID *int64            `json:"last_run_id"` // null: there is none, or it is not stored
	// LastWholeRunID is what a peer compares.
	LastWholeRunID *int64 `json:"last_whole_run_id"`
}

// apiOneTarget is what the API says of a target that is asked for alone.
type apiOneTarget struct {
	apiTarget
	URL               string     `json:"url"`
	LastOK            *time.Time `json:"last_ok"`
	LogonsLeft        int        `json:"logons_left"`
	SilencedUntil     *time.Time `json:"silenced_until"`
	Running           bool       `json:"running"`
	CertificateExpiry *time.Time `json:"certificate_expiry"`
}

type apiRun struct {
	ID         *int64         `json:"id"` // null: it is not stored
	Started    time.Time      `json:"started"`
	DurationMS int64          `json:"duration_ms"`
	Status     finding.Status `json:"status"`
	Code       finding.Code   `json:"code"`
	Credential bool           `json:"credential"`
	Stored     bool           `json:"stored"`
}

type apiTransition struct {
	Target  string           `json:"target"`
	At      time.Time        `json:"at"`
	From    *finding.Status  `json:"from"` // null: the first run
	To      finding.Status   `json:"to"`
	Run     int64            `json:"run"`
	Code    finding.Code     `json:"code"`
	Changes []history.Change `json:"changes"`
}

func listed(t *agent.Target) apiTarget {
	a := apiTarget{Name: t.Name, Labels: t.Labels, Since: known(t.Since), NextRun: known(t.NextRun), Endpoint: t.Endpoint, View: t.View}
	if a.Labels == nil {
		a.Labels = map[string]string{}
	}
	if t.Status != "" {
		a.Status, a.Code, a.Summary = &t.Status, &t.Code, &t.Summary
	}
	if r := t.LastRun; r != nil {
		a.LastRun, a.LastRunID = known(r.Started), numbered(r.ID)
	}
	if t.Whole != nil {
		a.LastWholeRunID = numbered(t.Whole.Run.ID)
	}
	if w := t.Withheld; w != nil {
		a.Withheld = &agent.Withheld{Since: w.Since.UTC(), Why: w.Why}
	}
	return a
}

// known is a time, or null where it is not known.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Millisecond)
	return &t
}

func numbered(id int64) *int64 {
	if id == 0 {
		return nil
	}
	return &id
}

func runOf(r history.Run) apiRun {
	return apiRun{numbered(r.ID), r.Started.UTC(), r.Duration.Milliseconds(), r.Status, r.Code, r.Credential, r.ID != 0}
}

func (s *Server) listTargets(w http.ResponseWriter, _ *http.Request) {
	list := []apiTarget{}
	for _, t := range s.o.Agent.Snapshot() {
		list = append(list, listed(t))
	}
	answer(w, map[string]any{"targets": list})
}

func (s *Server) oneTarget(w http.ResponseWriter, _ *http.Request, t *agent.Target) {
	answer(w, apiOneTarget{
		apiTarget: listed(t), URL: t.URL,
		LastOK: known(t.LastOK), LogonsLeft: t.LogonsLeft, SilencedUntil: known(t.SilencedUntil), Running: t.Running,
		CertificateExpiry: known(t.Certificate()),
	})
}

func (s *Server) listRuns(w http.ResponseWriter, r *http.Request, t *agent.Target) {
	q, err := queryOf(r.URL.Query())
	if err != nil {
		fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	runs, more, err := s.runs(r.Context(), t, q)
	if err != nil {
		s.broken(w, r, err)
		return
	}
	list := []apiRun{}
	for _, one := range runs {
		list = append(list, runOf(one))
	}
	var next *int64
	if more {
		next = &runs[len(runs)-1].ID
	}
	answer(w, map[string]any{"runs": list, "next": next})
}

// runs are those of a target that a query chooses, with one that is not stored.
func (s *Server) runs(ctx context.Context, t *agent.Target, q query) ([]history.Run, bool, error) {
	runs, more, err := s.o.History.Runs(ctx, t.Name, q.Query)
	if last := t.LastRun; last != nil && last.ID == 0 && q.After == 0 && q.fits(last.Run) {
		runs = append([]history.Run{last.Run}, runs...)
	}
	return runs, more, err
}

// query chooses runs.
type query struct{ history.Query }

func (q query) fits(r history.Run) bool {
	return (q.Since.IsZero() || !r.Started.Before(q.Since)) && (q.Until.IsZero() || r.Started.Before(q.Until)) &&
		(q.Status == "" || q.Status == r.Status)
}

// oneRun is the report of a run, which diagnose and diff take, and beside its fields
// those of the list.
func (s *Server) oneRun(w http.ResponseWriter, r *http.Request, t *agent.Target) {
	run, raw := s.record(w, r, t.Name, r.PathValue("id"))
	if raw == nil {
		return
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &fields); err != nil {
		s.broken(w, r, err)
		return
	}
	for name, value := range map[string]any{
		"id": run.ID, "status": run.Status, "code": run.Code, "credential": run.Credential, "stored": true,
	} {
		fields[name], _ = json.Marshal(value)
	}
	answer(w, fields)
}

func (s *Server) listTransitions(w http.ResponseWriter, r *http.Request) {
	values := r.URL.Query()
	q, err := queryOf(values)
	if err != nil {
		fail(w, r, http.StatusBadRequest, err.Error())
		return
	}
	name := values.Get("target")
	if name != "" && s.o.Agent.Target(name) == nil {
		fail(w, r, http.StatusNotFound, noTarget)
		return
	}
	found, more, err := s.o.History.Transitions(r.Context(), name, q.Limit, q.After)
	if err != nil {
		s.broken(w, r, err)
		return
	}
	list := []apiTransition{}
	for _, t := range found {
		one := apiTransition{Target: t.Target, At: t.At.UTC(), To: t.To, Run: t.Run, Code: t.ToCode, Changes: t.Changes}
		if t.From != "" {
			one.From = &t.From
		}
		if one.Changes == nil {
			one.Changes = []history.Change{}
		}
		list = append(list, one)
	}
	var next *int64
	if more {
		next = &found[len(found)-1].ID
	}
	answer(w, map[string]any{"transitions": list, "next": next})
}

// queryOf reads since, until, status, limit and after.
func queryOf(v url.Values) (query, error) {
	q := query{history.Query{Limit: 100}}
	for name, at := range map[string]*time.Time{"since": &q.Since, "until": &q.Until} {
		if text := v.Get(name); v.Has(name) {
			var err error
			if *at, err = time.Parse(time.RFC3339, text); err != nil {
				return q, fmt.Errorf("%s must be a time like 2026-11-30T08:00:00Z", name)
			}
		}
	}
	if v.Has("status") {
		q.Status = finding.Status(v.Get("status"))
		if q.Status.Rank() > finding.OK.Rank() {
			return q, errors.New("status must be ok, warning, critical or unknown")
		}
	}
	if v.Has("limit") {
		n, err := strconv.Atoi(v.Get("limit"))
		if q.Limit = n; err != nil || n < 1 || n > 1000 {
			return q, errors.New("limit must be a number from 1 to 1000")
		}
	}
	if v.Has("after") {
		n, err := strconv.ParseInt(v.Get("after"), 10, 64)
		if q.After = n; err != nil || n < 1 {
			return q, errors.New("after must be the id in next of the previous answer")
		}
	}
	return q, nil
}

const noTarget = "there is no such target"

// record is a run of a target with its report; nil: it was answered that there is
// none.
func (s *Server) record(w http.ResponseWriter, r *http.Request, target, id string) (run history.Run, raw []byte) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		err = history.ErrNone
	} else if run, err = s.o.History.Run(r.Context(), target, n); err == nil {
		raw, err = s.o.History.Record(r.Context(), target, n)
	}
	switch {
	case errors.Is(err, history.ErrNone):
		fail(w, r, http.StatusNotFound, "there is no such run, or it was deleted after the retention time")
	case err != nil:
		s.broken(w, r, err)
	default:
		return run, raw
	}
	return run, nil
}

// answer writes a value as JSON.
func answer(w http.ResponseWriter, v any) { answerWith(w, http.StatusOK, v) }

func answerWith(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // the other end may be gone
}

// fail says why a request is not answered: a program in JSON.
func fail(w http.ResponseWriter, r *http.Request, code int, why string) {
	if strings.HasPrefix(r.URL.Path, "/targets/") {
		http.Error(w, why, code)
		return
	}
	answerWith(w, code, map[string]string{"error": why})
}

// broken is an answer that the storage could not give. What it says goes to the log
// only: it may name files.
func (s *Server) broken(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		s.o.Log.Error("storage", "path", r.URL.Path, "error", err)
	}
	fail(w, r, http.StatusInternalServerError, "the storage cannot be read; see the log of the agent")
}
