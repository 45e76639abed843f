package agent

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/agent/agentfile"
	"github.com/ewsprobe/ewsprobe/probe/agent/history"
	"github.com/ewsprobe/ewsprobe/probe/config"
	"github.com/ewsprobe/ewsprobe/probe/lockout"
)

// records are what genuine checks of the stand-in have written down: one that sends
// no credential, one with the right password and one with a wrong one.
var records = sync.OnceValue(func() map[string]evidence.Record {
	all := map[string]evidence.Record{}
	for name, b := range map[string]standin.Behaviour{
		"good": {Basic: true, NTLM: true, Negotiate: true}, "basic-off": {NTLM: true, Negotiate: true}, "away": {Transport: standin.TransportTLS},
	} {
		s, err := standin.Start(b, standin.Options{})
		if err != nil {
			panic(err)
		}
		u, err := url.Parse(s.URL())
		if err != nil {
			panic(err)
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(s.CA())
		c := probe.Config{
			URL: u, User: standin.UPN, Password: standin.Password, ProfileAuth: probe.ProfileBasic, View: "inside", Addresses: s.Addresses()[:1],
			Extra: roots, Timeout: 20 * time.Second, UserAgent: "ewsprobe/test", MaxRejections: 2,
		}
		if name == "away" {
			_ = s.Close()
		}
		for kind, change := range map[string]func(*probe.Config){
			"accepted":  func(*probe.Config) {},
			"refused":   func(c *probe.Config) { c.Password = "wrong" },
			"anonymous": func(c *probe.Config) { *c = c.Anonymous() },
		} {
			own := c
			change(&own)
			if all[name+" "+kind], err = probe.Run(context.Background(), own); err != nil {
				panic(err)
			}
		}
		if name != "away" {
			_ = s.Close()
		}
	}
	return all
})

// start is a run that was begun.
type start struct {
	target   string // by its user agent
	at       time.Time
	whole    bool
	password string
}

// world is what the agent's checks meet: an Exchange and a directory.
type world struct {
	t   *testing.T
	dir string

	mu       sync.Mutex
	mode     string // good, basic-off, away
	password string // of the account
	takes    time.Duration
	starts   []start
	bad      int // logons that the directory has refused in a row
	most     int // the most that there were
	sent     int // logons
	running  map[string]int
	overlap  []string
	logons   int // under way
	hang     bool
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, dir: t.TempDir(), mode: "good", password: "right", takes: 100 * time.Millisecond, running: map[string]int{}}
	w.write("password.txt", "right\n")
	return w
}

func (w *world) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// change changes the world.
func (w *world) change(work func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	work()
}

func (w *world) options() Options {
	file := filepath.Join(w.dir, "agent.yaml")
	none := func(string) string { return "" }
	return Options{
		Load:     func(ctx context.Context) (*agentfile.File, error) { return agentfile.Load(ctx, file, "1.0", none) },
		Version:  "1.0",
		Log:      slog.New(slog.NewTextHandler(w.t.Output(), nil)),
		Check:    w.check,
		Stored:   func() {},
		Reloaded: func(*agentfile.File) {},
		Lockouts: filepath.Join(w.dir, "lockouts"),
		Password: func(ctx context.Context, t *agentfile.Target) (string, error) {
			return t.Password(ctx, config.PasswordSources{Env: none})
		},
		Decide: func(e Event, before map[string][]byte) (map[string][]byte, []history.Notification) {
			what := string(e.Target.Status)
			if e.Target.Withheld != nil {
				what += " withheld"
			}
			if e.Target.Muted || what == string(before["admins"]) {
				return nil, nil
			}
			return map[string][]byte{"admins": []byte(what)}, []history.Notification{{Channel: "admins", Target: e.Target.Name, Created: e.At, Next: e.At, Body: []byte(`"` + what + `"`)}}
		},
	}
}

// configure writes the configuration; targets are lines of a flow mapping each.
func (w *world) configure(targets ...string) {
	text := "storage: store\nretention: 10d\ndefaults: {target: mail.contoso.com, anonymous_interval: 5m}\ntargets:\n"
	for _, t := range targets {
		name := strings.Fields(strings.TrimSuffix(strings.SplitAfter(t, "name: ")[1], "}"))[0]
		text += "  - {user_agent: " + strings.Trim(name, ",") + ", " + t + "}\n"
	}
	w.write("agent.yaml", text)
}

// signsIn is a target with the account.
func signsIn(name, more string) string {
	return fmt.Sprintf(`name: %s, user: svc@contoso.com, password_file: password.txt%s`, name, more)
}

// begin starts an agent, which ends with stop.
func (w *world) begin() (a *Agent, stop func()) {
	w.t.Helper()
	a, err := New(context.Background(), w.options())
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		a.Run(ctx)
	}()
	synctest.Wait()
	return a, sync.OnceFunc(func() {
		cancel()
		<-ended
		// The sender still reads and writes: what it has delivered at the end is not told again.
		if _, err := a.Store().Pending(context.Background()); err != nil {
			w.t.Error(err)
		}
		if err := a.Close(); err != nil {
			w.t.Error(err)
		}
	})
}

// check is a check in this world.
func (w *world) check(ctx context.Context, c probe.Config) (evidence.Record, error) {
	w.mu.Lock()
	whole, mode, takes, hang := !c.NoCredentials, w.mode, w.takes, w.hang
	w.starts = append(w.starts, start{c.UserAgent, time.Now(), whole, c.Password})
	w.running[c.UserAgent]++
	if w.running[c.UserAgent] > 1 {
		w.overlap = append(w.overlap, c.UserAgent)
	}
	if whole {
		if w.running["account"]++; w.running["account"] > 1 {
			w.overlap = append(w.overlap, "runs of the account")
		}
	}
	w.mu.Unlock()
	began := time.Now()
	kind := "anonymous"
	if whole && mode != "away" {
		kind = w.signIn(ctx, c, hang)
	}
	select {
	case <-time.After(takes):
	case <-ctx.Done():
	}
	w.change(func() {
		if w.running[c.UserAgent]--; whole {
			w.running["account"]--
		}
	})
	rec := records()[mode+" "+kind]
	rec.Started, rec.Duration = began, time.Since(began)
	rec.Target.Credentials = whole
	if ctx.Err() != nil {
		rec.Stopped = evidence.StoppedByUser
	}
	return rec, nil
}

// signIn sends the password, as often as a check does that is refused.
func (w *world) signIn(ctx context.Context, c probe.Config, hang bool) string {
	account := c.Account()
	for range 2 {
		leave, denied := account.Begin(ctx, lockout.Use{At: c.URL})
		if denied != nil {
			return "refused"
		}
		var good bool
		w.change(func() {
			if w.sent++; w.logons > 0 {
				w.overlap = append(w.overlap, "logons of "+c.User)
			}
			w.logons++
			if good = c.Password == w.password; good {
				w.bad = 0
			} else {
				w.bad++
			}
			w.most = max(w.most, w.bad)
		})
		if hang {
			<-ctx.Done()
			return "refused"
		}
		time.Sleep(50 * time.Millisecond)
		w.change(func() { w.logons-- })
		if good {
			leave.End(evidence.Accepted)
			return "accepted"
		}
		leave.End(evidence.Refused)
	}
	return "refused"
}

// runs counts those of a target.
func (w *world) runs(target string, whole bool) (list []start) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.starts {
		if s.target == target && s.whole == whole {
			list = append(list, s)
		}
	}
	return list
}

func (w *world) logonsSent() (n int) {
	w.change(func() { n = w.sent })
	return n
}

func (w *world) maxRefused() (n int) {
	w.change(func() { n = w.most })
	return n
}

func (w *world) overlaps() (list []string) {
	w.change(func() { list = w.overlap })
	return list
}

// unstored is how many runs wait to be stored.
func unstored(a *Agent) int {
	a.backlog.mu.Lock()
	defer a.backlog.mu.Unlock()
	return len(a.backlog.list)
}

// queue is what is to be told, in order.
func queue(t *testing.T, a *Agent) (list []string) {
	t.Helper()
	pending, err := a.Store().Pending(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range pending {
		list = append(list, n.Target+": "+strings.Trim(string(n.Body), `"`))
	}
	return list
}
