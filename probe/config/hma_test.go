package config

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/standin"
)

// What cannot work is said before anything is sent, under the name of the flag.
func TestHMASettings(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	token := func(audience string) string {
		part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
		return part(`{"alg":"RS256","typ":"JWT"}`) + "." + part(fmt.Sprintf(`{"aud":%q,"tid":"x"}`, audience)) + "." + part("no signature")
	}
	good := file("hma.pem", standin.HMACertificate.File())
	certificate, key, _ := strings.Cut(standin.HMACertificate.File(), "-----BEGIN PRIVATE")
	otherCertificate, _, _ := strings.Cut(standin.HMAUnregistered.File(), "-----BEGIN PRIVATE")
	app := []string{"--tenant", standin.Tenant, "--hma-client-id", standin.HMAApplicationID}
	with := func(more ...string) []string { return append(append([]string{}, app...), more...) }
	oauth := func(args []string) []string { return append(args, "--profile-auth", "oauth") }
	for name, c := range map[string]struct {
		args  []string
		wrong string // part of the complaint; "" none
	}{
		"a certificate":                    {oauth(with("--hma-certificate", good)), ""},
		"an expired one is not wrong yet":  {oauth(with("--hma-certificate", file("old.pem", standin.HMAExpired.File()))), ""},
		"a secret":                         {oauth(with("--hma-client-secret-file", file("secret", standin.HMASecret))), ""},
		"a token":                          {oauth([]string{"--hma-token-file", file("token", token("https://mail.contoso.com")+"\n")}), ""},
		"a token for a named resource":     {oauth([]string{"--hma-resource", "https://owa.contoso.com", "--hma-token-file", file("other", token("https://owa.contoso.com/"))}), ""},
		"a domain as tenant":               {oauth([]string{"--tenant", "contoso.com", "--hma-client-id", standin.HMAApplicationID, "--hma-certificate", good}), ""},
		"basic":                            {with("--hma-certificate", good), "--profile-auth oauth"},
		"no tenant":                        {oauth([]string{"--hma-client-id", standin.HMAApplicationID, "--hma-certificate", good}), "--tenant"},
		"a tenant that is none":            {oauth([]string{"--tenant", "contoso com", "--hma-client-id", standin.HMAApplicationID, "--hma-certificate", good}), "neither a GUID nor a domain"},
		"no proof":                         {oauth(with()), "--hma-certificate"},
		"two proofs":                       {oauth(with("--hma-certificate", good, "--hma-client-secret-file", file("s2", standin.HMASecret))), "exclude each other"},
		"a token and an application":       {oauth(with("--hma-certificate", good, "--hma-token-file", file("t2", token("https://mail.contoso.com")))), "use one of them"},
		"another key":                      {oauth(with("--hma-certificate", file("mixed.pem", otherCertificate+"-----BEGIN PRIVATE"+key))), "does not belong"},
		"no key":                           {oauth(with("--hma-certificate", file("cert.pem", certificate))), "contains no private key"},
		"no file":                          {oauth(with("--hma-certificate", filepath.Join(dir, "none"))), "cannot be read"},
		"a secret's ID":                    {oauth(with("--hma-client-secret-file", file("id", standin.Tenant))), "the ID of the secret"},
		"an http resource":                 {oauth(with("--hma-certificate", good, "--hma-resource", "http://mail.contoso.com")), "begins with http://"},
		"a client ID that is none":         {oauth([]string{"--tenant", standin.Tenant, "--hma-client-id", "dynamics", "--hma-certificate", good}), "is not a GUID"},
		"a blank client ID":                {oauth([]string{"--hma-client-id", " "}), "is not a GUID"},
		"a token for another server":       {oauth([]string{"--hma-token-file", file("t3", token("https://outlook.office365.com"))}), "not for this server"},
		"two tokens":                       {oauth([]string{"--hma-token-file", file("t4", token("https://mail.contoso.com")+"\n"+token("https://mail.contoso.com"))}), "is not an access token"},
		"something else in the token file": {oauth([]string{"--hma-token-file", file("t5", "0123456789abcdefghij")}), "not a JSON Web Token"},
		"a password without a certificate": {oauth(with("--hma-client-secret-file", file("s3", standin.HMASecret), "--hma-certificate-password-file", good)), "the file that the password opens"},
		"a resource alone":                 {oauth([]string{"--hma-resource", "https://mail.contoso.com"}), "or --hma-token-file FILE"},
	} {
		s := New("check", "1.0")
		s.Argument(s.Keys.Parse(append(c.args, "mail.contoso.com")))
		cfg, err := s.Config(t.Context(), func(string) string { return "" })
		switch {
		case c.wrong == "" && (err != nil || cfg.HMA == nil):
			t.Errorf("%s: %v", name, err)
		case c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)):
			t.Errorf("%s: %v, want %q", name, err, c.wrong)
		case err != nil && strings.Contains(err.Error(), "PRIVATE KEY"):
			t.Errorf("%s: the key is shown: %v", name, err)
		}
	}
}

// A mailbox is impersonated, and an account that was given is not used and said.
func TestHMAImplies(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hma.pem")
	if err := os.WriteFile(path, []byte(standin.HMACertificate.File()), 0o600); err != nil {
		t.Fatal(err)
	}
	s := New("check", "1.0")
	s.Argument(s.Keys.Parse([]string{
		"--profile-auth", "oauth", "--tenant", standin.Tenant, "--hma-client-id", standin.HMAApplicationID, "--hma-certificate", path,
		"--mailbox", "anna@contoso.com", "--user", "svc-crm@contoso.com", "mail.contoso.com",
	}))
	cfg, err := s.Config(t.Context(), func(string) string { return "" })
	if err != nil || !cfg.Impersonate || cfg.User != "" || len(s.Keys.Notes) != 1 || cfg.Cloud != nil {
		t.Errorf("%v: %+v, %q", err, cfg.Target(), s.Keys.Notes)
	}
}
