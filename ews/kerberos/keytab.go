package kerberos

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/types"
)

// Errors of keytabs.
var (
	// ErrKeytab: the file is no keytab.
	ErrKeytab = errors.New("not a keytab")
	// ErrNoKey: the keytab has no AES key of the account. The text says what it
	// has.
	ErrNoKey = errors.New("no usable key in the keytab")
)

// Keytab holds an account's keys, as good as its password.
type Keytab struct {
	entries []keytabEntry
}

type keytabEntry struct {
	principal Principal
	version   uint32
	key       types.EncryptionKey
}

const (
	maxFile   = 1 << 20
	maxListed = 8
)

// ReadKeytab reads the content of a keytab file.
func ReadKeytab(raw []byte) (Keytab, error) {
	if len(raw) > maxFile {
		return Keytab{}, fmt.Errorf("%w: longer than %d bytes", ErrKeytab, maxFile)
	}
	// The library's errors quote the file, which is full of keys.
	var file keytab.Keytab
	if guarded(func() error { return file.Unmarshal(raw) }) != nil {
		return Keytab{}, fmt.Errorf("%w: its %d bytes cannot be read as one", ErrKeytab, len(raw))
	}
	var k Keytab
	for _, e := range file.Entries {
		k.entries = append(k.entries, keytabEntry{
			principal: Principal{Type: e.Principal.NameType, Components: e.Principal.Components, Realm: e.Principal.Realm},
			version:   e.KVNO,
			key:       e.Key,
		})
	}
	if len(k.entries) == 0 {
		return Keytab{}, fmt.Errorf("%w: there is no key in it", ErrKeytab)
	}
	return k, nil
}

// key finds the best AES key of the newest version, among the enctypes that the
// KDC has of the account: a proof under another one is refused, and counted.
func (k Keytab) key(client Principal, hint *KRBError) (types.EncryptionKey, error) {
	var best *keytabEntry
	for i := range k.entries {
		e := &k.entries[i]
		if !e.principal.same(client) || checkKey(e.key) != nil || !hint.knows(e.key.KeyType) {
			continue
		}
		if best == nil || e.version > best.version ||
			e.version == best.version && slices.Index(enctypes, e.key.KeyType) < slices.Index(enctypes, best.key.KeyType) {
			best = e
		}
	}
	if best != nil {
		return best.key, nil
	}
	text := "it has " + k.list()
	if hint != nil && len(hint.Enctypes) > 0 {
		text += "; the KDC takes " + strings.Join(hint.Enctypes, ", ")
	}
	return types.EncryptionKey{}, fmt.Errorf("%w for %s: %s", ErrNoKey, client, text)
}

// knows says whether the KDC has a key of that enctype, or did not say.
func (e *KRBError) knows(enctype int32) bool {
	return e == nil || len(e.hints) == 0 || slices.ContainsFunc(e.hints, func(h types.ETypeInfo2Entry) bool { return h.EType == enctype })
}

// list names principals and enctypes, no keys.
func (k Keytab) list() string {
	return listOf(k.entries, func(e keytabEntry) string { return fmt.Sprintf("%s (%s)", e.principal, enctypeName(e.key.KeyType)) })
}

// Format writes what may be seen of a keytab, whatever the verb.
func (k Keytab) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "keytab with "+k.list()) }
