package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/probe"
)

// TestFindRealm: whose domain the account is taken to be in, and which KDCs are
// asked, for flags and a krb5.conf. The EWS server has no say.
func TestFindRealm(t *testing.T) {
	const conf = `
[libdefaults]
 default_realm = CONTOSO.COM
[realms]
 CONTOSO.COM = {
  kdc = dc1.contoso.com
 }
 FABRIKAM.EXAMPLE = {
  kdc = dc.fabrikam.example:8888
 }
`
	tests := []struct {
		name, conf string
		args       string
		realm      string
		domain     string
		kdcs       string
		named      bool
	}{
		{"a basic profile asks for nothing", conf, "--user svc@contoso.com", "", "", "", false},
		{"negotiate takes this machine's realm", conf, "--user svc --profile-auth negotiate", "CONTOSO.COM", "contoso.com", "dc1.contoso.com:88", false},
		{"the suffix is a realm of krb5.conf", conf, "--user svc@fabrikam.example --profile-auth negotiate", "FABRIKAM.EXAMPLE", "fabrikam.example", "dc.fabrikam.example:8888", false},
		{"a foreign suffix is not", conf, "--user svc@tailspin.example --profile-auth negotiate", "CONTOSO.COM", "contoso.com", "dc1.contoso.com:88", false},
		{"--domain before all", conf, "--user svc@contoso.com --domain corp.example.", "CORP.EXAMPLE", "corp.example", "", true},
		{"the domain of --dc", "", "--user svc@mail.example --explain-rejection --dc dc7.corp.example:1636", "CORP.EXAMPLE", "corp.example", "", true},
		{"an address as --dc: the suffix", "", "--user svc@mail.example --explain-rejection --dc 10.0.0.5", "MAIL.EXAMPLE", "mail.example", "", true},
		{"an address as --dc, a bare name: nothing is known", "", `--user svc --explain-rejection --dc 10.0.0.5`, "", "", "", true},
		{"no krb5.conf, nothing named", "", "--user svc@contoso.com --explain-rejection", "", "", "", false},
		{"without credentials nothing is looked for", conf, "--no-credentials --profile-auth negotiate", "", "", "", false},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "krb5.conf")
			if err := os.WriteFile(file, []byte(c.conf), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Setenv("KRB5_CONFIG", file)
			var cfg probe.Config
			app := &cli.App{Commands: []*cli.Command{{Name: "check", Flags: checkFlags(), Action: func(ctx *cli.Context) (err error) {
				cfg, err = configure(ctx, ctx.Args().First())
				return err
			}}}}
			if err := app.Run(slices.Concat([]string{"ewsprobe", "check"}, strings.Fields(c.args), []string{"mail.contoso.com"})); err != nil {
				t.Fatal(err)
			}
			if machineDomain() != "" && c.conf == "" {
				t.Skip("this machine belongs to a domain")
			}
			k := cfg.Kerberos
			if k.Realm != c.realm || cfg.Domain != c.domain || strings.Join(k.KDCs, " ") != c.kdcs || k.Named != c.named {
				t.Errorf("realm %q, domain %q, KDCs %q, named %v", k.Realm, cfg.Domain, k.KDCs, k.Named)
			}
		})
	}
}
