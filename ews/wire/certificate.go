package wire

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// judge collects every complaint: time, name and issuer are looked at apart.
func (d *Dialer) judge(info *evidence.TLS, chain []*x509.Certificate) {
	leaf, now := chain[0], time.Now()
	complain := func(code string, why *evidence.Detail) {
		info.Problems = append(info.Problems, evidence.CertificateProblem{Code: code, Text: why.String(), Detail: why})
	}
	if now.After(leaf.NotAfter) {
		complain("expired", evidence.Say("certificate-expired", leaf.NotAfter.UTC().Format(time.DateOnly)))
	}
	if now.Before(leaf.NotBefore) {
		complain("not-yet-valid", evidence.Say("certificate-not-yet", leaf.NotBefore.UTC().Format(time.RFC3339)))
	}
	switch err := leaf.VerifyHostname(d.Host); {
	case err == nil:
	case len(info.Certificate.Names) == 0 && leaf.Subject.CommonName != "":
		complain("wrong-name", evidence.Say("certificate-no-names", leaf.Subject.CommonName))
	default:
		complain("wrong-name", evidence.Say("certificate-wrong-name", strings.Join(info.Certificate.Names, ", "), d.Host))
	}
	at := now
	if now.After(leaf.NotAfter) || now.Before(leaf.NotBefore) {
		at = leaf.NotAfter.Add(-time.Second) // the time was complained about already
	}
	err := chainTo(chain, d.Roots, at)
	if err != nil && d.Extra != nil {
		extra := chainTo(chain, d.Extra, at)
		if info.SelfRootsOnly = extra == nil; info.SelfRootsOnly || !isUnknown(extra) {
			err = extra // what was met on the way to a root that is known
		}
	}
	if err != nil {
		code, why := "", (*evidence.Detail)(nil)
		if isUnknown(err) {
			code, why = d.namesake(chain)
		}
		if why == nil {
			code, why = chainProblem(chain, err)
		}
		complain(code, why)
	}
	if d.Public != nil {
		info.PublicRoot = new(chainTo(chain, d.Public, at) == nil)
	}
}

// namesake says that an issuer in a chain has the name of a root that is known, and why
// that one does not stand at its end: another key, or the name in another string type,
// which RFC 5280 7.1 compares as equal and this program's library does not.
func (d *Dialer) namesake(chain []*x509.Certificate) (code string, why *evidence.Detail) {
	roots := d.Roots
	if roots == nil {
		roots, _ = x509.SystemCertPool() // on Windows and macOS it does not say what is in it
	}
	for _, c := range chain {
		isParent := func(parent *x509.Certificate) bool { return bytes.Equal(parent.RawSubject, c.RawIssuer) }
		var issuer pkix.RDNSequence
		if _, err := asn1.Unmarshal(c.RawIssuer, &issuer); err != nil || weaklySigned(c) || slices.ContainsFunc(chain[1:], isParent) {
			continue
		}
		for _, pool := range []*x509.CertPool{d.Extra, roots} {
			if pool == nil {
				continue
			}
			//lint:ignore SA1019 roots of the system that are not in it are not needed
			for _, subject := range pool.Subjects() {
				var name pkix.RDNSequence
				switch _, err := asn1.Unmarshal(subject, &name); {
				case bytes.Equal(subject, c.RawIssuer):
					return "unknown-issuer", evidence.Say("issuer-other-key", c.Issuer.String())
				case err == nil && name.String() == issuer.String(): // c.Issuer has them in another order
					return "issuer-encoding", evidence.Say("issuer-encoding", c.Issuer.String())
				}
			}
		}
	}
	return "", nil
}

func isUnknown(err error) bool {
	var unknown x509.UnknownAuthorityError
	return errors.As(err, &unknown)
}

// chainProblem says why no chain (RFC 5280 6.1) to a trusted root was found.
func chainProblem(chain []*x509.Certificate, err error) (code string, why *evidence.Detail) {
	leaf := chain[0]
	var invalid x509.CertificateInvalidError
	var critical x509.UnhandledCriticalExtension
	issuer := func(c *x509.Certificate) string { return cmp.Or(c.Issuer.CommonName, c.Issuer.String()) }
	name := func(c *x509.Certificate) string { return cmp.Or(c.Subject.CommonName, c.Subject.String()) }
	switch {
	case errors.As(err, &invalid):
		return "unusable", invalidCertificate(leaf, invalid, name)
	case errors.As(err, &critical):
		at := slices.IndexFunc(chain, func(c *x509.Certificate) bool { return len(c.UnhandledCriticalExtensions) > 0 })
		if at < 0 {
			return "unusable", evidence.Say("critical-extension", "", "")
		}
		return "unusable", evidence.Say("critical-extension", name(chain[at]), chain[at].UnhandledCriticalExtensions[0].String()) // RFC 5280 4.2
	case !isUnknown(err):
		return "unusable", evidence.Say("certificate-unusable", withoutPrefix(err.Error()))
	}
	if weak := slices.IndexFunc(chain, weaklySigned); weak >= 0 {
		return "unusable", evidence.Say("certificate-weak", name(chain[weak]), weakName(chain[weak].SignatureAlgorithm))
	}
	switch {
	case bytes.Equal(leaf.RawIssuer, leaf.RawSubject):
		return "unknown-issuer", evidence.Say("certificate-self-signed", name(leaf))
	case len(chain) == 1 && len(leaf.IssuingCertificateURL) > 0:
		return "unknown-issuer", evidence.Say("certificate-alone-aia", leaf.Issuer.String(), issuer(leaf), leaf.IssuingCertificateURL[0])
	case len(chain) == 1:
		return "unknown-issuer", evidence.Say("certificate-alone", leaf.Issuer.String(), issuer(leaf))
	case !slices.ContainsFunc(chain[1:], func(c *x509.Certificate) bool { return bytes.Equal(c.RawSubject, leaf.RawIssuer) }):
		return "unknown-issuer", evidence.Say("certificate-other-chain", leaf.Issuer.String(), issuer(leaf))
	}
	return "unknown-issuer", evidence.Say("certificate-unknown-issuer", leaf.Issuer.String())
}

// invalidCertificate says what is wrong with a certificate of a chain that ends in
// a root that is known.
func invalidCertificate(leaf *x509.Certificate, e x509.CertificateInvalidError, name func(*x509.Certificate) string) *evidence.Detail {
	switch e.Reason {
	case x509.Expired:
		if e.Cert != leaf {
			return evidence.Say("intermediate-expired", name(e.Cert),
				e.Cert.NotBefore.UTC().Format(time.DateOnly), e.Cert.NotAfter.UTC().Format(time.DateOnly))
		}
	case x509.NotAuthorizedToSign:
		return evidence.Say("issuer-no-authority", name(e.Cert))
	case x509.TooManyIntermediates:
		return evidence.Say("chain-too-long", name(e.Cert))
	case x509.IncompatibleUsage:
		return evidence.Say("certificate-usage", name(cmp.Or(e.Cert, leaf)))
	case x509.CANotAuthorizedForThisName, x509.NameConstraintsWithoutSANs, x509.UnconstrainedName, x509.TooManyConstraints:
		return evidence.Say("name-constraints", cmp.Or(leaf.Issuer.CommonName, leaf.Issuer.String()), withoutPrefix(e.Detail))
	}
	return evidence.Say("certificate-unusable", withoutPrefix(e.Error()))
}

// weaklySigned: this program's library verifies no such signature, so it cannot
// tell whether the issuer would be trusted. A root's own does not matter.
func weaklySigned(c *x509.Certificate) bool {
	return weakName(c.SignatureAlgorithm) != "" && !bytes.Equal(c.RawIssuer, c.RawSubject)
}

func weakName(a x509.SignatureAlgorithm) string {
	switch a {
	case x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1:
		return "SHA-1"
	case x509.MD5WithRSA:
		return "MD5"
	case x509.MD2WithRSA:
		return "MD2"
	case x509.DSAWithSHA256:
		return "DSA"
	case x509.UnknownSignatureAlgorithm:
		return "an algorithm that this program does not know"
	}
	return ""
}

// withoutPrefix takes the names of Go's packages from the words of an error.
func withoutPrefix(text string) string {
	for _, prefix := range []string{"tls: ", "x509: ", "crypto/"} {
		text = strings.ReplaceAll(text, prefix, "")
	}
	return text
}

// chainTo verifies a chain to roots; nil: the system's.
func chainTo(chain []*x509.Certificate, roots *x509.CertPool, at time.Time) error {
	if roots == nil {
		roots = systemRoots(chain)
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	return err
}
