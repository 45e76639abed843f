package directory

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/testkit"
)

// line has a point in a line.
func line(p evidence.ServicePoint) string {
	s := fmt.Sprintf("%s %s", p.Place, p.URL)
	if p.Pointer {
		s = "pointer " + p.URL
	}
	return strings.TrimSpace(s + " " + strings.Join(append(p.Sites, p.Domains...), ","))
}

// TestServicePoints: what the directory says, and what is read from it.
func TestServicePoints(t *testing.T) {
	authority := testkit.NewAuthority(t)
	const one, two, three = "https://a.contoso.com/autodiscover/autodiscover.xml", "https://b.contoso.com/x", "https://c.contoso.com/x"
	many := make([]testkit.Entry, 30)
	for i := range many {
		many[i] = testkit.Point(fmt.Sprintf("https://ex%d.contoso.com/x", i))
	}
	pointer := testkit.Entry{"serviceBindingInformation": {"LDAP://dc1.fabrikam.com"}, "keywords": {strings.ToLower(testkit.KeywordPointer), "Domain=fabrikam.com"}}
	for _, c := range []struct {
		name   string
		forest *testkit.Forest
		want   []string
		site   string
		more   bool
		why    string
	}{
		{"none", &testkit.Forest{}, nil, testkit.Site, false, ""},
		{"one without a site", &testkit.Forest{Entries: []testkit.Entry{testkit.Point(one)}}, []string{"no-site " + one}, testkit.Site, false, ""},
		{"own site, no site, other site", &testkit.Forest{Entries: []testkit.Entry{
			testkit.Point(three, "Site=Paris"), testkit.Point(two), testkit.Point(one, "Site=Paris", "site=BERLIN"),
		}}, []string{"own-site " + one + " Paris,BERLIN", "no-site " + two, "other-site " + three + " Paris"}, testkit.Site, false, ""},
		{"a pointer", &testkit.Forest{Entries: []testkit.Entry{pointer}}, []string{"pointer LDAP://dc1.fabrikam.com fabrikam.com"}, testkit.Site, false, ""},
		{"an entry of another service", &testkit.Forest{Entries: []testkit.Entry{{"serviceBindingInformation": {one}, "keywords": {"x"}}}}, nil, testkit.Site, false, ""},
		{"both kinds at once", &testkit.Forest{Entries: []testkit.Entry{testkit.Point(one, testkit.KeywordPointer)}}, nil, testkit.Site, false, ""},
		{"no URL", &testkit.Forest{Entries: []testkit.Entry{{"keywords": {testkit.KeywordURL}}}}, nil, testkit.Site, false, ""},
		{"a controller without a site", &testkit.Forest{Root: testkit.Entry{"configurationNamingContext": {"CN=C"}, "serverName": {"CN=DC1,OU=x"}}, Entries: []testkit.Entry{testkit.Point(one, "Site=Berlin")}}, []string{"other-site " + one + " Berlin"}, "", false, ""},
		{"a name that is none", &testkit.Forest{Root: testkit.Entry{"configurationNamingContext": {"CN=C"}, "serverName": {"\x00,,=="}}, Entries: []testkit.Entry{testkit.Point(one)}}, []string{"no-site " + one}, "", false, ""},
		{"limited by the server", &testkit.Forest{Entries: []testkit.Entry{testkit.Point(one)}, Code: 4}, []string{"no-site " + one}, testkit.Site, true, ""},
		{"no Active Directory", &testkit.Forest{Root: testkit.Entry{"namingContexts": {"DC=x"}}}, nil, "", false, "no configuration naming context"},
		{"not allowed", &testkit.Forest{Code: 50}, nil, testkit.Site, false, "result code 50 (Insufficient Access Rights)"},
		{"a referral", &testkit.Forest{Code: 10}, nil, testkit.Site, false, "result code 10 (Referral)"},
		{"a code that LDAP has not", &testkit.Forest{Code: 199}, nil, testkit.Site, false, "result code 199 (unknown)"},
		{"repeats the password", &testkit.Forest{Entries: []testkit.Entry{testkit.Point("https://"+testkit.Password, "Site="+testkit.Password, "Domain="+testkit.Password)}}, []string{"other-site [withheld: the server repeated a secret] [withheld: the server repeated a secret],[withheld: the server repeated a secret]"}, testkit.Site, false, ""},
		{"far too long", &testkit.Forest{Entries: []testkit.Entry{testkit.Point("https://" + strings.Repeat("a", 5000))}}, []string{"no-site https://" + strings.Repeat("a", longestValue-8)}, testkit.Site, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := testkit.StartLDAPS(t, authority.Issue(t, "127.0.0.1", long), c.forest.Answer)
			check, ctx := named(t, authority, server.Address), bounded(t)
			bind, found := check.ServicePoints(ctx, check.settle)
			if got := said(bind); got != "0 accepted" || len(server.Binds()) != 1 {
				t.Errorf("bind: %s, %d times", got, len(server.Binds()))
			}
			check.once(t, bind)
			p := found.Points
			var got []string
			for _, one := range p.Points {
				got = append(got, line(one))
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
			if p.Site != c.site || p.More != c.more || !strings.Contains(p.Why, c.why) || (c.why == "") != (p.Problem == "") || p.Domain != domain {
				t.Errorf("%+v", p)
			}
			if found.Step != evidence.StepAutodiscoverSCP || found.Address != server.Address || found.Logon != nil {
				t.Errorf("%+v", found)
			}
			if asked := c.forest.Asked(); asked[0] != ": configurationNamingContext serverName" || len(asked) > 2 || len(asked) == 2 && !strings.HasSuffix(asked[1], ": serviceBindingInformation keywords") {
				t.Errorf("asked %q", asked)
			}
		})
	}
	t.Run("thirty", func(t *testing.T) {
		forest := &testkit.Forest{Entries: many}
		check := named(t, authority, testkit.StartLDAPS(t, authority.Issue(t, "127.0.0.1", long), forest.Answer).Address)
		if _, found := check.ServicePoints(bounded(t), check.settle); len(found.Points.Points) != maxEntries || !found.Points.More {
			t.Errorf("%d points, more: %v", len(found.Points.Points), found.Points.More)
		}
	})
}

// A directory that takes the bind and then harms: the search ends with a word,
// and the bind stays accepted.
func TestServicePointsFromABadDirectory(t *testing.T) {
	authority := testkit.NewAuthority(t)
	after := func(do func(net.Conn)) func(net.Conn, testkit.Request) {
		return func(c net.Conn, q testkit.Request) {
			_, _ = c.Write(testkit.Answer(q.ID, 0, ""))
			_, _ = c.Read(make([]byte, 4096))
			do(c)
		}
	}
	for _, c := range []struct {
		name  string
		do    func(net.Conn)
		hasty bool
	}{
		{"silence", func(c net.Conn) { testkit.Wait(c) }, true},
		{"closed", func(net.Conn) {}, false},
		{"garbage", func(c net.Conn) {
			_, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
			testkit.Wait(c)
		}, true},
		{"entries without an end", func(c net.Conn) {
			pour(c, testkit.Found(2, testkit.Point(strings.Repeat("x", 500))))
		}, false},
		{"an entry without parts", func(c net.Conn) {
			_, _ = c.Write([]byte("\x30\x05\x02\x01\x02\x64\x00"))
			testkit.Wait(c)
		}, true},
		{"an entry of nothing", func(c net.Conn) {
			_, _ = c.Write([]byte("\x30\x09\x02\x01\x02\x64\x04\x04\x00\x30\x00"))
			_, _ = c.Write(testkit.Done(2, 0))
			testkit.Wait(c)
		}, false},
		{"2 GB announced", func(c net.Conn) { _, _ = c.Write([]byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff}) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := testkit.StartLDAPS(t, authority.Issue(t, "127.0.0.1", long), after(c.do))
			check, ctx := named(t, authority, server.Address), bounded(t)
			if c.hasty {
				ctx = hasty(t)
			}
			bind, found := check.ServicePoints(ctx, check.settle)
			if got := said(bind); got != "0 accepted" {
				t.Errorf("bind: %s", got)
			}
			check.once(t, bind)
			if p := found.Points; p.Problem == "" || p.Why == "" || len(p.Points) > 0 {
				t.Errorf("%+v", p)
			}
		})
	}
}

// Where the bind was not accepted, nothing is searched, and it says why.
func TestServicePointsWithoutASignIn(t *testing.T) {
	t.Parallel()
	authority, stranger := testkit.NewAuthority(t), testkit.NewAuthority(t)
	refuses := testkit.StartLDAPS(t, authority.Issue(t, "127.0.0.1", long), testkit.Says(49, testkit.Refusal("52e")))
	untrusted := testkit.StartLDAPS(t, stranger.Issue(t, "127.0.0.1", long), (&testkit.Forest{}).Answer)
	for _, c := range []struct{ name, address, bind, why string }{
		{"refused", refuses.Address, "49 52e refused", "refused the logon"},
		{"untrusted", untrusted.Address, "no-tls tls-untrusted in tls skipped", "so the password was not sent"},
		{"nobody there", testkit.Silent(t), "no-answer connect-refused in connect skipped", "no domain controller could be reached"},
	} {
		check := named(t, authority, c.address)
		bind, found := check.ServicePoints(bounded(t), check.settle)
		if said(bind) != c.bind || !strings.Contains(found.Points.Why, c.why) || found.Error != nil {
			t.Errorf("%s: %s; %+v", c.name, said(bind), found.Points)
		}
		check.once(t, bind)
	}
	if len(untrusted.Binds()) != 0 {
		t.Error("the password was sent")
	}
	check := newCheck(t, func(c *Client) { c.Domain = "" })
	if bind, found := check.ServicePoints(bounded(t), check.settle); bind.Logon != nil || found.Points.Problem != evidence.NoController || found.Points.Why == "" {
		t.Errorf("%+v", found.Points)
	}
}
