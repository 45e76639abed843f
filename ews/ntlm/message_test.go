package ntlm

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	//lint:ignore SA1019 NTLM is made of it
	"golang.org/x/crypto/md4"
)

// avFlags
// type2 is a challenge to be written.
type type2 struct {
	flags  uint32
	name   string // as it is: OEM or UTF-16
	pairs  []pair // nil: no target info
	noEnd  bool   // the pairs do not end with EOL
	change func([]byte) []byte
}

const (
	usualFlags = flagUnicode | flagTargetInfo | flagVersion | 0x88200
	nonce      = "\x01\x23\x45\x67\x89\xab\xcd\xef"
)

func (m type2) bytes() []byte {
	const header = headerBytes + 8
	b := make([]byte, header)
	copy(b, signature)
	binary.LittleEndian.PutUint32(b[8:], 2)
	binary.LittleEndian.PutUint32(b[20:], m.flags)
	copy(b[24:], nonce)
	copy(b[48:], []byte{10, 0, 0x63, 0x45, 0, 0, 0, 15}) // 10.0.17763
	put := func(at int, payload []byte) {
		binary.LittleEndian.PutUint16(b[at:], uint16(len(payload)))
		binary.LittleEndian.PutUint16(b[at+2:], uint16(len(payload)))
		binary.LittleEndian.PutUint32(b[at+4:], uint32(len(b)))
		b = append(b, payload...)
	}
	put(12, []byte(m.name))
	if m.pairs != nil {
		var info []byte
		for _, p := range m.pairs {
			info = appendPair(info, p.id, p.value)
		}
		if !m.noEnd {
			info = appendPair(info, avEOL, nil)
		}
		put(40, info)
	}
	if m.change != nil {
		b = m.change(b)
	}
	return b
}

func wide(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

func filetimeOf(t time.Time) []byte {
	return binary.LittleEndian.AppendUint64(nil, uint64(t.UnixNano()/100)+filetimeEpoch)
}

// usualPairs are the names and the clock of a domain member.
func usualPairs(more ...pair) []pair {
	return append([]pair{
		{avNbDomain, wide("CONTOSO")},
		{avNbComputer, wide("EX01")},
		{avDNSDomain, wide("contoso.com")},
		{avDNSComputer, wide("ex01.contoso.com")},
		{avDNSTree, wide("contoso.com")},
		{avTimestamp, filetimeOf(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC))},
	}, more...)
}

// type3 is a decoded AUTHENTICATE message ([MS-NLMP] 2.2.1.3).
type type3 struct {
	flags                     uint32
	domain, user, workstation string
	lm, nt, sessionKey        []byte
}

func parseType3(tb testing.TB, m []byte) type3 {
	tb.Helper()
	if len(m) < 64 || string(m[:8]) != signature || binary.LittleEndian.Uint32(m[8:]) != 3 {
		tb.Fatalf("no type 3: %x", m)
	}
	at := func(offset int) []byte {
		b, err := field(m, offset, "field")
		if err != nil {
			tb.Fatal(err)
		}
		return b
	}
	return type3{
		flags: binary.LittleEndian.Uint32(m[60:]), lm: at(12), nt: at(20), sessionKey: at(52),
		domain: utf16Text(at(28)), user: utf16Text(at(36)), workstation: utf16Text(at(44)),
	}
}

// proof is NTProofStr as the domain controller computes it ([MS-NLMP] 3.3.2).
func (m type3) proof(password string) []byte { return m.proofFor([]byte(nonce), password) }

func (m type3) proofFor(nonce []byte, password string) []byte {
	hash := md4.New()
	hash.Write(wide(password))
	key := hmacMD5(hash.Sum(nil), wide(strings.ToUpper(m.user)+m.domain))
	return hmacMD5(key, nonce, m.nt[16:])
}

// avPairs are what the client says in its response after the fixed part.
func (m type3) avPairs(tb testing.TB) []pair {
	tb.Helper()
	var c Challenge
	if err := c.readPairs(m.nt[16+28:]); err != nil {
		tb.Fatal(err)
	}
	return c.pairs
}

func hmacMD5(key []byte, parts ...[]byte) []byte {
	mac := hmac.New(md5.New, key)
	for _, p := range parts {
		mac.Write(p)
	}
	return mac.Sum(nil)
}

// only returns the value of the one pair with that id, nil for none.
func only(tb testing.TB, pairs []pair, id uint16) []byte {
	tb.Helper()
	var found [][]byte
	for _, p := range pairs {
		if p.id == id {
			found = append(found, p.value)
		}
	}
	if len(found) > 1 {
		tb.Fatalf("pair %d is there %d times", id, len(found))
	}
	if found == nil {
		return nil
	}
	return found[0]
}

// TestNegotiateMessage: the target is asked for, and nobody is named.
func TestNegotiateMessage(t *testing.T) {
	m, err := NegotiateMessage()
	if err != nil {
		t.Fatal(err)
	}
	if len(m) != 40 || string(m[:8]) != signature || binary.LittleEndian.Uint32(m[8:]) != 1 {
		t.Errorf("no type 1 of 40 bytes: %x", m)
	}
	flags := binary.LittleEndian.Uint32(m[12:])
	if want := uint32(flagRequestTarget | flagUnicode | flagTargetInfo); flags&want != want {
		t.Errorf("flags %#08x, want %#08x among them", flags, want)
	}
	if flags&(flagKeyExchange|flagLMKey) != 0 {
		t.Errorf("flags %#08x ask for a key exchange or an LM key", flags)
	}
	if domain, workstation := binary.LittleEndian.Uint16(m[16:]), binary.LittleEndian.Uint16(m[24:]); domain != 0 || workstation != 0 {
		t.Errorf("a domain of %d bytes and a workstation of %d bytes are named", domain, workstation)
	}
}

// TestAuthenticateMessage answers challenges and verifies the answers as a
// domain controller does.
func TestAuthenticateMessage(t *testing.T) {
	usual := type2{flags: usualFlags, name: string(wide("CONTOSO")), pairs: usualPairs()}
	but := func(change func(*type2)) type2 {
		m := usual
		change(&m)
		return m
	}
	right := ChannelBinding([]byte("tls-server-end-point:right"))
	const user, password = `CONTOSO\svc-crm`, "Passw0rd!"
	cases := []struct {
		name                   string
		challenge              type2
		user, password         string
		binding                []byte
		wantDomain, wantUser   string
		wantPairs              int // without the binding and EOL
		wantBinding            []byte
		wantSameClock, wantLM2 bool
	}{
		{"DOMAIN\\user", usual, user, password, nil, "CONTOSO", "svc-crm", 6, nil, true, false},
		{"UPN", usual, "svc-crm@contoso.com", password, nil, "", "svc-crm@contoso.com", 6, nil, true, false},
		{"bare name", usual, "svc-crm", password, nil, "", "svc-crm", 6, nil, true, false},
		{"two backslashes", usual, `A\b\c`, password, nil, "A", `b\c`, 6, nil, true, false},
		{"small domain", usual, `contoso\SVC-crm`, password, nil, "contoso", "SVC-crm", 6, nil, true, false},
		{"non-ASCII", usual, `CONTOSO\jürgen`, "Grüße-漢字-😀", nil, "CONTOSO", "jürgen", 6, nil, true, false},
		{"empty password", usual, user, "", nil, "CONTOSO", "svc-crm", 6, nil, true, false},

		{"right binding", usual, user, password, right, "CONTOSO", "svc-crm", 6, right, true, false},
		{"foreign binding", usual, user, password, ForeignBinding(), "CONTOSO", "svc-crm", 6, ForeignBinding(), true, false},
		{
			"a binding of the server's is replaced", but(func(m *type2) { m.pairs = append([]pair{{avChannelBindings, make([]byte, 16)}}, usualPairs()...) }),
			user, password, right, "CONTOSO", "svc-crm", 6, right, true, false,
		},
		{
			"a binding of the server's is left out", but(func(m *type2) { m.pairs = usualPairs(pair{avChannelBindings, []byte("whatever")}) }),
			user, password, nil, "CONTOSO", "svc-crm", 6, nil, true, false,
		},

		{"key exchange", but(func(m *type2) { m.flags |= flagKeyExchange }), user, password, right, "CONTOSO", "svc-crm", 6, right, true, false},
		{"LM key", but(func(m *type2) { m.flags |= flagLMKey }), user, password, right, "CONTOSO", "svc-crm", 6, right, true, false},
		{"both", but(func(m *type2) { m.flags |= flagKeyExchange | flagLMKey }), user, password, nil, "CONTOSO", "svc-crm", 6, nil, true, false},
		{"OEM only", but(func(m *type2) { m.flags, m.name = m.flags&^flagUnicode|2, "CONTOSO" }), user, password, right, "CONTOSO", "svc-crm", 6, right, true, false},

		{"no target info", type2{flags: flagUnicode | 0x200}, user, password, nil, "CONTOSO", "svc-crm", 0, nil, false, true},
		{"no target info, but a binding", type2{flags: flagUnicode | 0x200}, user, password, right, "CONTOSO", "svc-crm", 0, right, false, false},
		{"empty target info", but(func(m *type2) { m.pairs = []pair{} }), user, password, right, "CONTOSO", "svc-crm", 0, right, false, false},
		{"the end of the pairs forgotten", but(func(m *type2) { m.noEnd = true }), user, password, right, "CONTOSO", "svc-crm", 6, right, true, false},
		{"old and short", but(func(m *type2) { m.name, m.change = "", func(b []byte) []byte { return b[:32] } }), user, password, nil, "CONTOSO", "svc-crm", 0, nil, false, true},
		{"odd bytes in a name", but(func(m *type2) { m.pairs = append(usualPairs(), pair{9, []byte("odd")}) }), user, password, nil, "CONTOSO", "svc-crm", 7, nil, true, false},
		{"a clock of three bytes", but(func(m *type2) { m.pairs = []pair{{avNbDomain, wide("A")}, {avTimestamp, []byte("abc")}} }), user, password, nil, "CONTOSO", "svc-crm", 1, nil, false, false},
		{"a clock of no bytes", but(func(m *type2) { m.pairs = []pair{{avNbDomain, wide("A")}, {avTimestamp, nil}} }), user, password, nil, "CONTOSO", "svc-crm", 1, nil, false, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			raw := c.challenge.bytes()
			before := bytes.Clone(raw)
			message, err := AuthenticateMessage(raw, c.user, c.password, c.binding)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(raw, before) {
				t.Error("the challenge was changed")
			}
			m := parseType3(t, message)
			if m.domain != c.wantDomain || m.user != c.wantUser || m.workstation != "" {
				t.Errorf("domain %q, user %q, workstation %q; want %q, %q and none", m.domain, m.user, m.workstation, c.wantDomain, c.wantUser)
			}
			if !bytes.Equal(m.nt[:16], m.proof(c.password)) {
				t.Error("the proof does not verify")
			}
			if bytes.Equal(m.nt[:16], m.proof(c.password+"x")) {
				t.Error("another password verifies too")
			}
			if m.flags&(flagKeyExchange|flagLMKey) != 0 || m.flags&flagUnicode == 0 || len(m.sessionKey) != 0 {
				t.Errorf("flags %#08x, session key %x", m.flags, m.sessionKey)
			}
			if (len(m.lm) == 24) != c.wantLM2 {
				t.Errorf("LM response of %d bytes", len(m.lm))
			}
			pairs := m.avPairs(t)
			binding := only(t, pairs, avChannelBindings)
			if !bytes.Equal(binding, c.wantBinding) {
				t.Errorf("binding %x, want %x", binding, c.wantBinding)
			}
			if n := len(pairs) - min(len(binding), 1); n != c.wantPairs {
				t.Errorf("%d pairs beside the binding, want %d", n, c.wantPairs)
			}
			clock := only(t, pairs, avTimestamp)
			if c.wantSameClock != (clock != nil && bytes.Equal(clock, m.nt[16+8:16+16])) {
				t.Errorf("pair %x, time of the response %x", clock, m.nt[16+8:16+16])
			}
		})
	}
}

// TestNoIntegrityCode: the library computes no code over the three messages, so
// none may be announced, whatever flags the server sends along.
func TestNoIntegrityCode(t *testing.T) {
	sent := type2{flags: usualFlags, pairs: usualPairs(pair{avFlags, []byte{3, 0, 0, 0}})}
	message, err := AuthenticateMessage(sent.bytes(), "u", "p", nil)
	if err != nil {
		t.Fatal(err)
	}
	if flags := only(t, parseType3(t, message).avPairs(t), avFlags); len(flags) != 4 || flags[0]&micAnnounced != 0 || flags[0]&1 == 0 {
		t.Errorf("flags %x: want what the server said without the announcement", flags)
	}
}

// TestMalformed has one wild message per line, and why it is refused; no type 3
// is made for any.
func TestMalformed(t *testing.T) {
	usual := type2{flags: usualFlags, name: string(wide("CONTOSO")), pairs: usualPairs()}
	changed := func(change func(b []byte) []byte) []byte {
		m := usual
		m.change = change
		return m.bytes()
	}
	put16 := func(at int, v uint16) func([]byte) []byte {
		return func(b []byte) []byte { binary.LittleEndian.PutUint16(b[at:], v); return b }
	}
	put32 := func(at int, v uint32) func([]byte) []byte {
		return func(b []byte) []byte { binary.LittleEndian.PutUint32(b[at:], v); return b }
	}
	many := make([]pair, maxPairs+1)
	for i := range many {
		many[i] = pair{9, []byte{1}}
	}
	cases := []struct {
		name string
		raw  []byte
		kind error
		want string
	}{
		{"nothing", nil, ErrNotNTLM, ""},
		{"the signature alone", []byte(signature), ErrNotNTLM, ""},
		{"another signature", changed(func(b []byte) []byte { b[0] = 'X'; return b }), ErrNotNTLM, ""},
		{"a type 1", changed(put32(8, 1)), ErrMalformed, "it is a type 1"},
		{"a type 3", changed(put32(8, 3)), ErrMalformed, "it is a type 3"},
		{"cut in the challenge", changed(func(b []byte) []byte { return b[:31] }), ErrMalformed, "31 bytes, 32 are the least"},
		{"cut in the name", changed(func(b []byte) []byte { return b[:60] }), ErrMalformed, "target name claims bytes 56 to 70 of 60"},
		{"cut in the pairs", changed(func(b []byte) []byte { return b[:100] }), ErrMalformed, "target info claims bytes"},
		{"too long", changed(func(b []byte) []byte { return append(b, make([]byte, maxMessage)...) }), ErrMalformed, "longer than"},
		{"a name at the end of the address space", changed(put32(16, 0xfffffff0)), ErrMalformed, "target name claims bytes 4294967280"},
		{"a name of 64 KiB", changed(put16(12, 0xffff)), ErrMalformed, "target name claims bytes"},
		{"pairs at the end of the address space", changed(put32(44, 0xffffffff)), ErrMalformed, "target info claims bytes 4294967295"},
		{"pairs of 64 KiB", changed(put16(40, 0xffff)), ErrMalformed, "target info claims bytes"},
		{"a pair that is too long", changed(put16(72, 0x7fff)), ErrMalformed, "pair 2 claims 32767 bytes"},
		{"three bytes of a pair", changed(put16(40, 3)), ErrMalformed, "ends inside a pair"},
		{"many pairs", type2{flags: usualFlags, pairs: many}.bytes(), ErrMalformed, "more than 64 pairs"},
	}
	for _, c := range cases {
		if _, err := Decode(c.raw); !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %v %s", c.name, err, c.kind, c.want)
		}
		if m, err := AuthenticateMessage(c.raw, "u", "p", nil); err == nil {
			t.Errorf("%s: answered with a type 3 of %d bytes", c.name, len(m))
		}
	}
}

// TestWildTimes: what a report cannot hold is not known.
func TestWildTimes(t *testing.T) {
	at := func(units uint64) time.Time {
		c, err := Decode(type2{flags: usualFlags, pairs: []pair{{avTimestamp, binary.LittleEndian.AppendUint64(nil, units)}}}.bytes())
		if err != nil {
			t.Fatal(err)
		}
		return c.Time
	}
	cases := []struct {
		name  string
		units uint64
		want  time.Time
	}{
		{"zero", 0, time.Time{}},
		{"before 1970", filetimeEpoch - 1, time.Time{}},
		{"1970", filetimeEpoch, time.Unix(0, 0).UTC()},
		{"a tick later", filetimeEpoch + 1, time.Unix(0, 100).UTC()},
		{"the end of 9999", 2650467743990000000, time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)},
		{"10000", 2650467744000000000, time.Time{}},
		{"never", 0x7fffffffffffffff, time.Time{}},
		{"all ones", 0xffffffffffffffff, time.Time{}},
	}
	for _, c := range cases {
		if got := at(c.units); !got.Equal(c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
