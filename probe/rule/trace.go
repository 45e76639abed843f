package rule

import (
	"slices"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// around is how far from an attempt its traces are looked for: the clocks of two
// servers of a domain differ by less.
const around = time.Minute

// together is how close logons are that are told by the time of the first.
const together = 10 * time.Second

// trace is where the refused logons of the run are found, by the times of the
// record.
func (v *view) trace(server, user string, addresses []string) finding.Trace {
	t := finding.Trace{Server: server, User: user}
	if g := v.rec.Target.Given; g != nil {
		if host, _, _ := strings.Cut(g.DC, ":"); isHostName(host) {
			t.Controller = host
		}
	}
	refused := v.refusals(addresses)
	if len(refused) == 0 {
		return t
	}
	t.Path = path(refused[0], v.rec.Target.URL)
	t.Times = v.times(refused)
	first, last := refused[0].At.UTC(), refused[len(refused)-1].At.UTC()
	skew := v.skew(refused[0].Address)
	t.Begin, t.End = first.Add(min(skew, 0)-around), last.Add(max(skew, 0)+around)
	return t
}

// times are those of requests in their order, each as spoken.
func (v *view) times(items []*evidence.Item) string {
	var times []string
	var told time.Time
	for _, item := range items {
		if item.At.Sub(told) > together {
			times, told = append(times, v.spoken(item.At)), item.At
		}
	}
	if len(times) > 4 {
		times = append(times[:3], times[len(times)-1])
	}
	return strings.Join(times, ", ")
}

// refusals are the logons that a service refused, in their order: those at the
// addresses, or all if there are none.
func (v *view) refusals(addresses []string) []*evidence.Item {
	all := slices.DeleteFunc(slices.Clone(v.items), func(item *evidence.Item) bool {
		return result(item) != evidence.Refused || item.Logon.Comparison || item.At.IsZero()
	})
	here := slices.DeleteFunc(slices.Clone(all), func(item *evidence.Item) bool { return !slices.Contains(addresses, item.Address) })
	if len(here) > 0 {
		return here
	}
	return all
}

// spoken is a time in UTC and, where the clock of the machine that made the record
// showed another, as that one showed it.
func (v *view) spoken(at time.Time) string {
	text := at.UTC().Format("2006-01-02 15:04:05 UTC")
	if zone, err := time.Parse("-07:00", v.rec.Target.Zone); err == nil {
		if _, offset := zone.Zone(); offset != 0 {
			text += at.In(zone.Location()).Format(" (15:04:05 local time)")
		}
	}
	return text
}

// skew is the clock of the server at an address, minus that of this machine.
func (v *view) skew(address string) time.Duration {
	for _, n := range v.nodes {
		for _, item := range n.typeOne {
			if c := item.NTLM; n.address == address && c != nil && c.ClockSkewMS != nil {
				return time.Duration(*c.ClockSkewMS) * time.Millisecond
			}
		}
	}
	return 0
}

// path is the path that a logon was sent to.
func path(item *evidence.Item, target string) string {
	if item.Request != nil && item.Request.URL != "" {
		target = item.Request.URL
	}
	if u := parsed(target); isPlainURL(u.Path) {
		return u.Path
	}
	return "/EWS/Exchange.asmx"
}
