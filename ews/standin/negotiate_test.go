package standin

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/Azure/go-ntlmssp"
)

// What a client of gokrb5 (NegTokenInit) and of Windows (NegTokenResp) sends,
// written down by hand: RFC 4178 4.2.
func wrapFirst(t *testing.T, oid, token []byte) []byte {
	t.Helper()
	tlv := func(tag byte, content ...[]byte) []byte {
		body := bytes.Join(content, nil)
		if len(body) > 127 {
			return append([]byte{tag, 0x82, byte(len(body) >> 8), byte(len(body))}, body...)
		}
		return append([]byte{tag, byte(len(body))}, body...)
	}
	return tlv(0x60, unhex(t, "06062b0601050502"), tlv(0xa0, tlv(0x30, tlv(0xa0, tlv(0x30, oid)), tlv(0xa2, tlv(0x04, token)))))
}

func wrapNext(token []byte) []byte {
	size := func(n int) []byte { return []byte{0x82, byte(n >> 8), byte(n)} }
	octets := append(append([]byte{0x04}, size(len(token))...), token...)
	field := append(append([]byte{0xa2}, size(len(octets))...), octets...)
	list := append(append([]byte{0x30}, size(len(field))...), field...)
	return append(append([]byte{0xa1}, size(len(list))...), list...)
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

var (
	ntlmMech = "060a2b06010401823702020a"
	krb5Mech = "06092a864886f712010202"
)

// TestInside: which of the forms of NTLM inside Negotiate leads to a challenge,
// and to a sign-in.
func TestInside(t *testing.T) {
	cases := []struct {
		inside       Inside
		raw, wrapped string // "challenge", "bare", "reject"
	}{
		{InsideRaw, "challenge", "bare"},
		{InsideSPNEGO, "bare", "challenge"},
		{InsideBoth, "challenge", "challenge"},
		{InsideKerberos, "bare", "reject"},
	}
	type1, err := ntlmssp.NewNegotiateMessage("", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		for _, wrap := range []bool{false, true} {
			t.Run(string(c.inside)+map[bool]string{true: " wrapped", false: " raw"}[wrap], func(t *testing.T) {
				s := start(t, windowsOnly.but(func(b *Behaviour) { b.Inside = c.inside }))
				client := newClient(t, s, 0)
				first, want := type1, c.raw
				if wrap {
					first, want = wrapFirst(t, unhex(t, ntlmMech), type1), c.wrapped
				}
				answer := post(t, client, s.URL(), "Negotiate "+base64.StdEncoding.EncodeToString(first), "")
				value := answer.Header.Values("WWW-Authenticate")[0]
				blob, err := base64.StdEncoding.DecodeString(strings.TrimSpace(strings.TrimPrefix(value, "Negotiate")))
				if err != nil {
					t.Fatal(err)
				}
				got, type2 := "bare", blob
				if at := bytes.Index(blob, []byte(ntlmSignature)); at >= 0 {
					got, type2 = "challenge", blob[at:]
					if wrap != (at > 0) {
						t.Errorf("answered in another form: %x", blob)
					}
					// accept-incomplete, and the mechanism.
					if wrap && !(bytes.Contains(blob[:at], unhex(t, "a0030a0101")) && bytes.Contains(blob[:at], unhex(t, ntlmMech))) {
						t.Errorf("%x", blob[:at])
					}
				} else if bytes.Equal(blob, unhex(t, "a1073005a0030a0102")) {
					got = "reject"
				}
				if got != want || answer.StatusCode != 401 {
					t.Fatalf("%d %s, want %s", answer.StatusCode, value, want)
				}
				if want != "challenge" {
					return
				}
				type3, err := ntlmssp.NewAuthenticateMessage(type2, UPN, Password, nil)
				if err != nil {
					t.Fatal(err)
				}
				if wrap {
					type3 = wrapNext(type3)
				}
				answer = post(t, client, s.URL(), "Negotiate "+base64.StdEncoding.EncodeToString(type3), findInbox("", ""))
				if q := last(t, s); answer.StatusCode != 200 || q.Outcome != OutcomeAccepted || q.Message != MessageType3 || q.Scheme != "Negotiate" {
					t.Errorf("%d, %+v", answer.StatusCode, q)
				}
			})
		}
	}
}

// A handshake is finished in the form it was begun in, and under NTLM nothing is
// wrapped.
func TestInsideMixed(t *testing.T) {
	type1, err := ntlmssp.NewNegotiateMessage("", "")
	if err != nil {
		t.Fatal(err)
	}
	wrapped := base64.StdEncoding.EncodeToString(wrapFirst(t, unhex(t, ntlmMech), type1))
	s := start(t, windowsOnly.but(func(b *Behaviour) { b.Inside = InsideBoth }))
	client := newClient(t, s, 0)
	type2 := challengeIn(t, post(t, client, s.URL(), "Negotiate "+base64.StdEncoding.EncodeToString(type1), ""), "Negotiate")
	type3, err := ntlmssp.NewAuthenticateMessage(type2, UPN, Password, nil)
	if err != nil {
		t.Fatal(err)
	}
	if post(t, client, s.URL(), "Negotiate "+base64.StdEncoding.EncodeToString(wrapNext(type3)), ""); last(t, s).Outcome != OutcomeUnfinished {
		t.Errorf("%+v", last(t, s))
	}
	if post(t, client, s.URL(), "NTLM "+wrapped, ""); last(t, s).Outcome != OutcomeMalformed {
		t.Errorf("%+v", last(t, s))
	}
	ticket := base64.StdEncoding.EncodeToString(wrapFirst(t, unhex(t, krb5Mech), []byte("ticket")))
	if post(t, client, s.URL(), "Negotiate "+ticket, ""); last(t, s).Outcome != OutcomeKerberos || last(t, s).Message != MessageKerberos {
		t.Errorf("%+v", last(t, s))
	}
	if v := s.View(); v.BadLogons+v.GoodLogons != 0 {
		t.Errorf("%+v", v)
	}
}

// Alternating: the challenges of one connection name two servers, nothing else
// does, and a right response is refused without being a bad logon.
func TestAlternating(t *testing.T) {
	s := start(t, windowsOnly.but(func(b *Behaviour) { b.Handshake = HandshakeAlternating }))
	client := newClient(t, s, 0)
	names := map[bool]bool{}
	for range 2 {
		answer := post(t, client, s.URL(), "NTLM "+emptyType1, "")
		names[bytes.Contains(challengeIn(t, answer, "NTLM"), utf16LE("EX09"))] = true
		if answer.Header.Get("X-FEServer") != "" {
			t.Error("the front end names itself")
		}
	}
	if len(names) != 2 {
		t.Error("one server answered twice")
	}
	answer := ntlmLogon{scheme: "NTLM", user: UPN, password: Password}.do(t, newClient(t, s, 0), s.URL(), "")
	if v := s.View(); answer.StatusCode != 401 || last(t, s).Outcome != OutcomeStranger || v.BadLogons+v.GoodLogons != 0 {
		t.Errorf("%d, %+v", answer.StatusCode, last(t, s))
	}
}

// Basic knows the UPN only.
func TestBasicUPNOnly(t *testing.T) {
	s := start(t, everyScheme.but(func(b *Behaviour) { b.BasicUPNOnly = true }))
	for user, want := range map[string]string{UPN: OutcomeAccepted, User: OutcomeUnknownUser, "svc-crm": OutcomeUnknownUser} {
		if post(t, newClient(t, s, 0), s.URL(), basic(user, Password), findInbox("", "")); last(t, s).Outcome != want {
			t.Errorf("%s: %s", user, last(t, s).Outcome)
		}
	}
}

// Whatever a token is, reading it ends without a panic.
func FuzzUnwrap(f *testing.F) {
	f.Add([]byte{0xa1, 7, 0x30, 5, 0xa0, 3, 0x0a, 1, 2})
	f.Add([]byte{0x60, 0x80, 0, 0})
	f.Fuzz(func(_ *testing.T, raw []byte) {
		if w, ok := unwrap(raw); ok {
			w.kerberos()
		}
	})
}
