package agentfile

import (
	"testing"
	"time"
)

func TestWindow(t *testing.T) {
	berlin := "Europe/Berlin"
	for _, c := range []struct {
		from, zone string
		lasts      time.Duration
		at         string
		open       bool
	}{
		{"Sat 22:00", berlin, 4 * time.Hour, "2026-11-28T20:59:59Z", false},
		{"Sat 22:00", berlin, 4 * time.Hour, "2026-11-28T21:00:00Z", true},
		{"Sat 22:00", berlin, 4 * time.Hour, "2026-11-29T00:59:59Z", true},
		{"Sat 22:00", berlin, 4 * time.Hour, "2026-11-29T01:00:00Z", false},
		{"Sat 22:00", berlin, 4 * time.Hour, "2026-11-27T22:00:00Z", false},
		{"sat 22:00", berlin, 4 * time.Hour, "2026-07-04T20:00:00Z", true}, // summer time
		{"Mon-Fri 06:30", "UTC", time.Hour, "2026-11-30T06:30:00Z", true},
		{"Mon-Fri 06:30", "UTC", time.Hour, "2026-11-29T06:30:00Z", false},
		{"Sat,Sun 06:30", "UTC", time.Hour, "2026-11-29T06:59:00Z", true},
		{"23:30", "UTC", time.Hour, "2026-11-30T00:29:00Z", true},
		{"23:30", "UTC", 24 * time.Hour, "2026-11-30T12:00:00Z", true},
		{"0 3 1 * *", "UTC", time.Hour, "2026-12-01T03:30:00Z", true},
		{"0 3 1 * *", "UTC", time.Hour, "2026-12-02T03:30:00Z", false},
		{"2026-12-24 22:00", berlin, 48 * time.Hour, "2026-12-26T20:59:00Z", true},
		{"2026-12-24 22:00", berlin, 48 * time.Hour, "2026-12-26T21:00:00Z", false},
		{"2026-12-24 22:00", berlin, 48 * time.Hour, "2027-12-25T21:00:00Z", false},
		// 02:30 is not there on 2026-03-29, and is there twice on 2026-10-25.
		{"02:30", berlin, time.Hour, "2026-03-29T01:45:00Z", true},
		{"02:30", berlin, 15 * time.Minute, "2026-10-25T00:30:00Z", true},
		{"02:30", berlin, 15 * time.Minute, "2026-10-25T01:30:00Z", false},
	} {
		w := Window{From: c.from, TimeZone: c.zone, For: c.lasts}
		if key, wrong := w.parse(); key != "" {
			t.Errorf("%s %s %s", c.from, key, wrong)
			continue
		}
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if open := w.Open(at); open != c.open {
			t.Errorf("%s for %v in %s is open at %s: %v", c.from, c.lasts, c.zone, c.at, open)
		}
	}
}

func TestWindowRefuses(t *testing.T) {
	for _, c := range []struct{ from, zone, key string }{
		{"", "", "from"},
		{"Sat", "", "from"},
		{"Sat 25:00", "", "from"},
		{"Someday 22:00", "", "from"},
		{"Sat 22:00 UTC", "", "from"},
		{"61 * * * *", "", "from"},
		{"2026-13-24 22:00", "", "from"},
		{"Sat 22:00", "Mars/Olympus", "time-zone"},
	} {
		w := Window{From: c.from, TimeZone: c.zone, For: time.Hour}
		if key, wrong := w.parse(); key != c.key || wrong == "" {
			t.Errorf("%q in %q: %s %q", c.from, c.zone, key, wrong)
		}
	}
}
