package ntlm

import (
	"bytes"
	"testing"
)

// TestInspect: what is seen of a type 3 from outside is what was put into it.
func TestInspect(t *testing.T) {
	one, err := NegotiateMessage()
	if err != nil {
		t.Fatal(err)
	}
	two := Challenge{Flags: flagUnicode | flagTargetInfo, Nonce: [8]byte{1, 2, 3}, pairs: []pair{{avNbDomain, []byte("C\x00")}, {avTimestamp, make([]byte, 8)}}}.rebuild(nil)
	for _, binding := range [][]byte{nil, ZeroBinding(), ForeignBinding()} {
		three, err := AuthenticateMessage(two, `CONTOSO\svc-crm`, "Passw0rd!good", binding)
		if err != nil {
			t.Fatal(err)
		}
		if Type(one) != TypeNegotiate || Type(two) != TypeChallenge || Type(three) != TypeAuthenticate {
			t.Errorf("types %d, %d, %d", Type(one), Type(two), Type(three))
		}
		if got := SentBinding(three); !bytes.Equal(got, binding) {
			t.Errorf("binding %x, sent %x", got, binding)
		}
		want := parseType3(t, three).nt[:16]
		found := false
		for _, p := range Proofs(three) {
			found = found || bytes.Equal(p, want)
			if len(bytes.Trim(p, "\x00")) == 0 {
				t.Errorf("zeros are taken for a secret")
			}
		}
		if !found {
			t.Errorf("the proof is not among %x", Proofs(three))
		}
		for n := range three { // cut anywhere: no panic, nothing made up
			if b := SentBinding(three[:n]); b != nil && !bytes.Equal(b, binding) {
				t.Errorf("%d bytes: binding %x", n, b)
			}
			Proofs(three[:n])
		}
	}
	for _, b := range [][]byte{nil, []byte(signature), []byte(signature + "\x04\x00\x00\x00"), []byte("NTLMSSP\x01\x01\x00\x00\x00")} {
		if Type(b) != 0 {
			t.Errorf("%q is type %d", b, Type(b))
		}
	}
	// NTLMv1: 24 bytes, each of them guessable.
	old := append([]byte(signature), TypeAuthenticate, 0, 0, 0)
	old = append(old, 0, 0, 0, 0, 28, 0, 0, 0, 24, 0, 24, 0, 28, 0, 0, 0)
	old = append(old, bytes.Repeat([]byte{7}, 24)...)
	if p := Proofs(old); len(p) != 1 || len(p[0]) != 24 || SentBinding(old) != nil {
		t.Errorf("NTLMv1: %x", p)
	}
}
