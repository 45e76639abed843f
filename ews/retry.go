package ews

import (
	"context"
	"strconv"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Retry makes a call, and makes it again while wait says after which pause, at
// most as often as most says (0: any number), and as ctx allows.
func Retry[T any](ctx context.Context, most int, call func() T, wait func(T) (time.Duration, bool)) T {
	for tries := 1; ; tries++ {
		result := call()
		if tries == most {
			return result
		}
		if pause, again := wait(result); !again || !Sleep(ctx, pause) {
			return result
		}
	}
}

// Sleep waits, unless ctx would end before or shortly after: then it returns
// false at once.
func Sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	if end, ok := ctx.Deadline(); ok && time.Until(end) < d+time.Second {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// RetryAfter is how long the server asks to be left alone (RFC 9110 10.2.3).
func RetryAfter(r *evidence.Response) (wait time.Duration, said bool) {
	value := r.First("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil && seconds >= 0 && seconds < 1<<20 {
		return time.Duration(seconds) * time.Second, true
	}
	for _, layout := range []string{"Mon, 02 Jan 2006 15:04:05 GMT", time.RFC850, time.ANSIC} { // RFC 9110 5.6.7
		if at, err := time.Parse(layout, value); err == nil {
			return max(time.Until(at), 0), true
		}
	}
	return 0, false
}

// Unavailable says whether the server asks for patience, and for how long: at
// least a second.
func Unavailable(r *evidence.Response) (wait time.Duration, said bool) {
	if r == nil || r.Status != 503 && r.Status != 429 {
		return 0, false
	}
	wait, said = RetryAfter(r)
	return max(wait, time.Second), said
}
