package kerberos

import (
	"encoding/binary"
	"strings"
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

const (
	testRealm    = "CONTOSO.COM"
	testPassword = "Passw0rd!good"
	testService  = "HTTP/mail.contoso.com"
)

var testNow = time.Date(2026, 11, 25, 12, 0, 0, 123456000, time.UTC)

// testKDC answers requests: a function of bytes. Its zero value knows svc-crm,
// demands pre-authentication and tells the truth.
type testKDC struct {
	password  string // of svc-crm, testPassword if ""
	salt      string
	enctype   int32  // of svc-crm's key, AES-256 if 0
	params    []byte // s2kparams that are announced
	noHints   bool
	open      bool   // no pre-authentication demanded
	refuse    int32  // the code for a proof that is right
	status    uint32 // NTSTATUS that comes with it
	unknown   bool
	canonical string // the account's own name, where it is asked by its UPN
	referral  string // the realm where the services are

	// Lies, each about one thing.
	lieKey, lieNonce, lieService, lieTicket bool
	lieRealm, lieClient                     string
	sessionEnctype, replyEnctype            int32

	authenticator *types.Authenticator // of the last TGS-REQ
	now           time.Time
}

func (k *testKDC) clock() time.Time {
	if k.now.IsZero() {
		return testNow
	}
	return k.now
}

func (k *testKDC) keyType() int32 {
	if k.enctype == 0 {
		return etypeID.AES256_CTS_HMAC_SHA1_96
	}
	return k.enctype
}

func (k *testKDC) saltOf(name string) string {
	if k.salt != "" {
		return k.salt
	}
	return testRealm + name
}

func (k *testKDC) key(t testing.TB, name string) types.EncryptionKey {
	t.Helper()
	password := k.password
	if password == "" {
		password = testPassword
	}
	e, err := crypto.GetEtype(k.keyType())
	if err != nil {
		t.Fatal(err)
	}
	params := e.GetDefaultStringToKeyParams()
	if len(k.params) == 4 {
		params = hexadecimal(k.params)
	}
	value, err := e.StringToKey(password, k.saltOf(name), params)
	if err != nil {
		t.Fatal(err)
	}
	return types.EncryptionKey{KeyType: k.keyType(), KeyValue: value}
}

func hexadecimal(b []byte) string {
	const digits = "0123456789abcdef"
	var s strings.Builder
	for _, c := range b {
		s.WriteByte(digits[c>>4])
		s.WriteByte(digits[c&15])
	}
	return s.String()
}

// serviceKeys are the keys of the KDC itself and of the web server. Deriving
// them takes longer than all else.
func serviceKeys(t testing.TB) *keytab.Keytab {
	t.Helper()
	kt, err := madeServiceKeys()
	if err != nil {
		t.Fatal(err)
	}
	return kt
}

var madeServiceKeys = sync.OnceValues(func() (*keytab.Keytab, error) {
	kt := keytab.New()
	for _, name := range []string{"krbtgt/" + testRealm, "krbtgt/FABRIKAM.COM", testService} {
		if err := kt.AddEntry(name, testRealm, "a service's password", testNow, 1, etypeID.AES256_CTS_HMAC_SHA1_96); err != nil {
			return nil, err
		}
	}
	return kt, nil
})

// answer plays the KDC.
func (k *testKDC) answer(t testing.TB, raw []byte) []byte {
	t.Helper()
	if raw[0] == 0x6a {
		return k.answerAS(t, raw)
	}
	return k.answerTGS(t, raw)
}

func (k *testKDC) answerAS(t testing.TB, raw []byte) []byte {
	t.Helper()
	var q messages.ASReq
	if err := q.Unmarshal(raw); err != nil {
		t.Fatal(err)
	}
	name := q.ReqBody.CName.NameString[0]
	if k.canonical != "" {
		name = k.canonical
	}
	if k.unknown {
		return k.refusal(t, errorcode.KDC_ERR_C_PRINCIPAL_UNKNOWN, nil)
	}
	key := k.key(t, name)
	if !k.open {
		var proof types.EncryptedData
		for _, pa := range q.PAData {
			if pa.PADataType == patype.PA_ENC_TIMESTAMP {
				if err := proof.Unmarshal(pa.PADataValue); err != nil {
					t.Fatal(err)
				}
			}
		}
		if proof.Cipher == nil {
			return k.refusal(t, errorcode.KDC_ERR_PREAUTH_REQUIRED, k.methods(t, name))
		}
		plain, err := crypto.DecryptEncPart(proof, key, keyusage.AS_REQ_PA_ENC_TIMESTAMP)
		if err != nil {
			return k.refusal(t, errorcode.KDC_ERR_PREAUTH_FAILED, k.methods(t, name))
		}
		var stamp types.PAEncTSEnc
		if err := stamp.Unmarshal(plain); err != nil {
			t.Fatal(err)
		}
		if d := stamp.PATimestamp.Sub(k.clock()).Abs(); d > 5*time.Minute {
			return k.refusal(t, errorcode.KRB_AP_ERR_SKEW, nil)
		}
		if k.refuse != 0 {
			return k.refusal(t, k.refuse, k.statusData(t))
		}
	}
	cname := types.PrincipalName{NameType: 1, NameString: []string{name}}
	if k.lieClient != "" {
		cname.NameString[0] = k.lieClient
	}
	if k.lieKey {
		key.KeyValue = append([]byte{^key.KeyValue[0]}, key.KeyValue[1:]...)
	}
	fields := k.reply(t, q.ReqBody, cname, q.ReqBody.SName, key, keyusage.AS_REP_ENCPART)
	fields.MsgType = msgtype.KRB_AS_REP
	m := messages.ASRep{KDCRepFields: fields}
	return marshalled(t, m.Marshal)
}

func (k *testKDC) answerTGS(t testing.TB, raw []byte) []byte {
	t.Helper()
	var q messages.TGSReq
	if err := q.Unmarshal(raw); err != nil {
		t.Fatal(err)
	}
	var ap messages.APReq
	if err := ap.Unmarshal(q.PAData[0].PADataValue); err != nil {
		t.Fatal(err)
	}
	if err := ap.Ticket.DecryptEncPart(serviceKeys(t), nil); err != nil {
		t.Fatal(err)
	}
	session := ap.Ticket.DecryptedEncPart.Key
	if err := ap.DecryptAuthenticator(session); err != nil {
		t.Fatal(err)
	}
	body, err := q.ReqBody.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	e, err := crypto.GetEtype(session.KeyType)
	if err != nil {
		t.Fatal(err)
	}
	if !e.VerifyChecksum(session.KeyValue, body, ap.Authenticator.Cksum.Checksum, keyusage.TGS_REQ_PA_TGS_REQ_AP_REQ_AUTHENTICATOR_CHKSUM) {
		t.Fatal("the authenticator does not sign the body")
	}
	k.authenticator = &ap.Authenticator
	sname := q.ReqBody.SName
	switch {
	case k.referral != "":
		if !types.IsFlagSet(&q.ReqBody.KDCOptions, flags.Canonicalize) {
			t.Fatal("a referral was not asked for")
		}
		sname = types.PrincipalName{NameType: 2, NameString: []string{"krbtgt", k.referral}}
	case sname.PrincipalNameString() != testService:
		return k.refusal(t, errorcode.KDC_ERR_S_PRINCIPAL_UNKNOWN, nil)
	case k.refuse != 0:
		return k.refusal(t, k.refuse, k.statusData(t))
	}
	if k.lieKey {
		session.KeyValue = append([]byte{^session.KeyValue[0]}, session.KeyValue[1:]...)
	}
	cname := ap.Ticket.DecryptedEncPart.CName
	if k.lieClient != "" {
		cname.NameString = []string{k.lieClient}
	}
	fields := k.reply(t, q.ReqBody, cname, sname, session, keyusage.TGS_REP_ENCPART_SESSION_KEY)
	fields.MsgType = msgtype.KRB_TGS_REP
	m := messages.TGSRep{KDCRepFields: fields}
	return marshalled(t, m.Marshal)
}

// reply makes the ticket and the part that is encrypted under key.
func (k *testKDC) reply(t testing.TB, q messages.KDCReqBody, cname, sname types.PrincipalName, key types.EncryptionKey, usage uint32) messages.KDCRepFields {
	t.Helper()
	end := k.clock().Add(10 * time.Hour).Truncate(time.Second)
	ticket, session, err := messages.NewTicket(cname, testRealm, sname, testRealm, types.NewKrbFlags(), serviceKeys(t), etypeID.AES256_CTS_HMAC_SHA1_96, 1, k.clock(), k.clock(), end, end)
	if err != nil {
		t.Fatal(err)
	}
	part := messages.EncKDCRepPart{
		Key: session, Nonce: q.Nonce, Flags: types.NewKrbFlags(), AuthTime: k.clock(), EndTime: end, SRealm: testRealm, SName: sname,
		LastReqs: []messages.LastReq{{LRValue: k.clock()}},
	}
	crealm := testRealm
	if k.lieNonce {
		part.Nonce++
	}
	if k.lieService {
		part.SName.NameString = []string{"HTTP", "other.contoso.com"}
		ticket.SName = part.SName
	}
	if k.lieTicket {
		ticket.SName.NameString = []string{"HTTP", "other.contoso.com"}
	}
	if k.lieRealm != "" {
		crealm, part.SRealm, ticket.Realm = k.lieRealm, k.lieRealm, k.lieRealm
	}
	if k.sessionEnctype != 0 {
		part.Key = types.EncryptionKey{KeyType: k.sessionEnctype, KeyValue: make([]byte, 16)}
	}
	plain, err := part.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := crypto.GetEncryptedData(plain, key, usage, 1)
	if err != nil {
		t.Fatal(err)
	}
	if k.replyEnctype != 0 {
		sealed.EType = k.replyEnctype
	}
	return messages.KDCRepFields{PVNO: iana.PVNO, CRealm: crealm, CName: cname, Ticket: ticket, EncPart: sealed}
}

func (k *testKDC) methods(t testing.TB, name string) []byte {
	t.Helper()
	if k.noHints {
		return nil
	}
	return etypeInfo(t, types.ETypeInfo2Entry{EType: k.keyType(), Salt: k.saltOf(name), S2KParams: k.params})
}

// etypeInfo is METHOD-DATA with one PA-ETYPE-INFO2.
func etypeInfo(t testing.TB, entries ...types.ETypeInfo2Entry) []byte {
	t.Helper()
	info, err := asn1.Marshal(types.ETypeInfo2(entries))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := asn1.Marshal(types.PADataSequence{{PADataType: patype.PA_ENC_TIMESTAMP, PADataValue: []byte{}}, {PADataType: patype.PA_ETYPE_INFO2, PADataValue: info}})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// statusData is KERB-ERROR-DATA as Windows sends it.
func (k *testKDC) statusData(t testing.TB) []byte {
	t.Helper()
	if k.status == 0 {
		return nil
	}
	raw, err := asn1.Marshal(types.PAData{PADataType: 3, PADataValue: extError(k.status)})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func extError(status uint32) []byte {
	b := make([]byte, 12)
	binary.LittleEndian.PutUint32(b, status)
	b[8] = 1
	return b
}

func (k *testKDC) refusal(t testing.TB, code int32, data []byte) []byte {
	t.Helper()
	m := messages.NewKRBError(types.PrincipalName{NameType: 2, NameString: []string{"krbtgt", testRealm}}, testRealm, code, "")
	m.STime, m.Susec, m.EData = k.clock(), 123456, data
	return marshalled(t, m.Marshal)
}

func marshalled(t testing.TB, marshal func() ([]byte, error)) []byte {
	t.Helper()
	raw, err := marshal()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
