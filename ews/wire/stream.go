package wire

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Stream opens a verified TLS connection to addr for another protocol than
// HTTP. It ends with ctx, whatever the protocol does on it. The caller closes it.
func (d *Dialer) Stream(ctx context.Context, addr string) (net.Conn, *evidence.TLS, evidence.Timing, *evidence.Failure) {
	o, fail := d.Open(ctx, addr)
	if fail != nil {
		return nil, o.TLS, o.Timing, fail
	}
	return &boundConn{Conn: o.Conn.net, lift: bound(ctx, o.Conn.net)}, o.TLS, o.Timing, nil
}

// boundConn lets go of its context when it is closed.
type boundConn struct {
	net.Conn
	lift func()
}

func (e *boundConn) Close() error {
	e.lift()
	return e.Conn.Close()
}

// Exchange sends one message to addr over TCP and reads one back, each behind
// its length in four bytes, as a KDC is asked (RFC 4120 7.2.2). An answer longer
// than most bytes is not read.
func Exchange(ctx context.Context, addr string, message []byte, most int) ([]byte, evidence.Timing, *evidence.Failure) {
	var timing evidence.Timing
	start := time.Now()
	defer func() { timing.Total = millis(time.Since(start)) }()
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "tcp", addr)
	timing.Connect = millis(time.Since(start))
	if err != nil {
		return nil, timing, Classify(ctx, "connect", err)
	}
	defer c.Close()
	defer bound(ctx, c)()
	framed := append(binary.BigEndian.AppendUint32(nil, uint32(len(message))), message...)
	if _, err := c.Write(framed); err != nil {
		return nil, timing, Classify(ctx, "write", err)
	}
	var head [4]byte
	if _, err := io.ReadFull(c, head[:]); err != nil {
		return nil, timing, Classify(ctx, "read", err)
	}
	timing.FirstByte = millis(time.Since(start))
	n := binary.BigEndian.Uint32(head[:])
	if n > uint32(most) {
		return nil, timing, evidence.Fail(evidence.Malformed, "read", "too-long-announced", n, most)
	}
	answer := make([]byte, n)
	if _, err := io.ReadFull(c, answer); err != nil {
		return nil, timing, Classify(ctx, "read", err)
	}
	return answer, timing, nil
}
