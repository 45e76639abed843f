package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/agent/agentfile"
	"github.com/ewsprobe/ewsprobe/probe/agent/history"
)

// The patience of a Sender.
const (
	firstPause = 5 * time.Second
	maxPause   = 15 * time.Minute
	giveUp     = 24 * time.Hour
	patience   = 30 * time.Second // for one delivery
)

// What became of an attempt to deliver. Delivered: the other side took it. Failed: it
// is tried again. Dropped: a day is over, or its channel is gone.
const (
	delivered = "delivered"
	failed    = "failed"
	dropped   = "dropped"
)

// Queue keeps notifications until they are delivered, also over a kill.
type Queue interface {
	// Pending are all that are not delivered, oldest first.
	Pending(ctx context.Context) ([]history.Notification, error)
	// Tried notes an attempt that failed.
	Tried(ctx context.Context, id int64, next time.Time, why string) error
	// Done forgets a notification.
	Done(ctx context.Context, id int64) error
}

// channel is a way to people. The error is safe to be shown: it holds no secret,
// not even one that the other side repeats.
type channel interface {
	send(ctx context.Context, key string, n Notification) error
}

// newChannel is the way to people that a channel of the configuration names.
func newChannel(c *agentfile.Channel, version string) channel {
	switch {
	case c.Email != nil:
		return &email{Email: c.Email}
	case c.Webhook != nil:
		return webhook{Webhook: c.Webhook, version: version}
	}
	return eventLog{}
}

// Sender delivers what is in a queue: each channel one at a time, in order for each
// target, and no channel waits for another.
type Sender struct {
	queue    Queue
	log      *slog.Logger
	version  string
	onResult func(channel, result string)

	mu       sync.Mutex
	channels map[string]channel
	busy     map[string]bool // channels with a delivery under way
	tried    map[int64]attempt
	wake     chan struct{}
}

// NewSender is a sender without channels. onResult is told of each attempt.
func NewSender(queue Queue, log *slog.Logger, version string, onResult func(channel, result string)) *Sender {
	return &Sender{
		queue: queue, log: log, version: version, onResult: onResult,
		busy: map[string]bool{}, tried: map[int64]attempt{}, wake: make(chan struct{}, 1),
	}
}

// attempt is the last one of an entry since this process began.
type attempt struct {
	channel string
	next    time.Time // when it is due again
	over    bool      // delivered or dropped, though the queue could not take that down
}

// Set makes the channels of a configuration the sender's. What is pending is tried
// at once, as after a start: somebody may have put right what was wrong.
func (s *Sender) Set(list []*agentfile.Channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.channels = map[string]channel{}
	s.retryNow("")
	for _, c := range list {
		s.channels[c.Name] = newChannel(c, s.version)
	}
	s.Wake()
}

// retryNow makes due what waits in a channel, "" being all.
func (s *Sender) retryNow(name string) {
	for id, a := range s.tried {
		if !a.over && (name == "" || a.channel == name) {
			delete(s.tried, id)
		}
	}
}

// Wake tells the sender that something was put into the queue.
func (s *Sender) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run delivers until ctx ends.
func (s *Sender) Run(ctx context.Context) {
	var deliveries sync.WaitGroup
	defer deliveries.Wait()
	for ctx.Err() == nil {
		pause := maxPause
		pending, err := s.queue.Pending(ctx)
		if err != nil && ctx.Err() == nil {
			s.log.Error("the notifications that wait cannot be read", "error", err)
			pause = firstPause
		}
		due, next := s.due(pending, time.Now())
		for _, e := range due {
			deliveries.Go(func() { s.deliver(ctx, e) })
		}
		timer := time.NewTimer(min(pause, max(next, 0)))
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// due are the entries to be tried now, which makes their channels busy, and how
// long it is until the next one is. An entry waits for the earlier ones of its
// channel and target.
func (s *Sender) due(pending []history.Notification, now time.Time) (due []history.Notification, next time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	type of struct{ channel, target string }
	first := map[of]bool{}
	next = maxPause
	for _, e := range pending {
		key := of{e.Channel, e.Target}
		if first[key] || s.busy[e.Channel] {
			continue
		}
		first[key] = true
		if wait := s.tried[e.ID].next.Sub(now); wait > 0 {
			next = min(next, wait)
			continue
		}
		s.busy[e.Channel] = true
		due = append(due, e)
	}
	return due, next
}

// deliver tries an entry once and notes what became of it.
func (s *Sender) deliver(ctx context.Context, e history.Notification) {
	s.mu.Lock()
	c, over := s.channels[e.Channel], s.tried[e.ID].over
	s.mu.Unlock()
	log := s.log.With("channel", e.Channel, "target", e.Target)
	result := ""
	if !over {
		result = s.attempt(ctx, c, e, log)
	}
	a := attempt{channel: e.Channel, next: time.Now().Add(pauseAfter(e.Tries))}
	forgotten := false
	if over || result == delivered || result == dropped {
		// Not given up with ctx: what is delivered must not be told again.
		err := s.queue.Done(context.WithoutCancel(ctx), e.ID)
		if forgotten, a.over = err == nil, true; err != nil {
			log.Error("that a notification was delivered or dropped could not be noted", "error", err)
		}
	}
	s.mu.Lock()
	delete(s.busy, e.Channel)
	if s.tried[e.ID] = a; forgotten {
		delete(s.tried, e.ID)
	}
	if result == delivered {
		s.retryNow(e.Channel) // the others need not wait any more
	}
	s.Wake()
	s.mu.Unlock()
	if result != "" {
		s.onResult(e.Channel, result)
	}
}

// attempt is "" where the process ends before it is known what became of it.
func (s *Sender) attempt(ctx context.Context, c channel, e history.Notification, log *slog.Logger) string {
	if c == nil {
		log.Warn("a notification is dropped: its channel is not in the configuration any more")
		return dropped
	}
	var n Notification
	if err := json.Unmarshal(e.Body, &n); err != nil {
		log.Error("a notification cannot be read and is dropped", "error", err)
		return dropped
	}
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// The key is the same over all attempts, also to those it is sent to.
	err := c.send(within, fmt.Sprintf("ewsprobe.%d.%d", e.Created.UnixNano(), e.ID), n)
	switch {
	case err == nil:
		log.Info("notified", "kind", n.Kind, "status", n.Status, "code", n.Code)
		return delivered
	case ctx.Err() != nil:
		return "" // the next start tries it at once
	case time.Since(e.Created) >= giveUp:
		log.Error("a notification could not be delivered for a day and is dropped", "error", err)
		return dropped
	}
	pause := pauseAfter(e.Tries)
	log.Warn("a notification could not be delivered", "error", err, "again_in", pause)
	if err := s.queue.Tried(context.WithoutCancel(ctx), e.ID, time.Now().Add(pause), err.Error()); err != nil {
		log.Error("the attempt to notify could not be noted", "error", err)
	}
	return failed
}

// pauseAfter is how long to wait after so many attempts and the one that failed now.
func pauseAfter(tries int) time.Duration {
	return min(firstPause<<min(tries, 10), maxPause)
}
