package agent

import (
	"encoding/binary"
	"hash/fnv"
	"time"
)

// A recurrence is when runs of one kind are made: moments that the name of the target and
// the length of the interval give, and nothing else. So targets are spread over the
// interval, a start and a reload move nothing, and a moment that was missed is not
// made up for. The clock of the wall is asked only for when the next moment is; how
// long it is waited for does not change when the clock is set.
type recurrence struct {
	name     string
	interval time.Duration
	// phase is that of the longest interval of the target: the moments of its shorter
	// intervals fall together with those of the longer where they can.
	phase  time.Duration
	jitter time.Duration // the most
}

// maxJitter is far below what anybody notices, and enough to part what would come
// at the same time again and again.
const maxJitter = 3 * time.Second

// recurrencesOf are those of a target whose kinds of runs have these intervals, the
// longest first.
func recurrencesOf(name string, intervals ...time.Duration) (list []recurrence) {
	jitter := maxJitter
	for _, d := range intervals {
		if d > 0 {
			jitter = min(jitter, d/20)
		}
	}
	phase := time.Duration(hash(name, 0) % uint64(max(intervals[0], 1)))
	for _, d := range intervals {
		list = append(list, recurrence{name, d, phase, jitter})
	}
	return list
}

// next is the first moment after a time; zero: there is none.
func (b recurrence) next(after time.Time) time.Time {
	if b.interval <= 0 {
		return time.Time{}
	}
	since := time.Duration(after.UnixNano()) - b.phase
	at := since - since%b.interval
	if since < 0 && since%b.interval != 0 {
		at -= b.interval
	}
	for ; ; at += b.interval {
		moment := time.Unix(0, int64(at+b.phase))
		if b.jitter > 0 {
			moment = moment.Add(time.Duration(hash(b.name, uint64(moment.UnixNano())) % uint64(b.jitter)))
		}
		if moment.After(after) {
			return moment
		}
	}
}

// hash spreads what differs little.
func hash(name string, n uint64) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))                          //nolint:errcheck // never fails (hash.Hash)
	h.Write(binary.BigEndian.AppendUint64(nil, n)) //nolint:errcheck // never fails
	x := h.Sum64()
	x ^= x >> 33 // the finalizer of MurmurHash3: the low bits of FNV hardly differ
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
