package kerberos

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/types"
)

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
func passwordKey(client Principal, password string, hint *KRBError) (types.EncryptionKey, error) {
	entry := types.ETypeInfo2Entry{EType: enctypes[0]}
	if hint != nil && len(hint.hints) > 0 {
		at := slices.IndexFunc(hint.hints, func(h types.ETypeInfo2Entry) bool { return slices.Contains(enctypes, h.EType) })
		if at < 0 {
			return types.EncryptionKey{},
				fmt.Errorf("%w: the KDC has no AES key of %s, only %s", ErrEnctype, client, strings.Join(hint.Enctypes, ", "))
		}
		entry = hint.hints[at]
	}
	salt := entry.Salt
	if salt == "" {
		salt = client.Realm + strings.Join(client.Components, "") // RFC 4120 4
	}
	if len(salt) > maxSalt {
		return types.EncryptionKey{}, fmt.Errorf("%w: a salt of %d bytes, %d are the most", ErrParameters, len(salt), maxSalt)
	}
	e, err := crypto.GetEtype(entry.EType)
	if err != nil {
		return types.EncryptionKey{}, fmt.Errorf("%w: %s", ErrEnctype, enctypeName(entry.EType))
	}
	params := e.GetDefaultStringToKeyParams()
	if s := entry.S2KParams; len(s) > 0 {
		if len(s) != 4 {
			return types.EncryptionKey{}, fmt.Errorf("%w: an iteration count of %d bytes, it has 4", ErrParameters, len(s))
		}
		if n := binary.BigEndian.Uint32(s); n < minIterations || n > maxIterations {
			return types.EncryptionKey{}, fmt.Errorf("%w: %d iterations, accepted are %d to %d", ErrParameters, n, minIterations, maxIterations)
		}
		params = hex.EncodeToString(s)
	}
	key := types.EncryptionKey{KeyType: entry.EType}
	err = guarded(func() error {
		key.KeyValue, err = e.StringToKey(password, salt, params)
		return err
	})
	if err != nil {
		return types.EncryptionKey{}, fmt.Errorf("%w: no key of %s can be derived", ErrParameters, enctypeName(entry.EType))
	}
	return key, nil
}
