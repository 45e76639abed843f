package agentfile

import (
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // Windows has no time zones by these names

	"github.com/adhocore/gronx"

	"github.com/ewsprobe/ewsprobe/probe/config"
)

// Window is a time of maintenance: runs go on, and nobody is told.
type Window struct {
	Targets  []string      `help:"the targets that it applies to; without it all"`
	From     string        `value:"TIME" help:"when it begins: Sat 22:00, 22:00 (each day), 2026-12-24 22:00, or the five fields of cron"`
	For      time.Duration `range:"1s 8760h" help:"how long it lasts"`
	TimeZone string        `value:"NAME" help:"the time zone of from, like Europe/Berlin (default: that of this machine)"`

	keys *config.Keys
	zone *time.Location
	once time.Time // else each
	each string    // the minutes at which it begins, as cron has them
}

// parse reads From and TimeZone; wrong is the rest of a sentence that begins with
// the key.
func (w *Window) parse() (key, wrong string) {
	var err error
	if w.zone = time.Local; w.TimeZone != "" {
		if w.zone, err = time.LoadLocation(w.TimeZone); err != nil {
			return "time-zone", "is not a time zone; give it like Europe/Berlin"
		}
	}
	if w.once, err = time.ParseInLocation("2006-01-02 15:04", w.From, w.zone); err == nil {
		return "", ""
	}
	w.each = w.From
	fields := strings.Fields(w.From)
	if n := len(fields); n == 1 || n == 2 {
		clock, err := time.Parse("15:04", fields[n-1])
		if err != nil {
			return "from", wrongFrom
		}
		w.each = clock.Format("4 15 * * *")
		if n == 2 {
			w.each = clock.Format("4 15 * * ") + fields[0]
		}
	} else if n != 5 {
		return "from", wrongFrom
	}
	if _, err := w.last(time.Now()); err != nil {
		return "from", wrongFrom
	}
	return "", ""
}

const wrongFrom = "is not a start time; give it like Sat 22:00, Mon-Fri 22:00, 22:00, 2026-12-24 22:00, or as five fields of cron"

// Open says whether the window is open.
func (w *Window) Open(at time.Time) bool {
	from := w.once
	if w.each != "" {
		var err error
		if from, err = w.last(at); err != nil {
			return false
		}
	}
	return !at.Before(from) && at.Before(from.Add(w.For))
}

// last is when a window that repeats began last. The clock on the wall decides: an
// hour that summer time takes away is the one after it, and of two the first counts.
func (w *Window) last(at time.Time) (time.Time, error) {
	y, m, d := at.In(w.zone).Date()
	h, min, s := at.In(w.zone).Clock()
	wall, err := gronx.PrevTickBefore(w.each, time.Date(y, m, d, h, min, s, 0, time.UTC), true)
	if err != nil {
		return time.Time{}, err
	}
	y, m, d = wall.Date()
	h, min, _ = wall.Clock()
	from := time.Date(y, m, d, h, min, 0, 0, w.zone)
	if first := from.Add(-time.Hour); first.Hour() == from.Hour() {
		from = first // the hour is there twice
	}
	return from, nil
}

// Covers says whether the window holds for a target.
func (w *Window) Covers(name string) bool {
	return len(w.Targets) == 0 || slices.Contains(w.Targets, name)
}
