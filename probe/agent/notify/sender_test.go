package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/agent/history"
)

// queue is a Queue in memory.
type queue struct {
	mu   sync.Mutex
	list []history.Notification
	full bool // the disk is
}

func (q *queue) Pending(context.Context) ([]history.Notification, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.list), nil
}

// left are those that wait.
func (q *queue) left() []history.Notification {
	list, _ := q.Pending(context.Background())
	return list
}

func (q *queue) Tried(_ context.Context, id int64, next time.Time, why string) error {
	return q.change(func() {
		for i := range q.list {
			if q.list[i].ID == id {
				q.list[i].Tries++
				q.list[i].Next, q.list[i].Why = next, why
			}
		}
	})
}

func (q *queue) Done(_ context.Context, id int64) error {
	return q.change(func() {
		q.list = slices.DeleteFunc(q.list, func(n history.Notification) bool { return n.ID == id })
	})
}

func (q *queue) change(do func()) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.full {
		return errors.New("no space left on device")
	}
	do()
	return nil
}

func (q *queue) put(t *testing.T, channel, target string, kind Kind) {
	t.Helper()
	body, err := json.Marshal(Notification{Message: Message{Kind: kind, Target: target}})
	if err != nil {
		t.Fatal(err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	id := int64(len(q.list) + 1)
	q.list = append(q.list, history.Notification{ID: id, Channel: channel, Target: target, Created: time.Now(), Next: time.Now(), Body: body})
}

// fake is a channel that notes when it was asked for what.
type fake struct {
	mu    sync.Mutex
	since time.Time
	asked []string
	err   error         // what it answers
	takes time.Duration // how long it takes
}

func (f *fake) send(ctx context.Context, _ string, n Notification) error {
	f.mu.Lock()
	f.asked = append(f.asked, fmt.Sprintf("%v %s %s", time.Since(f.since), n.Target, n.Kind))
	err, takes := f.err, f.takes
	f.mu.Unlock()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(takes):
	}
	return err
}

func (f *fake) become(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *fake) heard() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.asked)
}

// sending runs a sender until the test ends or stop is called.
func sending(t *testing.T, q Queue, channels map[string]channel) (s *Sender, results func() []string, stop func()) {
	t.Helper()
	var mu sync.Mutex
	var list []string
	s = NewSender(q, slog.New(slog.DiscardHandler), "1.2.3", func(channel, r string) {
		mu.Lock()
		defer mu.Unlock()
		list = append(list, channel+" "+r)
	})
	s.Set(nil)
	s.channels = channels
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); s.Run(ctx) }()
	stop = func() { cancel(); <-ended }
	t.Cleanup(stop)
	return s, func() []string { mu.Lock(); defer mu.Unlock(); return slices.Clone(list) }, stop
}

func TestSenderTriesForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, f := &queue{}, &fake{since: time.Now(), err: errors.New("down")}
		q.put(t, "ops", "mail", Problem)
		_, results, _ := sending(t, q, map[string]channel{"ops": f})
		time.Sleep(23 * time.Hour)
		heard := f.heard()
		want := []string{"0s", "5s", "15s", "35s", "1m15s", "2m35s", "5m15s", "10m35s", "21m15s", "36m15s"}
		for i, at := range want {
			if i >= len(heard) || heard[i] != at+" mail problem" {
				t.Fatalf("tried at %v", heard)
			}
		}
		if len(q.left()) != 1 || q.left()[0].Why != "down" {
			t.Fatalf("the queue holds %v", q.left())
		}
		time.Sleep(2 * time.Hour)
		if r := results(); len(q.left()) != 0 || r[len(r)-1] != "ops dropped" || slices.Contains(r, "ops delivered") {
			t.Errorf("after a day the queue holds %d; %v", len(q.left()), r)
		}
	})
}

func TestSenderRetriesAtOnceAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, f := &queue{}, &fake{err: errors.New("down")}
		q.put(t, "ops", "mail", Problem)
		_, _, stop := sending(t, q, map[string]channel{"ops": f})
		time.Sleep(2 * time.Hour)
		stop()
		f.become(nil)
		before := len(f.heard())
		_, results, _ := sending(t, q, map[string]channel{"ops": f})
		synctest.Wait()
		if len(f.heard()) != before+1 || len(q.left()) != 0 || !slices.Equal(results(), []string{"ops delivered"}) {
			t.Errorf("%d attempts, the queue holds %d, %v", len(f.heard())-before, len(q.left()), results())
		}
	})
}

// When the other side is back, nothing waits for its turn any more.
func TestSenderHurriesWhenAChannelIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, f := &queue{}, &fake{err: errors.New("down")}
		q.put(t, "ops", "early", Problem)
		s, _, _ := sending(t, q, map[string]channel{"ops": f})
		time.Sleep(20*time.Hour + time.Minute)
		q.put(t, "ops", "late", Problem)
		f.become(nil)
		s.Wake()
		synctest.Wait()
		if len(q.left()) != 0 {
			t.Errorf("still waiting: %v", q.left())
		}
	})
}

// A delivery that the end of the process breaks off is not lost.
func TestSenderKeepsWhatItsEndBrokeOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &queue{}
		q.put(t, "ops", "mail", Problem)
		_, results, stop := sending(t, q, map[string]channel{"ops": &fake{takes: time.Hour}})
		synctest.Wait()
		stop()
		if len(q.left()) != 1 || len(results()) != 0 {
			t.Errorf("the queue holds %d, %v", len(q.left()), results())
		}
	})
}

// A target's recovery is not told before its problem, whatever else is told.
func TestSenderKeepsTheOrderOfATarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, f := &queue{}, &fake{since: time.Now(), err: errors.New("down")}
		q.put(t, "ops", "mail", Problem)
		q.put(t, "ops", "mail", Recovery)
		q.put(t, "ops", "other", Problem)
		sending(t, q, map[string]channel{"ops": f})
		synctest.Wait()
		f.become(nil)
		time.Sleep(time.Minute)
		want := []string{"0s mail problem", "0s other problem", "5s mail problem", "5s other problem", "5s mail recovery"}
		got := f.heard()
		slices.Sort(got[min(3, len(got)):])
		slices.Sort(want[3:])
		if !slices.Equal(got, want) || len(q.left()) != 0 {
			t.Errorf("told %v, the queue holds %d", got, len(q.left()))
		}
	})
}

func TestSenderKeepsChannelsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, slow, quick := &queue{}, &fake{takes: time.Hour}, &fake{since: time.Now()}
		q.put(t, "slow", "mail", Problem)
		s, results, _ := sending(t, q, map[string]channel{"slow": slow, "quick": quick})
		synctest.Wait()
		q.put(t, "quick", "mail", Problem)
		s.Wake()
		synctest.Wait()
		if !slices.Equal(quick.heard(), []string{"0s mail problem"}) {
			t.Errorf("the quick channel waits for the slow one: %v", quick.heard())
		}
		time.Sleep(patience)
		synctest.Wait()
		if !slices.Contains(results(), "slow failed") {
			t.Errorf("a delivery goes on after %v: %v", patience, results())
		}
	})
}

// What was delivered is not told twice because the disk is full.
func TestSenderOnAFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, f := &queue{full: true}, &fake{}
		q.put(t, "ops", "mail", Problem)
		_, results, _ := sending(t, q, map[string]channel{"ops": f})
		time.Sleep(time.Hour)
		if len(f.heard()) != 1 {
			t.Fatalf("told %d times", len(f.heard()))
		}
		q.mu.Lock()
		q.full = false
		q.mu.Unlock()
		time.Sleep(time.Hour)
		if len(q.left()) != 0 || len(f.heard()) != 1 || !slices.Equal(results(), []string{"ops delivered"}) {
			t.Errorf("told %d times, the queue holds %d, %v", len(f.heard()), len(q.left()), results())
		}
	})
}

func TestSenderDropsWhatHasNoChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &queue{}
		q.put(t, "gone", "mail", Problem)
		_, results, _ := sending(t, q, nil)
		synctest.Wait()
		if len(q.left()) != 0 || !slices.Equal(results(), []string{"gone dropped"}) {
			t.Errorf("the queue holds %d, %v", len(q.left()), results())
		}
	})
}
