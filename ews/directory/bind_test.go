package directory

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/testkit"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

const (
	long  = 48 * time.Hour
	other = "dc9.contoso.com"
)

// named is a check whose directory is the one at address.
func named(t *testing.T, authority testkit.Authority, address string) *check {
	t.Helper()
	return newCheck(t, func(c *Client) { c.Named, c.Extra = address, authority.Pool() })
}

// TestBind has an answer per line, and what becomes of the logon.
func TestBind(t *testing.T) {
	authority := testkit.NewAuthority(t)
	answers := func(b ...byte) func(net.Conn, testkit.Request) {
		return func(c net.Conn, _ testkit.Request) {
			_, _ = c.Write(b)
			testkit.Wait(c)
		}
	}
	deep := []byte(strings.Repeat("\x30\x80", 20000))
	cases := []struct {
		name   string
		answer func(net.Conn, testkit.Request)
		hasty  bool
		want   string
	}{
		{"success", testkit.Says(0, ""), false, "0 accepted"},
		{"success, then it hangs up", func(c net.Conn, q testkit.Request) { _, _ = c.Write(testkit.Answer(q.ID, 0, "")) }, false, "0 accepted"},
		{"no data", testkit.Says(49, "Invalid credentials"), false, "49 refused"},
		{"not a word", testkit.Says(49, ""), false, "49 refused"},
		{"long words", testkit.Says(49, strings.Repeat("ü", 20000)+" data 775"), false, "49 refused"},
		{"stronger authentication", testkit.Says(8, "00002028: LdapErr: DSID-0C09035F"), false, "8 odd unfinished"},
		{"referral", testkit.Says(10, ""), false, "10 odd unfinished"},
		{"busy", testkit.Says(51, ""), false, "51 odd unfinished"},
		{"unwilling", testkit.Says(53, ""), false, "53 odd unfinished"},
		{"confidentiality required", testkit.Says(13, ""), false, "13 odd unfinished"},
		{"a code that LDAP has not", testkit.Says(199, ""), false, "199 odd unfinished"},
		{"a code of the library's own", testkit.Says(201, ""), false, "no-answer malformed-answer in read unfinished"},
		{"a negative code", testkit.Says(-1, ""), false, "no-answer malformed-answer in read unfinished"},
		{"an answer to another request", func(c net.Conn, q testkit.Request) {
			_, _ = c.Write(testkit.Answer(q.ID+7, 0, ""))
		}, false, "no-answer connection-closed in read unfinished"},
		{"garbage", answers([]byte("\x30\x05hello")...), true, "no-answer timeout in read unfinished"},
		{"no LDAP message", answers([]byte("\x04\x05hello")...), true, "no-answer timeout in read unfinished"},
		{"HTTP", func(c net.Conn, _ testkit.Request) {
			_, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n" + strings.Repeat("x", 200)))
		}, false, "no-answer connection-closed in read unfinished"},
		{"nothing", func(c net.Conn, _ testkit.Request) { testkit.Wait(c) }, true, "no-answer timeout in read unfinished"},
		{"closed", func(net.Conn, testkit.Request) {}, false, "no-answer connection-closed in read unfinished"},
		{"reset", func(c net.Conn, _ testkit.Request) { reset(c.(*tls.Conn).NetConn()) }, false, "no-answer connection-reset in read unfinished"},
		{"2 GB announced", answers(0x30, 0x84, 0x7f, 0xff, 0xff, 0xff), false, "no-answer malformed-answer in read unfinished"},
		{"2^63 announced", answers(0x30, 0x88, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), false, "no-answer malformed-answer in read unfinished"},
		{"nested deeply", answers(deep...), false, "no-answer malformed-answer in read unfinished"},
		{"of no announced length, without an end", func(c net.Conn, _ testkit.Request) {
			_, _ = c.Write([]byte{0x30, 0x80})
			pour(c, []byte(strings.Repeat("\x02\x01\x00", 20000)))
		}, false, "no-answer malformed-answer in read unfinished"},
		{"small messages without an end", func(c net.Conn, _ testkit.Request) {
			pour(c, []byte(strings.Repeat(string(testkit.Answer(9, 0, "")), 1000)))
		}, false, "no-answer malformed-answer in read unfinished"},
	}
	for _, data := range []string{"525", "52e", "52f", "530", "531", "532", "533", "534", "569", "701", "773", "775", "0", "80090346", "52E"} {
		cases = append(cases, struct {
			name   string
			answer func(net.Conn, testkit.Request)
			hasty  bool
			want   string
		}{"data " + data, testkit.Says(49, testkit.Refusal(data)), false, "49 " + data + " refused"})
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := testkit.StartLDAPS(t, authority.Issue(t, "127.0.0.1", long), c.answer)
			check, ctx := named(t, authority, server.Address), bounded(t)
			if c.hasty {
				ctx = hasty(t)
			}
			item := check.Bind(ctx, check.settle)
			if got := said(item); got != c.want {
				t.Errorf("%s, want %s (%s)", got, c.want, item.Logon.Why)
			}
			check.once(t, item)
			if b := server.Binds(); len(b) != 1 || b[0].Name != account || b[0].Password != testkit.Password {
				t.Errorf("%+v", b)
			}
			if l := item.Logon; l.Scheme != evidence.SchemeLDAPS || l.Account != account || item.Address != server.Address || item.TLS == nil {
				t.Errorf("%+v", item)
			}
		})
	}
}

// TestBindOnlyInTrustedTLS: where TLS or its certificate is not in order, the
// password stays here, and nothing counts.
func TestBindOnlyInTrustedTLS(t *testing.T) {
	authority, stranger := testkit.NewAuthority(t), testkit.NewAuthority(t)
	for name, c := range map[string]struct {
		certificate tls.Certificate
		why         string
	}{
		"wrong name":     {authority.Issue(t, other, long), "is for dc9.contoso.com, not for 127.0.0.1"},
		"unknown issuer": {stranger.Issue(t, "127.0.0.1", long), "is not trusted"},
		"expired":        {authority.Issue(t, "127.0.0.1", -time.Minute), "expired on"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testkit.StartLDAPS(t, c.certificate, testkit.Says(0, ""))
			check := named(t, authority, server.Address)
			item := check.Bind(bounded(t), check.settle)
			if got := said(item); got != "no-tls tls-untrusted in tls skipped" || !strings.Contains(item.Bind.Why, c.why) || !strings.Contains(item.Logon.Why, "the password was not sent") {
				t.Errorf("%s: %s", got, item.Bind.Why)
			}
			if len(server.Binds()) != 0 {
				t.Errorf("the password was sent: %+v", server.Binds())
			}
			check.once(t, item)
		})
	}
	talk := func(first string, hear *strings.Builder) func(net.Conn) {
		return func(c net.Conn) {
			_, _ = c.Write([]byte(first))
			buffer := make([]byte, 4096)
			n, _ := c.Read(buffer)
			hear.Write(buffer[:n])
		}
	}
	for name, first := range map[string]string{
		"plain LDAP": string(testkit.Answer(1, 0, "")), "HTTP": "HTTP/1.1 400 Bad Request\r\n\r\n", "nothing": "",
	} {
		t.Run(name, func(t *testing.T) {
			var heard strings.Builder
			var address string
			t.Run("client", func(t *testing.T) {
				address = testkit.Listen(t, talk(first, &heard))
				check := named(t, authority, address)
				item := check.Bind(bounded(t), check.settle)
				if item.Bind.Problem != evidence.NoTLS || item.Logon.Result != evidence.Skipped || !strings.Contains(item.Logon.Why, "does not answer LDAP over TLS at "+address) {
					t.Errorf("%s: %s", said(item), item.Logon.Why)
				}
				check.once(t, item)
			})
			for _, form := range []string{testkit.Password, base64.StdEncoding.EncodeToString([]byte(testkit.Password)), account} {
				if strings.Contains(heard.String(), form) {
					t.Errorf("%q was sent in clear", form)
				}
			}
		})
	}
}

// Nobody there: nothing was sent and nothing counts.
func TestBindUnreached(t *testing.T) {
	t.Parallel()
	authority := testkit.NewAuthority(t)
	check := named(t, authority, testkit.Silent(t))
	item := check.Bind(bounded(t), check.settle)
	if got := said(item); got != "no-answer connect-refused in connect skipped" {
		t.Error(got)
	}
	check.once(t, item)

	check = named(t, authority, "no-such-host.invalid")
	item = check.Bind(bounded(t), check.settle)
	if item.Bind.Problem != evidence.NoAnswer || item.Logon.Result != evidence.Skipped || item.Address != "" {
		t.Errorf("%s", said(item))
	}
	check.once(t, item)
}

// Stopped by the user before and after the password was sent.
func TestBindStopped(t *testing.T) {
	t.Parallel()
	authority := testkit.NewAuthority(t)
	ctx, stop := context.WithCancel(bounded(t))
	server := testkit.StartLDAPS(t, authority.Issue(t, "127.0.0.1", long), func(c net.Conn, _ testkit.Request) {
		stop()
		testkit.Wait(c)
	})
	check := named(t, authority, server.Address)
	item := check.Bind(ctx, check.settle)
	if got := said(item); got != "interrupted in read unfinished" {
		t.Error(got)
	}
	check.once(t, item)

	check = named(t, authority, server.Address)
	item = check.Bind(ctx, check.settle)
	if got := said(item); got != "interrupted in connect skipped" {
		t.Error(got)
	}
	check.once(t, item)
}

// A bind by patience of its own, where the context has more.
func TestBindPatience(t *testing.T) {
	if testing.Short() {
		t.Skip("left out with -short: it takes seconds")
	}
	t.Parallel()
	authority := testkit.NewAuthority(t)
	server := testkit.StartLDAPS(t, authority.Issue(t, "127.0.0.1", long), func(c net.Conn, _ testkit.Request) { testkit.Wait(c) })
	check, ctx := named(t, authority, server.Address), bounded(t)
	item := check.Bind(ctx, check.settle)
	if got := said(item); got != "no-answer timeout in read unfinished" || ctx.Err() != nil {
		t.Errorf("%s, %v", got, ctx.Err())
	}
	check.once(t, item)
}

// Whatever a directory repeats of the password, and wherever the text is cut.
func TestBindEcho(t *testing.T) {
	t.Parallel()
	authority := testkit.NewAuthority(t)
	const password = testkit.Password
	for name, text := range map[string]string{
		"in the middle": "you said " + password, "base64": base64.StdEncoding.EncodeToString([]byte(account + ":" + password)),
		"hexadecimal": fmt.Sprintf("%x", password), "cut": strings.Repeat("x", 495) + password, "cut in base64": strings.Repeat("x", 490) + base64.StdEncoding.EncodeToString([]byte(password)),
	} {
		server := testkit.StartLDAPS(t, authority.Issue(t, "127.0.0.1", long), testkit.Says(49, text+", data 775"))
		check := named(t, authority, server.Address)
		item := check.Bind(bounded(t), check.settle)
		if strings.Contains(item.Bind.Message, "Passw") || strings.Contains(item.Bind.Message, base64.StdEncoding.EncodeToString([]byte(password))[:6]) {
			t.Errorf("%s: %q", name, item.Bind.Message)
		}
		check.once(t, item)
	}
}

// TestBindName: the name as an LDAP server takes it.
func TestBindName(t *testing.T) {
	for _, c := range []struct{ user, domain, want string }{
		{account, domain, account},
		{`CONTOSO\svc-crm`, domain, `CONTOSO\svc-crm`},
		{"svc-crm", domain, account},
		{"svc-crm", "", "svc-crm"},
	} {
		client := newCheck(t, func(k *Client) { k.Credential.User, k.Domain = c.user, c.domain })
		if got := client.bindName(); got != c.want {
			t.Errorf("%s in %q: %s", c.user, c.domain, got)
		}
	}
}

// TestFromDNS: which controllers DNS may name. A host outside of the domain is
// never asked: whoever forges an answer could name his own.
func TestFromDNS(t *testing.T) {
	srv := func(hosts ...string) (list []wire.Service) {
		for _, h := range hosts {
			list = append(list, wire.Service{Host: h, Port: 3890})
		}
		return list
	}
	cases := []struct {
		name           string
		found          []wire.Service
		fail           *evidence.Failure
		kdcs, ldaps    string
		problem, words string
	}{
		{name: "in the domain", found: srv("DC1.contoso.com", "dc2.emea.contoso.com"), kdcs: "DC1.contoso.com:3890 dc2.emea.contoso.com:3890", ldaps: "DC1.contoso.com:636 dc2.emea.contoso.com:636"},
		{name: "some outside", found: srv("evil.example", "dc1.contoso.com", "evilcontoso.com"), kdcs: "dc1.contoso.com:3890", ldaps: "dc1.contoso.com:636"},
		{name: "all outside", found: srv("contoso.com.evil.example", "127.0.0.1"), problem: "no-controller", words: "contoso.com.evil.example for _"},
		{name: "none", problem: "no-controller", words: "names no server"},
		{name: "no record", fail: &evidence.Failure{Code: evidence.DNSNotFound, Phase: "resolve", Text: "no such host"}, problem: "no-controller", words: "no such host"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var asked []string
			check := newCheck(t, func(k *Client) {
				k.Lookup = func(_ context.Context, service, domain string) ([]wire.Service, *evidence.Failure) {
					asked = append(asked, service+" "+domain)
					return c.found, c.fail
				}
			})
			for want, of := range map[string]func(context.Context) ([]string, *evidence.Item){c.kdcs: check.kdcs, c.ldaps: check.ldaps} {
				list, item := of(bounded(t))
				if got := strings.Join(list, " "); got != want || (item != nil) != (want == "") {
					t.Errorf("%q, want %q", got, want)
				}
				if item == nil {
					continue
				}
				var problem evidence.Problem
				var why string
				if k := item.Kerberos; k != nil {
					problem, why = k.Problem, k.Why
				} else {
					problem, why = item.Bind.Problem, item.Bind.Why
				}
				if string(problem) != c.problem || !strings.Contains(why, c.words) {
					t.Errorf("%s: %s", problem, why)
				}
			}
			for _, a := range asked {
				if a != "kerberos contoso.com" && a != "ldap dc._msdcs.contoso.com" {
					t.Errorf("asked for %s", a)
				}
			}
		})
	}
}

// A controller outside of the domain gets neither a question nor the password,
// and without any controller a logon is settled as never sent.
func TestForeignControllerIsNotAsked(t *testing.T) {
	t.Parallel()
	foreign := testkit.Listen(t, func(net.Conn) { t.Error("the foreign controller was asked") })
	host, _, _ := net.SplitHostPort(foreign)
	check := newCheck(t, func(c *Client) {
		c.Lookup = func(context.Context, string, string) ([]wire.Service, *evidence.Failure) {
			return []wire.Service{{Host: host, Port: uint16(portOf(t, foreign))}}, nil
		}
	})
	if item := check.Bind(bounded(t), check.settle); item.Logon != nil || item.Bind.Problem != evidence.NoController {
		t.Errorf("%+v", item)
	}
	k := &KDC{Client: check.Client}
	if got := said(k.Ask(bounded(t))); got != "no-controller" {
		t.Error(got)
	}
	if got := said(k.Logon(bounded(t), check.settle)); got != "skipped" {
		t.Error(got)
	}
	if fmt.Sprint(check.settled) != "[skipped skipped]" {
		t.Errorf("settled %v", check.settled)
	}
}

func portOf(t *testing.T, address string) int {
	t.Helper()
	a, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return a.Port
}

// TestKDCOrder: the named controller, those of krb5.conf, and DNS only without
// either.
func TestKDCOrder(t *testing.T) {
	for _, c := range []struct {
		named      string
		configured []string
		want       string
	}{
		{"dc1.contoso.com", nil, "dc1.contoso.com:88"},
		{"dc1.contoso.com:6360", nil, "dc1.contoso.com:88"},
		{"dc1.contoso.com:6360", []string{"dc2.contoso.com", "DC1.contoso.com:8800"}, "DC1.contoso.com:8800 dc2.contoso.com:88"},
		{"", []string{"dc2.contoso.com:8800"}, "dc2.contoso.com:8800"},
		{"fd00::5", nil, "[fd00::5]:88"},
		{"[fd00::5]:636", nil, "[fd00::5]:88"},
		{"[fd00::5]", nil, "[fd00::5]:88"},
	} {
		check := newCheck(t, func(k *Client) { k.Named, k.Configured = c.named, c.configured })
		list, item := check.kdcs(bounded(t))
		if got := strings.Join(list, " "); got != c.want || item != nil {
			t.Errorf("%q, %v: %q, want %q", c.named, c.configured, got, c.want)
		}
	}
}

// TestMemory: what a controller sends without an end, or announces, costs little
// memory. Not in parallel with the others.
func TestMemory(t *testing.T) {
	authority := testkit.NewAuthority(t)
	flood := testkit.StartLDAPS(t, authority.Issue(t, "127.0.0.1", long), func(c net.Conn, _ testkit.Request) {
		_, _ = c.Write([]byte{0x30, 0x80})
		pour(c, []byte(strings.Repeat("\x30\x00", 30000)))
	})
	kdc := testkit.StartKDC(t, func(c net.Conn, _ string, _ []byte) { pour(c, []byte("\x00\x00\xff\xff\x7e")) })
	const rounds, most = 5, 64 << 20
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range rounds {
		check := named(t, authority, flood.Address)
		check.Bind(bounded(t), check.settle)
		_, k := at(t, kdc.Address, nil)
		k.Ask(bounded(t))
	}
	runtime.ReadMemStats(&after)
	if used := (after.TotalAlloc - before.TotalAlloc) / rounds; used > most {
		t.Errorf("%d MiB in a round", used>>20)
	} else {
		t.Logf("%d KiB in a round", used>>10)
	}
}
