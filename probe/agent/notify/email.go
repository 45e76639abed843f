package notify

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/textproto"
	"strconv"
	"strings"
	"sync"

	"github.com/wneessen/go-mail"

	"github.com/ewsprobe/ewsprobe/ews/secret"
	"github.com/ewsprobe/ewsprobe/probe/agent/agentfile"
	"github.com/ewsprobe/ewsprobe/probe/agent/outbound"
	"github.com/ewsprobe/ewsprobe/probe/config"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// maxPasswordRefusals is how often a password is sent that the SMTP server refuses:
// it may be that of an account which locks.
const maxPasswordRefusals = 2

// email is a channel's mail.
type email struct {
	*agentfile.Email

	mu      sync.Mutex
	refused [sha256.Size]byte // the password that was
	times   int
}

func (m *email) send(ctx context.Context, key string, n Notification) error {
	known := &secret.Vault{}
	err := m.trySend(ctx, key, n, known)
	if err == nil {
		return nil
	}
	return errors.New(known.Clean(report.Clean(err.Error(), maxText))) // a server may say anything in its answer
}

func (m *email) trySend(ctx context.Context, key string, n Notification, known *secret.Vault) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // closes the connection, see dial
	options, err := m.options(ctx, known)
	if err != nil {
		return err
	}
	host, _, _ := net.SplitHostPort(m.Smarthost)
	client, err := mail.NewClient(host, options...)
	if err != nil {
		return err
	}
	msg, err := m.message(key, n, m.To)
	if err != nil {
		return err
	}
	if err := client.DialWithContext(ctx); err != nil {
		var answer *textproto.Error
		if errors.As(err, &answer) && (answer.Code == 535 || answer.Code == 534 || answer.Code == 530) {
			m.note(true)
			return fmt.Errorf("the SMTP server refuses the password of %s (%d)", m.User, answer.Code)
		}
		return fmt.Errorf("the SMTP server cannot be used: %w", err)
	}
	defer client.Close() //nolint // what counts is the answer to the message
	m.note(false)
	err = client.Send(msg)
	if msg.IsDelivered() {
		return nil
	}
	var failed *mail.SendError
	if len(m.To) > 1 && errors.As(err, &failed) && failed.Reason == mail.ErrSMTPRcptTo {
		return m.sendEach(client, key, n)
	}
	return err
}

// dial connects for the library, which neither closes a connection on which
// something goes wrong nor ends with the context: this one ends with ctx.
func dial(ctx context.Context, implicit *tls.Config) mail.DialContextFunc {
	return func(within context.Context, network, address string) (conn net.Conn, err error) {
		if implicit != nil {
			conn, err = (&tls.Dialer{Config: implicit}).DialContext(within, network, address)
		} else {
			conn, err = (&net.Dialer{}).DialContext(within, network, address)
		}
		if err == nil {
			context.AfterFunc(ctx, func() { conn.Close() })
		}
		return conn, err
	}
}

// sendEach sends to each recipient alone, because one that is refused must not keep
// the others from hearing of it. Who was told once is not told again.
func (m *email) sendEach(client *mail.Client, key string, n Notification) (err error) {
	delivered := false
	for _, to := range m.To {
		msg, wrong := m.message(key, n, []string{to})
		if wrong != nil {
			return wrong
		}
		if wrong = client.Send(msg); msg.IsDelivered() {
			delivered = true
		} else {
			err = wrong
		}
	}
	if delivered {
		return nil
	}
	return err
}

func (m *email) options(ctx context.Context, known *secret.Vault) ([]mail.Option, error) {
	host, text, err := net.SplitHostPort(m.Smarthost)
	port, err2 := strconv.Atoi(text)
	if errors.Join(err, err2) != nil {
		return nil, errors.New("smarthost is not HOST:PORT")
	}
	roots, err := outbound.Trusted(ctx, m.CAFile)
	if err != nil {
		return nil, err
	}
	encryption := &tls.Config{ServerName: host, RootCAs: roots, MinVersion: tls.VersionTLS12}
	options := []mail.Option{mail.WithPort(port), mail.WithTimeout(patience), mail.WithTLSConfig(encryption)}
	var implicit *tls.Config
	mechanisms := []mail.SMTPAuthType{mail.SMTPAuthSCRAMSHA256PLUS, mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthPlain, mail.SMTPAuthLogin}
	switch m.TLS {
	case "none":
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
		mechanisms = []mail.SMTPAuthType{mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthPlainNoEnc, mail.SMTPAuthLoginNoEnc}
	case "tls":
		options, implicit = append(options, mail.WithSSL()), encryption
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	options = append(options, mail.WithDialContextFunc(dial(ctx, implicit)))
	if m.User == "" {
		return options, nil
	}
	password, err := config.ReadSecret(ctx, m.PasswordFile)
	if err != nil {
		return nil, fmt.Errorf("password_file %w", err)
	}
	known.AddText(password)
	known.AddCredential(m.User, password)
	m.mu.Lock()
	defer m.mu.Unlock()
	if sum := sha256.Sum256([]byte(password)); m.refused != sum {
		m.refused, m.times = sum, 0
	}
	if m.times >= maxPasswordRefusals {
		return nil, fmt.Errorf("the SMTP server refused the password of %s %d times; it is not sent again until it changes", m.User, m.times)
	}
	return append(options, mail.WithSMTPAuth(mail.SMTPAuthOpportunistic), mail.WithOpportunisticSMTPAuth(mechanisms...),
		mail.WithUsername(m.User), mail.WithPassword(password)), nil
}

// note counts how often in a row the password was refused.
func (m *email) note(refused bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.times++; !refused {
		m.times = 0
	}
}

// message is the mail. The key makes its Message-ID, so that a mail that arrives
// twice, because the answer to the first was lost, can be known as one.
func (m *email) message(key string, n Notification, to []string) (*mail.Msg, error) {
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := msg.From(m.From); err != nil {
		return nil, err
	}
	if err := msg.To(to...); err != nil {
		return nil, err
	}
	from, err := netmail.ParseAddress(m.From)
	if err != nil {
		return nil, err
	}
	_, domain, _ := strings.Cut(from.Address, "@")
	msg.SetMessageIDWithValue(key + "@" + domain)
	msg.SetDateWithValue(n.At)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834 section 5: nobody answers it by a machine
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")
	msg.Subject(n.subject())
	msg.SetBodyString(mail.TypeTextPlain, n.text())
	return msg, nil
}
