package directory

import (
	"context"
	"encoding/hex"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/testkit"
)

// at is a check with the KDC at address, as krb5.conf would name it.
func at(t *testing.T, address string, change func(*KDC)) (*check, *KDC) {
	t.Helper()
	k := &KDC{}
	c := newCheck(t, func(c *Client) {
		c.Configured = []string{address}
		k.Client = c
		if change != nil {
			change(k)
		}
	})
	return c, k
}

// TestKDC has a KDC per line, and what its three steps come to. Requests are what
// the KDC saw: nothing is sent after a step that went wrong.
func TestKDC(t *testing.T) {
	cases := []struct {
		name                     string
		kdc                      testkit.KDC
		change                   func(*KDC)
		ask, logon, ticket, seen string
	}{
		{name: "in order", ask: "KDC_ERR_PREAUTH_REQUIRED", logon: "accepted", ticket: "", seen: "ask logon ticket"},
		{name: "AES-128", kdc: testkit.KDC{Enctype: etypeID.AES128_CTS_HMAC_SHA1_96}, ask: "KDC_ERR_PREAUTH_REQUIRED", logon: "accepted", seen: "ask logon ticket"},
		{name: "keytab", change: func(k *KDC) {
			k.Keytab = testkit.Keytab(t, testkit.Password)
		}, ask: "KDC_ERR_PREAUTH_REQUIRED", logon: "accepted", seen: "ask logon ticket"},
		{name: "keytab with another key", change: func(k *KDC) {
			k.Keytab = testkit.Keytab(t, "another")
		}, ask: "KDC_ERR_PREAUTH_REQUIRED", logon: "KDC_ERR_PREAUTH_FAILED refused", seen: "ask logon"},
		{name: "keytab without the account's kind of key", kdc: testkit.KDC{Enctype: etypeID.AES128_CTS_HMAC_SHA1_96}, change: func(k *KDC) {
			k.Keytab = testkit.Keytab(t, testkit.Password)
		}, ask: "KDC_ERR_PREAUTH_REQUIRED", logon: "no-key skipped", seen: "ask"},
		{name: "keytab that is none", change: func(k *KDC) {
			k.Keytab = []byte("5\x02?")
		}, ask: "KDC_ERR_PREAUTH_REQUIRED", logon: "no-key skipped", seen: "ask"},
		{name: "ten minutes off", kdc: testkit.KDC{Skew: 10 * time.Minute}, ask: "KDC_ERR_PREAUTH_REQUIRED", logon: "accepted", seen: "ask logon ticket"},
		{name: "a day behind", kdc: testkit.KDC{Skew: -24 * time.Hour}, ask: "KDC_ERR_PREAUTH_REQUIRED", logon: "accepted", seen: "ask logon ticket"},
		{name: "wrong password", kdc: testkit.KDC{Password: "another"}, ask: "KDC_ERR_PREAUTH_REQUIRED", logon: "KDC_ERR_PREAUTH_FAILED refused", seen: "ask logon"},
		{name: "locked, the password is right", kdc: testkit.KDC{Refuse: errorcode.KDC_ERR_CLIENT_REVOKED, Status: 0xC0000234}, ask: "KDC_ERR_PREAUTH_REQUIRED", logon: "KDC_ERR_CLIENT_REVOKED 0xC0000234 refused", seen: "ask logon"},
		{name: "revoked before the password", kdc: testkit.KDC{Revoked: true, Status: 0xC0000072}, ask: "KDC_ERR_CLIENT_REVOKED 0xC0000072", logon: "skipped", seen: "ask"},
		{name: "unknown", kdc: testkit.KDC{Unknown: true}, ask: "KDC_ERR_C_PRINCIPAL_UNKNOWN", logon: "skipped", seen: "ask"},
		{name: "without pre-authentication", kdc: testkit.KDC{Open: true}, ask: "unasked", logon: "accepted", seen: "ask logon ticket"},
		{name: "an error that is none of the account's", kdc: testkit.KDC{Refuse: errorcode.KRB_ERR_GENERIC}, ask: "KDC_ERR_PREAUTH_REQUIRED", logon: "KRB_ERR_GENERIC unfinished", seen: "ask logon"},
		{name: "another key", kdc: testkit.KDC{LieKey: true}, ask: "KDC_ERR_PREAUTH_REQUIRED", logon: "dishonest unfinished", seen: "ask logon"},
		{name: "wrong nonce", kdc: testkit.KDC{LieNonce: true}, ask: "KDC_ERR_PREAUTH_REQUIRED", logon: "dishonest unfinished", seen: "ask logon"},
		{name: "wrong realm", kdc: testkit.KDC{LieRealm: "FABRIKAM.COM"}, ask: "KDC_ERR_PREAUTH_REQUIRED", logon: "dishonest unfinished", seen: "ask logon"},
		{name: "wrong client", kdc: testkit.KDC{LieClient: "administrator"}, ask: "KDC_ERR_PREAUTH_REQUIRED", logon: "dishonest unfinished", seen: "ask logon"},
		{name: "2^32 iterations", kdc: testkit.KDC{Announce: []byte{0, 0, 0, 0}}, ask: "KDC_ERR_PREAUTH_REQUIRED", logon: "dishonest skipped", seen: "ask"},
		{name: "almost as many", kdc: testkit.KDC{Announce: []byte{255, 255, 255, 255}}, ask: "KDC_ERR_PREAUTH_REQUIRED", logon: "dishonest skipped", seen: "ask"},
		{name: "one iteration", kdc: testkit.KDC{Announce: []byte{0, 0, 0, 1}}, ask: "KDC_ERR_PREAUTH_REQUIRED", logon: "dishonest skipped", seen: "ask"},
		{name: "referral", kdc: testkit.KDC{Referral: "FABRIKAM.COM"}, ask: "KDC_ERR_PREAUTH_REQUIRED", logon: "accepted", ticket: "no-ticket", seen: "ask logon ticket"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.kdc.Live = true
			server := testkit.Truthful(t, &c.kdc)
			check, k := at(t, server.Address, c.change)
			ctx := bounded(t)
			asked := k.Ask(ctx)
			if again := k.Ask(ctx); again.ID != asked.ID {
				t.Error("asked twice")
			}
			logon := k.Logon(ctx, check.settle)
			if a, l := said(asked), said(logon); a != c.ask || l != c.logon {
				t.Errorf("ask: %s, want %s; logon: %s, want %s (%s)", a, c.ask, l, c.logon, logon.Logon.Why)
			}
			check.once(t, logon)
			if logon.Logon.Result == evidence.Accepted {
				item, ticket := k.Ticket(ctx, testkit.Service)
				if got := said(item); got != c.ticket || (ticket != nil) != (c.ticket == "") {
					t.Errorf("ticket: %s, want %s", got, c.ticket)
				}
				if ticket != nil {
					if _, err := k.Token(ticket)(make([]byte, 16)); err != nil {
						t.Errorf("token: %v", err)
					}
				}
			}
			if got := strings.Join(server.Seen(), " "); got != c.seen {
				t.Errorf("the KDC saw %q, want %q", got, c.seen)
			}
		})
	}
}

// TestBadKDC has what may listen on the port instead of a KDC. The question and
// the logon meet it; neither hangs, and a logon that was sent counts.
func TestBadKDC(t *testing.T) {
	dishonest := func(answer string) func(net.Conn, string, []byte) {
		return func(c net.Conn, _ string, _ []byte) { _, _ = c.Write([]byte(answer)) }
	}
	silent := func(c net.Conn, _ string, _ []byte) { testkit.Wait(c) }
	cases := []struct {
		name   string
		answer func(net.Conn, string, []byte)
		hasty  bool
		ask    string
	}{
		{"silence", silent, true, "no-answer timeout in read"},
		{"reset", func(c net.Conn, _ string, _ []byte) { reset(c) }, false, "no-answer connection-reset in read"},
		{"closed", func(net.Conn, string, []byte) {}, false, "no-answer connection-closed in read"},
		{"garbage", dishonest("\x00\x00\x00\x05hello"), false, "dishonest"},
		{"nothing in a frame", dishonest("\x00\x00\x00\x00"), false, "dishonest"},
		{"HTTP", dishonest("HTTP/1.1 400 Bad Request\r\n\r\n"), false, "no-answer malformed-answer in read"},
		{"cut short", dishonest("\x00\x00\x01\x00\x7e"), false, "no-answer connection-closed in read"},
		{"2 GB announced", dishonest("\x7f\xff\xff\xff"), false, "no-answer malformed-answer in read"},
		{"4 GB announced", dishonest("\xff\xff\xff\xff"), false, "no-answer malformed-answer in read"},
		{"without an end", func(c net.Conn, _ string, _ []byte) { pour(c, make([]byte, 64<<10)) }, false, "dishonest"},
		{"one byte and silence", func(c net.Conn, _ string, _ []byte) {
			_, _ = c.Write([]byte{0})
			testkit.Wait(c)
		}, true, "no-answer timeout in read"},
		{"a reply's beginning and silence", func(c net.Conn, _ string, _ []byte) {
			_, _ = c.Write([]byte{0, 0, 0x10, 0, 0x6b})
			testkit.Wait(c)
		}, true, "no-answer timeout in read"},
	}
	truth := &testkit.KDC{Live: true}
	for _, c := range cases {
		ctx := bounded
		if c.hasty {
			ctx = hasty
		}
		t.Run("asked: "+c.name, func(t *testing.T) {
			t.Parallel()
			server := testkit.StartKDC(t, c.answer)
			check, k := at(t, server.Address, nil)
			if got := said(k.Ask(ctx(t))); got != c.ask {
				t.Errorf("%s, want %s", got, c.ask)
			}
			logon := k.Logon(ctx(t), check.settle)
			if logon.Logon.Result != evidence.Skipped || logon.Logon.Why == "" {
				t.Errorf("%+v", logon.Logon)
			}
			check.once(t, logon)
			if got := server.Seen(); !slices.Equal(got, []string{testkit.Ask}) {
				t.Errorf("it saw %q", got)
			}
		})
		t.Run("signed in: "+c.name, func(t *testing.T) {
			t.Parallel()
			server := testkit.StartKDC(t, func(conn net.Conn, kind string, request []byte) {
				if kind == testkit.Ask {
					_, _ = conn.Write(testkit.Frame(truth.Answer(t, request)))
					return
				}
				c.answer(conn, kind, request)
			})
			check, k := at(t, server.Address, nil)
			k.Ask(bounded(t))
			logon := k.Logon(ctx(t), check.settle)
			if got := said(logon); got != c.ask+" unfinished" || logon.Logon.Why == "" {
				t.Errorf("%s, want %s unfinished: %q", got, c.ask, logon.Logon.Why)
			}
			check.once(t, logon)
		})
	}
}

// A KDC that has gone between the question and the logon got nothing: nothing
// counts.
func TestKDCGone(t *testing.T) {
	t.Parallel()
	truth := &testkit.KDC{Live: true}
	server := testkit.Truthful(t, truth)
	check, k := at(t, server.Address, nil)
	k.Ask(bounded(t))
	k.places[0].address = testkit.Silent(t)
	logon := k.Logon(bounded(t), check.settle)
	if got := said(logon); got != "no-answer connect-refused in connect skipped" {
		t.Error(got)
	}
	check.once(t, logon)
}

// The first controller that can be connected to is asked, and no other: what was
// sent to one may have been counted there.
func TestOneKDC(t *testing.T) {
	t.Parallel()
	lie := testkit.Truthful(t, &testkit.KDC{Live: true, LieKey: true})
	truth := testkit.Truthful(t, &testkit.KDC{Live: true})
	c, k := at(t, testkit.Silent(t), func(k *KDC) { k.Configured = append(k.Configured, lie.Address, truth.Address) })
	logon := k.Logon(bounded(t), c.settle)
	if got := said(logon); got != "dishonest unfinished" {
		t.Error(got)
	}
	c.once(t, logon)
	if len(truth.Seen()) != 0 || len(lie.Seen()) != 2 {
		t.Errorf("%q, %q", lie.Seen(), truth.Seen())
	}
}

// Stopped by the user: the controller is not blamed, and the step ends at once.
func TestKDCStopped(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	server := testkit.StartKDC(t, func(c net.Conn, _ string, _ []byte) {
		close(arrived)
		testkit.Wait(c)
	})
	c, k := at(t, server.Address, nil)
	ctx, stop := context.WithCancel(bounded(t))
	go func() {
		<-arrived
		stop()
	}()
	if got := said(k.Ask(ctx)); got != "interrupted in read" {
		t.Error(got)
	}
	logon := k.Logon(ctx, c.settle)
	if got := said(logon); got != "skipped" {
		t.Error(got)
	}
	c.once(t, logon)
}

// Without a controller that answers, a step ends by its own patience.
func TestPatience(t *testing.T) {
	if testing.Short() {
		t.Skip("left out with -short: it takes seconds")
	}
	t.Parallel()
	server := testkit.StartKDC(t, func(c net.Conn, _ string, _ []byte) { testkit.Wait(c) })
	_, k := at(t, server.Address, nil)
	ctx := bounded(t)
	if got := said(k.Ask(ctx)); got != "no-answer timeout in read" || ctx.Err() != nil {
		t.Errorf("%s, %v", got, ctx.Err())
	}
}

// What a KDC repeats of a logon, or says in its text, is no way to the secret.
func TestKDCEcho(t *testing.T) {
	t.Parallel()
	server := testkit.StartKDC(t, func(c net.Conn, kind string, request []byte) {
		k := testkit.KDC{Live: true}
		if kind == testkit.Logon {
			var q messages.ASReq
			var proof types.EncryptedData
			if err := errors.Join(q.Unmarshal(request), proof.Unmarshal(q.PAData[0].PADataValue)); err != nil {
				t.Error(err)
			}
			k.Text, k.Refuse = hex.EncodeToString(proof.Cipher[5:45]), errorcode.KRB_ERR_GENERIC
		}
		_, _ = c.Write(testkit.Frame(k.Answer(t, request)))
	})
	check, k := at(t, server.Address, nil)
	logon := k.Logon(bounded(t), check.settle)
	if got := logon.Kerberos.Text; !strings.Contains(got, "withheld") {
		t.Errorf("text %q", got)
	}
}

// Tickets of a cache: the service's own, the one that buys it, or none.
func TestCached(t *testing.T) {
	const tgt = "krbtgt/" + testkit.Realm
	soon := time.Now().Add(time.Hour)
	cases := []struct {
		name       string
		cache      []byte
		want, seen string
	}{
		{"the service's", testkit.CCache(t, soon, testkit.Service), "", ""},
		{"ticket-granting", testkit.CCache(t, soon, tgt), "", "ticket"},
		{"another service's", testkit.CCache(t, soon, "krbtgt/FABRIKAM.COM"), "no-ticket", ""},
		{"expired", testkit.CCache(t, time.Now().Add(-time.Hour), tgt), "ticket-expired", ""},
		{"no cache", []byte("x"), "no-ticket", ""},
		{"empty", testkit.CCache(t, soon), "no-ticket", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := testkit.Truthful(t, &testkit.KDC{Live: true})
			_, k := at(t, server.Address, nil)
			item, ticket := k.Cached(bounded(t), c.cache, testkit.Service)
			if got := said(item); got != c.want || (ticket != nil) != (c.want == "") {
				t.Errorf("%s, want %s", got, c.want)
			}
			if got := strings.Join(server.Seen(), " "); got != c.seen {
				t.Errorf("the KDC saw %q", got)
			}
		})
	}
}
