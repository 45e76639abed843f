// Package kerberos makes and reads the messages of Kerberos 5 (RFC 4120,
// RFC 4121, [MS-KILE]): pure functions on bytes, no network, no clock of its own.
//
// A sign-in is three exchanges. AS: the client names itself to the KDC of its
// realm; the first request carries no proof, costs the account nothing and
// brings the KDC's clock, the enctypes and the salt. The second carries the time
// encrypted under the key made from the password, and is counted when wrong. It
// brings a ticket for the KDC itself (TGT). TGS: with that, a ticket for the
// service HTTP/host. AP: the ticket and an authenticator go to the web server in
// the GSS framing of RFC 4121, with the channel binding in the checksum.
//
// github.com/jcmturner/gokrb5 encodes, decodes and encrypts. Its client is not
// used: it dials and retries by itself, and a wrong password retried is a locked
// account. Each message is made and read here, one at a time, and the caller
// sends it. AES only: RC4 and DES are reported, never used.
//
// Every reply is an attacker's until it is decrypted under our key and answers
// what was asked. Keys, tickets and decrypted parts are secrets: no error and no
// formatting of a value shows them.
package kerberos

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
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

// NewASRequest is an AS-REQ (RFC 4120 5.4.1) for the ticket-granting ticket of the
// client's realm, without pre-authentication: no secret in it, nothing counted. An
// enterprise name asks for canonicalisation (RFC 6806 5).
func NewASRequest(client Principal) (Request, error) { return newASRequest(client, nil, nil) }

// WithPassword makes the AS-REQ that proves the password at the time now. hint is
// the KDC's answer to the request without pre-authentication; from it come enctype,
// salt and iterations. nil for the defaults of RFC 4120 and RFC 3962.
func WithPassword(client Principal, password string, hint *KRBError, now time.Time) (Request, error) {
	key, err := passwordKey(client, password, hint)
	if err != nil {
		return Request{}, err
	}
	return withKey(client, key, now)
}

// WithKeytab makes the AS-REQ that proves a key of the keytab at the time now, one
// of those that hint says the account has.
func WithKeytab(client Principal, keytab Keytab, hint *KRBError, now time.Time) (Request, error) {
	key, err := keytab.key(client, hint)
	if err != nil {
		return Request{}, err
	}
	return withKey(client, key, now)
}

// withKey adds PA-ENC-TIMESTAMP (RFC 4120 5.2.7.2). Only the key's own enctype
// is asked for, so that the reply is encrypted under this key or refused.
func withKey(client Principal, key types.EncryptionKey, now time.Time) (Request, error) {
	now = now.UTC()
	stamp, err := asn1.Marshal(types.PAEncTSEnc{PATimestamp: now, PAUSec: now.Nanosecond() / 1000})
	if err != nil {
		return Request{}, fmt.Errorf("the time cannot be encoded: %w", err)
	}
	sealed, err := crypto.GetEncryptedData(stamp, key, keyusage.AS_REQ_PA_ENC_TIMESTAMP, 0)
	if err != nil {
		return Request{}, fmt.Errorf("the time cannot be encrypted under %s", enctypeName(key.KeyType))
	}
	value, err := sealed.Marshal()
	if err != nil {
		return Request{}, fmt.Errorf("the encrypted time cannot be encoded: %w", err)
	}
	r, err := newASRequest(client, &key, types.PADataSequence{{PADataType: patype.PA_ENC_TIMESTAMP, PADataValue: value}})
	r.Secret = sealed.Cipher
	return r, err
}

// newASRequest: key is nil without pre-authentication.
func newASRequest(client Principal, key *types.EncryptionKey, pa types.PADataSequence) (Request, error) {
	nonce := newNonce()
	etypes, proof := enctypes, "without pre-authentication"
	if key != nil {
		etypes, proof = []int32{key.KeyType}, "with "+enctypeName(key.KeyType)
	}
	options := types.NewKrbFlags()
	if client.Enterprise() {
		types.SetFlag(&options, flags.Canonicalize)
	}
	m := messages.ASReq{KDCReqFields: messages.KDCReqFields{
		PVNO: iana.PVNO, MsgType: msgtype.KRB_AS_REQ, PAData: pa,
		ReqBody: messages.KDCReqBody{
			KDCOptions: options, CName: client.wire(), Realm: client.Realm, SName: ticketGranting(client.Realm).wire(),
			Till: farAway, Nonce: nonce, EType: slices.Clone(etypes),
		},
	}}
	r := Request{about: "AS-REQ for " + client.String() + " " + proof}
	r.Read = func(raw []byte) (Answer, error) { return readASRep(raw, client, key, nonce) }
	err := guarded(func() (err error) {
		r.Raw, err = m.Marshal()
		return err
	})
	if err != nil {
		return Request{}, fmt.Errorf("%w: the request for %s cannot be encoded", ErrName, client)
	}
	return r, nil
}

func readASRep(raw []byte, client Principal, key *types.EncryptionKey, nonce int) (Answer, error) {
	if e, err := expect(raw, kindASRep); e != nil || err != nil {
		return Answer{Error: e}, err
	}
	var m messages.ASRep
	if err := guarded(func() error { return m.Unmarshal(raw) }); err != nil {
		return Answer{}, fmt.Errorf("%w: the AS-REP cannot be decoded", ErrMalformed)
	}
	if key == nil {
		return Answer{WithoutPreauth: true}, nil
	}
	t, err := readReply(m.KDCRepFields, *key, keyusage.AS_REP_ENCPART, nonce)
	if err != nil {
		return Answer{}, err
	}
	if asked := ticketGranting(client.Realm); !t.Server.same(asked) || len(t.Server.Components) > 1 && t.Server.Components[0] != "krbtgt" {
		return Answer{}, fmt.Errorf("%w: it is for %s, asked for was %s", ErrUntrusted, t.Server, asked)
	}
	if !t.Client.same(client) && (!client.Enterprise() || !sameRealm(t.Client, client)) {
		return Answer{}, fmt.Errorf("%w: it names the client %s, asked for was %s", ErrUntrusted, t.Client, client)
	}
	return Answer{Ticket: t}, nil
}

// farAway is the end that is asked for, the one that Windows asks for: the KDC
// cuts it to what it allows. An end taken from a clock that is hours late would
// be refused for itself and hide the skew.
var farAway = time.Date(2037, 9, 13, 2, 48, 5, 0, time.UTC)

// newNonce: 31 bits, since some KDCs read the number as a signed one.
func newNonce() int {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails, it ends the program instead
	return int(binary.BigEndian.Uint32(b[:]) >> 1)
}

// NewTGSRequest is a TGS-REQ (RFC 4120 5.4.1): it asks the KDC of the TGT's realm for
// a ticket of service.
// Canonicalisation is asked for: without it a KDC does not say that the service
// belongs to another realm (RFC 6806 8).
func NewTGSRequest(tgt Ticket, service Principal, now time.Time) (Request, error) {
	if !tgt.TicketGranting() {
		return Request{}, fmt.Errorf("%w: the %s is not for a KDC", ErrName, tgt)
	}
	realm := tgt.Server.Components[1]
	if strings.EqualFold(realm, tgt.Server.Realm) {
		realm = tgt.Server.Realm // as the KDC spells it, not as the user typed it
	}
	if !strings.EqualFold(realm, service.Realm) {
		return Request{},
			fmt.Errorf("%w: %s is of another realm than the account's ticket (%s), and trusts are not followed", ErrName, service, printable(realm))
	}
	nonce := newNonce()
	options := types.NewKrbFlags()
	types.SetFlag(&options, flags.Canonicalize)
	m := messages.TGSReq{KDCReqFields: messages.KDCReqFields{
		PVNO: iana.PVNO, MsgType: msgtype.KRB_TGS_REQ,
		ReqBody: messages.KDCReqBody{
			KDCOptions: options, Realm: realm, SName: service.wire(), Till: farAway, Nonce: nonce, EType: slices.Clone(enctypes),
		},
	}}
	r := Request{about: "TGS-REQ of " + tgt.Client.String() + " for " + service.String()}
	r.Read = func(raw []byte) (Answer, error) { return readTGSRep(raw, tgt, service, nonce) }
	err := guarded(func() error {
		proof, err := tgt.proof(&m.ReqBody, now)
		if err != nil {
			return err
		}
		// What can be replayed is the authenticator, with which it ends: every one's encrypted
		// part is longer than this, so no name in clear is in it.
		r.Secret = proof[max(0, len(proof)-96):]
		m.PAData = types.PADataSequence{{PADataType: patype.PA_TGS_REQ, PADataValue: proof}}
		r.Raw, err = m.Marshal()
		return err
	})
	if err != nil {
		return Request{}, fmt.Errorf("%w: the request for %s cannot be encoded", ErrName, service)
	}
	return r, nil
}

// proof is PA-TGS-REQ: an AP-REQ to the KDC that signs the body (RFC 4120
// 5.2.7.1).
func (t Ticket) proof(body *messages.KDCReqBody, now time.Time) ([]byte, error) {
	raw, err := body.Marshal()
	if err != nil {
		return nil, err
	}
	e, _ := crypto.GetEtype(t.key.KeyType) // checkKey knows it
	sum, err := e.GetChecksumHash(t.key.KeyValue, raw, keyusage.TGS_REQ_PA_TGS_REQ_AP_REQ_AUTHENTICATOR_CHKSUM)
	if err != nil {
		return nil, err
	}
	return t.apRequest(types.Checksum{CksumType: e.GetHashID(), Checksum: sum}, now)
}

func readTGSRep(raw []byte, tgt Ticket, service Principal, nonce int) (Answer, error) {
	if e, err := expect(raw, kindTGSRep); e != nil || err != nil {
		return Answer{Error: e}, err
	}
	var m messages.TGSRep
	if err := guarded(func() error { return m.Unmarshal(raw) }); err != nil {
		return Answer{}, fmt.Errorf("%w: the TGS-REP cannot be decoded", ErrMalformed)
	}
	t, err := readReply(m.KDCRepFields, tgt.key, keyusage.TGS_REP_ENCPART_SESSION_KEY, nonce)
	if err != nil {
		return Answer{}, err
	}
	if !t.Client.same(tgt.Client) {
		return Answer{}, fmt.Errorf("%w: it names the client %s, the request came from %s", ErrUntrusted, t.Client, tgt.Client)
	}
	switch {
	case t.Server.same(service):
		return Answer{Ticket: t}, nil
	case sameRealm(t.Server, service) && t.TicketGranting():
		return Answer{Ticket: t, Referral: printable(t.Server.Components[1])}, nil
	}
	return Answer{}, fmt.Errorf("%w: it is for %s, asked for was %s", ErrUntrusted, t.Server, service)
}
