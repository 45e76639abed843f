package config

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"unicode"
	"unicode/utf8"

	"github.com/ewsprobe/ewsprobe/probe/config/address"
)

// PasswordVariable has the password where no file and no store was named.
const PasswordVariable = "EWSPROBE_PASSWORD"

// PasswordSources are where a password may come from beside a file.
type PasswordSources struct {
	Env     func(string) string
	Stdin   io.Reader
	Keyring func(ctx context.Context, user string) (string, error)
	Prompt  func(ctx context.Context, question string) (string, error) // nil: there is no terminal
	Note    func(string)                                               // tells what the user should know; nil: nobody is told
}

// Password reads the password from the source that was named: the credential store, a
// file, a variable, a credential of systemd; else from the environment, or a prompt.
func (s *Settings) Password(ctx context.Context, from PasswordSources) (string, error) {
	file, whose := s.PasswordFile, s.User
	switch {
	case s.PasswordFromKeyring:
		return from.Keyring(ctx, s.User)
	case file != "":
	case s.PasswordEnv != "":
		return from.variable(s.PasswordEnv, "password_file")
	case s.PasswordCredential != "":
		folder := from.Env("CREDENTIALS_DIRECTORY")
		if folder == "" {
			return "", Unusable("there are no systemd credentials (CREDENTIALS_DIRECTORY is not set); " +
				"password_credential works only in the systemd service")
		}
		file = filepath.Join(folder, s.PasswordCredential)
	}
	if s.Redact {
		whose = "the account"
	}
	return from.Read(ctx, file, whose)
}

// Read reads it from a file, the environment or a prompt.
func (from PasswordSources) Read(ctx context.Context, file, whose string) (string, error) {
	switch {
	case file == "-" && from.Prompt == nil: // on a terminal it would be echoed
		return from.in(from.Stdin, "standard input")
	case file != "" && file != "-":
		f, err := Open(ctx, file)
		if err != nil {
			return "", Unusable("the password file %s cannot be read (%s)", file, Reason(err))
		}
		defer f.Close()
		return from.in(f, file)
	case file == "" && from.Env(PasswordVariable) != "":
		return from.variable(PasswordVariable, "--password-file")
	case from.Prompt != nil:
		text, err := from.Prompt(ctx, fmt.Sprintf("Password for %s: ", whose))
		if err != nil {
			return "", err
		}
		return from.usable(text, "the prompt")
	}
	return "", Usage("no password: there is no terminal to ask on; use --password-file FILE, %s, or --no-credentials", PasswordVariable)
}

// variable reads the password from the environment. The path of a secret, which other
// programs take there, is no password: to send it is a refused logon. A name that may be
// looked up on the network is not tried.
func (from PasswordSources) variable(name, instead string) (string, error) {
	text := from.Env(name)
	if v := address.Variable(text); v == text && v != "" && v[0] != '%' { // which a password may well have at both ends
		return "", Unusable("%s contains a variable, which nothing has replaced; give its value, or save the password in a file and use %s",
			name, instead)
	}
	if strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//") && filepath.Separator == '/' {
		if info, err := os.Stat(text); err == nil && info.Mode().IsRegular() {
			return "", Unusable("%s is the path of a file, not the password; use %s for it", name, instead)
		}
	}
	return from.usable(text, name)
}

// in reads the password that a file consists of.
func (from PasswordSources) in(file io.Reader, name string) (string, error) {
	text, err := line(file, maxPassword)
	if err != nil {
		return "", Unusable("the password in %s %v", name, err)
	}
	return from.usable(text, name)
}

// usable refuses a password that no sign-in can carry, and says where one looks like what
// other programs make of it: that is allowed, and mostly a slip.
func (from PasswordSources) usable(text, source string) (string, error) {
	if err := CheckPassword(text); err != nil {
		return "", Unusable("the password in %s %v", source, err)
	}
	if looks := wrapped(text); looks != "" && from.Note != nil {
		from.Note(fmt.Sprintf("the password in %s %s", source, looks))
	}
	return text, nil
}

// assigned is a line of an .env, YAML or JSON file.
var assigned = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^(export |set |\{? *["'])?[a-z_.-]*(pass|pwd|secret)[a-z_.-]*["']? ?[=:] ?[^ ]`)
})

// wrapped says, as the rest of a sentence, what may stand around a password: blanks, the
// quotes that docker --env-file keeps, a name, the base64 of a Secret of Kubernetes.
func wrapped(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	last, _ := utf8.DecodeLastRuneInString(text)
	plain, err := base64.StdEncoding.DecodeString(text)
	control := func(b byte) bool { return b < ' ' || b > '~' }
	switch {
	case strings.TrimSpace(text) != text:
		return "begins or ends with a blank, which is sent too"
	case assigned().MatchString(text):
		return "looks like a line of a configuration; all of the line is sent, with the name in front"
	case len(text) > size && strings.Contains(`"" '' “” „“ „” ‘’ «» `, string([]rune{first, last, ' '})):
		return "stands in quotes, which are sent too"
	case err == nil && len(plain) >= 6 && !slices.ContainsFunc(bytes.TrimRight(plain, "\r\n"), control):
		return "looks like text in base64; it is sent as it is, not decoded"
	}
	return ""
}

// maxPassword is far above what Windows allows (256 characters).
const maxPassword = 4096

// ReadSecret reads the one secret that a file consists of. The error is the rest of a sentence.
func ReadSecret(ctx context.Context, name string) (string, error) {
	text, err := readLine(ctx, name, maxPassword)
	if err != nil {
		return "", err
	}
	return text, CheckPassword(text)
}

// CheckPassword says, as the rest of a sentence, why a password cannot be sent.
func CheckPassword(text string) error {
	switch {
	case text == "":
		return fileError("is empty")
	case len(text) > maxPassword:
		return fileError(fmt.Sprintf("is longer than %d bytes; is it the right file?", maxPassword))
	case !utf8.ValidString(text):
		return fileError("is not UTF-8")
	case strings.ContainsFunc(text, unicode.IsControl):
		return fileError("contains a control character, such as a tab or a second line; it was not sent")
	}
	return standsFor(text)
}

// PasswordFolder is --password-dir. Nothing outside of it can be opened, not by
// .. and not by a link: whoever writes the table chooses the paths, and a file of
// another kind must not be sent to a server as a password.
type PasswordFolder struct{ root *os.Root }

// OpenPasswords opens the folder; nil where rows have no accounts of their own.
func OpenPasswords(dir string) (*PasswordFolder, error) {
	if dir == "" {
		return nil, nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, Unusable("--password-dir cannot be read (%s)", Reason(err))
	}
	return &PasswordFolder{root}, nil
}

// Close lets the folder go.
func (p *PasswordFolder) Close() {
	if p != nil {
		p.root.Close()
	}
}

// Read reads one password. The error is a sentence for the row.
func (p *PasswordFolder) Read(name string, from PasswordSources) (string, error) {
	file, called := filepath.FromSlash(name), strings.Join(strings.Fields(name), " ")
	if filepath.IsAbs(file) {
		inside, err := filepath.Rel(p.root.Name(), file)
		if err != nil {
			return "", fmt.Errorf("the password file %s is outside --password-dir; it was not read", called)
		}
		file = inside
	}
	// Else to open a pipe would wait for somebody who writes to it.
	f, err := p.root.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		err = path.Err
	}
	if err != nil {
		return "", fmt.Errorf("the password file %s in --password-dir cannot be read (%s)", called, Reason(err))
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", fmt.Errorf("the password file %s is not a file", called)
	}
	return from.in(f, called)
}
