package standin

import (
	"bytes"
	"crypto/md5"
	"crypto/rc4"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"
	"time"
)

// Values of [MS-NLMP] 4.2.1, 4.2.2.1.1 and 4.2.4.
func TestSpecificationVectors(t *testing.T) {
	if got := hex.EncodeToString(ntHash("Password")); got != "a4f49c406510bdcab6824ee7c30fd852" {
		t.Errorf("NTOWFv1 %s", got)
	}
	key := hmacMD5(ntHash("Password"), utf16LE("USERDomain"))
	if got := hex.EncodeToString(key); got != "0c868a403bfd7a93a3001ef22ef02e3f" {
		t.Errorf("NTOWFv2 %s", got)
	}
	temp := append([]byte{1, 1}, make([]byte, 14)...)
	temp = append(append(temp, bytes.Repeat([]byte{0xaa}, 8)...), 0, 0, 0, 0)
	temp = appendAV(temp, avNbDomainName, utf16LE("Domain"))
	temp = appendAV(temp, avNbComputerName, utf16LE("Server"))
	temp = append(appendAV(temp, avEOL, nil), 0, 0, 0, 0)
	proof, _ := hex.DecodeString("68cd0ab851e51c96aabc927bebef6a1c")
	a := &authenticate{domain: "Domain", user: "User", response: append(proof, temp...)}
	pairs, err := a.responseAV()
	if err != nil {
		t.Fatal(err)
	}
	h := &handshake{challenge: [8]byte{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}}
	if !h.verify(a, pairs, nil, "Password") || h.verify(a, pairs, nil, "password") {
		t.Error("the proof is not verified")
	}
}

func TestChannelBindingVectors(t *testing.T) {
	digest, _ := hex.DecodeString("E3CA49271E5089CC48CE82109F1324F41DBEDDC29A777410C738F7868C4FF405")
	sum256, sum384, sum512 := sha256.Sum256(nil), sha512.Sum384(nil), sha512.Sum512(nil)
	for want, hash := range map[string][]byte{
		"6ea19df066da4622051f9c4f92c6df74": digest,
		"cf763932e9d2616ab952b63b584204e3": sum256[:],
		"9652853f8119219ea66ad645dd736225": sum384[:],
		"f9090f98f49d1dd944b645a361e02fba": sum512[:],
	} {
		if got := bindingOfHash(hash); hex.EncodeToString(got) != want {
			t.Errorf("binding %x, want %s", got, want)
		}
	}
}

// The challenge has the names, the version and the clock of a domain member.
func TestChallengeMessage(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 123456700, time.UTC)
	for name, offered := range map[string]uint32{"Unicode": flagUnicode | flagOEM, "OEM": flagOEM} {
		message := challengeMessage(offered|flagKeyExchange, [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, "EX01", now)
		kind, err := ntlmMessageType(message)
		if err != nil || kind != ntlmChallenge {
			t.Fatalf("type %d, %v", kind, err)
		}
		flags := binary.LittleEndian.Uint32(message[20:])
		if flags&flagUnicode != offered&flagUnicode || flags&flagKeyExchange == 0 || flags&flagTargetInfo == 0 {
			t.Errorf("%s: flags %08x", name, flags)
		}
		target, _, err := ntlmField(message, 12)
		if err != nil || ntlmString(target, flags&flagUnicode != 0) != netBIOSDomain {
			t.Errorf("%s: target %q, %v", name, target, err)
		}
		info, _, err := ntlmField(message, 40)
		if err != nil {
			t.Fatal(err)
		}
		pairs, err := parseAV(info)
		if err != nil {
			t.Fatal(err)
		}
		for id, want := range map[uint16]string{
			avNbComputerName: "EX01", avNbDomainName: "CONTOSO", avDNSComputerName: "ex01.contoso.com",
			avDNSDomainName: "contoso.com", avDNSTreeName: "contoso.com",
		} {
			if got := ntlmString(pairs[id], true); got != want {
				t.Errorf("%s: AV pair %d is %q, want %q", name, id, got, want)
			}
		}
		// 2026-03-01T12:00:00.1234567Z as a FILETIME.
		if got := binary.LittleEndian.Uint64(pairs[avTimestamp]); got != 134168400001234567 {
			t.Errorf("%s: timestamp %d", name, got)
		}
	}
}

// testClient is an NTLM client with the options that go-ntlmssp lacks.
type testClient struct {
	domain, user, password string
	flags                  uint32
	mic, version           bool
	breakMIC               bool
}

func newTestClient(user, password string) testClient {
	domain, name, found := strings.Cut(user, `\`)
	if !found {
		domain, name = "", user
	}
	return testClient{domain: domain, user: name, password: password, flags: flagUnicode | flagNTLM, version: true}
}

// respond builds a type 3 to the handshake's challenge.
func (h *handshake) respond(c testClient) []byte {
	temp := append([]byte{1, 1}, make([]byte, 14)...)
	temp = append(append(temp, "nonce..."...), 0, 0, 0, 0)
	if c.mic {
		temp = appendAV(temp, avFlags, []byte{avFlagMIC, 0, 0, 0})
	}
	temp = append(appendAV(temp, avEOL, nil), 0, 0, 0, 0)
	key := hmacMD5(ntHash(c.password), utf16LE(strings.ToUpper(c.user)+c.domain))
	proof := hmacMD5(key, h.challenge[:], temp)
	sessionKey := hmacMD5(key, proof)
	var encrypted []byte
	if c.flags&flagKeyExchange != 0 {
		exported := []byte("exported session")
		encrypted = make([]byte, len(exported))
		stream, _ := rc4.NewCipher(sessionKey)
		stream.XORKeyStream(encrypted, exported)
		sessionKey = exported
	}
	domain, user := utf16LE(c.domain), utf16LE(c.user)
	if c.flags&flagUnicode == 0 {
		domain, user = []byte(c.domain), []byte(c.user)
	}
	header := 64
	if c.version {
		header += 8
	}
	micAt := header
	if c.mic {
		header += md5.Size
	}
	message := append([]byte(ntlmSignature), ntlmAuthenticate, 0, 0, 0)
	payload := []byte{}
	for _, part := range [][]byte{nil, append(proof, temp...), domain, user, nil, encrypted} {
		message = appendField(message, len(part), header+len(payload))
		payload = append(payload, part...)
	}
	message = binary.LittleEndian.AppendUint32(message, c.flags)
	message = append(append(message, make([]byte, header-len(message))...), payload...)
	if c.mic {
		code := hmacMD5(sessionKey, h.type1, h.type2, message)
		if c.breakMIC {
			code[0] ^= 1
		}
		copy(message[micAt:], code)
	}
	return message
}

func TestResponses(t *testing.T) {
	type1 := append([]byte(ntlmSignature), 1, 0, 0, 0, 0x07, 0x82, 0x08, 0xa2)
	good := newTestClient(User, Password)
	change := func(f func(*testClient)) testClient {
		c := good
		f(&c)
		return c
	}
	tests := []struct {
		name   string
		client testClient
		right  bool
	}{
		{"plain", good, true},
		{"wrong password", newTestClient(User, WrongPassword), false},
		{"without version", change(func(c *testClient) { c.version = false }), true},
		{"OEM names", change(func(c *testClient) { c.flags = flagOEM | flagNTLM }), true},
		{"key exchange", change(func(c *testClient) { c.flags |= flagKeyExchange }), true},
		{"integrity code", change(func(c *testClient) { c.mic = true }), true},
		{"integrity code without version", change(func(c *testClient) { c.mic, c.version = true, false }), true},
		{"integrity code and key exchange", change(func(c *testClient) { c.mic, c.flags = true, c.flags|flagKeyExchange }), true},
		{"broken integrity code", change(func(c *testClient) { c.mic, c.breakMIC = true, true }), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h, err := newHandshake("NTLM", "EX01", type1, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			token := h.respond(test.client)
			a, err := parseAuthenticate(token)
			if err != nil {
				t.Fatal(err)
			}
			if a.domain != "CONTOSO" || a.user != "svc-crm" {
				t.Errorf("name %q %q", a.domain, a.user)
			}
			pairs, err := a.responseAV()
			if err != nil {
				t.Fatal(err)
			}
			if got := h.verify(a, pairs, token, Password); got != test.right {
				t.Errorf("verified %t, want %t", got, test.right)
			}
		})
	}
}

// Whatever the Authorization value is, reading it neither panics nor succeeds by
// accident.
func FuzzAuthorization(f *testing.F) {
	h := &handshake{}
	for _, token := range [][]byte{
		h.respond(newTestClient(User, Password)),
		append([]byte(ntlmSignature), 1, 0, 0, 0),
		challengeMessage(flagUnicode, h.challenge, "EX01", time.Unix(0, 0)),
		[]byte("user:password"),
	} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token []byte) {
		for _, scheme := range []string{"NTLM", "Negotiate", "Basic", "Bearer"} {
			a := &authorization{raw: scheme + " " + base64.StdEncoding.EncodeToString(token)}
			if scheme == "Basic" {
				a.parseBasic(a.raw[len("Basic "):])
			} else {
				a.parseNTLM(base64.StdEncoding.EncodeToString(token))
			}
			a.echoes()
			if a.message == MessageType3 && a.err == nil && h.verify(a.response, a.pairs, a.token, "another password") {
				t.Error("verified")
			}
		}
	})
}
