package ntlm

import (
	"crypto"
	"crypto/md5"
	_ "crypto/sha256" // the hashes a certificate can be signed with
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"slices"
)

// ErrNoBindingHash: RFC 5929 4.1 leaves the hash undefined for the
// certificate's signature algorithm (Ed25519, for instance).
var ErrNoBindingHash = errors.New("no tls-server-end-point hash is defined for this certificate's signature")

// EndPoint returns the tls-server-end-point data of a certificate (RFC 5929
// 4.1): the prefix and the hash of its DER bytes under the hash of its own
// signature, where MD5 and SHA-1 are raised to SHA-256.
func EndPoint(cert *x509.Certificate) ([]byte, error) {
	h, ok := signatureHash(cert.SignatureAlgorithm)
	if !ok {
		return nil, ErrNoBindingHash
	}
	d := h.New()
	d.Write(cert.Raw)
	return d.Sum([]byte("tls-server-end-point:")), nil
}

func signatureHash(a x509.SignatureAlgorithm) (crypto.Hash, bool) {
	switch a {
	case x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1,
		x509.SHA256WithRSA, x509.SHA256WithRSAPSS, x509.ECDSAWithSHA256, x509.DSAWithSHA256:
		return crypto.SHA256, true
	case x509.SHA384WithRSA, x509.SHA384WithRSAPSS, x509.ECDSAWithSHA384:
		return crypto.SHA384, true
	case x509.SHA512WithRSA, x509.SHA512WithRSAPSS, x509.ECDSAWithSHA512:
		return crypto.SHA512, true
	}
	return 0, false
}

// ChannelBinding returns the value of the AV pair MsvAvChannelBindings: the MD5
// of a gss_channel_bindings_struct (RFC 2744 3.11) that has no addresses and
// endPoint as application data ([MS-NLMP] 2.2.2.1).
func ChannelBinding(endPoint []byte) []byte {
	b := make([]byte, 16, 20+len(endPoint)) // initiator and acceptor: type 0, length 0
	b = binary.LittleEndian.AppendUint32(b, uint32(len(endPoint)))
	sum := md5.Sum(append(b, endPoint...))
	return sum[:]
}

// ForeignBinding returns the binding of a certificate that nobody has: what a
// client would send whose TLS ends at another device.
func ForeignBinding() []byte {
	sum := crypto.SHA256.New()
	sum.Write([]byte("ewsprobe: a certificate that is not this server's"))
	return ChannelBinding(sum.Sum([]byte("tls-server-end-point:")))
}

// ZeroBinding returns sixteen zero bytes: "no binding" by [MS-NLMP] 2.2.2.1. Some
// acceptors take it for a binding that is wrong.
func ZeroBinding() []byte { return make([]byte, md5.Size) }

// Kinds of messages ([MS-NLMP] 2.2.1).
const (
	TypeNegotiate    = 1 // names no account
	TypeChallenge    = 2
	TypeAuthenticate = 3 // the proof of the password
)

// Type is the kind of a message, 0 for what is none.
func Type(message []byte) int {
	if len(message) < 12 || !Is(message) {
		return 0
	}
	if t := binary.LittleEndian.Uint32(message[8:]); t >= TypeNegotiate && t <= TypeAuthenticate {
		return int(t)
	}
	return 0
}

// Proofs are the parts of a type 3 message, whoever made it, from which the
// password can be guessed offline: of an NTLMv2 response its first 16 bytes
// (what follows repeats the server's own names), of the 24 bytes of an LMv2, LM
// or NTLM response all, unless they are the zeros that mean "none" ([MS-NLMP]
// 2.2.2.3 to 2.2.2.8).
func Proofs(authenticate []byte) [][]byte {
	const proof, old = 16, 24
	var proofs [][]byte
	for _, at := range []int{12, 20} { // LmChallengeResponse, NtChallengeResponse
		if len(authenticate) < at+8 {
			break
		}
		response, err := field(authenticate, at, "response")
		if err != nil || len(response) < proof {
			continue
		}
		if len(response) > old {
			response = response[:proof]
		}
		if slices.ContainsFunc(response, func(b byte) bool { return b != 0 }) {
			proofs = append(proofs, response)
		}
	}
	return proofs
}

// SentBinding is the value of MsvAvChannelBindings in a type 3 message, whoever
// made it: nil if its response is no NTLMv2 or has none ([MS-NLMP] 2.2.2.7).
func SentBinding(authenticate []byte) []byte {
	const proof, fixed = 16, 28 // before the AV pairs
	if len(authenticate) < 28 {
		return nil
	}
	response, err := field(authenticate, 20, "NT response")
	if err != nil || len(response) < proof+fixed {
		return nil
	}
	var c Challenge
	if err := c.readPairs(response[proof+fixed:]); err != nil {
		return nil
	}
	if i := slices.IndexFunc(c.pairs, func(p pair) bool { return p.id == avChannelBindings }); i >= 0 {
		return c.pairs[i].value
	}
	return nil
}
