package address

import (
	"strings"
	"testing"
)

func TestForms(t *testing.T) {
	for _, c := range []struct {
		what string
		is   func(string) bool
		yes  string
		no   string
	}{
		{"port", func(s string) bool { _, ok := Port(s); return ok }, "1 443 65535", "0 65536 -1 +443 4x 443.0"},
		{"host", IsHost, "mail mail.contoso.com mail.contoso.com. 10.0.0.1 fe80::1 _sip.contoso.com xn--bcher-kva.example", ".mail mail- bücher.example a/b a:b"},
		{"domain", IsDomain, "contoso.com contoso.com. bücher.example _msdcs.contoso.com", "contoso .com contoso..com 10.0.0.1 a/b.com -a.com"},
		{"mailbox", IsMailbox, "anna@contoso.com o'neil+x@sub.contoso.co.uk änne@bücher.example", "anna anna@10.0.0.1 anna@contoso anna@@contoso.com @contoso.com a,b@contoso.com anna@[10.0.0.1] anna@contoso.c anna@contoso.com. a:b@contoso.com"},
	} {
		for _, s := range strings.Fields(c.yes) {
			if !c.is(s) {
				t.Errorf("%q is no %s", s, c.what)
			}
		}
		for _, s := range append(strings.Fields(c.no), "") {
			if c.is(s) {
				t.Errorf("%q is a %s", s, c.what)
			}
		}
	}
}

func TestHostPort(t *testing.T) {
	for in, want := range map[string]string{
		"dc1": "dc1 636", "dc1:1636": "dc1 1636", "10.0.0.1:5": "10.0.0.1 5", "fe80::1": "fe80::1 636", "[fe80::1]": "fe80::1 636", "[fe80::1]:5": "fe80::1 5",
		"dc1:": "", "dc1:0": "", "dc1:x": "", "dc 1": "", "": "", "ldaps://dc1": "", "dc1:70000": "",
	} {
		host, port, ok := HostPort(in, "636")
		if got := host + " " + port; ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q %v", in, got, ok)
		}
	}
}

// What is wrong with a URL is told without the URL, which may hold a password.
func TestURL(t *testing.T) {
	for in, want := range map[string]string{
		"https://Mail.contoso.com/EWS": "", "HTTP://mail:8080": "", "https://[fe80::1]:444/x": "",
		"mail.contoso.com": "has no scheme", "https://u:S3cret@mail/": "user name or password", "https://mail:99999/": "port", "https://mail:/": "port", "https://mail:0/": "port",
		"https://mail:S3cret": "port", "https://": "host name", "https:///EWS": "host name", "https://mail contoso/S3cret": "not a URL", "https://mail/%zzS3cret": "not a URL",
		"https://mail/#S3cret": "part after #", "https:/S3cret@mail": "misspelt", "https//mail": "misspelt", "httpmail": "has no scheme", "https://mail.contoso\u200b.com": "U+200B", "https://bücher.example/": "host name",
	} {
		u, wrong := URL(in, "https://HOST")
		if (u == nil) != (want != "") || !strings.Contains(wrong, want) || strings.Contains(wrong, "S3cret") {
			t.Errorf("%q: %v, %q", in, u, wrong)
		}
		if u != nil && (u.Host != strings.ToLower(u.Host) || u.Scheme != strings.ToLower(u.Scheme)) {
			t.Errorf("%q: %v", in, u)
		}
	}
}

func TestBadAccount(t *testing.T) {
	for name, want := range map[string]string{
		`svc-crm`: "", `CONTOSO\svc-crm`: "", `svc-crm@contoso.com`: "", `.\svc`: "", `John Smith@contoso.com`: "", `CONTOSO\12345678901234567890`: "", `a-very-long-user-principal-name@contoso.com`: "",
		`CONTOSO/svc-crm`: "slash", `CONTOSO\svc-crm@contoso.com`: `both \ and @`, ` svc`: "blanks", "svc\u00a0": "blanks", `"svc"`: "blanks or quotes", `CONTOSO\ svc`: "blanks", "'svc@contoso.com'": "quotes",
		`CONTOSO\123456789012345678901`: "20 characters", `svc:x`: "colon", "svc\n": "control character", `CONTOSO\`: "incomplete", `\svc`: "incomplete",
		`CONTOSO\\svc-crm`: `give CONTOSO\svc-crm`, `CONTOSO\ab\svc`: "more than one backslash", "svc-crm@contoso.com@contoso.com": "more than one @", "svc\u200e@contoso.com": "U+200E",
		"svc-crm @contoso.com": "blanks", "<svc-crm@contoso.com>": "no account name", "svc-crm@contoso.com;": "no account name", `CONTOSO\svc*`: "no account name", "svc+crm@contoso.com": "",
	} {
		if got := BadAccount(name); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%q: %q", name, got)
		}
	}
}

// An address is taken out of what is written around it. Where that may be another one,
// the cell stays as it is, and is refused.
func TestClean(t *testing.T) {
	for cell, want := range map[string]string{
		" anna@contoso.com\u00a0": "anna@contoso.com", "Anna Smith <anna@contoso.com>": "anna@contoso.com", "mailto:anna@contoso.com": "anna@contoso.com",
		`=HYPERLINK("mailto:anna@contoso.com","Anna")`: "anna@contoso.com", `<a href="mailto:anna@contoso.com">anna@contoso.com</a>`: "anna@contoso.com",
		"\u201canna@contoso.com\u201d": "anna@contoso.com", "'anna@contoso.com'": "anna@contoso.com", "Mary <m@contoso.com>, Who? <w@contoso.com>": "Mary <m@contoso.com>, Who? <w@contoso.com>",
		"@{Local=anna; Address=anna@contoso.com}": "anna@contoso.com", "smtp:ann@contoso.com;SMTP:anna@contoso.com": "anna@contoso.com",
		"SIP:anna@contoso.com": "SIP:anna@contoso.com", "anna smith@contoso.com": "anna smith@contoso.com", "room=1@contoso.com": "room=1@contoso.com", "a@contoso.com; b@contoso.com": "a@contoso.com; b@contoso.com",
	} {
		if got := Clean(cell); got != want {
			t.Errorf("%q: %q", cell, got)
		}
	}
}

func TestVariable(t *testing.T) {
	for text, want := range map[string]string{
		"${EWS_HOST}": "${EWS_HOST}", "https://${EWS_HOST}/EWS": "${EWS_HOST}", "$env:EWS_USER": "$env:EWS_USER", `%EWS_DOMAIN%\svc`: "%EWS_DOMAIN%",
		"$(Mail.User)": "$(Mail.User)", "https://{{ host }}/": "{{ host }}", "{{": "",
		"svc$": "", "$svc": "", "a%20b%20": "", "%AF%2D": "", "50%": "", "${EWS_HOST": "", "": "",
	} {
		if got := Variable(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}
