package kerberos

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana"
	"github.com/jcmturner/gokrb5/v8/iana/flags"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/msgtype"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

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
	nonce, err := newNonce()
	if err != nil {
		return Request{}, err
	}
	options := types.NewKrbFlags()
	types.SetFlag(&options, flags.Canonicalize)
	m := messages.TGSReq{KDCReqFields: messages.KDCReqFields{
		PVNO:    iana.PVNO,
		MsgType: msgtype.KRB_TGS_REQ,
		ReqBody: messages.KDCReqBody{
			KDCOptions: options,
			Realm:      realm,
			SName:      service.wire(),
			Till:       farAway,
			Nonce:      nonce,
			EType:      slices.Clone(enctypes),
		},
	}}
	r := Request{about: "TGS-REQ of " + tgt.Client.String() + " for " + service.String()}
	r.read = func(raw []byte) (Answer, error) { return readTGSRep(raw, tgt, service, nonce) }
	err = guarded(func() error {
		proof, err := tgt.proof(&m.ReqBody, now)
		if err != nil {
			return err
		}
		r.secret = replayable(proof)
		m.PAData = types.PADataSequence{{PADataType: patype.PA_TGS_REQ, PADataValue: proof}}
		r.raw, err = m.Marshal()
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
	e, err := crypto.GetEtype(t.key.KeyType)
	if err != nil {
		return nil, err
	}
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
	if !sameRealm(t.Server, service) {
		return Answer{}, fmt.Errorf("%w: it is for %s, asked for was %s", ErrUntrusted, t.Server, service)
	}
	if t.TicketGranting() && !t.Server.sameName(service) {
		return Answer{Ticket: t, Referral: printable(t.Server.Components[1])}, nil
	}
	if !t.Server.sameName(service) {
		return Answer{}, fmt.Errorf("%w: it is for %s, asked for was %s", ErrUntrusted, t.Server, service)
	}
	return Answer{Ticket: t}, nil
}
