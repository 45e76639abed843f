package ntlm

import (
	"bytes"
	"encoding/base64"
	"errors"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// addMessages seeds with the recorded challenges and some made ones.
func addMessages(f *testing.F, add func([]byte)) {
	for _, c := range readCaptures(f) {
		add(c.message(f))
	}
	add(type2{flags: usualFlags, name: string(wide("CONTOSO")), pairs: usualPairs(pair{avFlags, []byte{2, 0, 0, 0}}, pair{avChannelBindings, make([]byte, 16)})}.bytes())
	add(type2{flags: flagUnicode | flagLMKey | flagKeyExchange}.bytes())
	add([]byte(signature))
}

// FuzzDecode: no panic, an error of the known two kinds, and what was read is
// readable and comes back from the message that is made of it.
func FuzzDecode(f *testing.F) {
	addMessages(f, func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := Decode(raw)
		if err != nil {
			if !errors.Is(err, ErrNotNTLM) && !errors.Is(err, ErrMalformed) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		names := []string{c.TargetName, c.NbDomain, c.NbComputer, c.DNSDomain, c.DNSName, c.DNSTree, c.Version}
		for _, name := range names {
			if !utf8.ValidString(name) || len(name) > 2*len(raw) {
				t.Fatalf("%q from %d bytes", name, len(raw))
			}
		}
		if _, err := c.Time.MarshalJSON(); err != nil {
			t.Fatal(err)
		}
		back, err := Decode(c.rebuild(nil))
		if err != nil {
			t.Fatal(err)
		}
		again := []string{c.TargetName, back.NbDomain, back.NbComputer, back.DNSDomain, back.DNSName, back.DNSTree, c.Version}
		if !cmp.Equal(names, again) || c.Nonce != back.Nonce || !c.Time.Equal(back.Time) {
			t.Fatalf("%q\nthen  %q", names, again)
		}
	})
}

// FuzzAuthenticate: whatever the challenge, there is an answer that a domain
// controller verifies and that carries the binding it was told to, or an error.
func FuzzAuthenticate(f *testing.F) {
	addMessages(f, func(b []byte) {
		f.Add(b, `CONTOSO\svc-crm`, "Passw0rd!", []byte(nil))
		f.Add(b, "svc@contoso.com", "Grüße", ForeignBinding())
	})
	f.Fuzz(func(t *testing.T, raw []byte, user, password string, binding []byte) {
		if len(binding) != 16 {
			binding = nil
		}
		if len(user) > 1000 || len(password) > 1000 || user+password == "" {
			return // refused before a handshake begins
		}
		c, err := Decode(raw)
		message, authErr := AuthenticateMessage(raw, user, password, binding)
		if (err == nil) != (authErr == nil) {
			t.Fatalf("Decode: %v, AuthenticateMessage: %v", err, authErr)
		}
		if err != nil {
			return
		}
		m := parseType3(t, message)
		if proof := m.nt[:16]; !bytes.Equal(proof, m.proofFor(c.Nonce[:], password)) {
			t.Fatalf("the proof %x does not verify", proof)
		}
		pairs := m.avPairs(t)
		if got := only(t, pairs, avChannelBindings); !bytes.Equal(got, binding) {
			t.Fatalf("binding %x, want %x", got, binding)
		}
		for _, p := range pairs {
			if p.id == avFlags && len(p.value) == 4 && p.value[0]&micAnnounced != 0 {
				t.Fatal("an integrity code is announced and not there")
			}
		}
		if !slices.ContainsFunc(pairs, func(p pair) bool { return p.id == avTimestamp }) && !c.Time.IsZero() {
			t.Fatal("the server's clock got lost")
		}
	})
}

// FuzzDecodeToken: no panic, and what is accepted comes back from its own base64.
func FuzzDecodeToken(f *testing.F) {
	for _, c := range readCaptures(f) {
		f.Add(c.token())
	}
	for _, s := range []string{"", "=", "TlRMTVNTUAA", "TlRMTVNTUAA==", "TlRM\r\nTVNTUAA=", "oYG1MIG="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, token string) {
		raw, err := DecodeToken(token)
		if err != nil {
			if !errors.Is(err, ErrNotNTLM) && !errors.Is(err, ErrMalformed) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if len(raw) > maxMessage+4 {
			t.Fatalf("%d bytes: %q", len(raw), raw)
		}
		if back, err := DecodeToken(base64.StdEncoding.EncodeToString(raw)); err != nil || !bytes.Equal(raw, back) {
			t.Fatalf("%q, then %q, %v", raw, back, err)
		}
	})
}
