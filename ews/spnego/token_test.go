package spnego

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jcmturner/gokrb5/v8/spnego"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	hexSPNEGO   = "06 06 2b0601050502"
	hexKerberos = "06 09 2a864886f712010202"
	hexMS       = "06 09 2a864882f712010202"
	hexNTLM     = "06 0a 2b06010401823702020a"
)

func TestRead(t *testing.T) {
	for _, c := range []struct {
		name, raw string
		want      Token
		err       error
	}{
		{name: "accepted, the answer of MIT krb5", raw: "a1 14 30 12 a0 03 0a 01 00 a1 0b " + hexKerberos, want: Token{State: AcceptCompleted, Mech: Kerberos}},
		{name: "type 2 follows", raw: "a1 1d 30 1b a0 03 0a 01 01 a1 0c " + hexNTLM + "a2 06 04 04 4e544c4d", want: Token{State: AcceptIncomplete, Mech: NTLM, ResponseToken: []byte("NTLM")}},
		{name: "rejected", raw: "a1 07 30 05 a0 03 0a 01 02", want: Token{State: Reject}},
		{name: "asks for an integrity code", raw: "a1 14 30 12 a0 03 0a 01 03 a1 0b " + hexMS, want: Token{State: RequestMIC, Mech: Kerberos}},
		{name: "no state", raw: "a1 08 30 06 a2 04 04 02 abcd", want: Token{ResponseToken: []byte{0xab, 0xcd}}},
		{name: "integrity code behind", raw: "a1 0d 30 0b a0 03 0a 01 00 a3 04 04 02 abcd", want: Token{State: AcceptCompleted}},
		{name: "nothing in it", raw: "a1 02 30 00", want: Token{}},
		{name: "a field of another class", raw: "a1 08 30 06 62 04 04 02 abcd", want: Token{}},
		{name: "bytes behind", raw: "a1 02 30 00 ff", want: Token{}},
		{
			name: "what a server offers, with hints", raw: "60 2d " + hexSPNEGO + "a0 23 30 21 a0 19 30 17 " + hexKerberos + hexNTLM + "a3 04 30 02 a0 00",
			want: Token{Mech: Kerberos},
		},
		{name: "without framing", raw: "a0 12 30 10 a0 0e 30 0c " + hexNTLM, want: Token{Mech: NTLM}},
		{name: "unknown mechanism", raw: "a1 0a 30 08 a1 06 06 04 2a030405", want: Token{Mech: "1.2.3.4.5"}},

		{name: "empty", raw: "", err: ErrNotSPNEGO},
		{name: "NTLM alone", raw: "4e544c4d53535000 02000000", err: ErrNotSPNEGO},
		{name: "another mechanism's framing", raw: "60 0c " + hexNTLM, err: ErrNotSPNEGO},
		{name: "framed nothing", raw: "60 08 " + hexSPNEGO, err: ErrNotSPNEGO},
		{name: "framing cut short", raw: "60 20 " + hexSPNEGO, err: ErrMalformed},
		{name: "cut short", raw: "a1 14 30 12 a0 03 0a 01 00", err: ErrMalformed},
		{name: "no sequence", raw: "a1 03 0a 01 00", err: ErrMalformed},
		{name: "state of the future", raw: "a1 07 30 05 a0 03 0a 01 04", err: ErrMalformed},
		{name: "negative state", raw: "a1 07 30 05 a0 03 0a 01 ff", err: ErrMalformed},
		{name: "state of another type", raw: "a1 07 30 05 a0 03 02 01 00", err: ErrMalformed},
		{name: "token of another type", raw: "a1 07 30 05 a2 03 02 01 00", err: ErrMalformed},
		{name: "mechanism of another type", raw: "a1 07 30 05 a1 03 02 01 00", err: ErrMalformed},
		{name: "a length that lies", raw: "a1 08 30 06 a2 04 04 7f abcd", err: ErrMalformed},
		{name: "a length without end", raw: "a1 80 30 00 00 00", err: ErrMalformed},
	} {
		got, err := Read(unhex(t, c.raw))
		if !errors.Is(err, c.err) || err == nil && !cmp.Equal(got, c.want) {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
	}
	if _, err := Read(make([]byte, maxToken+1)); !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
	bare := unhex(t, "60 0d "+hexKerberos+"0100")
	if got, err := Read(bare); err != nil || !got.Bare || got.Mech != Kerberos || !bytes.Equal(got.ResponseToken, bare) {
		t.Errorf("%+v, %v", got, err)
	}
}

// What is made here is what the library reads, and comes back here.
func TestWrap(t *testing.T) {
	for _, token := range [][]byte{[]byte("NTLMSSP\x00"), bytes.Repeat([]byte{0xa5}, 40000)} {
		for _, mech := range []Mech{Kerberos, NTLM} {
			raw, err := WrapInit(mech, token)
			if err != nil {
				t.Fatal(err)
			}
			var s spnego.SPNEGOToken
			if err := s.Unmarshal(raw); err != nil || !s.Init || len(s.NegTokenInit.MechTypes) != 1 || !bytes.Equal(s.NegTokenInit.MechTokenBytes, token) {
				t.Fatalf("%s: %+v, %v", mech, s, err)
			}
			want := map[Mech]string{Kerberos: "1.2.840.113554.1.2.2", NTLM: "1.3.6.1.4.1.311.2.2.10"}[mech]
			if oid := s.NegTokenInit.MechTypes[0].String(); oid != want {
				t.Errorf("%s is sent as %s", mech, oid)
			}
			got, err := Read(raw)
			if err != nil || !cmp.Equal(got, Token{Mech: mech, ResponseToken: token}) {
				t.Errorf("%s: %v", mech, err)
			}
		}
		raw, err := WrapResponse(token)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Read(raw); err != nil || !cmp.Equal(got, Token{ResponseToken: token}) {
			t.Errorf("%v", err)
		}
	}
	if _, err := WrapInit("1.2.3", nil); err == nil {
		t.Error("an unknown mechanism is offered")
	}
}

// The first bytes are what one sees in a trace.
func TestInitBeginsAsKnown(t *testing.T) {
	raw, err := WrapInit(Kerberos, make([]byte, 1000))
	if err != nil {
		t.Fatal(err)
	}
	if s := base64.StdEncoding.EncodeToString(raw); !strings.HasPrefix(s, "YII") {
		t.Errorf("%.20s", s)
	}
}

// FuzzRead: no panic, an error of the known two kinds, nothing bigger than what
// came.
func FuzzRead(f *testing.F) {
	for _, mech := range []Mech{Kerberos, NTLM} {
		raw, err := WrapInit(mech, []byte("token"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add(unhex(f, "a1 1d 30 1b a0 03 0a 01 01 a1 0c "+hexNTLM+"a2 06 04 04 4e544c4d"))
	f.Add(unhex(f, "60 0d "+hexKerberos+"0100"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := Read(raw)
		if err != nil {
			if !errors.Is(err, ErrNotSPNEGO) && !errors.Is(err, ErrMalformed) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if len(got.ResponseToken) > len(raw) || len(got.Mech) > 10*len(raw) {
			t.Fatalf("%+v of %d bytes", got, len(raw))
		}
	})
}
