package testkit

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"sync"
	"testing"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana"
	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/flags"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/msgtype"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// The realm, the password of its account svc-crm, and its one service.
const (
	Realm    = "CONTOSO.COM"
	Password = "Passw0rd!good"
	Service  = "HTTP/mail.contoso.com"
)

// Noon is the time of a KDC that is told no other.
var Noon = time.Date(2026, 11, 25, 12, 0, 0, 123456000, time.UTC)

// KDC answers requests: a function of bytes. Its zero value knows svc-crm,
// demands pre-authentication and tells the truth.
type KDC struct {
	Password  string // of svc-crm, the constant if ""
	Salt      string
	Enctype   int32  // of svc-crm's key, AES-256 if 0
	Params    []byte // s2kparams that are announced
	Announce  []byte // s2kparams that are announced and not what the key is made with
	NoHints   bool
	Open      bool   // no pre-authentication demanded
	Refuse    int32  // the code for a proof that is right, and for the service
	Status    uint32 // NTSTATUS that comes with it
	Text      string // e-text of every error
	Unknown   bool
	Revoked   bool   // refused before the proof is asked for
	Canonical string // the account's own name, where it is asked by its UPN
	Referral  string // the realm where the services are

	// Lies, each about one thing.
	LieKey, LieNonce, LieService, LieTicket bool
	LieRealm, LieClient                     string
	SessionEnctype, ReplyEnctype            int32

	Now  time.Time
	Live bool          // the clock is this machine's, whatever Now is
	Skew time.Duration // added to it

	Authenticator *types.Authenticator // of the last TGS-REQ
}

// Clock is the time that the KDC believes.
func (k *KDC) Clock() time.Time {
	switch {
	case k.Live:
		return time.Now().Add(k.Skew).UTC()
	case k.Now.IsZero():
		return Noon
	}
	return k.Now
}

func (k *KDC) keyType() int32 { return cmp.Or(k.Enctype, etypeID.AES256_CTS_HMAC_SHA1_96) }

func (k *KDC) saltOf(name string) string { return cmp.Or(k.Salt, Realm+name) }

func (k *KDC) key(t testing.TB, name string) types.EncryptionKey {
	t.Helper()
	e, err := crypto.GetEtype(k.keyType())
	good(t, err)
	params := e.GetDefaultStringToKeyParams()
	if len(k.Params) == 4 {
		params = hex.EncodeToString(k.Params)
	}
	value, err := e.StringToKey(cmp.Or(k.Password, Password), k.saltOf(name), params)
	good(t, err)
	return types.EncryptionKey{KeyType: k.keyType(), KeyValue: value}
}

// ServiceKeys are the keys of the KDC itself and of the web server. Deriving
// them takes longer than all else.
func ServiceKeys(t testing.TB) *keytab.Keytab {
	t.Helper()
	kt, err := madeServiceKeys()
	good(t, err)
	return kt
}

var madeServiceKeys = sync.OnceValues(func() (*keytab.Keytab, error) {
	kt := keytab.New()
	for _, name := range []string{"krbtgt/" + Realm, "krbtgt/FABRIKAM.COM", Service} {
		if err := kt.AddEntry(name, Realm, "a service's password", Noon, 1, etypeID.AES256_CTS_HMAC_SHA1_96); err != nil {
			return nil, err
		}
	}
	return kt, nil
})

// Answer plays the KDC.
func (k *KDC) Answer(t testing.TB, raw []byte) []byte {
	t.Helper()
	if raw[0] == 0x6a {
		return k.answerAS(t, raw)
	}
	return k.answerTGS(t, raw)
}

func (k *KDC) answerAS(t testing.TB, raw []byte) []byte {
	t.Helper()
	var q messages.ASReq
	good(t, q.Unmarshal(raw))
	name := cmp.Or(k.Canonical, q.ReqBody.CName.NameString[0])
	if k.Unknown {
		return k.Refusal(t, errorcode.KDC_ERR_C_PRINCIPAL_UNKNOWN, nil)
	}
	if k.Revoked {
		return k.Refusal(t, errorcode.KDC_ERR_CLIENT_REVOKED, k.statusData(t))
	}
	key := k.key(t, name)
	if !k.Open {
		var proof types.EncryptedData
		for _, pa := range q.PAData {
			if pa.PADataType == patype.PA_ENC_TIMESTAMP {
				good(t, proof.Unmarshal(pa.PADataValue))
			}
		}
		if proof.Cipher == nil {
			return k.Refusal(t, errorcode.KDC_ERR_PREAUTH_REQUIRED, k.methods(t, name))
		}
		plain, err := crypto.DecryptEncPart(proof, key, keyusage.AS_REQ_PA_ENC_TIMESTAMP)
		if err != nil {
			return k.Refusal(t, errorcode.KDC_ERR_PREAUTH_FAILED, k.methods(t, name))
		}
		var stamp types.PAEncTSEnc
		good(t, stamp.Unmarshal(plain))
		if d := stamp.PATimestamp.Sub(k.Clock()).Abs(); d > 5*time.Minute {
			return k.Refusal(t, errorcode.KRB_AP_ERR_SKEW, nil)
		}
		if k.Refuse != 0 {
			return k.Refusal(t, k.Refuse, k.statusData(t))
		}
	}
	cname := types.PrincipalName{NameType: 1, NameString: []string{cmp.Or(k.LieClient, name)}}
	if k.LieKey {
		key.KeyValue = append([]byte{^key.KeyValue[0]}, key.KeyValue[1:]...)
	}
	fields := k.reply(t, q.ReqBody, cname, q.ReqBody.SName, key, keyusage.AS_REP_ENCPART)
	fields.MsgType = msgtype.KRB_AS_REP
	m := messages.ASRep{KDCRepFields: fields}
	return Marshalled(t, m.Marshal)
}

func (k *KDC) answerTGS(t testing.TB, raw []byte) []byte {
	t.Helper()
	var q messages.TGSReq
	good(t, q.Unmarshal(raw))
	var ap messages.APReq
	good(t, ap.Unmarshal(q.PAData[0].PADataValue))
	good(t, ap.Ticket.DecryptEncPart(ServiceKeys(t), nil))
	session := ap.Ticket.DecryptedEncPart.Key
	good(t, ap.DecryptAuthenticator(session))
	body, err := q.ReqBody.Marshal()
	good(t, err)
	e, err := crypto.GetEtype(session.KeyType)
	good(t, err)
	if !e.VerifyChecksum(session.KeyValue, body, ap.Authenticator.Cksum.Checksum, keyusage.TGS_REQ_PA_TGS_REQ_AP_REQ_AUTHENTICATOR_CHKSUM) {
		t.Fatal("the authenticator does not sign the body")
	}
	k.Authenticator = &ap.Authenticator
	sname := q.ReqBody.SName
	switch {
	case k.Referral != "":
		if !types.IsFlagSet(&q.ReqBody.KDCOptions, flags.Canonicalize) {
			t.Fatal("a referral was not asked for")
		}
		sname = types.PrincipalName{NameType: 2, NameString: []string{"krbtgt", k.Referral}}
	case sname.PrincipalNameString() != Service:
		return k.Refusal(t, errorcode.KDC_ERR_S_PRINCIPAL_UNKNOWN, nil)
	case k.Refuse != 0:
		return k.Refusal(t, k.Refuse, k.statusData(t))
	}
	if k.LieKey {
		session.KeyValue = append([]byte{^session.KeyValue[0]}, session.KeyValue[1:]...)
	}
	cname := ap.Ticket.DecryptedEncPart.CName
	if k.LieClient != "" {
		cname.NameString = []string{k.LieClient}
	}
	fields := k.reply(t, q.ReqBody, cname, sname, session, keyusage.TGS_REP_ENCPART_SESSION_KEY)
	fields.MsgType = msgtype.KRB_TGS_REP
	m := messages.TGSRep{KDCRepFields: fields}
	return Marshalled(t, m.Marshal)
}

// reply makes the ticket and the part that is encrypted under key.
func (k *KDC) reply(
	t testing.TB, q messages.KDCReqBody, cname, sname types.PrincipalName, key types.EncryptionKey, usage uint32,
) messages.KDCRepFields {
	t.Helper()
	end := k.Clock().Add(10 * time.Hour).Truncate(time.Second)
	ticket, session, err := messages.NewTicket(cname, Realm, sname, Realm, types.NewKrbFlags(), ServiceKeys(t),
		etypeID.AES256_CTS_HMAC_SHA1_96, 1, k.Clock(), k.Clock(), end, end)
	good(t, err)
	part := messages.EncKDCRepPart{
		Key: session, Nonce: q.Nonce, Flags: types.NewKrbFlags(), AuthTime: k.Clock(), EndTime: end, SRealm: Realm, SName: sname,
		LastReqs: []messages.LastReq{{LRValue: k.Clock()}},
	}
	if k.LieNonce {
		part.Nonce++
	}
	if k.LieService {
		part.SName.NameString = []string{"HTTP", "other.contoso.com"}
		ticket.SName = part.SName
	}
	if k.LieTicket {
		ticket.SName.NameString = []string{"HTTP", "other.contoso.com"}
	}
	realm := cmp.Or(k.LieRealm, Realm)
	part.SRealm, ticket.Realm = realm, realm
	if k.SessionEnctype != 0 {
		part.Key = types.EncryptionKey{KeyType: k.SessionEnctype, KeyValue: make([]byte, 16)}
	}
	plain, err := part.Marshal()
	good(t, err)
	sealed, err := crypto.GetEncryptedData(plain, key, usage, 1)
	good(t, err)
	sealed.EType = cmp.Or(k.ReplyEnctype, sealed.EType)
	return messages.KDCRepFields{PVNO: iana.PVNO, CRealm: realm, CName: cname, Ticket: ticket, EncPart: sealed}
}

func (k *KDC) methods(t testing.TB, name string) []byte {
	t.Helper()
	if k.NoHints {
		return nil
	}
	announced := k.Params
	if k.Announce != nil {
		announced = k.Announce
	}
	return ETypeInfo(t, types.ETypeInfo2Entry{EType: k.keyType(), Salt: k.saltOf(name), S2KParams: announced})
}

// ETypeInfo is METHOD-DATA with one PA-ETYPE-INFO2.
func ETypeInfo(t testing.TB, entries ...types.ETypeInfo2Entry) []byte {
	t.Helper()
	info, err := asn1.Marshal(types.ETypeInfo2(entries))
	good(t, err)
	raw, err := asn1.Marshal(types.PADataSequence{
		{PADataType: patype.PA_ENC_TIMESTAMP, PADataValue: []byte{}}, {PADataType: patype.PA_ETYPE_INFO2, PADataValue: info},
	})
	good(t, err)
	return raw
}

// statusData is KERB-ERROR-DATA as Windows sends it.
func (k *KDC) statusData(t testing.TB) []byte {
	t.Helper()
	if k.Status == 0 {
		return nil
	}
	raw, err := asn1.Marshal(types.PAData{PADataType: 3, PADataValue: ExtError(k.Status)})
	good(t, err)
	return raw
}

// ExtError is KERB-EXT-ERROR ([MS-KILE] 2.2.1).
func ExtError(status uint32) []byte {
	b := make([]byte, 12)
	binary.LittleEndian.PutUint32(b, status)
	b[8] = 1
	return b
}

// Refusal is a KRB-ERROR.
func (k *KDC) Refusal(t testing.TB, code int32, data []byte) []byte {
	t.Helper()
	m := messages.NewKRBError(types.PrincipalName{NameType: 2, NameString: []string{"krbtgt", Realm}}, Realm, code, k.Text)
	now := k.Clock()
	m.STime, m.Susec, m.EData = now, now.Nanosecond()/1000, data
	return Marshalled(t, m.Marshal)
}

// Marshalled is a message in bytes.
func Marshalled(t testing.TB, marshal func() ([]byte, error)) []byte {
	t.Helper()
	raw, err := marshal()
	good(t, err)
	return raw
}

// good ends the test at an error.
func good(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
