// Package web is what an agent serves: pages for people, an API for programs, and
// metrics for Prometheus.
//
// Reading changes nothing: a page, a scrape and a question of the API cause no
// logon and no check. What a server, a mailbox or a label is called is shown, and
// stays in its place: pages are made by html/template, control characters and
// invisible ones are replaced before, and a policy forbids all that is not the
// page's own.
package web

import (
	"context"
	_ "embed"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/agent"
	"github.com/ewsprobe/ewsprobe/probe/agent/history"
	"github.com/ewsprobe/ewsprobe/probe/agent/metrics"
	"github.com/ewsprobe/ewsprobe/probe/agent/peer"
)

// Agent is the agent, as pages and API need it.
type Agent interface {
	Snapshot() []*agent.Target
	Target(name string) *agent.Target
	NotStored() (n int, why string)
	RunNow(name string, credential bool) error
	Release(name string) error
	Silence(name string, d time.Duration) error
	Reload(ctx context.Context) error
	Ready() error
}

// History is the past of an agent.
type History interface {
	Runs(ctx context.Context, target string, q history.Query) ([]history.Run, bool, error)
	Run(ctx context.Context, target string, id int64) (history.Run, error)
	Record(ctx context.Context, target string, id int64) ([]byte, error)
	Transitions(ctx context.Context, target string, limit int, after int64) ([]history.Transition, bool, error)
	Batch(ctx context.Context, target string) ([]byte, error)
}

// Options are what a Server is made of.
type Options struct {
	Agent     Agent
	History   History
	Metrics   *metrics.Metrics
	Version   string
	WebConfig string              // a file, "" for none
	Peers     func() []peer.State // other agents; nil: there are none
	Log       *slog.Logger
}

// Server serves the pages, the API and the metrics of an agent.
type Server struct {
	o       Options
	mux     *http.ServeMux
	compare comparisons
}

// New makes a server; Serve or Handler serves it.
func New(o Options) *Server {
	if o.Peers == nil {
		o.Peers = func() []peer.State { return nil }
	}
	s := &Server{o: o, mux: http.NewServeMux()}
	for _, r := range s.routes() {
		s.mux.HandleFunc(r.method+" "+r.path, func(w http.ResponseWriter, asked *http.Request) {
			if err := s.handle(r, w, asked); err != nil {
				s.fail(w, asked, err)
			}
		})
	}
	return s
}

// Handler answers requests.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setSecurityHeaders(w.Header())
		s.mux.ServeHTTP(w, r)
	})
}

// route is a path and what answers there. openapi.json describes those under /api
// and /-/; TestDocument compares them.
type route struct {
	method, path string
	// answer writes the answer, or says why not. t is the target that the path names.
	answer func(w http.ResponseWriter, r *http.Request, t *agent.Target) error
}

func (s *Server) routes() []route {
	get, post := http.MethodGet, http.MethodPost
	return []route{
		{get, "/{$}", s.overview},
		{get, "/targets/{name}", s.targetPage},
		{get, "/targets/{name}/runs/{id}", s.runPage},
		{get, "/targets/{name}/diff", s.diffPage},

		{get, "/api/v1/openapi.json", s.document},
		{get, "/api/v1/targets", s.listTargets},
		{get, "/api/v1/targets/{name}", s.oneTarget},
		{get, "/api/v1/targets/{name}/runs", s.listRuns},
		{get, "/api/v1/targets/{name}/runs/{id}", s.oneRun},
		{get, "/api/v1/transitions", s.listTransitions},
		{post, "/api/v1/targets/{name}/run", s.runNow},
		{post, "/api/v1/targets/{name}/release", s.release},
		{post, "/api/v1/targets/{name}/silence", s.silence},
		{post, "/-/reload", s.reload},

		{get, "/metrics", s.scrape},
		{get, "/probe", s.probe},
		{get, "/healthz", s.healthz},
		{get, "/readyz", s.readyz},
	}
}

// handle has a route answer a request. What may change something asks who it is first.
func (s *Server) handle(to route, w http.ResponseWriter, r *http.Request) error {
	if to.method == http.MethodPost {
		if why := s.mayNot(r); why != "" {
			return refusal{http.StatusForbidden, why}
		}
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	}
	var t *agent.Target
	if strings.Contains(to.path, "{name}") {
		if t = s.o.Agent.Target(r.PathValue("name")); t == nil {
			return agent.ErrUnknown
		}
	}
	return to.answer(w, r, t)
}

// refusal is why a request is not answered.
type refusal struct {
	code int
	why  string
}

func (r refusal) Error() string { return r.why }

// fail says why a request is not answered: a program in JSON. What the storage says goes
// to the log only: it may name files.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var no refusal
	switch {
	case errors.As(err, &no):
	case errors.Is(err, agent.ErrUnknown):
		no = refusal{http.StatusNotFound, err.Error()}
	case errors.Is(err, history.ErrNone):
		no = refusal{http.StatusNotFound, "there is no such run, or it was deleted after the retention time"}
	case errors.Is(err, agent.ErrWithheld):
		no = refusal{http.StatusConflict, "the credential is withheld: nothing is sent until the password changes or the target is released"}
	default:
		no = refusal{http.StatusInternalServerError, "the storage cannot be read; see the log of the agent"}
		if r.Context().Err() == nil {
			s.o.Log.Error("storage", "path", r.URL.Path, "error", err)
		}
	}
	if strings.HasPrefix(r.URL.Path, "/api/") || strings.HasPrefix(r.URL.Path, "/-/") {
		_ = answer(w, no.code, map[string]string{"error": no.why}) // of texts alone
	} else {
		http.Error(w, no.why, no.code)
	}
}

//go:embed openapi.json
var openAPI []byte

// document describes the API.
func (s *Server) document(w http.ResponseWriter, _ *http.Request, _ *agent.Target) error {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(openAPI)
	return nil
}

func (s *Server) scrape(w http.ResponseWriter, r *http.Request, _ *agent.Target) error {
	s.o.Metrics.All().ServeHTTP(w, r)
	return nil
}

// probe is the metrics of one target. What is asked for is a name and never an
// address: nothing is sent to where a caller chooses.
func (s *Server) probe(w http.ResponseWriter, r *http.Request, _ *agent.Target) error {
	t := s.o.Agent.Target(r.URL.Query().Get("target"))
	if t == nil {
		return refusal{http.StatusNotFound, "target has to be the name of a target of this agent"}
	}
	s.o.Metrics.One(t).ServeHTTP(w, r)
	return nil
}

// healthz says that the agent lives.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request, _ *agent.Target) error {
	_, _ = w.Write([]byte("ok\n"))
	return nil
}

// readyz says whether configuration and storage were read.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request, _ *agent.Target) error {
	if err := s.o.Agent.Ready(); err != nil {
		return refusal{http.StatusServiceUnavailable, err.Error()}
	}
	_, _ = w.Write([]byte("ready\n"))
	return nil
}
