package standin

import (
	"net"
)

// connection is a TCP connection and what NTLM has made of it: NTLM signs in the
// connection, not the request ([MS-NTHT] 3.2), so its state lives here. net/http
// serves one request of a connection at a time; nothing here needs a lock.
type connection struct {
	net.Conn
	server *Server
	number int // from 1

	pending *handshake // a challenge was sent and its response is awaited
	account *account   // who is signed in, nil if nobody
	name    string     // the account as it was written
	scheme  string     // the scheme that signed it in

	requests int            // so far, for HandshakeAlternating
	shown    *authorization // what signed it in, for Behaviour.Echo alone
}

// countedListener numbers the connections and keeps them for Close.
type countedListener struct {
	net.Listener
	server *Server
}

// Accept waits for the next connection.
func (l *countedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	s := l.server
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed() {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	s.view.Connections++
	c := &connection{Conn: conn, server: s, number: s.view.Connections}
	s.connections[c] = struct{}{}
	return c, nil
}

// Close closes the connection and forgets it.
func (c *connection) Close() error {
	c.server.mu.Lock()
	delete(c.server.connections, c)
	c.server.mu.Unlock()
	return c.Conn.Close()
}

// reset closes the connection with a TCP reset.
func (c *connection) reset() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // what is unsent is thrown away, and the peer told so
	}
	_ = c.Close()
}

// signOut forgets who is signed in and what handshake is under way.
func (c *connection) signOut() {
	c.pending, c.account, c.name, c.scheme, c.shown = nil, nil, "", "", nil
}
