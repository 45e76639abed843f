package testkit

import (
	"io"
	"time"
)

// Carry copies bytes until one side ends, delivers each oneWay late and keeps the
// distance in time between them. Nothing is on its way before first has passed:
// what connecting costs over a real distance.
func Carry(to io.Writer, from io.Reader, first, oneWay time.Duration) {
	type parcel struct {
		bytes []byte
		due   time.Time
	}
	way := make(chan parcel, 1000)
	go func() {
		defer close(way)
		opened := time.Now().Add(first)
		for {
			buffer := make([]byte, 32<<10)
			n, err := from.Read(buffer)
			if n > 0 {
				due := time.Now()
				if due.Before(opened) {
					due = opened
				}
				way <- parcel{buffer[:n], due.Add(oneWay)}
			}
			if err != nil {
				return
			}
		}
	}()
	for p := range way {
		time.Sleep(time.Until(p.due))
		if _, err := to.Write(p.bytes); err != nil {
			break
		}
	}
	for range way { // the reader must not be left standing
	}
}
