package kerberos

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// As distributions and administrators write it, with what the library's own
// reader refuses or panics at.
const sampleConfig = `# Configuration snippets may be placed in this directory as well
includedir /etc/krb5.conf.d/
include /etc/krb5.local

[logging]
 default = FILE:/var/log/krb5libs.log

[libdefaults]
	default_realm = CONTOSO.COM   # the forest's root
	renew_lifetime = seven days
	dns_lookup_kdc = maybe
	this is not a relation
	EXAMPLE = {
		default_realm = WRONG.COM
	}

[appdefaults]
	pam = {
		debug = false
	}

[realms]
	CONTOSO.COM = {
		kdc = dc1.contoso.com
		kdc = dc2.contoso.com:1088
		kdc = tcp/dc3.contoso.com
		kdc = 2001:db8::1
		kdc = [2001:db8::2]:88
		kdc = https://kkdcp.contoso.com/KdcProxy
		kdc = dc1.contoso.com:88
		admin_server = dc1.contoso.com
		auth_to_local_names = {
			kdc = wrong.contoso.com
		}
		v4_instance_convert = {
			host = contoso.com
		}
	}
	FABRIKAM.COM =
	{
		kdc = "dc.fabrikam.com" ; quoted
	}
	EMPTY.COM = {
	}

[plugins]
[domain_realm]
	.contoso.com = CONTOSO.COM
	mail.fabrikam.com = FABRIKAM.COM
	fabrikam.com
[realms]
	CONTOSO.COM = {
		kdc = dc9.contoso.com
	}
`

func TestConfig(t *testing.T) {
	for name, text := range map[string]string{"Unix": sampleConfig, "Windows": strings.ReplaceAll(sampleConfig, "\n", "\r\n")} {
		c, err := ReadConfig([]byte(text), nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if c.DefaultRealm != "CONTOSO.COM" {
			t.Errorf("%s: default realm %q", name, c.DefaultRealm)
		}
		for realm, want := range map[string][]string{
			"CONTOSO.COM":  {"dc1.contoso.com:88", "dc2.contoso.com:1088", "dc3.contoso.com:88", "[2001:db8::1]:88", "[2001:db8::2]:88", "dc9.contoso.com:88"},
			"FABRIKAM.COM": {"dc.fabrikam.com:88"},
			"EMPTY.COM":    nil,
			"NOSUCH.COM":   nil,
		} {
			if got := c.KDCs(realm); !slices.Equal(got, want) {
				t.Errorf("%s: %s: %q", name, realm, got)
			}
		}
		for host, want := range map[string]string{
			"mail.contoso.com": "CONTOSO.COM", "MAIL.Sub.Contoso.com.": "CONTOSO.COM", "mail.fabrikam.com": "FABRIKAM.COM", "www.fabrikam.com": "", "contoso.com": "",
		} {
			if got := c.Realm(host); got != want {
				t.Errorf("%s: %s is of %q", name, host, got)
			}
		}
	}
}

func TestBrokenConfig(t *testing.T) {
	for text, want := range map[string]string{
		"[realms]\nA = {\nkdc = a\n":            "a block in [realms] is not closed",
		"[realms]\nA = {\nkdc = a\n[plugins]\n": "line 4: section [plugins] begins before the block above it is closed",
		"[realms]\n}\n":                         "line 2: a closing brace without its block",
		"[realms\n":                             "line 1: a section without its closing bracket",
		"[libdefaults]\ndefault_realm = {A\n\n": "is not closed",
		"[realms]\nA = {\nkdc = a } \n}":        "line 3: the value of kdc is not understood",
		strings.Repeat("a", maxFile+1):          "longer than",
	} {
		if _, err := ReadConfig([]byte(text), nil); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v", text, err)
		}
	}
	for _, text := range []string{"", "[libdefaults]", "a = b", "\xff\xfe"} {
		c, err := ReadConfig([]byte(text), nil)
		if err != nil || c.DefaultRealm != "" || c.KDCs("") != nil || c.Realm("") != "" {
			t.Errorf("%q: %+v, %v", text, c, err)
		}
	}
	if c := (Config{}); c.KDCs("A") != nil || c.Realm("a") != "" {
		t.Error("the zero value knows something")
	}
}
