package standin

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Crowd is many mailboxes and a server that is kept busy by them, for tests of
// clients that ask for one after the other. The first Mailboxes of
// box1@contoso.com, box2@contoso.com, ... exist.
type Crowd struct {
	Mailboxes int `yaml:"mailboxes,omitempty"`
	// Denied and Moving: of the numbers, each that can be divided by it is outside
	// the role's scope, or is being moved; 0 none.
	Denied int `yaml:"denied,omitempty"`
	Moving int `yaml:"moving,omitempty"`
	// Delay is how long a call takes.
	Delay time.Duration `yaml:"delay,omitempty"`
	// Throttle limits the calls of those who are signed in.
	Throttle Throttle `yaml:"throttle,omitempty"`
	// DropEvery closes the connection, unannounced, in place of every n-th answer;
	// ForgetEvery signs the connection out before every n-th call. 0 never.
	DropEvery   int `yaml:"drop-every,omitempty"`
	ForgetEvery int `yaml:"forget-every,omitempty"`
	// RefuseAfter refuses the right password from so many calls on, for Refusals
	// logons; 0 never.
	RefuseAfter int `yaml:"refuse-after,omitempty"`
	Refusals    int `yaml:"refusals,omitempty"`
}

// Throttle is a bucket of calls, or a number of calls at a time.
type Throttle struct {
	Rate  float64 `yaml:"rate,omitempty"`  // calls per second; 0: no limit
	Burst int     `yaml:"burst,omitempty"` // the bucket's size
	// Pause is asked for when the bucket is empty, in the form of How.
	Pause time.Duration `yaml:"pause,omitempty"`
	How   ThrottleForm  `yaml:"how,omitempty"`
	// Most is how many calls may be under way; 0: any number.
	Most int `yaml:"most,omitempty"`
}

// ThrottleForm is how a pause is asked for.
type ThrottleForm string

const (
	ThrottleBusy        ThrottleForm = ""            // ErrorServerBusy with BackOffMilliseconds
	ThrottleUnavailable ThrottleForm = "retry-after" // 503 with Retry-After, in whole seconds
	ThrottleBare        ThrottleForm = "503"         // 503 without it
)

// crowded is the state of a Crowd.
type crowded struct {
	mu       sync.Mutex
	tokens   float64
	filled   time.Time
	calls    int
	under    int
	most     int
	refused  int
	throttle int
	served   map[string]int
}

// begin takes a call in, or answers in its place.
func (n *node) beginCall() (refusal *response, drop bool) {
	c := n.behaviour.Crowd
	s := &n.crowd
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if c.DropEvery > 0 && s.calls%c.DropEvery == 0 {
		return nil, true
	}
	t := c.Throttle
	if t.Most > 0 && s.under >= t.Most {
		s.throttle++
		return n.fault("ErrorExceededConnectionCount"), false
	}
	if t.Rate > 0 {
		now := time.Now()
		if s.filled.IsZero() {
			s.tokens = float64(max(t.Burst, 1))
		} else {
			s.tokens = min(s.tokens+now.Sub(s.filled).Seconds()*t.Rate, float64(max(t.Burst, 1)))
		}
		s.filled = now
		if s.tokens < 1 {
			s.throttle++
			switch t.How {
			case ThrottleUnavailable:
				return n.exchangeResponse(http.StatusServiceUnavailable).with("Retry-After", strconv.Itoa(int(t.Pause.Round(time.Second).Seconds()))), false
			case ThrottleBare:
				return n.exchangeResponse(http.StatusServiceUnavailable), false
			}
			return n.fault("ErrorServerBusy", [2]string{"BackOffMilliseconds", strconv.FormatInt(t.Pause.Milliseconds(), 10)}), false
		}
		s.tokens--
	}
	s.under++
	s.most = max(s.most, s.under)
	return nil, false
}

func (n *node) endCall(c *call) {
	s := &n.crowd
	s.mu.Lock()
	defer s.mu.Unlock()
	s.under--
	if c != nil && c.operation.Local != "ResolveNames" {
		if s.served == nil {
			s.served = map[string]int{}
		}
		s.served[strings.ToLower(c.namedMailbox())]++
	}
}

// forgets says whether the connection is signed out before this call.
func (n *node) forgets(c *connection) bool {
	every := 0
	if n.behaviour.Crowd != nil {
		every = n.behaviour.Crowd.ForgetEvery
	}
	return every > 0 && c.requests%every == 0
}

// refusesNow says whether the right password is refused for the time being.
func (n *node) refusesNow() bool {
	c := n.behaviour.Crowd
	if c == nil || c.RefuseAfter == 0 {
		return false
	}
	s := &n.crowd
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls < c.RefuseAfter || s.refused >= c.Refusals {
		return false
	}
	s.refused++
	return true
}

// CrowdMailbox is the address of one mailbox of a crowd; they count from 1.
func CrowdMailbox(number int) string { return fmt.Sprintf("box%d@%s", number, Domain) }

// boxNumber is the number of a mailbox of the crowd, 0 for any other.
func (c *Crowd) boxNumber(address string) int {
	if c == nil {
		return 0
	}
	rest, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(address)), "box")
	number, domain, found := strings.Cut(rest, "@")
	i, err := strconv.Atoi(number)
	if !ok || !found || domain != Domain || err != nil || i < 1 || i > c.Mailboxes || strconv.Itoa(i) != number {
		return 0
	}
	return i
}

// findMailbox finds a mailbox of the crowd, or a built-in one.
func (n *node) findMailbox(address string) (mailbox, bool) {
	c := n.behaviour.Crowd
	i := c.boxNumber(address)
	if i == 0 {
		return findMailbox(address)
	}
	m := mailbox{address: strings.ToLower(strings.TrimSpace(address))}
	switch {
	case c.Denied > 0 && i%c.Denied == 0:
		m.outOfScope = true
	case c.Moving > 0 && i%c.Moving == 0:
		m.trouble = "ErrorMailboxMoveInProgress"
	}
	return m, true
}

// CrowdView is what a Crowd has seen: how often each mailbox was answered, the
// most calls at a time, and how often it asked for a pause.
type CrowdView struct {
	Served    map[string]int
	Most      int
	Throttled int
}

// Crowd shows it, for the first node.
func (s *Server) Crowd() CrowdView {
	c := &s.nodes[0].crowd
	c.mu.Lock()
	defer c.mu.Unlock()
	v := CrowdView{Served: make(map[string]int, len(c.served)), Most: c.most, Throttled: c.throttle}
	for k, n := range c.served {
		v.Served[k] = n
	}
	return v
}
