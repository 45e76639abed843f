// Package testkit has what only tests and measurements use: a KDC as a function of
// bytes, written with the library's own message types and not with package
// kerberos, so that what a request says is decrypted and verified; a KDC over TCP
// and a directory over LDAPS on loopback, each telling the truth or doing harm;
// listeners that end with their test, ways to be a bad peer, and distance.
package testkit

import (
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"
)

// lifetime bounds a connection of a test whose client hangs.
const lifetime = 40 * time.Second

// Listen runs handle for each connection to a new loopback address and closes
// the connection after it. The test does not end before all of them have.
func Listen(t testing.TB, handle func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	good(t, err)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(lifetime))
			all.Go(func() {
				defer c.Close()
				handle(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	return l.Addr().String()
}

// Silent is a loopback address without a listener.
func Silent(t testing.TB) (address string) {
	t.Helper()
	return SilentAt(t, "127.0.0.1")
}

// SilentAt is an address of that IP without a listener. A connection has its port
// until the test ends: a closed listener's could become that of another test's.
func SilentAt(t testing.TB, ip string) (address string) {
	t.Helper()
	c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}).Dial("tcp", Listen(t, Wait))
	good(t, err)
	t.Cleanup(func() { c.Close() })
	return c.LocalAddr().String()
}

// Wait reads until the other side ends the connection.
func Wait(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// Distant carries near's bytes to an address and back, each oneWay late. What
// connecting costs over a real distance, a round trip, is added to the first bytes.
func Distant(near net.Conn, to string, oneWay time.Duration) {
	far, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer far.Close()
	go func() {
		carry(far, near, 2*oneWay, oneWay)
		far.Close()
	}()
	carry(near, far, 0, oneWay)
}

// carry copies bytes until one side ends, delivers each oneWay late and keeps the
// distance in time between them. Nothing is on its way before first has passed.
func carry(to io.Writer, from io.Reader, first, oneWay time.Duration) {
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

// list is what a server has met so far.
type list[T any] struct {
	mu   sync.Mutex
	have []T
}

func (l *list[T]) add(one T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.have = append(l.have, one)
}

func (l *list[T]) all() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.have)
}
