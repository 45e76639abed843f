package config

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/crypto/x509roots/fallback/bundle"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/kerberos"
	"github.com/ewsprobe/ewsprobe/probe"
	"github.com/ewsprobe/ewsprobe/probe/baseline"
	"github.com/ewsprobe/ewsprobe/probe/config/address"
)

// How large a file may be, each far above what is usual.
const (
	maxCertificates = 8 << 20 // the bundle of a whole system has some hundred kilobytes
	maxProfile      = 8 << 20 // a row has some kilobytes
	maxBaseline     = 1 << 20
	maxKerberosFile = 1 << 20
	maxToken        = 32 << 10 // some kilobytes, by group memberships
)

// shortestToken is far below any access token and any secret that Entra makes (40
// characters); a shorter text could not be kept out of a report, because every text
// may hold it by chance.
const shortestToken = 8

// Config is what the settings come to, without the password: validated and
// complete. The error is Problems, of the sources too.
func (s *Settings) Config(ctx context.Context, getenv func(string) string) (probe.Config, error) {
	s.yield()
	profile := s.readProfile(ctx)
	cfg := probe.Config{
		User: s.User, Mailbox: address.Clean(s.Mailbox), Impersonate: s.Impersonate,
		ProfileAuth: s.ProfileAuth, View: s.View, EachAddress: s.EachAddress,
		Insecure: s.Insecure, Timeout: s.Timeout, UserAgent: s.UserAgent, NoUserAgentProbe: s.NoUserAgentProbe, MaxRejections: s.MaxRejections,
		RetryRefused: s.RetryRefused, NoCredentials: s.NoCredentials, CertWarnDays: s.CertWarn, DynamicsAgents: probe.DynamicsUserAgents,
		FollowAutodiscover: s.FollowAutodiscover, CurrentUser: s.CurrentUser, Explain: s.ExplainRejection, Profile: profile,
	}
	if s.DynamicsUserAgent != "" {
		cfg.DynamicsAgents = []string{s.DynamicsUserAgent}
	}
	for key, agent := range map[string]string{"user-agent": s.UserAgent, "dynamics-user-agent": s.DynamicsUserAgent} {
		if strings.ContainsFunc(agent, unicode.IsControl) || agent != "" && strings.TrimSpace(agent) == "" {
			s.Keys.usage("{" + key + "} must be one line of text; leave it out to use the default")
		}
	}
	switch {
	case s.Target != "" || s.Given("target") && !s.Keys.failed["target"]:
		s.parseTarget(&cfg)
	case s.Keys.failed["target"]: // a flag of another tool, or a misspelt one
	case s.Keys.took[0] != "" && !s.Keys.failed["profile"] && (address.IsDomain(s.Keys.took[1]) || strings.Contains(s.Keys.took[1], "://")):
		s.Keys.usage("{target} is missing: %s took the last argument as its value; PowerShell leaves out a value that is empty", s.Keys.took[0])
	case !s.Keys.failed["profile"]:
		s.Keys.usage("{target} is missing; give the EWS URL or the host name, or {profile} FILE; see `ewsprobe %s --help`", s.Keys.command)
	}
	cfg.Addresses = nil
	s.parseAddresses(&cfg)
	cfg.Proxy, cfg.Autodiscover = s.parseProxy(), s.parseAutodiscover()
	s.checkAccount(&cfg)
	if s.Keys.command == "batch" {
		s.checkBatch(&cfg)
	}
	login := s.service("entra-url", s.EntraURL, false)
	cfg.HMA = s.readHMA(ctx, &cfg, login)
	cfg.Extra = s.readCertificates(ctx)
	cfg.Cloud = s.readCloud(ctx, login)
	cfg.Accepted = s.ReadBaseline(ctx)
	s.findDomain(ctx, getenv, &cfg)
	if cfg.View == "public" {
		cfg.Public = PublicRoots()
	}
	cfg.DynamicsTenant = strings.ToLower(strings.TrimSpace(s.DynamicsTenant))
	cfg.Given = s.given()
	return cfg, s.Keys.Err()
}

// read reads the file that a key names, nil where none is named.
func (s *Settings) read(ctx context.Context, key, name string, limit int) []byte {
	if name == "" {
		return nil
	}
	raw, err := Read(ctx, name, limit)
	if err == nil && len(raw) == 0 {
		err = fileError("is empty")
	}
	if err != nil {
		s.Keys.Invalid("{"+key+"} %s %v", name, err)
		return nil
	}
	return raw
}

// ReadBaseline reads the accepted findings.
func (s *Settings) ReadBaseline(ctx context.Context) []evidence.Acceptance {
	raw := s.read(ctx, "baseline", s.Baseline, maxBaseline)
	if raw == nil {
		return nil
	}
	text, err := Decode(raw)
	if err != nil {
		s.Keys.Invalid("{baseline} %s %v", s.Baseline, err)
		return nil
	}
	list, err := baseline.Parse(text)
	if err != nil {
		s.Keys.Invalid("{baseline} %s: %v", s.Baseline, err)
	}
	return list
}

// readCertificates reads the certificates that are trusted too; nil: none are.
func (s *Settings) readCertificates(ctx context.Context) *x509.CertPool {
	// crypto/x509 says nothing of a file that is not there, and trusts no authority then.
	if name := os.Getenv("SSL_CERT_FILE"); name != "" && runtime.GOOS == "linux" {
		note := "SSL_CERT_FILE names " + name + ", which is not there, so the authorities of the system may be missing; correct it, or unset it"
		_, err := Await(ctx, func() (os.FileInfo, error) { return os.Stat(name) })
		if err != nil && ctx.Err() == nil && !slices.Contains(s.Keys.Notes, note) {
			s.Keys.Notes = append(s.Keys.Notes, note)
		}
	}
	if s.CAFile == "" {
		return nil
	}
	pool := x509.NewCertPool()
	if err := AddCertificates(ctx, pool, s.CAFile); err != nil {
		s.Keys.Invalid("{ca-file} %v", err)
	}
	return pool
}

// PublicRoots are the roots that Mozilla's programme trusts, as the Go project
// publishes them: those of this machine may hold the company's own.
func PublicRoots() *x509.CertPool {
	pool := x509.NewCertPool()
	for root := range bundle.Roots() {
		if cert, err := x509.ParseCertificate(root.Certificate); err == nil {
			if root.Constraint != nil {
				pool.AddCertWithConstraint(cert, root.Constraint)
			} else {
				pool.AddCert(cert)
			}
		}
	}
	return pool
}

// readKerberos reads a keytab or a credential cache.
func (s *Settings) readKerberos(ctx context.Context, key, name string) []byte {
	// The types of credential caches of MIT krb5 and Heimdal that are no file.
	others := []string{"KEYRING", "KCM", "DIR", "API", "MEMORY", "MSLSA", "SCC", "XCACHE", "KCC"}
	if kind, _, typed := strings.Cut(name, ":"); key == "ccache" && typed && slices.Contains(others, kind) {
		s.Keys.Invalid("{ccache} %s is a cache of type %s, which only the system's Kerberos library can read; "+
			"write a ticket to a file with `kinit -c FILE:/tmp/krb5cc_ewsprobe USER`, then give {ccache} FILE:/tmp/krb5cc_ewsprobe", name, kind)
		return nil
	}
	raw := s.read(ctx, key, strings.TrimPrefix(name, "FILE:"), maxKerberosFile)
	if raw == nil {
		return nil
	}
	var err error
	if key == "keytab" {
		_, err = kerberos.ReadKeytab(raw)
	} else {
		_, err = kerberos.ReadCCache(raw)
	}
	if bytes.HasPrefix(raw, []byte("BQ")) { // base64 of the format's first byte, 5, as a Kubernetes secret has it
		err = errors.New("it is in base64; decode it with `base64 -d`")
	}
	if err != nil {
		s.Keys.Invalid("{"+key+"} %s cannot be used: %v", name, err)
		return nil
	}
	return raw
}

// given is what the user gave of the keys that evidence.Given has a field for. What
// came from an exported profile is left out: its file is named.
func (s *Settings) given() *evidence.Given {
	g := &evidence.Given{}
	v := reflect.ValueOf(g).Elem()
	for i := range v.NumField() {
		name := strings.ReplaceAll(v.Type().Field(i).Tag.Get("json"), "_", "-")
		k := s.Keys.Find(name)
		if k == nil || s.Keys.from[name].rank <= byProfile {
			continue
		}
		switch to := v.Field(i); to.Kind() {
		case reflect.String:
			to.SetString(fmt.Sprint(k.field.Interface()))
		default:
			to.Set(k.field)
		}
	}
	return g
}
