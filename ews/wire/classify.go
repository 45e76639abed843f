package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"reflect"
	"strings"
	"syscall"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// errHeaderTooLarge ends the reading of a header that grows without end.
var errHeaderTooLarge = errors.New("the header is longer than 128 KiB")

// Classify puts any error of the network into the closed vocabulary. phase is
// where it happened: resolve, connect, proxy, tls, write or read.
func Classify(ctx context.Context, phase string, err error) *evidence.Failure {
	f := &evidence.Failure{Phase: phase, Text: plain(err)}
	var dns *net.DNSError
	var record tls.RecordHeaderError
	number := Errno(err)
	if errors.As(err, &dns) && (strings.HasSuffix(dns.Err, syscall.EMFILE.Error()) || strings.HasSuffix(dns.Err, syscall.ENFILE.Error())) {
		number = syscall.EMFILE // no socket was left, and the resolver keeps only the words
	}
	switch {
	case errors.Is(context.Cause(ctx), errGivenUp):
		f = evidence.Fail(evidence.GivenUp, phase, "given-up")
	case errors.Is(ctx.Err(), context.Canceled):
		f = evidence.Fail(evidence.Interrupted, phase, "stopped")
	case errors.Is(err, errHeaderTooLarge):
		f.Code = evidence.HeaderTooLarge
	case number == syscall.EMFILE, number == syscall.ENFILE:
		f = evidence.Fail(evidence.ConnectFailed, phase, "no-handles")
	case errors.As(err, &dns) && !dns.IsTimeout:
		f.Code = evidence.DNSFailed
		if dns.IsNotFound {
			f.Code = evidence.DNSNotFound
		}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), isTimeout(err), number == syscall.ETIMEDOUT:
		f = evidence.Fail(evidence.TimedOut, phase, "no-answer-in-time")
	case isAlert(err):
		f = alertFailure(phase, err)
	case errors.As(err, &record):
		f = notTLS(phase, record)
	case number == syscall.ECONNREFUSED:
		f.Code = evidence.ConnectRefused
	case number == syscall.ENETUNREACH, number == syscall.EHOSTUNREACH:
		f.Code = evidence.ConnectUnreachable
	case number == syscall.ECONNRESET, number == syscall.EPIPE, number == syscall.ECONNABORTED:
		f.Code = evidence.ConnectionReset
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		f.Code, f.Text = evidence.ConnectionClosed, "connection closed"
	case phase == "tls":
		f = handshakeFailure(phase, err)
	case phase == "read":
		f.Code = evidence.Malformed
	default:
		f.Code = evidence.ConnectFailed
	}
	if phase == "proxy" && (f.Code == evidence.TLSHandshake || f.Code == evidence.TLSClientCert || f.Code == evidence.TLSNotSpoken) {
		f.Code = evidence.ConnectFailed // it is not the server's TLS
	}
	return f
}

// winsock has the numbers of Windows Sockets, for which package syscall has
// other ones under the names of POSIX. No other system uses them.
var winsock = map[syscall.Errno]syscall.Errno{
	10048: syscall.EADDRINUSE,
	10049: syscall.EADDRNOTAVAIL,
	10051: syscall.ENETUNREACH,
	10052: syscall.ECONNRESET, // WSAENETRESET
	10053: syscall.ECONNABORTED,
	10054: syscall.ECONNRESET,
	10060: syscall.ETIMEDOUT,
	10061: syscall.ECONNREFUSED,
	10064: syscall.EHOSTUNREACH, // WSAEHOSTDOWN
	10065: syscall.EHOSTUNREACH,
}

// Errno is the system's number in err by its name in POSIX, 0 if there is none.
func Errno(err error) syscall.Errno {
	var number syscall.Errno
	errors.As(err, &number)
	if posix, ok := winsock[number]; ok {
		return posix
	}
	return number
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// plain takes the Go-isms out of an error text: the admin knows what was asked.
func plain(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		err = op.Err
	}
	var call *os.SyscallError
	if errors.As(err, &call) && call.Err != nil {
		err = call.Err
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		if dns.Server == "" {
			return dns.Err
		}
		return dns.Err + ", says " + dns.Server
	}
	return withoutPrefix(err.Error())
}

var errGivenUp = errors.New("given up")

// ErrGivenUp is the cause with which a caller cancels a step that it does not
// wait for any longer; the step is then recorded as given up.
func ErrGivenUp() error { return errGivenUp }

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

func alertFailure(phase string, err error) *evidence.Failure {
	number := 0
	var op *net.OpError
	// crypto/tls has a type for alerts that is not exported, a number of one byte.
	if errors.As(err, &op) && reflect.ValueOf(op.Err).Kind() == reflect.Uint8 {
		number = int(reflect.ValueOf(op.Err).Uint())
	}
	switch local := op.Op == "local error"; {
	case number == alertNoRenegotiation && local:
		return evidence.Fail(evidence.TLSClientCert, phase, "renegotiation")
	case number == alertCertificateRequired: // TLS 1.3 says it after the handshake
		return evidence.Fail(evidence.TLSClientCert, phase, "tls-alert", plain(err), number)
	case local:
		return evidence.Fail(evidence.TLSHandshake, phase, "tls-unread", plain(err))
	}
	return evidence.Fail(evidence.TLSHandshake, phase, "tls-alert", plain(err), number)
}

// handshakeFailure is a handshake that this program's library ended.
func handshakeFailure(phase string, err error) *evidence.Failure {
	text := err.Error()
	if _, inner, found := strings.Cut(text, "failed to parse certificate from server: "); found {
		if name, found := strings.CutPrefix(withoutPrefix(inner), "SAN"); found { // as crypto/x509 has it
			inner = "subject alternative name:" + name
		}
		return evidence.Fail(evidence.TLSHandshake, phase, "certificate-unread", withoutPrefix(inner))
	}
	// What Dynamics refuses as well is no limit of this program: the version and
	// the suite are chosen by the server.
	if strings.Contains(text, "selected unsupported protocol version") || strings.Contains(text, "chose an unconfigured cipher suite") {
		return &evidence.Failure{Code: evidence.TLSHandshake, Phase: phase, Text: withoutPrefix(text)}
	}
	return evidence.Fail(evidence.TLSHandshake, phase, "tls-unread", withoutPrefix(text))
}

// notTLS says what came in place of TLS, where it is a text.
func notTLS(phase string, e tls.RecordHeaderError) *evidence.Failure {
	begin := strings.TrimSpace(string(e.RecordHeader[:]))
	switch {
	case strings.HasPrefix(begin, "HTTP"):
		return evidence.Fail(evidence.TLSNotSpoken, phase, "plain-http")
	case begin == "" || strings.IndexFunc(begin, func(r rune) bool { return r < ' ' || r > '~' }) >= 0:
		return evidence.Fail(evidence.TLSNotSpoken, phase, "not-tls-record")
	case greeting(begin) != "":
		return evidence.Fail(evidence.TLSNotSpoken, phase, "other-protocol", greeting(begin), begin)
	}
	return evidence.Fail(evidence.TLSNotSpoken, phase, "not-tls", begin)
}

// greeting is the protocol whose servers speak first, in these words.
func greeting(begin string) string {
	for _, p := range strings.Split("220=SMTP or FTP|554=SMTP|421=SMTP|* OK=IMAP|* BYE=IMAP|+OK=POP3|SSH-=SSH|RFB =VNC", "|") {
		if first, name, _ := strings.Cut(p, "="); strings.HasPrefix(begin, first) {
			return name
		}
	}
	return ""
}
