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
	"log/slog"
	"net/http"
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
	Batch(ctx context.Context, target string) (summary, rows []byte, err error)
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
		handle := r.handle
		if r.method == http.MethodPost {
			handle = s.act(handle)
		}
		s.mux.HandleFunc(r.method+" "+r.path, handle)
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
	handle       http.HandlerFunc
}

func (s *Server) routes() []route {
	get, post := http.MethodGet, http.MethodPost
	return []route{
		{get, "/{$}", s.overview},
		{get, "/targets/{name}", s.about(s.targetPage)},
		{get, "/targets/{name}/runs/{id}", s.about(s.runPage)},
		{get, "/targets/{name}/diff", s.about(s.diffPage)},

		{get, "/api/v1/openapi.json", s.document},
		{get, "/api/v1/targets", s.listTargets},
		{get, "/api/v1/targets/{name}", s.about(s.oneTarget)},
		{get, "/api/v1/targets/{name}/runs", s.about(s.listRuns)},
		{get, "/api/v1/targets/{name}/runs/{id}", s.about(s.oneRun)},
		{get, "/api/v1/transitions", s.listTransitions},
		{post, "/api/v1/targets/{name}/run", s.about(s.runNow)},
		{post, "/api/v1/targets/{name}/release", s.about(s.release)},
		{post, "/api/v1/targets/{name}/silence", s.about(s.silence)},
		{post, "/-/reload", s.reload},

		{get, "/metrics", s.o.Metrics.All().ServeHTTP},
		{get, "/probe", s.probe},
		{get, "/healthz", healthy},
		{get, "/readyz", s.readyz},
	}
}

//go:embed openapi.json
var openAPI []byte

// document describes the API.
func (s *Server) document(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(openAPI)
}

// about has a handler answer about the target that the path names.
func (s *Server) about(answer func(http.ResponseWriter, *http.Request, *agent.Target)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if t := s.o.Agent.Target(r.PathValue("name")); t != nil {
			answer(w, r, t)
		} else {
			fail(w, r, http.StatusNotFound, noTarget)
		}
	}
}

// probe is the metrics of one target. What is asked for is a name and never an
// address: nothing is sent to where a caller chooses.
func (s *Server) probe(w http.ResponseWriter, r *http.Request) {
	t := s.o.Agent.Target(r.URL.Query().Get("target"))
	if t == nil {
		http.Error(w, "target has to be the name of a target of this agent", http.StatusNotFound)
		return
	}
	s.o.Metrics.One(t).ServeHTTP(w, r)
}

// healthy says that the agent lives.
func healthy(w http.ResponseWriter, _ *http.Request) { plain(w, "ok\n") }

// readyz says whether configuration and storage were read.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	if err := s.o.Agent.Ready(); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	plain(w, "ready\n")
}

func plain(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(text))
}
