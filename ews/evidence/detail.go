package evidence

import (
	"cmp"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Detail is a sentence of this program's own in a record, as data: which one it
// is, and what it names. Rules look at the code; the sentence beside it is made
// of both and is for people.
type Detail struct {
	Code  DetailCode `json:"code" keep:"word"`
	Args  []string   `json:"args" keep:"argument,said"` // what the sentence names, in its order
	Inner []Detail   `json:"inner"`                     // what was said by what it speaks of
}

// DetailCode names a sentence; detail.txt has its text.
type DetailCode string

// The sentences that a record can hold.
const (
	WhyServerEnded              DetailCode = "server-ended"
	WhyStillAsks                DetailCode = "still-asks"
	WhyHandshakeFinished        DetailCode = "handshake-finished"
	WhyNothingSent              DetailCode = "nothing-sent"
	WhyNotOffered               DetailCode = "not-offered"
	WhyNoToken                  DetailCode = "no-token"
	WhyTokenTimeout             DetailCode = "token-timeout"
	WhyTokenMissing             DetailCode = "token-missing"
	WhyMessageNotMade           DetailCode = "message-not-made"
	WhyType1Answered            DetailCode = "type-1-answered"
	WhyNoChallenge              DetailCode = "no-challenge"
	WhyChallengeUnknown         DetailCode = "challenge-unknown"
	WhyChallengeUnreadable      DetailCode = "challenge-unreadable"
	WhySPNEGORejects            DetailCode = "spnego-rejects"
	WhySPNEGOWants              DetailCode = "spnego-wants"
	WhySPNEGOEmpty              DetailCode = "spnego-empty"
	WhyAlsoInSPNEGO             DetailCode = "also-in-spnego"
	WhyAnswerTooLong            DetailCode = "answer-too-long"
	WhyAnswerCutShort           DetailCode = "answer-cut-short"
	WhyAnswerEndsEarly          DetailCode = "answer-ends-early"
	WhyNotEWS                   DetailCode = "not-ews"
	WhyNotAutodiscover          DetailCode = "not-autodiscover"
	WhyBodyNotKept              DetailCode = "body-not-kept"
	WhyLookupNotKept            DetailCode = "lookup-not-kept"
	WhyRecordFull               DetailCode = "record-full"
	WhyRedacted                 DetailCode = "redacted"
	WhySystem                   DetailCode = "system"
	WhyGivenUp                  DetailCode = "given-up"
	WhyStopped                  DetailCode = "stopped"
	WhyNoAnswerInTime           DetailCode = "no-answer-in-time"
	WhyHeaderEnded              DetailCode = "header-ended"
	WhyNoCertificate            DetailCode = "no-certificate"
	WhyTLSRefused               DetailCode = "tls-refused"
	WhyNoSuite                  DetailCode = "no-suite"
	WhyUntrusted                DetailCode = "untrusted"
	WhyProxyAnswered            DetailCode = "proxy-answered"
	WhyUnasked                  DetailCode = "unasked"
	WhyTooManyInterim           DetailCode = "too-many-interim"
	WhyTooLongAnnounced         DetailCode = "too-long-announced"
	WhyNotLDAP                  DetailCode = "not-ldap"
	WhyHTTPSOnly                DetailCode = "https-only"
	WhyProxyUnreadable          DetailCode = "proxy-unreadable"
	WhyProxyNotHTTP             DetailCode = "proxy-not-http"
	WhyCertificateExpired       DetailCode = "certificate-expired"
	WhyCertificateNotYet        DetailCode = "certificate-not-yet"
	WhyCertificateWrongName     DetailCode = "certificate-wrong-name"
	WhyCertificateUnknownIssuer DetailCode = "certificate-unknown-issuer"
	WhyCertificateUnusable      DetailCode = "certificate-unusable"
	WhyCertificateNoNames       DetailCode = "certificate-no-names"
	WhyCertificateWeak          DetailCode = "certificate-weak"
	WhyCertificateSelfSigned    DetailCode = "certificate-self-signed"
	WhyCertificateAlone         DetailCode = "certificate-alone"
	WhyCertificateAloneAIA      DetailCode = "certificate-alone-aia"
	WhyCertificateOtherChain    DetailCode = "certificate-other-chain"
	WhyIssuerOtherKey           DetailCode = "issuer-other-key"
	WhyIssuerEncoding           DetailCode = "issuer-encoding"
	WhyOtherProtocol            DetailCode = "other-protocol"
	WhyChunkSizes               DetailCode = "chunk-sizes"
	WhyCoding                   DetailCode = "coding"
	WhyCertificateUsage         DetailCode = "certificate-usage"
	WhyIntermediateExpired      DetailCode = "intermediate-expired"
	WhyIssuerNoAuthority        DetailCode = "issuer-no-authority"
	WhyChainTooLong             DetailCode = "chain-too-long"
	WhyNameConstraints          DetailCode = "name-constraints"
	WhyCriticalExtension        DetailCode = "critical-extension"
	WhyCertificateUnread        DetailCode = "certificate-unread"
	WhyRenegotiation            DetailCode = "renegotiation"
	WhyTLSAlert                 DetailCode = "tls-alert"
	WhyTLSUnread                DetailCode = "tls-unread"
	WhyPlainHTTP                DetailCode = "plain-http"
	WhyNotTLS                   DetailCode = "not-tls"
	WhyNotTLSRecord             DetailCode = "not-tls-record"
	WhyNoHandles                DetailCode = "no-handles"
	WhyCheckStopped             DetailCode = "check-stopped"
	WhyNoDomain                 DetailCode = "no-domain"
	WhyNoRecord                 DetailCode = "no-record"
	WhyOutsideDomain            DetailCode = "outside-domain"
	WhyRecordEmpty              DetailCode = "record-empty"
	WhyNoAddress                DetailCode = "no-address"
	WhyNoKerberos               DetailCode = "no-kerberos"
	WhyKDCUnusable              DetailCode = "kdc-unusable"
	WhyKDCRefuses               DetailCode = "kdc-refuses"
	WhyKDCAnswered              DetailCode = "kdc-answered"
	WhyKerberosFailed           DetailCode = "kerberos-failed"
	WhyOtherRealm               DetailCode = "other-realm"
	WhyControllerUnreached      DetailCode = "controller-unreached"
	WhyBindUnanswered           DetailCode = "bind-unanswered"
	WhyBindOdd                  DetailCode = "bind-odd"
	WhySearchOdd                DetailCode = "search-odd"
	WhySearchUnanswered         DetailCode = "search-unanswered"
	WhyNotActiveDirectory       DetailCode = "not-active-directory"
	WhyDirectoryRefused         DetailCode = "directory-refused"
	WhyControllerUntrusted      DetailCode = "controller-untrusted"
	WhyNoLDAPS                  DetailCode = "no-ldaps"
	WhyNotProved                DetailCode = "not-proved"
	WhyEnoughComparisons        DetailCode = "enough-comparisons"
	WhyRefusedBefore            DetailCode = "refused-before"
	WhyLimitReached             DetailCode = "limit-reached"
	WhyRefusedBeforeAs          DetailCode = "refused-before-as"
	WhyRefusedUntilChanged      DetailCode = "refused-until-changed"
	WhyLimitBefore              DetailCode = "limit-before"
	WhyLimitRefusedBefore       DetailCode = "limit-refused-before"
	WhyLimitUntilChanged        DetailCode = "limit-until-changed"
	WhyAnotherRun               DetailCode = "another-run"
	WhyNoCount                  DetailCode = "no-count"
	WhyUnansweredInARow         DetailCode = "unanswered-in-a-row"
	WhyRefusedByController      DetailCode = "refused-by-controller"
	WhyLocked                   DetailCode = "locked"
	WhyCurrentUserInsecure      DetailCode = "current-user-insecure"
	WhyAtHost                   DetailCode = "at-host"
	WhyHostUnnamed              DetailCode = "host-unnamed"
	WhyHostNotExchange          DetailCode = "host-not-exchange"
	WhyHostOnline               DetailCode = "host-online"
	WhyHostNotHTTPS             DetailCode = "host-not-https"
	WhyNoPasswordScheme         DetailCode = "no-password-scheme"
	WhyNotJSON                  DetailCode = "not-json"
	WhyNotJSONStatus            DetailCode = "not-json-status"
	WhyNoPlace                  DetailCode = "no-place"
	WhyRedirectNowhere          DetailCode = "redirect-nowhere"
	WhyRedirectElsewhere        DetailCode = "redirect-elsewhere"
	WhyAnswered                 DetailCode = "answered"
	WhyAnsweredCode             DetailCode = "answered-code"
	WhyNoTokenAsked             DetailCode = "no-token-asked"
	WhyNoTokenGiven             DetailCode = "no-token-given"
	WhyNoTokenHere              DetailCode = "no-token-here"
	WhyTokenRefused             DetailCode = "token-refused"
	WhyTokenRefusedCode         DetailCode = "token-refused-code"
	WhyTokenRefusedWhy          DetailCode = "token-refused-why"
	WhyTokenTenant              DetailCode = "token-tenant"
	WhyTokenUntrusted           DetailCode = "token-untrusted"
	WhyTokenNone                DetailCode = "token-none"
	WhyApplicationExpired       DetailCode = "application-expired"
	WhyIssuerWithoutTenant      DetailCode = "issuer-without-tenant"
	WhyAnswerRedirects          DetailCode = "answer-redirects"
	WhyNoBearer                 DetailCode = "no-bearer"
	WhyNoAuthorizationURI       DetailCode = "no-authorization-uri"
	WhyAuthorizationURIOdd      DetailCode = "authorization-uri-odd"
	WhyAuthorizationURIForeign  DetailCode = "authorization-uri-foreign"
	WhyAuthorizationURINoTenant DetailCode = "authorization-uri-no-tenant"
	WhyPageTooLong              DetailCode = "page-too-long"
	WhyNextPageForeign          DetailCode = "next-page-foreign"
	WhyNextPageOdd              DetailCode = "next-page-odd"
	WhyPagesWithoutEnd          DetailCode = "pages-without-end"
	WhyDynamicsTokenRefused     DetailCode = "dynamics-token-refused"
	WhyPrivilegeMissing         DetailCode = "privilege-missing"
	WhyNoApplicationUser        DetailCode = "no-application-user"
	WhyRowUnusable              DetailCode = "row-unusable"
)

// Say makes a detail of a code and what the sentence names: texts, numbers, a
// failure, or another detail.
func Say(code DetailCode, about ...any) *Detail {
	d := &Detail{Code: code}
	for _, a := range about {
		switch v := a.(type) {
		case *Detail:
			if v != nil {
				d.Inner = append(d.Inner, *v)
			}
		case *Failure:
			d.Inner = append(d.Inner, *v.Said())
		case error:
			d.Args = append(d.Args, v.Error())
		case int:
			d.Args = append(d.Args, strconv.Itoa(v))
		default:
			d.Args = append(d.Args, fmt.Sprint(v))
		}
	}
	return d
}

// Is says whether a detail that is there has one of the codes.
func (d *Detail) Is(codes ...DetailCode) bool {
	return d != nil && slices.Contains(codes, d.Code)
}

// Kinds of what a sentence names. Redaction treats each as a field of the
// record that is tagged so.
const (
	ArgError    = "error"    // the words of a library; without them the sentence has another form
	ArgFailure  = "failure"  // a FailureCode
	ArgRefusals = "refusals" // a number of refused logons
	ArgFailed   = "failed"   // a number of logons that were refused or got no answer
	ArgHosts    = "hosts"    // names of a certificate, separated by commas
)

// String is the sentence. A code of a later version has none: it is shown as it
// is.
func (d *Detail) String() string {
	if d == nil {
		return ""
	}
	form, known := detailForms()[d.Code]
	if !known {
		return string(d.Code)
	}
	usual, other, either := strings.Cut(form, "|")
	text, after, empty := d.fill(usual, 0)
	if either && empty {
		text, _, _ = d.fill(other, after)
	}
	return strings.TrimSpace(text)
}

// fill puts what the sentence names into its form, from an argument on. empty
// says that words of a library are missing.
func (d *Detail) fill(form string, next int) (text string, after int, empty bool) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(form, "{")
		b.WriteString(before)
		if !found {
			return b.String(), next, empty
		}
		kind, more, _ := strings.Cut(rest, "}")
		form = more
		switch kind {
		case "inner":
			b.WriteString(d.inner(0, len(d.Inner)))
		case "first":
			b.WriteString(strings.TrimSuffix(d.inner(0, 1), "."))
		case "second":
			b.WriteString(d.inner(1, 2))
		default:
			arg := ""
			if next < len(d.Args) {
				arg = d.Args[next]
			}
			next++
			empty = empty || kind == ArgError && arg == ""
			b.WriteString(shown(kind, arg))
		}
	}
}

func (d *Detail) inner(from, to int) string {
	var list []string
	for i := from; i < min(to, len(d.Inner)); i++ {
		list = append(list, d.Inner[i].String())
	}
	return strings.Join(list, "; ")
}

func shown(kind, arg string) string {
	switch kind {
	case ArgFailure:
		return FailureCode(arg).Phrase()
	case ArgRefusals:
		if arg == "1" {
			return "1 refused logon"
		}
		return arg + " refused logons"
	case ArgFailed:
		if arg == "1" {
			return "1 failed or unanswered logon"
		}
		return arg + " failed or unanswered logons"
	case ArgHosts:
		names := strings.Split(arg, ", ")
		switch {
		case arg == "":
			return "no host name at all"
		case len(names) > 5:
			return fmt.Sprintf("%s and %d more", strings.Join(names[:5], ", "), len(names)-5)
		}
	}
	return arg
}

// ArgKinds are the kinds of what a code's sentence names, in their order.
func (c DetailCode) ArgKinds() []string {
	var kinds []string
	for _, part := range strings.Split(detailForms()[c], "{")[1:] {
		if kind, _, _ := strings.Cut(part, "}"); kind != "inner" && kind != "first" && kind != "second" {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// Recognized is the detail of a sentence that names nothing, nil for any other
// text: a record that was saved without codes has only the text.
func Recognized(text string) *Detail {
	if code, ok := detailCodes()[text]; ok {
		return &Detail{Code: code}
	}
	return nil
}

//go:embed detail.txt
var detailText string

var detailForms = sync.OnceValue(func() map[DetailCode]string {
	m := table[DetailCode](detailText)
	for code, text := range m {
		m[code], _, _ = strings.Cut(text, "\t")
	}
	return m
})

// detailCodes finds a code by its text of today, or by one that an earlier version
// had: detail.txt has that behind it.
var detailCodes = sync.OnceValue(func() map[string]DetailCode {
	m := map[string]DetailCode{}
	for code, texts := range table[DetailCode](detailText) {
		for text := range strings.SplitSeq(texts, "\t") {
			m[text] = code
		}
	}
	return m
})

// table reads a file of codes and their texts, one a line.
func table[C ~string](file string) map[C]string {
	m := map[C]string{}
	for line := range strings.Lines(file) {
		code, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		m[C(code)] = text
	}
	return m
}

//go:embed failure.txt
var failureText string

var failurePhrases = sync.OnceValue(func() map[FailureCode]string { return table[FailureCode](failureText) })

// Phrase says in a few words what a failure is.
func (c FailureCode) Phrase() string {
	return cmp.Or(failurePhrases()[c], strings.ReplaceAll(string(c), "-", " "))
}

// Fail is a failure told in a sentence of this program's own.
func Fail(code FailureCode, phase string, why DetailCode, about ...any) *Failure {
	d := Say(why, about...)
	return &Failure{Code: code, Phase: phase, Text: d.String(), Detail: d}
}

// Said is the failure as a detail: of its own, or the system's words.
func (f *Failure) Said() *Detail {
	switch {
	case f == nil:
		return &Detail{}
	case f.Detail != nil:
		return f.Detail
	}
	return &Detail{Code: WhySystem, Args: []string{f.Text, string(f.Code)}}
}

// Recognize gives the sentences of a saved item their details, where they can be
// known: records of earlier versions have none.
func (i *Item) Recognize() {
	Walk(i, Visitor{Sentence: func(text *string, d **Detail) {
		if *d == nil {
			*d = Recognized(*text)
		}
	}})
}
