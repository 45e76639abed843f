package standin

import (
	"bytes"
	"encoding/binary"
	"errors"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// ntlmSignature opens every message ([MS-NLMP] 2.2.1).
const ntlmSignature = "NTLMSSP\x00"

// Message types ([MS-NLMP] 2.2.1.1 to 2.2.1.3).
const (
	ntlmNegotiate    = 1
	ntlmChallenge    = 2
	ntlmAuthenticate = 3
)

// Negotiate flags ([MS-NLMP] 2.2.2.5).
const (
	flagUnicode                 = 0x00000001
	flagOEM                     = 0x00000002
	flagRequestTarget           = 0x00000004
	flagSign                    = 0x00000010
	flagSeal                    = 0x00000020
	flagNTLM                    = 0x00000200
	flagAlwaysSign              = 0x00008000
	flagTargetTypeDomain        = 0x00010000
	flagExtendedSessionSecurity = 0x00080000
	flagTargetInfo              = 0x00800000
	flagVersion                 = 0x02000000
	flag128                     = 0x20000000
	flagKeyExchange             = 0x40000000
	flag56                      = 0x80000000
)

// AV pair identifiers ([MS-NLMP] 2.2.2.1).
const (
	avEOL             = 0
	avNbComputerName  = 1
	avNbDomainName    = 2
	avDNSComputerName = 3
	avDNSDomainName   = 4
	avDNSTreeName     = 5
	avFlags           = 6
	avTimestamp       = 7
	avChannelBindings = 10
)

// avFlagMIC in MsvAvFlags says that the response carries a message integrity code.
const avFlagMIC = 0x2

var (
	errNotNTLM   = errors.New("no NTLM message")
	errTruncated = errors.New("the NTLM message ends too early")
	errNotV2     = errors.New("no NTLMv2 response")
)

// ntlmMessageType tells which message a token holds.
func ntlmMessageType(token []byte) (uint32, error) {
	if len(token) < 12 || string(token[:8]) != ntlmSignature {
		return 0, errNotNTLM
	}
	return binary.LittleEndian.Uint32(token[8:]), nil
}

// authenticate is a parsed type 3.
type authenticate struct {
	domain, user string
	response     []byte // NtChallengeResponse
	sessionKey   []byte // EncryptedRandomSessionKey
	flags        uint32
	micOffset    int // where a MIC would be, 0 if there is no room for one
}

// ntlmField reads the payload that the eight octets at offset point to
// ([MS-NLMP] 2.2.1.3: length, maximum length, offset).
func ntlmField(token []byte, offset int) ([]byte, int, error) {
	length := int(binary.LittleEndian.Uint16(token[offset:]))
	start := binary.LittleEndian.Uint32(token[offset+4:])
	if length == 0 {
		return nil, len(token), nil
	}
	if uint64(start)+uint64(length) > uint64(len(token)) {
		return nil, 0, errTruncated
	}
	return token[start : int(start)+length], int(start), nil
}

// parseAuthenticate reads a type 3. It takes everything between the 52 octets of
// old clients and the 88 of those that send a version and a MIC.
func parseAuthenticate(token []byte) (*authenticate, error) {
	if len(token) < 52 {
		return nil, errTruncated
	}
	payload := len(token)
	field := func(offset int) (data []byte, err error) {
		data, start, err := ntlmField(token, offset)
		payload = min(payload, start)
		return data, err
	}
	_, errLM := field(12)
	response, errNT := field(20)
	domain, errDomain := field(28)
	user, errUser := field(36)
	_, errWorkstation := field(44)
	if err := errors.Join(errLM, errNT, errDomain, errUser, errWorkstation); err != nil {
		return nil, errTruncated
	}
	message := &authenticate{response: response, flags: flagUnicode}
	// The session key and the flags are missing in the oldest form only.
	if payload >= 64 && len(token) >= 64 {
		message.flags = binary.LittleEndian.Uint32(token[60:])
		key, err := field(52)
		if err != nil {
			return nil, err
		}
		message.sessionKey = key
	}
	switch { // 8 octets of version, then the MIC; or the MIC without a version
	case payload >= 88:
		message.micOffset = 72
	case payload >= 80:
		message.micOffset = 64
	}
	wide := message.flags&flagUnicode != 0
	message.domain, message.user = ntlmString(domain, wide), ntlmString(user, wide)
	return message, nil
}

// utf16Text is text as NTLM wants it.
var utf16Text = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)

// ntlmString decodes a name: UTF-16, or the OEM character set, of which only the
// part that equals Latin-1 is understood.
func ntlmString(data []byte, wide bool) string {
	var from encoding.Encoding = charmap.ISO8859_1
	if wide {
		from, data = utf16Text, data[:len(data)&^1]
	}
	text, _ := from.NewDecoder().Bytes(data) // what cannot be read becomes U+FFFD
	return string(text)
}

// utf16LE encodes a string as NTLM wants it.
func utf16LE(s string) []byte {
	data, _ := utf16Text.NewEncoder().Bytes([]byte(s)) // UTF-16 has everything
	return data
}

// appendAV appends an AV pair ([MS-NLMP] 2.2.2.1).
func appendAV(to []byte, id uint16, value []byte) []byte {
	to = binary.LittleEndian.AppendUint16(to, id)
	to = binary.LittleEndian.AppendUint16(to, uint16(len(value)))
	return append(to, value...)
}

// parseAV reads AV pairs up to MsvAvEOL. Of a pair that occurs twice the first counts.
func parseAV(data []byte) (map[uint16][]byte, error) {
	pairs := make(map[uint16][]byte)
	for len(data) >= 4 {
		id := binary.LittleEndian.Uint16(data)
		length := int(binary.LittleEndian.Uint16(data[2:]))
		data = data[4:]
		if id == avEOL {
			return pairs, nil
		}
		if length > len(data) {
			return nil, errTruncated
		}
		if _, seen := pairs[id]; !seen {
			pairs[id] = bytes.Clone(data[:length])
		}
		data = data[length:]
	}
	return nil, errTruncated
}
