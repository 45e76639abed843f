package agentfile

import (
	"time"

	"github.com/ewsprobe/ewsprobe/probe/config"
)

// Window is a time of maintenance: runs go on, and nobody is told.
type Window struct {
	Targets  []string      `help:"the targets it holds for; none: all"`
	From     string        `value:"TIME" help:"when it begins: Sat 22:00 each week, 22:00 each day, 2026-12-24 22:00 once"`
	For      time.Duration `range:"1m 8760h" help:"how long it lasts"`
	TimeZone string        `value:"NAME" help:"the time zone of from, like Europe/Berlin; else that of this machine"`

	keys *config.Keys
}

// parse reads From and TimeZone; wrong is the rest of a sentence that begins with
// the key.
func (w *Window) parse() (key, wrong string) { return "", "" }

// Open says whether the window is open.
func (w *Window) Open(at time.Time) bool { return false }
