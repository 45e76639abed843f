// Package ntlm makes and reads the messages of NTLM over HTTP ([MS-NLMP],
// [MS-NTHT]): pure functions on bytes, no network.
//
// A sign-in is three messages on one connection. Type 1 (NEGOTIATE) says what
// the client can do and names no account. Type 2 (CHALLENGE) brings eight
// random bytes and, if type 1 asked for the target, the names of the server,
// its domain and forest, its build and its clock: this is the free look that
// ewsprobe takes. Type 3 (AUTHENTICATE) carries the account and an HMAC of the
// challenge under a key made from the password: it can be attacked offline and
// is a secret like the password.
//
// github.com/Azure/go-ntlmssp makes types 1 and 3. What it lacks is done by
// editing its input: the request-target flag in type 1, and a rebuilt type 2
// whose target info carries the channel binding (RFC 5929
// tls-server-end-point) that Extended Protection compares.
package ntlm

import (
	"encoding/binary"
	"unicode/utf16"

	"github.com/Azure/go-ntlmssp"
	//lint:ignore SA1019 NTLM is made of it ([MS-NLMP] 3.3.2)
	"golang.org/x/crypto/md4"
)

// NegotiateMessage makes a type 1 message ([MS-NLMP] 2.2.1.1). The flag
// NTLMSSP_REQUEST_TARGET is added to what go-ntlmssp sets: without it Samba and
// gss-ntlmssp send no target info, and with it names, clock and the place for
// the channel binding are lost. Domain and workstation stay empty: a
// workstation name can trip an account's workstation restriction.
func NegotiateMessage() ([]byte, error) {
	m, err := ntlmssp.NewNegotiateMessage("", "")
	if err != nil {
		return nil, err
	}
	flags := binary.LittleEndian.Uint32(m[12:])
	binary.LittleEndian.PutUint32(m[12:], flags|flagRequestTarget)
	return m, nil
}

// AuthenticateMessage makes the NTLMv2 type 3 that answers challenge (a type 2
// as received). user is DOMAIN\name, a UPN or a bare name. binding is the 16
// byte channel binding value, nil for none. The result is a secret.
func AuthenticateMessage(challenge []byte, user, password string, binding []byte) ([]byte, error) {
	c, err := Decode(challenge)
	if err != nil {
		return nil, err
	}
	return ntlmssp.NewAuthenticateMessage(c.rebuild(binding), user, password, nil)
}

// rebuild writes the challenge again for go-ntlmssp, which copies the target
// info into its answer and refuses two flags. KEY_EXCH and LM_KEY are about
// session keys, which HTTP never uses. Unicode is what type 1 offered; a server
// that chose OEM is answered in Unicode, the only form the library knows. The
// target name is left out: it plays no part in the response.
func (c Challenge) rebuild(binding []byte) []byte {
	var info []byte
	for _, p := range c.pairs {
		if value, ok := p.answered(); ok {
			info = appendPair(info, p.id, value)
		}
	}
	if binding != nil {
		info = appendPair(info, avChannelBindings, binding)
	}
	if info != nil {
		info = appendPair(info, avEOL, nil)
	}
	m := make([]byte, headerBytes, headerBytes+len(info))
	copy(m, signature)
	binary.LittleEndian.PutUint32(m[8:], 2)
	binary.LittleEndian.PutUint32(m[20:], c.Flags&^(flagKeyExchange|flagLMKey|flagVersion)|flagUnicode)
	copy(m[24:], c.Nonce[:])
	binary.LittleEndian.PutUint16(m[40:], uint16(len(info)))
	binary.LittleEndian.PutUint16(m[42:], uint16(len(info)))
	binary.LittleEndian.PutUint32(m[44:], headerBytes)
	return append(m, info...)
}

// answered is a pair of the server's as it goes into the answer, if it does. The
// binding is the client's to say. A clock of another size than eight bytes would
// shift all that follows it in the response, which the library does not notice.
// The library makes no message integrity code, so none may be announced.
func (p pair) answered() ([]byte, bool) {
	switch {
	case p.id == avChannelBindings, p.id == avTimestamp && len(p.value) != 8:
		return nil, false
	case p.id == avFlags && len(p.value) == 4:
		flags := binary.LittleEndian.Uint32(p.value)
		return binary.LittleEndian.AppendUint32(nil, flags&^micAnnounced), true
	}
	return p.value, true
}

func appendPair(info []byte, id uint16, value []byte) []byte {
	info = binary.LittleEndian.AppendUint16(info, id)
	info = binary.LittleEndian.AppendUint16(info, uint16(len(value)))
	return append(info, value...)
}

// NTHash is the MD4 of the password in UTF-16 ([MS-NLMP] 3.3.2 NTOWF): as good
// as the password itself to whoever has it.
func NTHash(password string) []byte {
	h := md4.New()
	for _, u := range utf16.Encode([]rune(password)) {
		h.Write([]byte{byte(u), byte(u >> 8)})
	}
	return h.Sum(nil)
}
