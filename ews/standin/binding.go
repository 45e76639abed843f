package standin

import (
	"crypto"
	"crypto/md5"
	_ "crypto/sha512" // SHA-384 and SHA-512 for crypto.Hash
	"crypto/x509"
	"encoding/binary"
)

// The values of Request.Binding: what an NTLM response said about the TLS
// connection it came over.
const (
	BindingNone    = "none"    // nothing
	BindingZero    = "zero"    // sixteen zeros, what a client without a binding may send
	BindingServed  = "served"  // the certificate served here
	BindingForeign = "foreign" // something else
)

// channelBinding is what the AV pair MsvAvChannelBindings must hold: the MD5 of
// the gss_channel_bindings_struct ([MS-NLMP] 2.2.2.1, RFC 4121 4.1.1.2) around the
// tls-server-end-point binding (RFC 5929 section 4).
type channelBinding [md5.Size]byte

// endPointBinding gives the binding of a server certificate.
func endPointBinding(certificate *x509.Certificate) channelBinding {
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
func bindingOfHash(hash []byte) channelBinding {
	data := append([]byte("tls-server-end-point:"), hash...)
	structure := make([]byte, 16, 20+len(data))
	structure = binary.LittleEndian.AppendUint32(structure, uint32(len(data)))
	return md5.Sum(append(structure, data...))
}

// bindingKind names the binding that a response carried; sent is nil if it
// carried none, served is nil where there is no TLS.
func bindingKind(sent []byte, served *channelBinding) string {
	switch {
	case sent == nil:
		return BindingNone
	case string(sent) == string(make([]byte, md5.Size)):
		return BindingZero
	case served != nil && string(sent) == string(served[:]):
		return BindingServed
	default:
		return BindingForeign
	}
}

// bindingAccepted is the decision of Extended Protection: with Allow a missing
// binding passes and one that is there must be right; with Require it must be
// there too. Sixteen zeros count as a binding, and a wrong one.
func bindingAccepted(demand ExtendedProtection, sent []byte, expected *channelBinding) bool {
	switch {
	case demand == ExtendedProtectionNone:
		return true
	case sent == nil:
		return demand == ExtendedProtectionAllow
	default:
		return expected != nil && string(sent) == string(expected[:])
	}
}
