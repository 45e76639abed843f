package kerberos

import (
	"cmp"
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
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

var names = sync.OnceValue(func() map[string]string { return evidence.Table[string](namesText) })

// checkKey says whether a key can be used: its enctype, and the length that the
// enctype has.
func checkKey(key types.EncryptionKey) error {
	if !slices.Contains(enctypes, key.KeyType) {
		return fmt.Errorf("%w: %s", ErrEnctype, enctypeName(key.KeyType))
	}
	e, _ := crypto.GetEtype(key.KeyType) // it is one of those
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
	e, _ := crypto.GetEtype(key.KeyType) // checkKey knows it
	var plain []byte
	if len(sealed.Cipher) < e.GetConfounderByteSize()+e.GetHMACBitLength()/8 || guarded(func() (err error) {
		plain, err = crypto.DecryptEncPart(sealed, key, usage)
		return err
	}) != nil {
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

// ErrParameters: the KDC asks for a key derivation that is not done: so few
// iterations that the password could be guessed from the proof, or so many that
// the check would hang, or a salt that is no name.
var ErrParameters = errors.New("key derivation parameters of the KDC not accepted")

// The bounds of iterations: 4096 is the default of RFC 3962 and what Windows and
// Samba use, 32768 that of RFC 8009.
const (
	minIterations = 4096
	maxIterations = 65536
	maxSalt       = 512
)

// passwordKey derives the key of the password (RFC 3962 4, RFC 8009 4) with the
// first AES enctype of the hint: the KDC lists them in its order of preference.
func passwordKey(client Principal, password string, hint *KRBError) (key types.EncryptionKey, err error) {
	entry := types.ETypeInfo2Entry{EType: enctypes[0]}
	if hint != nil && len(hint.hints) > 0 {
		at := slices.IndexFunc(hint.hints, func(h types.ETypeInfo2Entry) bool { return slices.Contains(enctypes, h.EType) })
		if at < 0 {
			return key, fmt.Errorf("%w: the KDC has no AES key of %s, only %s", ErrEnctype, client, strings.Join(hint.Enctypes, ", "))
		}
		entry = hint.hints[at]
	}
	salt := cmp.Or(entry.Salt, client.Realm+strings.Join(client.Components, "")) // RFC 4120 4
	if len(salt) > maxSalt {
		return key, fmt.Errorf("%w: a salt of %d bytes, %d are the most", ErrParameters, len(salt), maxSalt)
	}
	e, _ := crypto.GetEtype(entry.EType) // it is one of those
	params := e.GetDefaultStringToKeyParams()
	if s := entry.S2KParams; len(s) > 0 {
		if len(s) != 4 {
			return key, fmt.Errorf("%w: an iteration count of %d bytes, it has 4", ErrParameters, len(s))
		}
		if n := binary.BigEndian.Uint32(s); n < minIterations || n > maxIterations {
			return key, fmt.Errorf("%w: %d iterations, accepted are %d to %d", ErrParameters, n, minIterations, maxIterations)
		}
		params = hex.EncodeToString(s)
	}
	key.KeyType = entry.EType
	if guarded(func() (err error) {
		key.KeyValue, err = e.StringToKey(password, salt, params)
		return err
	}) != nil {
		return key, fmt.Errorf("%w: no key of %s can be derived", ErrParameters, enctypeName(entry.EType))
	}
	return key, nil
}
