package ntlm

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"
)

// Negotiate flags that the probe reads or sets ([MS-NLMP] 2.2.2.5).
const (
	flagUnicode          = 0x00000001
	flagRequestTarget    = 0x00000004
	flagLMKey            = 0x00000080
	flagTargetTypeServer = 0x00020000
	flagTargetInfo       = 0x00800000
	flagVersion          = 0x02000000
	flagKeyExchange      = 0x40000000
)

// micAnnounced, in the pair avFlags, says that a type 3 carries a message
// integrity code.
const micAnnounced = 0x2

// AV pair identifiers ([MS-NLMP] 2.2.2.1).
const (
	avEOL             = 0
	avNbComputer      = 1
	avNbDomain        = 2
	avDNSComputer     = 3
	avDNSDomain       = 4
	avDNSTree         = 5
	avFlags           = 6
	avTimestamp       = 7
	avChannelBindings = 10
)

const (
	signature     = "NTLMSSP\x00"
	headerBytes   = 48 // fixed part of a type 2 up to and without VERSION
	oldHeader     = 32 // the oldest servers stop after the challenge
	maxMessage    = 32 << 10
	maxPairs      = 64
	filetimeEpoch = 116444736000000000 // 1601 to 1970 in units of 100 ns
)

// Challenge is a decoded type 2 message.
type Challenge struct {
	Flags      uint32
	Nonce      [8]byte
	TargetName string
	NbDomain   string
	NbComputer string
	DNSDomain  string
	DNSName    string
	DNSTree    string
	Version    string // "10.0.17763", "" when the flag is off
	Time       time.Time
	pairs      []pair
}

type pair struct {
	id    uint16
	value []byte
}

// StandAlone says that the server keeps its own accounts: it belongs to no
// domain (NTLMSSP_TARGET_TYPE_SERVER).
func (c Challenge) StandAlone() bool { return c.Flags&flagTargetTypeServer != 0 }

// Errors of Decode. Each malformed message wraps ErrMalformed with the reason.
var (
	ErrNotNTLM   = errors.New("not an NTLM message")
	ErrMalformed = errors.New("malformed type 2 message")
)

// Is says whether a token is a message of NTLM, as it is: a server may wrap one into
// SPNEGO.
func Is(token []byte) bool { return bytes.HasPrefix(token, []byte(signature)) }

// DecodeToken reads the base64 parameter of a WWW-Authenticate value.
func DecodeToken(token string) ([]byte, error) {
	if len(token) > maxMessage*4/3+4 {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrMalformed, maxMessage)
	}
	raw, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		// Padding is forgotten by some proxies.
		if raw, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(token, "=")); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNotNTLM, err)
		}
	}
	return raw, nil
}

// Decode reads a type 2 message ([MS-NLMP] 2.2.1.2). Offsets and lengths are
// the server's and are believed only inside the message.
func Decode(raw []byte) (Challenge, error) {
	var c Challenge
	if len(raw) < len(signature)+4 || !Is(raw) {
		return c, ErrNotNTLM
	}
	if t := binary.LittleEndian.Uint32(raw[8:]); t != 2 {
		return c, fmt.Errorf("%w: it is a type %d", ErrMalformed, t)
	}
	if len(raw) > maxMessage {
		return c, fmt.Errorf("%w: longer than %d bytes", ErrMalformed, maxMessage)
	}
	if len(raw) < oldHeader {
		return c, fmt.Errorf("%w: %d bytes, %d are the least", ErrMalformed, len(raw), oldHeader)
	}
	c.Flags = binary.LittleEndian.Uint32(raw[20:])
	copy(c.Nonce[:], raw[24:32])
	name, err := field(raw, 12, "target name")
	if err != nil {
		return c, err
	}
	if c.TargetName = utf16Text(name); c.Flags&flagUnicode == 0 {
		c.TargetName = strings.ToValidUTF8(string(name), "\uFFFD")
	}
	if len(raw) >= headerBytes && c.Flags&flagTargetInfo != 0 {
		info, err := field(raw, 40, "target info")
		if err != nil {
			return c, err
		}
		if err := c.readPairs(info); err != nil {
			return c, err
		}
	}
	if c.Flags&flagVersion != 0 && len(raw) >= headerBytes+8 {
		c.Version = fmt.Sprintf("%d.%d.%d", raw[48], raw[49], binary.LittleEndian.Uint16(raw[50:]))
	}
	return c, nil
}

// field reads a length, allocated length, offset triple ([MS-NLMP] 2.2.1.2
// TargetNameFields) and the bytes it points to.
func field(raw []byte, at int, what string) ([]byte, error) {
	n := int64(binary.LittleEndian.Uint16(raw[at:]))
	offset := int64(binary.LittleEndian.Uint32(raw[at+4:]))
	if n == 0 {
		return nil, nil
	}
	if offset+n > int64(len(raw)) {
		return nil, fmt.Errorf("%w: its %s claims bytes %d to %d of %d", ErrMalformed, what, offset, offset+n, len(raw))
	}
	return raw[offset : offset+n], nil
}

func (c *Challenge) readPairs(info []byte) error {
	for len(info) > 0 {
		if len(info) < 4 {
			return fmt.Errorf("%w: target info ends inside a pair", ErrMalformed)
		}
		id := binary.LittleEndian.Uint16(info)
		n := int(binary.LittleEndian.Uint16(info[2:]))
		if id == avEOL {
			return nil
		}
		if n > len(info)-4 {
			return fmt.Errorf("%w: pair %d claims %d bytes of %d", ErrMalformed, id, n, len(info)-4)
		}
		if len(c.pairs) == maxPairs {
			return fmt.Errorf("%w: more than %d pairs of target info", ErrMalformed, maxPairs)
		}
		c.addPair(id, info[4:4+n])
		info = info[4+n:]
	}
	return nil // no EOL: some servers forget it
}

func (c *Challenge) addPair(id uint16, value []byte) {
	c.pairs = append(c.pairs, pair{id, value})
	name := map[uint16]*string{
		avNbComputer: &c.NbComputer, avNbDomain: &c.NbDomain, avDNSComputer: &c.DNSName, avDNSDomain: &c.DNSDomain, avDNSTree: &c.DNSTree,
	}[id]
	if name != nil {
		*name = utf16Text(value) // whatever the Unicode flag says ([MS-NLMP] 2.2.2.1)
	}
	if id == avTimestamp && len(value) == 8 {
		c.Time = filetime(binary.LittleEndian.Uint64(value))
	}
}

// filetime converts 100 ns units since 1601; what a time.Time in a report
// cannot hold (a year past 9999, a time before 1970) is the zero time.
func filetime(ft uint64) time.Time {
	const year9999 = 2650467743990000000
	if ft < filetimeEpoch || ft > year9999 {
		return time.Time{}
	}
	units := int64(ft - filetimeEpoch)
	return time.Unix(units/1e7, units%1e7*100).UTC()
}

func utf16Text(b []byte) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}
