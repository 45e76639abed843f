package kerberos

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/types"
)

// ErrEnctype: something is encrypted, or would have to be, under an enctype that
// is not used here (RC4, DES) or was not asked for.
var ErrEnctype = errors.New("enctype not accepted")

// enctypes are those that are used, the best first: the order of MIT krb5, where
// those of RFC 8009, which Active Directory does not know, come after AES-256.
var enctypes = []int32{
	etypeID.AES256_CTS_HMAC_SHA1_96,
	etypeID.AES128_CTS_HMAC_SHA1_96,
	etypeID.AES256_CTS_HMAC_SHA384_192,
	etypeID.AES128_CTS_HMAC_SHA256_128,
}

func enctypeName(id int32) string {
	return cmp.Or(names()["enctype "+fmt.Sprint(id)], fmt.Sprintf("enctype %d", id))
}

// names.txt has the names of enctypes (RFC 3961, RFC 8009) and the logon statuses
// that a KDC sends ([MS-ERREF] 2.3.1).
//
//go:embed names.txt
var namesText string

var names = sync.OnceValue(func() map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(namesText) {
		number, name, _ := strings.Cut(strings.TrimSpace(line), "\t")
		m[number] = name
	}
	return m
})

// checkKey says whether a key can be used: its enctype, and the length that the
// enctype has.
func checkKey(key types.EncryptionKey) error {
	if !slices.Contains(enctypes, key.KeyType) {
		return fmt.Errorf("%w: %s", ErrEnctype, enctypeName(key.KeyType))
	}
	e, err := crypto.GetEtype(key.KeyType)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrEnctype, enctypeName(key.KeyType))
	}
	if len(key.KeyValue) != e.GetKeyByteSize() {
		return fmt.Errorf("%w: a key of %s is %d bytes long, not %d", ErrEnctype, enctypeName(key.KeyType), e.GetKeyByteSize(), len(key.KeyValue))
	}
	return nil
}

// open decrypts what the KDC encrypted. The library cuts the cipher text before
// it looks how long it is.
func open(sealed types.EncryptedData, key types.EncryptionKey, usage uint32) ([]byte, error) {
	if sealed.EType != key.KeyType {
		return nil, fmt.Errorf("%w: the reply is under %s, asked for was %s", ErrEnctype, enctypeName(sealed.EType), enctypeName(key.KeyType))
	}
	e, err := crypto.GetEtype(key.KeyType)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrEnctype, enctypeName(key.KeyType))
	}
	var plain []byte
	if len(sealed.Cipher) >= e.GetConfounderByteSize()+e.GetHMACBitLength()/8 {
		err = guarded(func() error {
			plain, err = crypto.DecryptEncPart(sealed, key, usage)
			return err
		})
	} else {
		err = errPanic
	}
	if err != nil {
		return nil, fmt.Errorf("%w: its encrypted part does not decrypt under our key", ErrUntrusted)
	}
	return plain, nil
}

// errPanic stands for a panic of the library, whose text could quote a message.
var errPanic = errors.New("the message cannot be processed")

// guarded keeps a panic of the library from ending the check.
func guarded(f func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = errPanic
		}
	}()
	return f()
}
