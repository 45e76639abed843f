package kerberos

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/types"
)

// ErrName: a name that cannot be a principal.
var ErrName = errors.New("not a Kerberos name")

// Principal names an account or a service of a realm (RFC 4120 6.2).
type Principal struct {
	Type       int32 // 1 NT-PRINCIPAL, 2 NT-SRV-INST, 10 NT-ENTERPRISE
	Components []string
	Realm      string
}

// ClientPrincipal makes the principal of a user name as people type it.
// DOMAIN\user, user and user@realm are user of the realm. A UPN with another
// suffix is an enterprise name (RFC 6806 5), which the KDC looks up itself: the
// suffix of a UPN need not be a realm.
func ClientPrincipal(user, realm string) (Principal, error) {
	if realm == "" {
		return Principal{}, fmt.Errorf("%w: no realm is known for %q", ErrName, user)
	}
	name := user[strings.LastIndexByte(user, '\\')+1:]
	kind := nametype.KRB_NT_PRINCIPAL
	if at := strings.LastIndexByte(name, '@'); at >= 0 {
		if strings.EqualFold(name[at+1:], realm) {
			name = name[:at]
		} else {
			kind = nametype.KRB_NT_ENTERPRISE
		}
	}
	if name == "" || strings.HasPrefix(name, "@") {
		return Principal{}, fmt.Errorf("%w: %q names no account", ErrName, user)
	}
	return Principal{Type: kind, Components: []string{name}, Realm: realm}, nil
}

// ServicePrincipal makes the principal of a service principal name such as
// HTTP/mail.contoso.com or HTTP/mail@CONTOSO.COM. realm is for a name without.
func ServicePrincipal(spn, realm string) (Principal, error) {
	name := spn
	if at := strings.LastIndexByte(spn, '@'); at >= 0 {
		name, realm = spn[:at], spn[at+1:]
	}
	if realm == "" {
		return Principal{}, fmt.Errorf("%w: no realm is known for %q", ErrName, spn)
	}
	p := Principal{Type: nametype.KRB_NT_SRV_INST, Components: strings.Split(name, "/"), Realm: realm}
	if len(p.Components) < 2 {
		return Principal{}, fmt.Errorf("%w: %q has no slash, a service is SERVICE/host", ErrName, spn)
	}
	if slices.Contains(p.Components, "") {
		return Principal{}, fmt.Errorf("%w: %q has an empty part", ErrName, spn)
	}
	return p, nil
}

// ticketGranting is the principal of a realm's KDC (RFC 4120 7.3).
func ticketGranting(realm string) Principal {
	return Principal{Type: nametype.KRB_NT_SRV_INST, Components: []string{"krbtgt", realm}, Realm: realm}
}

// Enterprise says that the KDC may answer under another name.
func (p Principal) Enterprise() bool { return p.Type == nametype.KRB_NT_ENTERPRISE }

// String is the principal as klist prints it.
func (p Principal) String() string {
	escape := strings.NewReplacer(`\`, `\\`, "@", `\@`, "/", `\/`)
	parts := make([]string, len(p.Components))
	for i, c := range p.Components {
		parts[i] = escape.Replace(c)
	}
	return printable(strings.Join(parts, "/") + "@" + p.Realm)
}

// same compares as Active Directory does, without regard to case. The type of a
// name says nothing about whom it names (RFC 4120 6.2).
func (p Principal) same(q Principal) bool {
	return sameRealm(p, q) && slices.EqualFunc(p.Components, q.Components, strings.EqualFold)
}

func sameRealm(p, q Principal) bool { return strings.EqualFold(p.Realm, q.Realm) }

func (p Principal) wire() types.PrincipalName {
	return types.PrincipalName{NameType: p.Type, NameString: p.Components}
}

func received(name types.PrincipalName, realm string) Principal {
	return Principal{Type: name.NameType, Components: name.NameString, Realm: realm}
}

const maxText = 256

// printable makes a text of the KDC's or of a file's fit for a line.
func printable(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
