package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	toolkit "github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v3"

	"github.com/ewsprobe/ewsprobe/probe/config/address"
)

// settings are the parts of a web_config that change what is served.
type settings struct {
	TLS struct {
		CertFile string `yaml:"cert_file"`
		Cert     string `yaml:"cert"`
	} `yaml:"tls_server_config"`
	Users map[string]string `yaml:"basic_auth_users"`
}

// About says whether a web_config has TLS and users.
func About(file string) (tls, users bool, err error) {
	if file == "" {
		return false, false, nil
	}
	var s settings
	raw, err := os.ReadFile(file)
	if err == nil {
		err = yaml.Unmarshal(raw, &s)
	}
	return s.TLS.CertFile != "" || s.TLS.Cert != "", len(s.Users) > 0, err
}

// Validate says what is wrong with where an agent is to listen, and with its
// web_config.
func Validate(listen, file string) error {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("%q is not HOST:PORT", listen)
	}
	if file == "" && !address.IsLoopback(host) {
		return fmt.Errorf("%s can be reached from other machines, which needs web_config with users", listen)
	}
	return toolkit.Validate(file)
}

// grace is how long requests under way may take when the agent ends.
const grace = 3 * time.Second

// Serve serves at an address until ctx ends. ready is told the address once
// connections are accepted.
func (s *Server) Serve(ctx context.Context, address string, ready func(address string)) error {
	if err := Validate(address, s.o.WebConfig); err != nil {
		return err
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(s.o.Log.Handler(), slog.LevelDebug),
	}
	// The toolkit has put its question for a user around the handler when the
	// listener is handed on; /healthz goes past it.
	server.BaseContext = func(net.Listener) context.Context {
		server.Handler = s.beforeUsers(server.Handler)
		ready(l.Addr().String())
		return context.WithoutCancel(ctx)
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		c, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		err := server.Shutdown(c)
		if err != nil {
			err = server.Close()
		}
		stopped <- err
	})
	defer stop()
	err = toolkit.Serve(l, server, &toolkit.FlagConfig{WebConfigFile: &s.o.WebConfig}, s.o.Log)
	if errors.Is(err, http.ErrServerClosed) {
		return <-stopped
	}
	return err
}

// beforeUsers answers what needs no user.
func (s *Server) beforeUsers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" {
			s.Handler().ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
