package standin

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/rc4"
	_ "crypto/sha512" // SHA-384 and SHA-512 for crypto.Hash
	"crypto/x509"
	"encoding/binary"
	"strings"
	"time"

	//lint:ignore SA1019 NTLM's one-way function is MD4, whatever one thinks of it ([MS-NLMP] 3.3.2)
	"golang.org/x/crypto/md4"
)

// handshake is an NTLM logon between its challenge and its response.
type handshake struct {
	scheme    string // the scheme it was begun with
	wrapped   bool   // and whether inside SPNEGO
	challenge [8]byte
	type1     []byte // kept for the message integrity code
	type2     []byte
}

// newHandshake answers a type 1 with a challenge as a domain member running
// Windows Server 2022 sends it.
func newHandshake(scheme, computer string, type1 []byte, now time.Time) (*handshake, error) {
	// It may be 16 bytes long (old Windows), 32 (curl) or 40 and more (with a version).
	if len(type1) < 16 {
		return nil, errTruncated
	}
	offered := binary.LittleEndian.Uint32(type1[12:])
	h := &handshake{scheme: scheme, type1: type1}
	_, _ = rand.Read(h.challenge[:]) // never fails, it ends the program instead
	h.type2 = challengeMessage(offered, h.challenge, computer, now)
	return h, nil
}

// challengeMessage builds a type 2 ([MS-NLMP] 2.2.1.2): 56 octets, then the name
// of the domain, then the target information.
func challengeMessage(offered uint32, challenge [8]byte, computer string, now time.Time) []byte {
	flags := uint32(flagNTLM | flagRequestTarget | flagTargetTypeDomain | flagTargetInfo | flagVersion)
	flags |= offered & (flagSign | flagSeal | flagAlwaysSign | flagExtendedSessionSecurity | flagKeyExchange | flag56 | flag128)
	name := []byte(netBIOSDomain)
	if offered&flagUnicode != 0 {
		flags |= flagUnicode
		name = utf16LE(netBIOSDomain)
	} else {
		flags |= flagOEM
	}
	info := targetInfo(computer, now)

	const header = 56
	message := append([]byte(ntlmSignature), ntlmChallenge, 0, 0, 0)
	message = appendField(message, len(name), header)
	message = binary.LittleEndian.AppendUint32(message, flags)
	message = append(message, challenge[:]...)
	message = append(message, make([]byte, 8)...) // reserved
	message = appendField(message, len(info), header+len(name))
	message = append(message, 10, 0)                           // Windows 10.0
	message = binary.LittleEndian.AppendUint16(message, 20348) // build of Server 2022
	message = append(message, 0, 0, 0, 15)                     // NTLMSSP_REVISION_W2K3
	return append(append(message, name...), info...)
}

// appendField appends length, maximum length and offset of a payload.
func appendField(to []byte, length, offset int) []byte {
	to = binary.LittleEndian.AppendUint16(to, uint16(length))
	to = binary.LittleEndian.AppendUint16(to, uint16(length))
	return binary.LittleEndian.AppendUint32(to, uint32(offset))
}

// targetInfo is all that a domain member tells about itself: six AV pairs.
func targetInfo(computer string, now time.Time) []byte {
	info := appendAV(nil, avNbDomainName, utf16LE(netBIOSDomain))
	info = appendAV(info, avNbComputerName, utf16LE(computer))
	info = appendAV(info, avDNSDomainName, utf16LE(Domain))
	info = appendAV(info, avDNSComputerName, utf16LE(strings.ToLower(computer)+"."+Domain))
	info = appendAV(info, avDNSTreeName, utf16LE(Domain))
	info = appendAV(info, avTimestamp, binary.LittleEndian.AppendUint64(nil, fileTime(now)))
	return appendAV(info, avEOL, nil)
}

// fileTime counts intervals of 100 ns since 1601 ([MS-DTYP] 2.3.3).
func fileTime(t time.Time) uint64 {
	const secondsFrom1601To1970 = 11644473600
	return uint64(t.Unix()+secondsFrom1601To1970)*10_000_000 + uint64(t.Nanosecond()/100)
}

// proofSize is the length of NTProofStr, fixedSize that of what stands between
// it and the AV pairs ([MS-NLMP] 2.2.2.7 and 2.2.2.8).
const (
	proofSize = md5.Size
	fixedSize = 28
)

// responseAV gives the AV pairs that the client put into its NTLMv2 response.
func (a *authenticate) responseAV() (map[uint16][]byte, error) {
	if len(a.response) < proofSize+fixedSize+4 || a.response[proofSize] != 1 || a.response[proofSize+1] != 1 {
		return nil, errNotV2
	}
	return parseAV(a.response[proofSize+fixedSize:])
}

// verify says whether a response was made with the password: the proof of
// NTLMv2, and the message integrity code where the response announces one
// ([MS-NLMP] 3.2.5.1.2 and 3.3.2). token is the whole type 3.
func (h *handshake) verify(a *authenticate, pairs map[uint16][]byte, token []byte, password string) bool {
	key := hmacMD5(ntHash(password), utf16LE(strings.ToUpper(a.user)+a.domain))
	proof := hmacMD5(key, h.challenge[:], a.response[proofSize:])
	if !hmac.Equal(proof, a.response[:proofSize]) {
		return false
	}
	flags := pairs[avFlags]
	if len(flags) != 4 || binary.LittleEndian.Uint32(flags)&avFlagMIC == 0 {
		return true
	}
	return h.verifyMIC(a, token, hmacMD5(key, proof))
}

// verifyMIC checks the code over all three messages. sessionKey is
// SessionBaseKey, which NTLMv2 uses as the key exchange key ([MS-NLMP] 3.4.5.1).
func (h *handshake) verifyMIC(a *authenticate, token, sessionKey []byte) bool {
	if a.micOffset == 0 {
		return false
	}
	if a.flags&flagKeyExchange != 0 && len(a.sessionKey) == md5.Size {
		stream, err := rc4.NewCipher(sessionKey)
		if err != nil {
			return false
		}
		exported := make([]byte, md5.Size)
		stream.XORKeyStream(exported, a.sessionKey)
		sessionKey = exported
	}
	sent := token[a.micOffset : a.micOffset+md5.Size]
	rest := token[a.micOffset+md5.Size:]
	code := hmacMD5(sessionKey, h.type1, h.type2, token[:a.micOffset], make([]byte, md5.Size), rest)
	return hmac.Equal(code, sent)
}

// ntHash is NTOWFv1, the hash that Active Directory keeps ([MS-NLMP] 3.3.1).
func ntHash(password string) []byte {
	digest := md4.New()
	digest.Write(utf16LE(password))
	return digest.Sum(nil)
}

func hmacMD5(key []byte, parts ...[]byte) []byte {
	mac := hmac.New(md5.New, key)
	for _, part := range parts {
		mac.Write(part)
	}
	return mac.Sum(nil)
}

// The values of Request.Binding: what an NTLM response said about the TLS
// connection it came over.
const (
	BindingNone    = "none"    // nothing
	BindingZero    = "zero"    // sixteen zeros, what a client without a binding may send
	BindingServed  = "served"  // the certificate served here
	BindingForeign = "foreign" // something else
)

// endPointBinding is what the AV pair MsvAvChannelBindings must hold: the MD5 of
// the gss_channel_bindings_struct ([MS-NLMP] 2.2.2.1, RFC 4121 4.1.1.2) around the
// tls-server-end-point binding (RFC 5929 section 4) of a server certificate.
func endPointBinding(certificate *x509.Certificate) []byte {
	digest := endPointHash(certificate.SignatureAlgorithm).New()
	digest.Write(certificate.Raw)
	return bindingOfHash(digest.Sum(nil))
}

// endPointHash is the hash of the certificate's signature, but never less than
// SHA-256 (RFC 5929 4.1).
func endPointHash(algorithm x509.SignatureAlgorithm) crypto.Hash {
	switch algorithm {
	case x509.SHA384WithRSA, x509.ECDSAWithSHA384, x509.SHA384WithRSAPSS:
		return crypto.SHA384
	case x509.SHA512WithRSA, x509.ECDSAWithSHA512, x509.SHA512WithRSAPSS:
		return crypto.SHA512
	default:
		return crypto.SHA256
	}
}

// bindingOfHash wraps the hash of a certificate. The structure holds the types
// and lengths of two addresses, all zero, then the application data.
func bindingOfHash(hash []byte) []byte {
	data := append([]byte("tls-server-end-point:"), hash...)
	structure := make([]byte, 16, 20+len(data))
	structure = binary.LittleEndian.AppendUint32(structure, uint32(len(data)))
	sum := md5.Sum(append(structure, data...))
	return sum[:]
}

// bindingKind names the binding that a response carried; sent is nil if it
// carried none, served is nil where there is no TLS.
func bindingKind(sent, served []byte) string {
	switch {
	case sent == nil:
		return BindingNone
	case bytes.Equal(sent, make([]byte, md5.Size)):
		return BindingZero
	case served != nil && bytes.Equal(sent, served):
		return BindingServed
	default:
		return BindingForeign
	}
}

// bindingAccepted is the decision of Extended Protection: with Allow a missing
// binding passes and one that is there must be right; with Require it must be
// there too. Sixteen zeros count as a binding, and a wrong one.
func bindingAccepted(demand ExtendedProtection, sent, expected []byte) bool {
	switch {
	case demand == ExtendedProtectionNone:
		return true
	case sent == nil:
		return demand == ExtendedProtectionAllow
	default:
		return expected != nil && bytes.Equal(sent, expected)
	}
}
