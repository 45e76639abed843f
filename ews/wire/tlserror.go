package wire

import (
	"crypto/tls"
	"errors"
	"net"
	"reflect"
	"strings"
	"syscall"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// isAlert: crypto/tls reports alerts, received or sent, as a net.OpError with
// one of these operations.
func isAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error")
}

// The alerts (RFC 8446 6, RFC 5246 7.2) that are told as something else.
const (
	alertNoRenegotiation     = 100
	alertCertificateRequired = 116
)

// alertNumber is the number of an alert: crypto/tls has a type for it that is not
// exported, a number of one byte.
func alertNumber(err error) int {
	var op *net.OpError
	if !errors.As(err, &op) || op.Err == nil {
		return 0
	}
	if v := reflect.ValueOf(op.Err); v.Kind() == reflect.Uint8 {
		return int(v.Uint())
	}
	return 0
}

func alertFailure(phase string, err error) *evidence.Failure {
	number := alertNumber(err)
	var op *net.OpError
	switch local := errors.As(err, &op) && op.Op == "local error"; {
	case number == alertNoRenegotiation && local:
		return evidence.Fail(evidence.TLSClientCert, phase, evidence.WhyRenegotiation)
	case number == alertCertificateRequired: // TLS 1.3 says it after the handshake
		return evidence.Fail(evidence.TLSClientCert, phase, evidence.WhyTLSAlert, plain(err), number)
	case local:
		return evidence.Fail(evidence.TLSHandshake, phase, evidence.WhyTLSUnread, plain(err))
	}
	return evidence.Fail(evidence.TLSHandshake, phase, evidence.WhyTLSAlert, plain(err), number)
}

// handshakeFailure is a handshake that this program's library ended.
func handshakeFailure(phase string, err error) *evidence.Failure {
	text := err.Error()
	if _, inner, found := strings.Cut(text, "failed to parse certificate from server: "); found {
		return evidence.Fail(evidence.TLSHandshake, phase, evidence.WhyCertificateUnread, explained(withoutPrefix(inner)))
	}
	// What Dynamics refuses as well is no limit of this program: the version and
	// the suite are chosen by the server.
	if strings.Contains(text, "selected unsupported protocol version") || strings.Contains(text, "chose an unconfigured cipher suite") {
		return &evidence.Failure{Code: evidence.TLSHandshake, Phase: phase, Text: withoutPrefix(text)}
	}
	return evidence.Fail(evidence.TLSHandshake, phase, evidence.WhyTLSUnread, withoutPrefix(text))
}

// explained puts the abbreviations of crypto/x509 into words.
func explained(text string) string {
	if name, found := strings.CutPrefix(text, "SAN"); found {
		return "subject alternative name:" + name
	}
	return text
}

// beyond says whether a handshake failed by a limit of this program.
func beyond(f *evidence.Failure) bool {
	return f.Detail.Is(evidence.WhyCertificateUnread, evidence.WhyTLSUnread, evidence.WhyRenegotiation)
}

// notTLS says what came in place of TLS, where it is a text.
func notTLS(phase string, e tls.RecordHeaderError) *evidence.Failure {
	begin := strings.TrimSpace(string(e.RecordHeader[:]))
	switch {
	case strings.HasPrefix(begin, "HTTP"):
		return evidence.Fail(evidence.TLSNotSpoken, phase, evidence.WhyPlainHTTP)
	case greeting(begin) != "":
		return evidence.Fail(evidence.TLSNotSpoken, phase, evidence.WhyOtherProtocol, greeting(begin), begin)
	case begin != "" && strings.IndexFunc(begin, func(r rune) bool { return r < ' ' || r > '~' }) < 0:
		return evidence.Fail(evidence.TLSNotSpoken, phase, evidence.WhyNotTLS, begin)
	}
	return evidence.Fail(evidence.TLSNotSpoken, phase, evidence.WhyNotTLSRecord)
}

// greeting is the protocol whose servers speak first, in these words.
func greeting(begin string) string {
	for _, p := range [][2]string{{"220", "SMTP or FTP"}, {"554", "SMTP"}, {"421", "SMTP"}, {"* OK", "IMAP"}, {"* BYE", "IMAP"}, {"+OK", "POP3"}, {"SSH-", "SSH"}, {"RFB ", "VNC"}} {
		if strings.HasPrefix(begin, p[0]) {
			return p[1]
		}
	}
	return ""
}

// noHandles: the words of a name server's error say that no socket was left.
func noHandles(text string) bool {
	return strings.HasSuffix(text, syscall.EMFILE.Error()) || strings.HasSuffix(text, syscall.ENFILE.Error())
}
