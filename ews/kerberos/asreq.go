package kerberos

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana"
	"github.com/jcmturner/gokrb5/v8/iana/flags"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/msgtype"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// ASRequest is an AS-REQ (RFC 4120 5.4.1) for the ticket-granting ticket of the
// client's realm, and what is needed to read its answer.
type ASRequest struct {
	client Principal
	nonce  int
	key    *types.EncryptionKey // nil without pre-authentication
	secret []byte               // the encrypted time
	raw    []byte
}

// NewASRequest makes the request without pre-authentication: no secret in it,
// nothing counted. An enterprise name asks for canonicalisation (RFC 6806 5).
func NewASRequest(client Principal) (ASRequest, error) {
	return newASRequest(client, enctypes, nil)
}

// WithPassword makes the request that proves the password at the time now. hint
// is the KDC's answer to the request without pre-authentication; from it come
// enctype, salt and iterations. nil for the defaults of RFC 4120 and RFC 3962.
func (r ASRequest) WithPassword(password string, hint *KRBError, now time.Time) (ASRequest, error) {
	key, err := passwordKey(r.client, password, hint)
	if err != nil {
		return ASRequest{}, err
	}
	return r.withKey(key, now)
}

// WithKeytab makes the request that proves a key of the keytab at the time now,
// one of those that hint says the account has.
func (r ASRequest) WithKeytab(keytab Keytab, hint *KRBError, now time.Time) (ASRequest, error) {
	key, err := keytab.key(r.client, hint)
	if err != nil {
		return ASRequest{}, err
	}
	return r.withKey(key, now)
}

// withKey adds PA-ENC-TIMESTAMP (RFC 4120 5.2.7.2). Only the key's own enctype
// is asked for, so that the reply is encrypted under this key or refused.
func (r ASRequest) withKey(key types.EncryptionKey, now time.Time) (ASRequest, error) {
	now = now.UTC()
	stamp, err := asn1.Marshal(types.PAEncTSEnc{PATimestamp: now, PAUSec: now.Nanosecond() / 1000})
	if err != nil {
		return ASRequest{}, fmt.Errorf("the time cannot be encoded: %w", err)
	}
	sealed, err := crypto.GetEncryptedData(stamp, key, keyusage.AS_REQ_PA_ENC_TIMESTAMP, 0)
	if err != nil {
		return ASRequest{}, fmt.Errorf("the time cannot be encrypted under %s", enctypeName(key.KeyType))
	}
	value, err := sealed.Marshal()
	if err != nil {
		return ASRequest{}, fmt.Errorf("the encrypted time cannot be encoded: %w", err)
	}
	made, err := newASRequest(r.client, []int32{key.KeyType}, types.PADataSequence{{PADataType: patype.PA_ENC_TIMESTAMP, PADataValue: value}})
	made.key, made.secret = &key, sealed.Cipher
	return made, err
}

func newASRequest(client Principal, etypes []int32, pa types.PADataSequence) (ASRequest, error) {
	nonce, err := newNonce()
	if err != nil {
		return ASRequest{}, err
	}
	options := types.NewKrbFlags()
	if client.Enterprise() {
		types.SetFlag(&options, flags.Canonicalize)
	}
	m := messages.ASReq{KDCReqFields: messages.KDCReqFields{
		PVNO:    iana.PVNO,
		MsgType: msgtype.KRB_AS_REQ,
		PAData:  pa,
		ReqBody: messages.KDCReqBody{
			KDCOptions: options,
			CName:      client.wire(),
			Realm:      client.Realm,
			SName:      ticketGranting(client.Realm).wire(),
			Till:       farAway,
			Nonce:      nonce,
			EType:      slices.Clone(etypes),
		},
	}}
	r := ASRequest{client: client, nonce: nonce}
	err = guarded(func() error {
		r.raw, err = m.Marshal()
		return err
	})
	if err != nil {
		return ASRequest{}, fmt.Errorf("%w: the request for %s cannot be encoded", ErrName, client)
	}
	return r, nil
}

// farAway is the end that is asked for, the one that Windows asks for: the KDC
// cuts it to what it allows. An end taken from a clock that is hours late would
// be refused for itself and hide the skew.
var farAway = time.Date(2037, 9, 13, 2, 48, 5, 0, time.UTC)

// newNonce: 31 bits, since some KDCs read the number as a signed one.
func newNonce() (int, error) {
	var b [4]byte
	if _, err := rand.Read(b[:]); err != nil {
		return 0, fmt.Errorf("no random number: %w", err)
	}
	return int(binary.BigEndian.Uint32(b[:]) >> 1), nil
}

// Bytes is the message without the length that TCP puts before it (RFC 4120
// 7.2.2). With pre-authentication it is a secret: the password can be guessed
// offline from it.
func (r ASRequest) Bytes() []byte { return r.raw }

// Secret is the part of the message from which the password can be guessed, nil
// without pre-authentication. The rest is names in clear.
func (r ASRequest) Secret() []byte { return r.secret }

// Read reads the answer. The errors are ErrNotKerberos, ErrMalformed, ErrEnctype
// and ErrUntrusted.
func (r ASRequest) Read(raw []byte) (Answer, error) {
	if e, err := expect(raw, kindASRep); e != nil || err != nil {
		return Answer{Error: e}, err
	}
	var m messages.ASRep
	if err := guarded(func() error { return m.Unmarshal(raw) }); err != nil {
		return Answer{}, fmt.Errorf("%w: the AS-REP cannot be decoded", ErrMalformed)
	}
	if r.key == nil {
		return Answer{WithoutPreauth: true}, nil
	}
	t, err := readReply(m.KDCRepFields, *r.key, keyusage.AS_REP_ENCPART, r.nonce)
	if err != nil {
		return Answer{}, err
	}
	if asked := ticketGranting(r.client.Realm); !t.Server.same(asked) || len(t.Server.Components) > 1 && t.Server.Components[0] != "krbtgt" {
		return Answer{}, fmt.Errorf("%w: it is for %s, asked for was %s", ErrUntrusted, t.Server, asked)
	}
	if !t.Client.same(r.client) && (!r.client.Enterprise() || !sameRealm(t.Client, r.client)) {
		return Answer{}, fmt.Errorf("%w: it names the client %s, asked for was %s", ErrUntrusted, t.Client, r.client)
	}
	return Answer{Ticket: t}, nil
}

// Format writes what may be seen of a request, whatever the verb.
func (r ASRequest) Format(f fmt.State, _ rune) {
	proof := "without pre-authentication"
	if r.key != nil {
		proof = "with " + enctypeName(r.key.KeyType)
	}
	_, _ = io.WriteString(f, "AS-REQ for "+r.client.String()+" "+proof)
}
