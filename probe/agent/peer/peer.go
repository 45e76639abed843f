// Package peer reads what other agents have seen, so that the views from inside and
// from outside stand on one page. It only asks: another agent's API, with GET, as a
// user of its web_config.
//
// A peer is believed nothing: what it says is bounded, made harmless, and shown as
// its word. One that is slow, lies, answers without end or points elsewhere harms
// neither the runs nor the other peers.
package peer

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/secret"
	"github.com/ewsprobe/ewsprobe/probe/agent/agentfile"
	"github.com/ewsprobe/ewsprobe/probe/agent/outbound"
	"github.com/ewsprobe/ewsprobe/probe/config"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// The bounds of what a peer is asked and may answer.
const (
	each       = time.Minute
	patience   = 10 * time.Second // for one answer
	maxList    = 4 << 20
	maxRecord  = 4 << 20
	maxTargets = 1000
	maxRecords = 20 // of one peer, for the targets of one's own endpoints
	maxText    = 500
)

// State is what is known of a peer. It is not changed any more.
type State struct {
	Name    string
	Asked   time.Time // when it answered last; zero: never
	Error   string    // why it did not answer now; the targets are then those of before
	Targets []Target
}

// Target is one of a peer's targets, as the peer says it is.
type Target struct {
	Name     string           `json:"name"`
	Endpoint string           `json:"endpoint"`
	View     string           `json:"view"`
	Status   finding.Status   `json:"status"` // "" before its first run
	Code     finding.Code     `json:"code"`
	Summary  string           `json:"summary"`
	Since    time.Time        `json:"since"`
	LastRun  time.Time        `json:"last_run"`
	RunID    int64            `json:"last_whole_run_id"` // 0: none that is stored
	Record   *evidence.Record `json:"-"`                 // of that run, where the endpoint is also one's own
}

// Peers asks the peers of a configuration.
type Peers struct {
	wanted  func() []string // the endpoints of one's own targets
	log     *slog.Logger
	version string
	change  chan struct{}

	mu     sync.Mutex
	list   []*agentfile.Peer
	states map[string]State
}

// New are none; wanted are the endpoints of one's own targets.
func New(log *slog.Logger, version string, wanted func() []string) *Peers {
	return &Peers{wanted: wanted, log: log, version: version, change: make(chan struct{}, 1)}
}

// Set makes the peers of a configuration those that are asked.
func (p *Peers) Set(list []*agentfile.Peer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.states
	p.list, p.states = list, map[string]State{}
	for _, one := range list {
		p.states[one.Name] = State{Name: one.Name, Error: "not asked yet"}
		if s, ok := before[one.Name]; ok {
			p.states[one.Name] = s
		}
	}
	select {
	case p.change <- struct{}{}:
	default:
	}
}

// Snapshot is what is known of all, by name.
func (p *Peers) Snapshot() []State {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []State
	for _, s := range p.states {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b State) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// Run asks the peers until ctx ends.
func (p *Peers) Run(ctx context.Context) {
	for ctx.Err() == nil {
		p.mu.Lock()
		list := p.list
		p.mu.Unlock()
		within, cancel := context.WithCancel(ctx)
		var asking sync.WaitGroup
		for _, one := range list {
			asking.Go(func() { p.follow(within, one) })
		}
		select {
		case <-ctx.Done():
		case <-p.change:
		}
		cancel()
		asking.Wait()
	}
}

// follow asks one peer again and again.
func (p *Peers) follow(ctx context.Context, one *agentfile.Peer) {
	for {
		p.mu.Lock()
		state := p.states[one.Name]
		p.mu.Unlock()
		after, err := p.ask(ctx, one, state)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			if state.Error != err.Error() {
				p.log.Warn("a peer cannot be read", "peer", one.Name, "error", err)
			}
			after = state
			after.Error = err.Error()
		}
		p.mu.Lock()
		if _, ok := p.states[one.Name]; ok {
			p.states[one.Name] = after
		}
		p.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-time.After(each):
		}
	}
}

// ask reads a peer's targets, and the records of those that are wanted.
func (p *Peers) ask(ctx context.Context, one *agentfile.Peer, before State) (State, error) {
	base, err := url.Parse(one.URL)
	if err != nil || !agentfile.Secure(base) {
		return State{}, errors.New("its address is not https, nor http on this machine")
	}
	raw, err := p.get(ctx, one, base.JoinPath("api", "v1", "targets"), maxList)
	if err != nil {
		return State{}, err
	}
	targets, err := readTargets(raw, time.Now())
	if err != nil {
		return State{}, err
	}
	wanted, records := p.wanted(), 0
	for i := range targets {
		t := &targets[i]
		if t.RunID == 0 || t.Endpoint == "" || !slices.Contains(wanted, t.Endpoint) || records == maxRecords {
			continue
		}
		records++
		if at := slices.IndexFunc(before.Targets, func(b Target) bool {
			return b.Name == t.Name && b.RunID == t.RunID && b.Record != nil
		}); at >= 0 {
			t.Record = before.Targets[at].Record
			continue
		}
		raw, err := p.get(ctx, one, base.JoinPath("targets", t.Name, "runs", strconv.FormatInt(t.RunID, 10)+".json"), maxRecord)
		if err != nil {
			continue // the run may be gone since
		}
		if record, err := report.Load(raw); err == nil {
			t.Record = &record
		}
	}
	return State{Name: one.Name, Asked: time.Now(), Targets: targets}, nil
}

// get asks for one thing. The errors are sentences of ours: what a peer says is in
// none of them.
func (p *Peers) get(ctx context.Context, one *agentfile.Peer, from *url.URL, most int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client, err := outbound.Client(ctx, from, one.CAFile)
	if err != nil {
		return nil, fmt.Errorf("ca_file %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, from.String(), nil)
	if err != nil {
		return nil, errors.New("its address cannot be used")
	}
	r.Header.Set("User-Agent", "ewsprobe/"+p.version)
	var known secret.Vault
	if one.User != "" {
		password, err := config.ReadSecret(ctx, one.PasswordFile)
		if err != nil {
			return nil, fmt.Errorf("password_file %w", err)
		}
		r.SetBasicAuth(one.User, password)
		known.AddText(password)
		known.AddCredential(one.User, password)
	}
	answer, err := client.Do(r)
	if err != nil {
		return nil, outbound.Why(err)
	}
	defer answer.Body.Close()
	switch code := answer.StatusCode; {
	case code == http.StatusUnauthorized && one.User == "":
		return nil, errors.New("it needs a user and a password (401); give user and password_file")
	case code == http.StatusUnauthorized:
		return nil, fmt.Errorf("it refuses the user %q (401)", one.User)
	case code >= 300 && code < 400:
		return nil, fmt.Errorf("it answers with a redirect (%d), which is not followed", code)
	case code != http.StatusOK:
		return nil, fmt.Errorf("it answers %d", code)
	}
	raw, err := io.ReadAll(io.LimitReader(answer.Body, most+1))
	switch {
	case err != nil:
		return nil, outbound.Why(err)
	case int64(len(raw)) > most:
		return nil, fmt.Errorf("its answer is larger than %d bytes", most)
	case known.Holds(string(raw)):
		return nil, errors.New("its answer contains the password")
	}
	return raw, nil
}

// readTargets reads the answer of /api/v1/targets. Times that lie ahead are now.
func readTargets(raw []byte, now time.Time) ([]Target, error) {
	var list struct {
		Targets []Target `json:"targets"`
	}
	if json.Unmarshal(raw, &list) != nil || list.Targets == nil {
		return nil, errors.New("its answer is not that of an agent")
	}
	if len(list.Targets) > maxTargets {
		return nil, fmt.Errorf("it has more than %d targets", maxTargets)
	}
	past := func(at time.Time) time.Time {
		if at.After(now) {
			return now
		}
		return at
	}
	for i := range list.Targets {
		t := &list.Targets[i]
		named := agentfile.IsName(t.Name) && (t.Endpoint == "" || agentfile.IsName(t.Endpoint))
		if !named || t.Status != "" && t.Status.Rank() > finding.OK.Rank() {
			return nil, errors.New("its answer is not that of an agent: it has an invalid name or status")
		}
		if _, ok := finding.Lookup(t.Code); !ok {
			t.Code = "" // of a newer version
		}
		t.View, t.Summary = report.Clean(t.View, 20), report.Clean(t.Summary, maxText)
		t.Since, t.LastRun, t.RunID = past(t.Since), past(t.LastRun), max(t.RunID, 0)
	}
	return list.Targets, nil
}
