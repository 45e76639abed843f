// Package standin is a small Exchange front end that lives inside the process:
// the far end for trying ewsprobe out, for training, and for tests.
//
// It listens on loopback, serves /EWS/Exchange.asmx over TLS with a certificate
// it makes for itself, and answers the way an Exchange Server 2019 front end
// does. It really verifies what it is sent: Basic passwords, and NTLMv2
// responses per connection, with the channel binding of the certificate that was
// served ([MS-NLMP] 3.2.5, RFC 5929 section 4). A Behaviour says which schemes it
// offers, what stands in front of it and how it misbehaves; a Scenario adds how
// the real check is run against it and what the check must find.
//
// It keeps its own view: every request, and how many logons a domain controller
// would have counted as bad. So a test can hold the client's report against the
// server's.
//
// It is an independent witness. Nothing of the rest of the program is used here,
// not even the NTLM code, because two halves that share an error agree with each
// other. And it does no harm: the accounts are built in, it stays on the loopback
// interface unless told otherwise, and it neither stores nor logs an
// Authorization value. Only Behaviour.Echo lets one pass, straight back to its
// sender.
package standin

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// servicePath is where EWS is; Autodiscover is beside it.
const servicePath = "/EWS/Exchange.asmx"

// Options says how a server is run.
type Options struct {
	// Listen is the address of the first node, by default 127.0.0.1:0. A second
	// node listens on the next port, or on a free one where the port is 0.
	Listen string

	// AllowRemote permits an address that is not a loopback address.
	AllowRemote bool

	// OnRequest, if not nil, is told of every request just before it is answered.
	// It is called from several goroutines.
	OnRequest func(Request)
}

// Server is a running stand-in.
type Server struct {
	nodes      []*node
	controller string       // its address, "" without one
	cloud      *cloudServer // nil if there is none
	ca         []byte
	plain      bool
	onRequest  func(Request)
	closing    chan struct{}  // closed by Close
	running    sync.WaitGroup // goroutines of listeners, connections and handlers
	listeners  []net.Listener // of all that is served
	servers    []*http.Server
	closeOnce  sync.Once
	closeErr   error

	mu          sync.Mutex
	view        View
	connections map[*connection]struct{} // open, for Close
	carried     map[[32]byte]int         // calls by the token, by its hash
}

// node is one front end of the server.
type node struct {
	server    *Server
	number    int    // from 1
	name      string // NetBIOS name
	behaviour Behaviour
	address   string // where it listens

	// Channel bindings of the certificate that is served (nil without TLS) and of the
	// one behind a device that ends TLS.
	served, behind []byte

	current *atomic.Pointer[node] // who answers, which Behave changes
	*state
}

// state is what a node remembers.
type state struct {
	faulted atomic.Bool // FaultCode was raised once
	crowd   crowdState
}

// Start runs a server with the given behaviour until Close.
func Start(b Behaviour, o Options) (*Server, error) {
	host, port, err := o.address()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	var certificate, behind tls.Certificate
	var config *tls.Config
	ca, err := NewAuthority(now)
	if err == nil {
		certificate, err = ca.issue(b.Certificate, now)
	}
	if err == nil {
		behind, err = ca.issue(CertificateGood, now)
	}
	if err == nil {
		config, err = tlsConfig(b.Transport, certificate)
	}
	if err != nil {
		return nil, err
	}
	s := &Server{
		ca: ca.pem(), plain: config == nil, onRequest: o.OnRequest, closing: make(chan struct{}), connections: make(map[*connection]struct{}),
	}
	err = s.addNode(b, host, port, config, certificate, behind)
	if err == nil && b.SecondNode != nil {
		if port != 0 {
			port++
		}
		err = s.addNode(*b.SecondNode, host, port, config, certificate, behind)
	}
	if err == nil && b.Directory {
		err = s.startController(host, behind)
	}
	if err == nil && b.Cloud != nil {
		err = s.addCloud(*b.Cloud, host, ca, now)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// addNode opens the listener of a node.
func (s *Server) addNode(b Behaviour, host string, port int, config *tls.Config, certificate, behind tls.Certificate) error {
	listener, err := listen(host, port)
	if err != nil {
		return err
	}
	number := len(s.nodes) + 1
	n := &node{
		server: s, number: number, name: "EX0" + strconv.Itoa(number), behaviour: b, address: listener.Addr().String(),
		behind: endPointBinding(behind.Leaf), current: new(atomic.Pointer[node]), state: &state{},
	}
	listener = &countedListener{listener, s}
	if config != nil {
		listener = tls.NewListener(listener, config)
		n.served = endPointBinding(certificate.Leaf)
	}
	n.current.Store(n)
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	s.nodes = append(s.nodes, n)
	s.serve(listener, &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { n.current.Load().ServeHTTP(w, r) }),
		Protocols:         &protocols,
		ReadHeaderTimeout: 30 * time.Second,
		ReadTimeout:       time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    1 << 18,
		ErrorLog:          log.New(io.Discard, "", 0), // it would log what clients send
		ConnContext:       connContext,
		ConnState:         s.connState,
	})
	return nil
}

// serve serves until Close.
func (s *Server) serve(listener net.Listener, server *http.Server) {
	s.listeners, s.servers = append(s.listeners, listener), append(s.servers, server)
	s.running.Go(func() { _ = server.Serve(listener) }) // it ends by Close, and says so
}

// listen opens a port, a free one for 0.
func listen(host string, port int) (net.Listener, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	return listener, nil
}

// Behave changes what the first node does from its next request on. Its transport
// and its certificate stay, and who is signed in.
func (s *Server) Behave(b Behaviour) {
	next := *s.nodes[0]
	next.behaviour, next.state = b, &state{}
	next.current.Store(&next)
}

// connState counts the goroutine that net/http runs for every connection. A new
// connection is announced by the listener's goroutine, which is itself counted.
func (s *Server) connState(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.running.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.running.Done()
	}
}

// addCloud starts the cloud on a free port beside the nodes.
func (s *Server) addCloud(b Cloud, host string, ca *Authority, now time.Time) error {
	certificate, err := ca.issue(CertificateGood, now, CloudHost)
	if err != nil {
		return err
	}
	listener, err := listen(host, 0)
	if err != nil {
		return err
	}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	s.cloud = &cloudServer{
		behaviour: b, closing: s.closing, address: listener.Addr().String(), ewsURL: s.URL(), assertions: map[string]bool{},
	}
	s.serve(tls.NewListener(listener, config), &http.Server{
		Handler: s.cloud, ReadHeaderTimeout: 30 * time.Second, ErrorLog: log.New(io.Discard, "", 0),
	})
	return nil
}

// address is where to listen. One that other machines can reach is refused.
func (o Options) address() (host string, port int, err error) {
	host, text, err := net.SplitHostPort(cmp.Or(o.Listen, "127.0.0.1:0"))
	if err != nil {
		return "", 0, fmt.Errorf("the address to listen on: %w", err)
	}
	if ip := net.ParseIP(host); !o.AllowRemote && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", 0, fmt.Errorf("it is not a loopback address, so other machines could reach it; --allow-remote allows that")
	}
	if port, err = net.LookupPort("tcp", text); err != nil {
		return "", 0, fmt.Errorf("the port to listen on: %w", err)
	}
	return host, port, nil
}

func (s *Server) scheme() string {
	if s.plain {
		return "http://"
	}
	return "https://"
}

// URL is the service's canonical address: the name in the certificate and the
// default port. It is reached through one of Addresses.
func (s *Server) URL() string { return s.scheme() + Host + servicePath }

// LocalURL is the address of the first node as another process can use it.
func (s *Server) LocalURL() string { return s.scheme() + s.Addresses()[0] + servicePath }

// Addresses are the nodes' addresses, IP and port.
func (s *Server) Addresses() []string {
	var addresses []string
	for _, n := range s.nodes {
		addresses = append(addresses, n.address)
	}
	return addresses
}

// CA is the certificate of the authority made for this server, as PEM.
func (s *Server) CA() []byte { return slices.Clone(s.ca) }

// Close ends the server, cuts all connections and waits for every goroutine.
func (s *Server) Close() error {
	s.closeOnce.Do(func() {
		close(s.closing)
		for _, h := range s.servers {
			if err := h.Close(); !errors.Is(err, net.ErrClosed) {
				s.closeErr = errors.Join(s.closeErr, err)
			}
		}
		for _, l := range s.listeners {
			_ = l.Close() // it may not be served yet; closing twice does no harm
		}
		s.mu.Lock()
		open := slices.Collect(maps.Keys(s.connections))
		s.mu.Unlock()
		for _, c := range open {
			_ = c.Close() // hijacked ones are no longer net/http's to close
		}
		s.running.Wait()
	})
	return s.closeErr
}

// closed says whether Close was called.
func (s *Server) closed() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}

// connectionKey finds the connection in a request's context.
type connectionKey struct{}

func connContext(ctx context.Context, c net.Conn) context.Context {
	if secured, ok := c.(*tls.Conn); ok {
		c = secured.NetConn()
	}
	return context.WithValue(ctx, connectionKey{}, c)
}
