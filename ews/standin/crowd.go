package standin

import (
	"fmt"
	"maps"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Crowd is many mailboxes and a server that is kept busy by them, for tests of
// clients that ask for one after the other. The first Mailboxes of
// box1@contoso.com, box2@contoso.com, ... exist.
type Crowd struct {
	Mailboxes int `yaml:"mailboxes,omitempty"`
	// Denied: of the numbers, each that can be divided by it is outside the role's
	// scope; 0 none.
	Denied int `yaml:"denied,omitempty"`
	// Delay is how long a call takes.
	Delay time.Duration `yaml:"delay,omitempty"`
	// Throttle limits the calls of those who are signed in.
	Throttle Throttle `yaml:"throttle,omitempty"`
	// BusyEvery: of the numbers, each that can be divided by it is busy from its
	// first call on for BusyFor, while the server has time for all others; 0 none.
	BusyEvery int           `yaml:"busy-every,omitempty"`
	BusyFor   time.Duration `yaml:"busy-for,omitempty"`
	// PauseAfter has the whole server ask for one pause of Throttle.Pause, in the form
	// of Throttle.How, after so many calls; 0 never.
	PauseAfter int `yaml:"pause-after,omitempty"`
	// DropEvery closes the connection, unannounced, in place of every n-th answer;
	// ForgetEvery signs the connection out before every n-th call. 0 never.
	DropEvery   int `yaml:"drop-every,omitempty"`
	ForgetEvery int `yaml:"forget-every,omitempty"`
	// RefuseAfter refuses the right password from so many calls on, for Refusals
	// logons; 0 never.
	RefuseAfter int `yaml:"refuse-after,omitempty"`
	Refusals    int `yaml:"refusals,omitempty"`
}

// Throttle is a token bucket of calls, or a number of calls at a time.
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

// crowdState is the state of a Crowd.
type crowdState struct {
	CrowdView
	mu      sync.Mutex
	bucket  *rate.Limiter // of Throttle.Rate; nil before the first call
	calls   int
	under   int
	refused int
	until   time.Time            // the pause of the whole server
	busy    map[string]time.Time // mailboxes that were asked for, and until when they are busy
}

// waits says how long is left of a pause that ends then and lasts so long in all,
// and notes a call that should not have come: in the first half it may have been
// sent before its sender knew.
func (s *crowdState) waits(until time.Time, pause time.Duration) time.Duration {
	left := time.Until(until)
	if left > 0 && left < pause/2 {
		s.Early++
	}
	return left
}

// busyMailbox is how long the mailbox wants to be left alone.
func (s *crowdState) busyMailbox(c *Crowd, mailbox string) time.Duration {
	number := c.boxNumber(mailbox)
	if c.BusyEvery == 0 || number == 0 || number%c.BusyEvery != 0 {
		return 0
	}
	if s.busy == nil {
		s.busy = map[string]time.Time{}
	}
	if _, known := s.busy[mailbox]; !known {
		s.busy[mailbox] = time.Now().Add(c.BusyFor)
	}
	return s.waits(s.busy[mailbox], c.BusyFor)
}

// askForPause is the answer of one who has no time for so long.
func (n *node) askForPause(how ThrottleForm, pause time.Duration) *response {
	n.crowd.Throttled++
	switch how {
	case ThrottleUnavailable:
		return n.exchangeResponse(http.StatusServiceUnavailable).with("Retry-After", strconv.Itoa(int(math.Ceil(pause.Seconds()))))
	case ThrottleBare:
		return n.exchangeResponse(http.StatusServiceUnavailable)
	}
	ms := (pause + time.Millisecond - 1).Milliseconds()
	return n.fault("ErrorServerBusy", [2]string{"BackOffMilliseconds", strconv.FormatInt(ms, 10)})
}

// beginCall takes a call in, or answers in its place; nil: it is taken in.
func (n *node) beginCall(mailbox string) *response {
	c := n.behaviour.Crowd
	s := &n.crowd
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if c.DropEvery > 0 && s.calls%c.DropEvery == 0 {
		dropped := newResponse(http.StatusOK)
		dropped.drop = true
		return dropped
	}
	t := c.Throttle
	if t.Most > 0 && s.under >= t.Most {
		s.Throttled++
		return n.fault("ErrorExceededConnectionCount")
	}
	if c.PauseAfter > 0 && s.calls == c.PauseAfter {
		s.until = time.Now().Add(t.Pause)
	}
	if left := s.waits(s.until, t.Pause); left > 0 {
		return n.askForPause(t.How, left)
	}
	if left := s.busyMailbox(c, strings.ToLower(mailbox)); left > 0 {
		return n.askForPause(ThrottleBusy, left)
	}
	if t.Rate > 0 {
		if s.bucket == nil {
			s.bucket = rate.NewLimiter(rate.Limit(t.Rate), max(t.Burst, 1))
		}
		if !s.bucket.Allow() {
			return n.askForPause(t.How, t.Pause)
		}
	}
	s.under++
	s.Most = max(s.Most, s.under)
	return nil
}

func (n *node) endCall(c *call) {
	s := &n.crowd
	s.mu.Lock()
	defer s.mu.Unlock()
	s.under--
	if c != nil && c.XMLName.Local != "ResolveNames" {
		if s.Served == nil {
			s.Served = map[string]int{}
		}
		s.Served[strings.ToLower(c.namedMailbox())]++
	}
}

// forgets says whether the connection is signed out before this call.
func (n *node) forgets(c *connection) bool {
	b := n.behaviour.Crowd
	return b != nil && b.ForgetEvery > 0 && c.requests%b.ForgetEvery == 0
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
	address = strings.ToLower(strings.TrimSpace(address))
	var i int
	if _, err := fmt.Sscanf(address, "box%d@", &i); err != nil || i < 1 || i > c.Mailboxes || CrowdMailbox(i) != address {
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
	return mailbox{Address: CrowdMailbox(i), OutOfScope: c.Denied > 0 && i%c.Denied == 0}, true
}

// CrowdView is what a Crowd has seen: how often each mailbox was answered, the
// most calls at a time, how often it asked for a pause, and how many calls came in
// spite of one.
type CrowdView struct {
	Served    map[string]int
	Most      int
	Throttled int
	Early     int
}

// Crowd shows it, for the first node.
func (s *Server) Crowd() CrowdView {
	c := &s.nodes[0].crowd
	c.mu.Lock()
	defer c.mu.Unlock()
	view := c.CrowdView
	view.Served = maps.Clone(view.Served)
	return view
}
