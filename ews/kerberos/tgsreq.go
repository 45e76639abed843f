package kerberos

import (
	"fmt"
	"io"
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

// TGSRequest is a TGS-REQ (RFC 4120 5.4.1) for a service's ticket.
type TGSRequest struct {
	tgt     Ticket
	service Principal
	nonce   int
	secret  []byte // the end of the authenticator
	raw     []byte
}

// NewTGSRequest asks the KDC of the TGT's realm for a ticket of service.
// Canonicalisation is asked for: without it a KDC does not say that the service
// belongs to another realm (RFC 6806 8).
func NewTGSRequest(tgt Ticket, service Principal, now time.Time) (TGSRequest, error) {
	if !tgt.TicketGranting() {
		return TGSRequest{}, fmt.Errorf("%w: the %s is not for a KDC", ErrName, tgt)
	}
	realm := tgt.Server.Components[1]
	if strings.EqualFold(realm, tgt.Server.Realm) {
		realm = tgt.Server.Realm // as the KDC spells it, not as the user typed it
	}
	if !strings.EqualFold(realm, service.Realm) {
		return TGSRequest{},
			fmt.Errorf("%w: %s is of another realm than the account's ticket (%s), and trusts are not followed", ErrName, service, printable(realm))
	}
	nonce, err := newNonce()
	if err != nil {
		return TGSRequest{}, err
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
	r := TGSRequest{tgt: tgt, service: service, nonce: nonce}
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
		return TGSRequest{}, fmt.Errorf("%w: the request for %s cannot be encoded", ErrName, service)
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

// Bytes is the message without the length that TCP puts before it. A secret.
func (r TGSRequest) Bytes() []byte { return r.raw }

// Secret is the part of the message that could be replayed. The rest is the
// ticket, and names in clear.
func (r TGSRequest) Secret() []byte { return r.secret }

// Read reads the answer. The errors are ErrNotKerberos, ErrMalformed, ErrEnctype
// and ErrUntrusted.
func (r TGSRequest) Read(raw []byte) (Answer, error) {
	if e, err := expect(raw, kindTGSRep); e != nil || err != nil {
		return Answer{Error: e}, err
	}
	var m messages.TGSRep
	if err := guarded(func() error { return m.Unmarshal(raw) }); err != nil {
		return Answer{}, fmt.Errorf("%w: the TGS-REP cannot be decoded", ErrMalformed)
	}
	t, err := readReply(m.KDCRepFields, r.tgt.key, keyusage.TGS_REP_ENCPART_SESSION_KEY, r.nonce)
	if err != nil {
		return Answer{}, err
	}
	if !t.Client.same(r.tgt.Client) {
		return Answer{}, fmt.Errorf("%w: it names the client %s, the request came from %s", ErrUntrusted, t.Client, r.tgt.Client)
	}
	if !sameRealm(t.Server, r.service) {
		return Answer{}, fmt.Errorf("%w: it is for %s, asked for was %s", ErrUntrusted, t.Server, r.service)
	}
	if t.TicketGranting() && !t.Server.sameName(r.service) {
		return Answer{Ticket: t, Referral: printable(t.Server.Components[1])}, nil
	}
	if !t.Server.sameName(r.service) {
		return Answer{}, fmt.Errorf("%w: it is for %s, asked for was %s", ErrUntrusted, t.Server, r.service)
	}
	return Answer{Ticket: t}, nil
}

// Format writes what may be seen of a request, whatever the verb.
func (r TGSRequest) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "TGS-REQ of "+r.tgt.Client.String()+" for "+r.service.String())
}
