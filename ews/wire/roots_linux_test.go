package wire

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// The roots that are chosen are enough for crypto/x509 to come to the same end as
// with all of them, whoever issued the leaf.
func TestSystemRootsAreChosen(t *testing.T) {
	pool, err := x509.SystemCertPool() // read once, so before the variables change
	if err != nil {
		t.Skip(err)
	}
	onDisk := rootsOnDisk()
	one, other := newAuthority(t, "One"), newAuthority(t, "Other")
	encode := func(c *x509.Certificate) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	}
	dir := t.TempDir()
	for name, data := range map[string][]byte{
		"one.pem": encode(one.cert), "text.pem": []byte("no certificate"),
		"blanks.pem": []byte("-----BEGIN CERTIFICATE-----\n %%%\n-----END CERTIFICATE-----\n"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("one.pem", filepath.Join(dir, "0123abcd.0")); err != nil {
		t.Fatal(err)
	}
	was := rootsOnDisk
	defer func() { rootsOnDisk = was }()
	t.Setenv("SSL_CERT_FILE", filepath.Join(dir, "none"))
	t.Setenv("SSL_CERT_DIR", dir+":"+filepath.Join(dir, "none"))
	list := readRoots()
	if len(list) != 1 || !slices.Equal(list[0], one.cert.Raw) {
		t.Fatalf("%d roots", len(list))
	}
	rootsOnDisk = func() [][]byte { return list }
	for _, c := range []struct {
		by              *authority
		itself, trusted bool // itself: the leaf is a root
	}{{one, false, true}, {other, false, false}, {other, true, true}} {
		leaf, err := x509.ParseCertificate(c.by.issue(t, func(*x509.Certificate) {}).Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		if c.itself {
			rootsOnDisk = func() [][]byte { return [][]byte{leaf.Raw} }
		}
		if err := chainTo([]*x509.Certificate{leaf}, nil, time.Now()); (err == nil) != c.trusted {
			t.Errorf("%s: %v", leaf.Issuer, err)
		}
	}
	// The whole list, against crypto/x509's own: each root of this machine is found
	// for itself.
	rootsOnDisk = func() [][]byte { return onDisk }
	for _, der := range onDisk {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			continue
		}
		options := x509.VerifyOptions{CurrentTime: c.NotBefore.Add(time.Hour), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
		options.Roots = pool
		_, all := c.Verify(options)
		options.Roots = systemRoots([]*x509.Certificate{c})
		if _, chosen := c.Verify(options); (all == nil) != (chosen == nil) {
			t.Errorf("%s: %v with all roots, %v with those chosen", c.Subject, all, chosen)
		}
	}
}
