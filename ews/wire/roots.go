package wire

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// LoadRoots reads this machine's root certificates, where they are files, which takes
// longer than a handshake. To be called beside whatever takes a round trip anyway.
func LoadRoots() {
	if runtime.GOOS == "linux" {
		rootsOnDisk()
		return
	}
	_, _ = x509.SystemCertPool() // crypto/x509 keeps it; without one, verification says so
}

// systemRoots are those of this machine's roots at which a chain can end; nil leaves it
// to crypto/x509. On Linux that parses all of them, which is a third of what a check costs.
func systemRoots(chain []*x509.Certificate) *x509.CertPool {
	if runtime.GOOS != "linux" {
		return nil
	}
	pool := x509.NewCertPool()
	for _, der := range rootsOnDisk() {
		subject := subjectOf(der)
		ends := func(c *x509.Certificate) bool { return bytes.Equal(subject, c.RawIssuer) || bytes.Equal(der, c.Raw) }
		if !slices.ContainsFunc(chain, ends) {
			continue
		}
		if root, err := x509.ParseCertificate(der); err == nil {
			pool.AddCert(root)
		}
	}
	return pool
}

// subjectOf is the subject of a certificate (RFC 5280 4.1.2.6), nil of what is none.
func subjectOf(der []byte) []byte {
	var certificate, tbs, subject cryptobyte.String
	input, version := cryptobyte.String(der), asn1.Tag(0).ContextSpecific().Constructed()
	_ = input.ReadASN1(&certificate, asn1.SEQUENCE) && certificate.ReadASN1(&tbs, asn1.SEQUENCE) && tbs.SkipOptionalASN1(version) &&
		tbs.SkipASN1(asn1.INTEGER) && tbs.SkipASN1(asn1.SEQUENCE) && tbs.SkipASN1(asn1.SEQUENCE) && tbs.SkipASN1(asn1.SEQUENCE) &&
		tbs.ReadASN1Element(&subject, asn1.SEQUENCE)
	return subject
}

var rootsOnDisk = sync.OnceValue(readRoots)

// readRoots reads what crypto/x509 takes for the system's roots: the first file there is,
// and all directories (root_linux.go of package crypto/x509).
func readRoots() (roots [][]byte) {
	add := func(name string) bool {
		data, err := os.ReadFile(name)
		roots = appendRoots(roots, data)
		return err == nil
	}
	files := []string{
		"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
		"/etc/pki/tls/cacert.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
	}
	if named := os.Getenv("SSL_CERT_FILE"); named != "" {
		files = []string{named}
	}
	for _, file := range files {
		if add(file) {
			break
		}
	}
	target := make([]byte, 256)
	for _, directory := range strings.Split(cmp.Or(os.Getenv("SSL_CERT_DIR"), "/etc/ssl/certs:/etc/pki/tls/certs"), ":") {
		opened, err := os.Open(directory)
		if err != nil {
			continue
		}
		entries, _ := opened.ReadDir(-1)
		opened.Close()
		for _, e := range entries {
			name := filepath.Join(directory, e.Name())
			if e.Type() == fs.ModeSymlink {
				// Another name of one in here, or of one that update-ca-certificates(8) put into
				// ca-certificates.crt as well: to open them costs as much as a handshake.
				n, err := syscall.Readlink(name, target)
				to := string(target[:max(n, 0)])
				bundled := strings.HasPrefix(to, "/usr/share/ca-certificates/") || strings.HasPrefix(to, "/usr/local/share/ca-certificates/")
				if err == nil && (!strings.Contains(to, "/") || bundled && roots != nil) {
					continue
				}
			}
			if name != files[0] {
				add(name)
			}
		}
	}
	return roots
}

// appendRoots reads the certificates of a PEM file. Package pem takes three times as long.
func appendRoots(roots [][]byte, data []byte) [][]byte {
	begin, end := []byte("-----BEGIN CERTIFICATE-----"), []byte("-----END CERTIFICATE-----")
	for {
		_, rest, found := bytes.Cut(data, begin)
		body, behind, ended := bytes.Cut(rest, end)
		if !found || !ended {
			return roots
		}
		der := make([]byte, base64.StdEncoding.DecodedLen(len(body)))
		if n, err := base64.StdEncoding.Decode(der, body); err == nil {
			roots = append(roots, der[:n])
		} else if block, _ := pem.Decode(slices.Concat(begin, body, end)); block != nil { // with headers or blanks
			roots = append(roots, block.Bytes)
		}
		data = behind
	}
}
