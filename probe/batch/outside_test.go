package batch

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// A service that asks for patience is left alone by all look-ups for as long as
// it says, and asked again; not for ever.
func TestOutsideObeysPatience(t *testing.T) {
	busy := evidence.Item{Response: &evidence.Response{Status: http.StatusTooManyRequests, Headers: [][2]string{{"Retry-After", "7"}}}}
	fine := evidence.Item{Response: &evidence.Response{Status: http.StatusOK}}
	for _, c := range []struct {
		name  string
		busy  int
		asked int
		took  time.Duration
		last  int
	}{
		{"never busy", 0, 1, 0, http.StatusOK},
		{"busy once", 1, 2, 7 * time.Second, http.StatusOK},
		{"always busy", 99, outsideTries, 14 * time.Second, http.StatusTooManyRequests},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				o := newOutside(func(context.Context, string) []evidence.Item {
					if asked++; asked <= c.busy {
						return []evidence.Item{fine, busy}
					}
					return []evidence.Item{fine}
				})
				began := time.Now()
				items, ok := o.ask(t.Context(), "anna@contoso.com")
				if !ok || asked != c.asked || time.Since(began) != c.took || items[len(items)-1].Response.Status != c.last {
					t.Errorf("%v, asked %d times in %s", ok, asked, time.Since(began))
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		o := newOutside(func(context.Context, string) []evidence.Item { return []evidence.Item{fine} })
		o.limiter.complained(time.Now(), time.Hour)
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if _, ok := o.ask(ctx, "anna@contoso.com"); ok {
				t.Error("asked before the pause was over")
			}
		})
		synctest.Wait()
		stop()
		all.Wait()
	})
}
