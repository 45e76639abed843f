package probe

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/cloud"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Outside makes the look-ups of a check for many mailboxes. What does not depend
// on the mailbox (tenants, the token) is asked once. It is safe for concurrent
// use.
type Outside struct {
	config Config
	client *cloud.Client

	mu     sync.Mutex
	shared map[string]sharedAnswer
}

// sharedAnswer is good until then.
type sharedAnswer struct {
	items []evidence.Item
	until time.Time
}

// How long a shared answer is good, and one that told nothing; and how many
// domains are kept.
const (
	answerKept = 30 * time.Minute
	vainKept   = time.Minute
	maxShared  = 1000
)

// Outside returns it; nil without look-ups.
func (c Config) Outside() *Outside {
	if c.Cloud == nil {
		return nil
	}
	return &Outside{config: c, client: c.cloudClient(ews.NewRecorder(c.NewVault(), nil)), shared: map[string]sharedAnswer{}}
}

// Mailbox looks up one mailbox and returns what was seen. What is asked of it
// ends within the time that look-ups may take, and so does each shared question.
func (o *Outside) Mailbox(ctx context.Context, address string) []evidence.Item {
	c := o.config
	c.Mailbox, c.User = address, ""
	list := c.lookUps()
	var items []evidence.Item
	for _, l := range list { // first, so that the others find the token
		if l.shared {
			items = append(items, o.sharedBy(ctx, l)...)
		}
	}
	limited, cancel := context.WithTimeout(ctx, cloud.Limit)
	defer cancel()
	client := o.client.Another()
	var all sync.WaitGroup
	for _, l := range list {
		if !l.shared {
			all.Go(func() { l.ask(limited, client) })
		}
	}
	all.Wait()
	items = slices.Concat(items, client.Recorder.Items())
	for i := range items {
		items[i].ID = fmt.Sprintf("outside-%d", i+1)
	}
	return items
}

// sharedBy asks what does not depend on the mailbox, unless it is known.
func (o *Outside) sharedBy(ctx context.Context, l lookUp) []evidence.Item {
	o.mu.Lock()
	defer o.mu.Unlock()
	if known, ok := o.shared[l.what]; ok && time.Now().Before(known.until) {
		return known.items
	}
	limited, cancel := context.WithTimeout(ctx, cloud.Limit)
	defer cancel()
	client := o.client.Another()
	l.ask(limited, client)
	answer := sharedAnswer{client.Recorder.Items(), time.Now().Add(answerKept)}
	for _, item := range answer.items {
		if r := item.Response; r == nil || r.Status == 429 || r.Status >= 500 {
			answer.until = time.Now().Add(vainKept)
		}
	}
	if len(o.shared) >= maxShared {
		clear(o.shared)
	}
	o.shared[l.what] = answer
	return answer.items
}
