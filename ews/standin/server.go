package standin

import (
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
	controller *controller  // nil without one
	cloud      *cloudServer // nil if there is none
	ca         []byte
	plain      bool
	onRequest  func(Request)
	closing    chan struct{}  // closed by Close
	running    sync.WaitGroup // goroutines of listeners, connections and handlers
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
	listener  net.Listener
	http      *http.Server
	faulted   atomic.Bool // FaultCode was raised once
	crowd     crowded

	// Channel bindings of the certificate that is served (nil without TLS) and of
	// the one that Extended Protection compares with.
	served, expected, behind *channelBinding

	current *atomic.Pointer[node] // who answers, which Behave changes
}

// Start runs a server with the given behaviour until Close.
func Start(b Behaviour, o Options) (*Server, error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if err := checkLoopback(o); err != nil {
		return nil, err
	}
	now := time.Now()
	ca, err := newAuthority(now)
	if err != nil {
		return nil, err
	}
	certificate, err := ca.issue(b.Certificate, now)
	if err != nil {
		return nil, err
	}
	behind, err := ca.issue(CertificateGood, now)
	if err != nil {
		return nil, err
	}
	config, err := tlsConfig(b.Transport, certificate)
	if err != nil {
		return nil, err
	}
	s := &Server{
		ca:          ca.pem(),
		plain:       config == nil,
		onRequest:   o.OnRequest,
		closing:     make(chan struct{}),
		connections: make(map[*connection]struct{}),
	}
	behaviours := []Behaviour{b}
	if b.SecondNode != nil {
		behaviours = append(behaviours, *b.SecondNode)
	}
	address := o.Listen
	for _, behaviour := range behaviours {
		if err == nil {
			err = s.addNode(behaviour, address, config, certificate, behind)
		}
		if err == nil {
			address, err = nextAddress(address)
		}
	}
	if err == nil && b.Directory {
		err = s.startController(o.Listen, behind)
	}
	if err == nil && b.Cloud != nil {
		err = s.addCloud(*b.Cloud, o.Listen, ca, now)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	for _, n := range s.nodes {
		s.running.Go(func() { _ = n.http.Serve(n.listener) }) // it ends by Close, and says so
	}
	return s, nil
}

// addNode opens the listener of a node.
func (s *Server) addNode(b Behaviour, address string, config *tls.Config, certificate, behind tls.Certificate) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	number := len(s.nodes) + 1
	n := &node{server: s, number: number, name: "EX0" + strconv.Itoa(number), behaviour: b}
	n.listener = &nodeListener{Listener: listener, node: n}
	if config != nil {
		n.listener = tls.NewListener(n.listener, config)
		binding := endPointBinding(certificate.Leaf)
		n.served, n.expected = &binding, &binding
	}
	binding := endPointBinding(behind.Leaf)
	if n.behind = &binding; b.Bridged {
		n.expected = n.behind
	}
	n.current = new(atomic.Pointer[node])
	n.current.Store(n)
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	n.http = &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { n.current.Load().ServeHTTP(w, r) }),
		Protocols:         &protocols,
		ReadHeaderTimeout: 30 * time.Second,
		ReadTimeout:       time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    1 << 18,
		ErrorLog:          log.New(io.Discard, "", 0), // it would log what clients send
		ConnContext:       connContext,
		ConnState:         s.connState,
	}
	s.nodes = append(s.nodes, n)
	return nil
}

// Behave changes what the first node does from its next request on. Its transport
// and its certificate stay, and who is signed in.
func (s *Server) Behave(b Behaviour) {
	now := s.nodes[0]
	next := &node{
		server: s, number: now.number, name: now.name, behaviour: b, listener: now.listener, http: now.http,
		served: now.served, expected: now.served, behind: now.behind, current: now.current,
	}
	if b.Bridged {
		next.expected = now.behind
	}
	now.current.Store(next)
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
func (s *Server) addCloud(b Cloud, listen string, ca *authority, now time.Time) error {
	certificate, err := ca.issue(CertificateGood, now, CloudHost)
	if err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("the address to listen on: %w", err)
	}
	if s.cloud, err = newCloudServer(b, net.JoinHostPort(host, "0"), certificate, s.closing); err != nil {
		return err
	}
	s.cloud.ewsURL = s.URL()
	s.running.Go(func() { _ = s.cloud.http.Serve(s.cloud.listener) }) // it ends by Close, and says so
	return nil
}

// checkLoopback refuses an address that other machines can reach.
func checkLoopback(o Options) error {
	host, _, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return fmt.Errorf("the address to listen on: %w", err)
	}
	if o.AllowRemote || host == "localhost" {
		return nil
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("it is not a loopback address, so other machines could reach it; --allow-remote allows that")
	}
	return nil
}

// nextAddress is the address of the next node: the next port, or any free one.
func nextAddress(address string) (string, error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", fmt.Errorf("the address to listen on: %w", err)
	}
	port, err := net.LookupPort("tcp", text)
	if err != nil {
		return "", fmt.Errorf("the port to listen on: %w", err)
	}
	if port != 0 {
		port++
	}
	return net.JoinHostPort(host, strconv.Itoa(port)), nil
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
	addresses := make([]string, len(s.nodes))
	for i, n := range s.nodes {
		addresses[i] = n.listener.Addr().String()
	}
	return addresses
}

// CA is the certificate of the authority made for this server, as PEM.
func (s *Server) CA() []byte { return slices.Clone(s.ca) }

// Close ends the server, cuts all connections and waits for every goroutine.
func (s *Server) Close() error {
	s.closeOnce.Do(func() {
		close(s.closing)
		for _, n := range s.nodes {
			if err := n.http.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
				s.closeErr = errors.Join(s.closeErr, err)
			}
			_ = n.listener.Close() // it may not be served yet; closing twice does no harm
		}
		if s.controller != nil {
			_ = s.controller.listener.Close()
		}
		if s.cloud != nil {
			s.closeErr = errors.Join(s.closeErr, s.cloud.close())
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
