package wire

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"unicode/utf16"

	"golang.org/x/sys/unix"
)

// LoadRoots reads this machine's root certificates. To be called beside whatever
// takes a round trip anyway.
func LoadRoots() { rootsOnDisk() }

// systemRoots are those of this machine's roots that can stand at the end of a
// chain. crypto/x509 parses all of them, which is a third of what a check costs.
func systemRoots(chain []*x509.Certificate) *x509.CertPool {
	return rootsThatHold(chain, func(c *x509.Certificate) [][]byte { return [][]byte{c.RawIssuer} })
}

// namesakes are those that have the common name of an issuer in the chain, whatever
// string type it is written in.
func namesakes(chain []*x509.Certificate) *x509.CertPool {
	return rootsThatHold(chain, func(c *x509.Certificate) [][]byte {
		name := c.Issuer.CommonName
		if name == "" {
			return [][]byte{c.RawIssuer}
		}
		var wide []byte // BMPString (X.680 41.1)
		for _, unit := range utf16.Encode([]rune(name)) {
			wide = binary.BigEndian.AppendUint16(wide, unit)
		}
		return [][]byte{[]byte(name), wide}
	})
}

func rootsThatHold(chain []*x509.Certificate, parts func(*x509.Certificate) [][]byte) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, der := range rootsOnDisk() {
		holds := func(part []byte) bool { return bytes.Contains(der, part) }
		if !slices.ContainsFunc(chain, func(c *x509.Certificate) bool { return slices.ContainsFunc(parts(c), holds) }) {
			continue
		}
		if root, err := x509.ParseCertificate(der); err == nil {
			pool.AddCert(root)
		}
	}
	return pool
}

// rootsOnDisk are the certificates that crypto/x509 takes for the system's: the
// first file there is, and all directories (root_linux.go of package crypto/x509).
var rootsOnDisk = sync.OnceValue(readRoots)

func readRoots() (roots [][]byte) {
	files := []string{
		"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
		"/etc/pki/tls/cacert.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
	}
	if named := os.Getenv("SSL_CERT_FILE"); named != "" {
		files = []string{named}
	}
	for _, file := range files {
		if data, err := os.ReadFile(file); err == nil {
			roots = appendRoots(roots, data)
			break
		}
	}
	directories := []string{"/etc/ssl/certs", "/etc/pki/tls/certs"}
	if named := os.Getenv("SSL_CERT_DIR"); named != "" {
		directories = strings.Split(named, ":")
	}
	for _, directory := range directories {
		opened, err := os.Open(directory)
		if err != nil {
			continue
		}
		entries, _ := opened.ReadDir(-1)
		target := make([]byte, 256)
		for _, e := range entries {
			if e.Type() == fs.ModeSymlink {
				n, err := unix.Readlinkat(int(opened.Fd()), e.Name(), target)
				if err == nil && (!bytes.ContainsRune(target[:n], '/') || len(roots) > 0 && isBundled(string(target[:n]))) {
					continue // another name of one in here, or of one that was read
				}
			}
			if name := filepath.Join(directory, e.Name()); name != files[0] {
				if data, err := os.ReadFile(name); err == nil {
					roots = appendRoots(roots, data)
				}
			}
		}
		opened.Close()
	}
	return roots
}

// isBundled: what update-ca-certificates(8) links here stands in
// /etc/ssl/certs/ca-certificates.crt as well. To open them costs as much as a
// handshake.
func isBundled(target string) bool {
	return strings.HasPrefix(target, "/usr/share/ca-certificates/") || strings.HasPrefix(target, "/usr/local/share/ca-certificates/")
}

// appendRoots reads the certificates of a PEM file.
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
