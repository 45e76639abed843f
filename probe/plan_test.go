package probe

import (
	"net/url"
	"strings"
	"testing"
)

// The plan is what -v prints before anything is sent: one line per case, the
// planned logons in order.
func TestPlan(t *testing.T) {
	tests := []struct {
		name string
		cfg  Config
		want string
	}{
		{"basic", Config{ProfileAuth: ProfileBasic}, "Basic:0 NTLM/right:1 Basic:7 NTLM/none:3 Basic:4 NTLM/none:4 NTLM/foreign:4 NTLM/zero:4"},
		{"auto", Config{ProfileAuth: ProfileAuto}, "Basic:0 NTLM/right:1 Basic:7 NTLM/none:3 Basic:4 NTLM/none:4 NTLM/foreign:4 NTLM/zero:4"},
		{"ntlm", Config{ProfileAuth: ProfileNTLM}, "NTLM/right:0 Basic:2 NTLM/none:3 Basic:4 NTLM/none:4 NTLM/foreign:4 NTLM/zero:4"},
		{"negotiate", Config{ProfileAuth: ProfileNegotiate}, "NTLM/right:0 Basic:2 NTLM/none:3 Basic:4 NTLM/none:4 NTLM/foreign:4 NTLM/zero:4"},
		{"negotiate in a realm", Config{ProfileAuth: ProfileNegotiate, Kerberos: Kerberos{Realm: "CONTOSO.COM"}}, "NTLM/right:0 Kerberos/right:6 Basic:2 NTLM/none:3 Basic:4 NTLM/none:4 NTLM/foreign:4 NTLM/zero:4"},
		{"a realm that nobody named is for negotiate alone", Config{ProfileAuth: ProfileNTLM, Kerberos: Kerberos{Realm: "CONTOSO.COM"}}, "NTLM/right:0 Basic:2 NTLM/none:3 Basic:4 NTLM/none:4 NTLM/foreign:4 NTLM/zero:4"},
		{"the domain named", Config{ProfileAuth: ProfileBasic, Kerberos: Kerberos{Realm: "CONTOSO.COM", Named: true}}, "Basic:0 NTLM/right:1 Kerberos/right:6 Basic:7 NTLM/none:3 Basic:4 NTLM/none:4 NTLM/foreign:4 NTLM/zero:4"},
		{"explained: the directory before a second scheme", Config{ProfileAuth: ProfileBasic, Explain: true}, "Basic:0 LDAPS:5 NTLM/right:1 Basic:7 NTLM/none:3 Basic:4 NTLM/none:4 NTLM/foreign:4 NTLM/zero:4"},
		{"keytab", Config{ProfileAuth: ProfileNegotiate, Kerberos: Kerberos{Keytab: []byte{5, 2}}}, "Kerberos/right:6"},
		{"current user", Config{ProfileAuth: ProfileNTLM, CurrentUser: true}, "current user/right:0"},
		{"oauth", Config{ProfileAuth: ProfileOAuth}, ""},
		{"no credentials", Config{ProfileAuth: ProfileBasic, NoCredentials: true}, ""},
		{"http", Config{ProfileAuth: ProfileBasic, URL: &url.URL{Scheme: "http", Host: "mail"}}, ""},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			if c.cfg.URL == nil {
				c.cfg.URL = &url.URL{Scheme: "https", Host: "mail"}
			}
			c.cfg.MaxRejections = 2
			p := NewPlan(c.cfg)
			var got []string
			for _, l := range p.Logons {
				s := string(l.Scheme)
				if l.Binding != "" {
					s += "/" + l.Binding
				}
				got = append(got, s+":"+string(rune('0'+l.When)))
			}
			if g := strings.Join(got, " "); g != c.want {
				t.Errorf("%s, want %s", g, c.want)
			}
			if said := p.String(); len(p.Logons) == 0 && !strings.Contains(said, "no credential is sent") ||
				len(p.Logons) > 0 && !strings.Contains(said, "at most 2 refused logons") {
				t.Errorf("the plan does not say what it may cost:\n%s", said)
			}
		})
	}
}
