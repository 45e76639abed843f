package config

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/kerberos"
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
	const (
		stock  = "[libdefaults]\n default_realm = ATHENA.MIT.EDU\n[realms]\n ATHENA.MIT.EDU = {\n  kdc = kerberos.mit.edu\n }\n"
		mapped = "[libdefaults]\n default_realm = OTHER.EXAMPLE\n[domain_realm]\n .contoso.com = CORP.LOCAL\n"
	)
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
		{"a suffix goes before a realm that has nothing to do with it", conf, "--user svc@tailspin.example --profile-auth negotiate", "TAILSPIN.EXAMPLE", "tailspin.example", "", false},
		{"the stock file of Debian", stock, "--user svc-crm@contoso.com --explain-rejection", "CONTOSO.COM", "contoso.com", "", false},
		{"a bare name is not one of strangers", stock, "--user svc-crm --profile-auth negotiate", "", "", "", false},
		{"nor is a NetBIOS name", stock, `--user CONTOSO\svc-crm --profile-auth negotiate`, "", "", "", false},
		{"a NetBIOS name among the labels of the realm", conf, `--user CONTOSO\svc --profile-auth negotiate`, "CONTOSO.COM", "contoso.com", "dc1.contoso.com:88", false},
		{"a realm above the suffix", conf, "--user svc@crm.contoso.com --profile-auth negotiate", "CONTOSO.COM", "contoso.com", "dc1.contoso.com:88", false},
		{"the file says whose the suffix is", mapped, "--user svc@contoso.com --profile-auth negotiate", "CORP.LOCAL", "corp.local", "", false},
		{"who names the domain is heard", stock, "--user svc-crm@contoso.com --domain athena.mit.edu", "ATHENA.MIT.EDU", "athena.mit.edu", "kerberos.mit.edu:88", true},
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
			cfg := configured(t, c.args+" mail.contoso.com", map[string]string{"KRB5_CONFIG": file})
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

// What a krb5.conf includes is read, as that of Red Hat does, and what cannot be is not.
func TestIncludedKrb5Conf(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{
		"krb5.conf": "include FOLDER/missing\nincludedir FOLDER/d\n[libdefaults]\n default_realm = CONTOSO.COM\n", "d/contoso.conf": "include FOLDER/krb5.conf\n[realms]\n CONTOSO.COM = {\n  kdc = dc1.contoso.com\n }\n",
		"d/contoso.conf.rpmsave~": "[realms]\n CONTOSO.COM = {\n  kdc = old.contoso.com\n }\n", "d/damaged": "[realms\n",
	} {
		file := filepath.Join(folder, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(strings.ReplaceAll(text, "FOLDER", folder)), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	cfg := configured(t, "--user svc@contoso.com --explain-rejection mail.contoso.com", map[string]string{"KRB5_CONFIG": filepath.Join(folder, "krb5.conf")})
	if got := strings.Join(cfg.Kerberos.KDCs, " "); cfg.Kerberos.Realm != "CONTOSO.COM" || got != "dc1.contoso.com:88" {
		t.Errorf("realm %q, KDCs %q", cfg.Kerberos.Realm, got)
	}
}

// TestIncludeInPlace: what is included counts where its line stands, the first value of
// a name counts, and each file is read once.
func TestIncludeInPlace(t *testing.T) {
	const (
		a     = "[libdefaults]\n default_realm = A.EXAMPLE\n[domain_realm]\n contoso.com = A.EXAMPLE\n"
		b     = "[libdefaults]\n default_realm = B.EXAMPLE\n[domain_realm]\n contoso.com = B.EXAMPLE\n"
		large = "[libdefaults]\n default_realm = LARGE.EXAMPLE\n"
	)
	for _, c := range []struct {
		name, main, a    string
		realm, of, first string
	}{
		{"in front", "include F/a\n" + b, a, "A.EXAMPLE", "A.EXAMPLE", ""},
		{"behind", b + "include F/a\n", a, "B.EXAMPLE", "B.EXAMPLE", ""},
		{"a tab", "include\tF/a\n" + b, a, "A.EXAMPLE", "A.EXAMPLE", ""},
		{"the first in one file", b + a, "", "B.EXAMPLE", "B.EXAMPLE", ""},
		{"a section does not go into a file", "[libdefaults]\ninclude F/a\n", "default_realm = A.EXAMPLE\n", "", "", ""},
		{"nor out of it", "include F/a\ndefault_realm = B.EXAMPLE\n", "[libdefaults]\n", "", "", ""},
		{"the section goes on behind it", "[libdefaults]\ninclude F/a\n default_realm = B.EXAMPLE\n", "[realms]\n", "B.EXAMPLE", "", ""},
		{"within a block", "[realms]\n B.EXAMPLE = {\ninclude F/a\n kdc = dc1\n }\n", a, "A.EXAMPLE", "A.EXAMPLE", "dc1:88"},
		{"a folder that includes itself", "includedir F/\n" + b, "includedir F/\ninclude F/a\ninclude F/main\n" + a, "A.EXAMPLE", "A.EXAMPLE", ""},
		{"a folder is no file", "include F/\ninclude F/a\n", a, "A.EXAMPLE", "A.EXAMPLE", ""},
		{"a damaged file is left out", "include F/a\n" + b, a + "[realms\n", "B.EXAMPLE", "B.EXAMPLE", ""},
		{"too much is left out", "include F/a\n" + b, large + strings.Repeat("#", maxKerberosFile), "B.EXAMPLE", "B.EXAMPLE", ""},
	} {
		folder := t.TempDir()
		main := filepath.Join(folder, "main")
		for file, text := range map[string]string{main: c.main, filepath.Join(folder, "a"): c.a} {
			if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, "F/", folder+"/")), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		conf, err := readKrb5Conf(t.Context(), main)
		if got := strings.Join(conf.KDCs("B.EXAMPLE"), " "); err != nil || conf.DefaultRealm != c.realm || conf.Realm("contoso.com") != c.of || got != c.first {
			t.Errorf("%s: default realm %q, contoso.com is of %q, KDCs %q, %v", c.name, conf.DefaultRealm, conf.Realm("contoso.com"), got, err)
		}
	}
}

// Files that include their own folder are read once each, and not without end.
func TestIncludedOnce(t *testing.T) {
	folder := t.TempDir()
	for i := range 6 {
		text := strings.Repeat("includedir "+folder+"\ninclude "+folder+"/f"+strconv.Itoa(5-i)+"\n", 20)
		if err := os.WriteFile(filepath.Join(folder, "f"+strconv.Itoa(i)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, read := krb5Files{ctx: t.Context(), left: maxKerberosFile, seen: map[string]bool{}}, 0
	_, err := kerberos.ReadConfig([]byte("includedir "+folder+"\n"), func(directive, name string) [][]byte {
		all := files.included(directive, name)
		read += len(all)
		return all
	})
	if err != nil || read != 6 {
		t.Errorf("%d files were read, %v", read, err)
	}
	files = krb5Files{ctx: t.Context(), left: 3 << 10, seen: map[string]bool{}}
	if all := files.included("includedir", folder); len(all) == 0 || len(all) > 3 {
		t.Errorf("%d files fit in 3 KiB", len(all))
	}
}

// An empty value and a variable are told once, and not judged as a value too.
func TestToldOnce(t *testing.T) {
	for _, flag := range []string{"--address=", "--domain=", "--address=${IP}", "--ca-file=${CA}", "--user=${NAME}", "--timeout=", "--profile-auth="} {
		_, err := settled("--no-credentials "+flag+" mail.contoso.com", nil)
		if strings.HasPrefix(flag, "--user") {
			_, err = settled(flag+" mail.contoso.com", nil)
		}
		if name, _, _ := strings.Cut(flag, "="); err == nil || strings.Count(err.Error(), name) != 1 {
			t.Errorf("%s: %v", flag, err)
		}
	}
}

// configured is what a command line of check and an environment come to.
func configured(t *testing.T, line string, env map[string]string) probe.Config {
	t.Helper()
	cfg, err := settled(line, env)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func settled(line string, env map[string]string) (probe.Config, error) {
	s := New("check", "1.0")
	s.Argument(s.Keys.Parse(strings.Fields(line)))
	getenv := func(name string) string { return env[name] }
	s.Keys.Variables(getenv)
	return s.Config(context.Background(), getenv)
}
