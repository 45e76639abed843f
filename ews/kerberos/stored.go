package kerberos

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
	"golang.org/x/crypto/cryptobyte"
)

// Errors of keytabs and credential caches.
var (
	// ErrKeytab: the file is no keytab.
	ErrKeytab = errors.New("not a keytab")
	// ErrNoKey: the keytab has no AES key of the account. The text says what it
	// has.
	ErrNoKey = errors.New("no usable key in the keytab")
	// ErrCCache: the file is no credential cache of version 3 or 4.
	ErrCCache = errors.New("not a Kerberos credential cache")
	// ErrNoTicket: the cache has no such ticket. The text says what it has.
	ErrNoTicket = errors.New("no such ticket in the credential cache")
	// ErrExpired: the ticket has. The text says which, and when.
	ErrExpired = errors.New("expired")
)

// Keytab holds an account's keys, as good as its password.
type Keytab struct{ entries []keytabEntry }

type keytabEntry struct {
	principal Principal
	version   uint32
	key       types.EncryptionKey
}

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
		p := Principal{Type: e.Principal.NameType, Components: e.Principal.Components, Realm: e.Principal.Realm}
		k.entries = append(k.entries, keytabEntry{p, e.KVNO, e.Key})
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

// CCache is a credential cache: tickets with their session keys, secrets.
type CCache struct {
	Client  Principal // the default principal
	entries []cacheEntry
}

type cacheEntry struct {
	client, server Principal
	key            types.EncryptionKey
	end            time.Time
	ticket         []byte
}

const (
	maxFile        = 1 << 20
	maxListed      = 8
	maxCredentials = 1024
	maxComponents  = 32
)

// ReadCCache reads the content of a credential cache file (the file format of
// MIT krb5, versions 3 and 4). The library's reader is not used: it allocates as
// many addresses as a file claims to have, before it looks how long the file is,
// and an allocation that fails cannot be caught.
func ReadCCache(raw []byte) (CCache, error) {
	if len(raw) > maxFile {
		return CCache{}, fmt.Errorf("%w: longer than %d bytes", ErrCCache, maxFile)
	}
	in := cacheReader{in: raw}
	if magic := in.byte(); magic != 5 {
		return CCache{}, fmt.Errorf("%w: it does not begin with byte 5", ErrCCache)
	}
	in.version = in.byte()
	switch in.version {
	case 3:
	case 4:
		in.skip(int(in.uint16()))
	default:
		return CCache{}, fmt.Errorf("%w: version %d, read are 3 and 4", ErrCCache, in.version)
	}
	c := CCache{Client: in.principal()}
	for !in.broken && !in.in.Empty() {
		if len(c.entries) == maxCredentials {
			return CCache{}, fmt.Errorf("%w: more than %d tickets", ErrCCache, maxCredentials)
		}
		e := in.credential()
		// Settings are kept as tickets of a realm that does not exist.
		if !strings.HasPrefix(e.server.Realm, "X-CACHECONF:") {
			c.entries = append(c.entries, e)
		}
	}
	if in.broken {
		return CCache{}, fmt.Errorf("%w: it is cut short or damaged", ErrCCache)
	}
	return c, nil
}

// cacheReader reads the fields of a cache; after the first that is not there it
// is broken and reads nothing.
type cacheReader struct {
	in      cryptobyte.String
	version byte
	broken  bool
}

func (r *cacheReader) check(ok bool) {
	if !ok {
		r.broken, r.in = true, nil
	}
}

func (r *cacheReader) byte() (v uint8) { r.check(r.in.ReadUint8(&v)); return v }

func (r *cacheReader) uint16() (v uint16) { r.check(r.in.ReadUint16(&v)); return v }

func (r *cacheReader) uint32() (v uint32) { r.check(r.in.ReadUint32(&v)); return v }

func (r *cacheReader) skip(n int) { r.check(r.in.Skip(n)) }

func (r *cacheReader) data() (b []byte) { r.check(r.in.ReadBytes(&b, int(r.uint32()))); return b }

func (r *cacheReader) principal() Principal {
	p := Principal{Type: int32(r.uint32())}
	n := r.uint32()
	r.check(n <= maxComponents)
	p.Realm = string(r.data())
	for i := uint32(0); i < n && !r.broken; i++ {
		p.Components = append(p.Components, string(r.data()))
	}
	return p
}

func (r *cacheReader) credential() cacheEntry {
	e := cacheEntry{client: r.principal(), server: r.principal()}
	e.key.KeyType = int32(r.uint16())
	if r.version == 3 {
		e.key.KeyType = int32(r.uint16()) // written twice
	}
	e.key.KeyValue = r.data()
	r.skip(8) // authtime, starttime
	e.end = time.Unix(int64(r.uint32()), 0).UTC()
	r.skip(4 + 1 + 4)         // renew_till, is_skey, flags
	for range [2]struct{}{} { // addresses, authorization data
		for n := r.uint32(); n > 0 && !r.broken; n-- {
			r.skip(2)
			r.data()
		}
	}
	e.ticket = r.data()
	r.data() // second ticket
	return e
}

// TGT finds the ticket-granting ticket of realm, of the default principal's
// realm if it is "".
func (c CCache) TGT(realm string, now time.Time) (*Ticket, error) {
	return c.Service(ticketGranting(cmp.Or(realm, c.Client.Realm)), now)
}

// Service finds the ticket of a service that ends last, of those that can be used.
func (c CCache) Service(server Principal, now time.Time) (*Ticket, error) {
	var best *cacheEntry
	var bad error
	for i := range c.entries {
		e := &c.entries[i]
		if !e.server.same(server) {
			continue
		}
		if err := checkKey(e.key); err != nil {
			bad = fmt.Errorf("the session key of the ticket for %s: %w", e.server, err)
			continue
		}
		if best == nil || e.end.After(best.end) {
			best = e
		}
	}
	switch {
	case best == nil && bad != nil:
		return nil, bad
	case best == nil:
		return nil, fmt.Errorf("%w for %s: it has %s", ErrNoTicket, server, c.list())
	case !best.end.After(now):
		return nil, fmt.Errorf("the ticket for %s %w at %s", best.server, ErrExpired, best.end.Format(time.RFC3339))
	}
	var m messages.Ticket
	if err := guarded(func() error { return m.Unmarshal(best.ticket) }); err != nil || len(m.SName.NameString) == 0 {
		return nil, fmt.Errorf("%w: the ticket cannot be decoded", ErrMalformed)
	}
	return &Ticket{
		Client: best.client, Server: best.server, End: best.end,
		Enctype: enctypeName(m.EncPart.EType), SessionEnctype: enctypeName(best.key.KeyType),
		ticket: m, key: best.key,
	}, nil
}

func (c CCache) list() string {
	return cmp.Or(listOf(c.entries, func(e cacheEntry) string { return e.server.String() }), "none")
}

// listOf names each of the entries once, and of many the first.
func listOf[E any](entries []E, name func(E) string) string {
	var list []string
	for _, e := range entries {
		if n := name(e); !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	if more := len(list) - maxListed; more > 0 {
		list = append(list[:maxListed], fmt.Sprintf("%d more", more))
	}
	return strings.Join(list, ", ")
}

// Format writes what may be seen of a cache, whatever the verb.
func (c CCache) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "credential cache of "+c.Client.String()+" with tickets for "+c.list())
}
