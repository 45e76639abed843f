package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	unicode16 "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/ewsprobe/ewsprobe/ews/wire"
)

// ErrStopped ends a wait for a file when the run ends.
var ErrStopped = errors.New("stopped before the end")

// File is a file that the user named, open for reading.
type File struct {
	io.Reader
	io.Closer
	Info fs.FileInfo
}

// Open opens a file that the user named. To open a pipe waits for somebody who
// writes to it, and to read it waits for what they write: both end with ctx, and
// what waits is left behind. A secret that the user of a service may not read is read
// where systemd has put a copy.
func Open(ctx context.Context, name string) (*File, error) {
	f, err := Await(ctx, func() (*os.File, error) {
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrPermission) {
			if copied, other := os.Open(CredentialFile(name)); other == nil {
				return copied, nil
			}
		}
		return f, err
	})
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = errors.New("it is a folder")
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if info.Mode().IsRegular() {
		return &File{f, f, info}, nil
	}
	return &File{NewCancelableReader(ctx, f), f, info}, nil
}

// Await waits for an answer, or until ctx ends; who is asked is left behind then.
func Await[T any](ctx context.Context, ask func() (T, error)) (T, error) {
	type reply struct {
		answer T
		err    error
	}
	came := make(chan reply, 1)
	if ctx.Err() == nil {
		go func() {
			answer, err := ask()
			came <- reply{answer, err}
		}()
	}
	select {
	case <-ctx.Done():
		return *new(T), ErrStopped
	case r := <-came:
		return r.answer, r.err
	}
}

// CancelableReader is a reader that ends with its context. A read from a terminal
// or a pipe cannot be broken off: it is left behind.
type CancelableReader struct {
	ctx  context.Context
	in   io.Reader
	room []byte
	rest []byte // of what was read into it
}

// NewCancelableReader begins to read with the first call of Read: nothing is taken
// from a terminal that nobody asks.
func NewCancelableReader(ctx context.Context, in io.Reader) *CancelableReader {
	return &CancelableReader{ctx: ctx, in: in}
}

// Unwrap is what it reads from.
func (l *CancelableReader) Unwrap() io.Reader { return l.in }

func (l *CancelableReader) Read(p []byte) (n int, err error) {
	if len(l.rest) == 0 {
		l.rest, err = Await(l.ctx, func() ([]byte, error) {
			if l.room == nil {
				l.room = make([]byte, 32<<10)
			}
			n, err := l.in.Read(l.room)
			return l.room[:n], err
		})
	}
	n = copy(p, l.rest)
	if l.rest = l.rest[n:]; len(l.rest) > 0 {
		err = nil // it comes again
	}
	return n, err
}

// A fileError says what is wrong with a file, as the rest of a sentence.
type fileError string

func (e fileError) Error() string { return string(e) }

// Reason is why the system refused, in the same words on every system, without the call
// and the name of the file, which a sentence has already.
func Reason(err error) string {
	switch number := wire.Errno(err); {
	case errors.Is(err, fs.ErrNotExist):
		return "no such file or folder"
	case errors.Is(err, fs.ErrPermission):
		return "permission denied"
	case number == syscall.EADDRINUSE:
		return "the port is in use"
	case number == syscall.EADDRNOTAVAIL:
		return "this machine does not have the address"
	}
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return err.Error()
}

// Read reads a whole small file; the error is the rest of a sentence.
func Read(ctx context.Context, name string, limit int) ([]byte, error) {
	f, err := Open(ctx, name)
	if err != nil {
		return nil, fileError(fmt.Sprintf("cannot be read (%s)", Reason(err)))
	}
	defer f.Close()
	return ReadAll(f, limit)
}

// ReadAll is Read of what is open already.
func ReadAll(in io.Reader, limit int) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(in, int64(limit)+1))
	switch {
	case err != nil:
		return nil, fileError(fmt.Sprintf("cannot be read (%s)", Reason(err)))
	case len(raw) > limit && limit >= 1<<20:
		return nil, fileError(fmt.Sprintf("is larger than %d MiB; is it the right file?", limit>>20))
	case len(raw) > limit:
		return nil, fileError(fmt.Sprintf("is larger than %d bytes; is it the right file?", limit))
	}
	return raw, nil
}

// IsUTF16 says whether a file that begins so is UTF-16 with a byte order mark.
func IsUTF16(head []byte) bool {
	return bytes.HasPrefix(head, []byte{0xff, 0xfe}) || bytes.HasPrefix(head, []byte{0xfe, 0xff})
}

// unmarked is the byte order mark that a text in UTF-16 lacks; nil for others. Every
// second byte at its beginning is zero then, which no other text has.
func unmarked(raw []byte) []byte {
	const enough = 16
	if len(raw) < enough || len(raw)%2 != 0 {
		return nil
	}
	zero := [2]int{}
	for i, b := range raw[:enough] {
		if b == 0 {
			zero[i%2]++
		}
	}
	switch zero {
	case [2]int{0, enough / 2}:
		return []byte{0xff, 0xfe}
	case [2]int{enough / 2, 0}:
		return []byte{0xfe, 0xff}
	}
	return nil
}

// NewDecoder is Decode of a file that is too long to be held.
func NewDecoder(in io.Reader) io.Reader {
	return transform.NewReader(in, unicode16.BOMOverride(encoding.Nop.NewDecoder()))
}

// Decode reads UTF-8, or UTF-16 with its byte order mark, as Windows PowerShell's
// > writes it.
func Decode(raw []byte) (string, error) {
	if order := unmarked(raw); order != nil {
		raw = append(bytes.Clone(order), raw...)
	}
	if IsUTF16(raw) && len(raw)%2 != 0 {
		return "", fileError("is UTF-16 and ends in the middle of a character; save it as UTF-8")
	}
	text, err := io.ReadAll(NewDecoder(bytes.NewReader(raw)))
	switch {
	case bytes.HasPrefix(raw, []byte("\x1f\x8b")), bytes.HasPrefix(raw, []byte("PK\x03\x04")):
		return "", fileError("is an archive (ZIP, gzip); unpack it, and give the file in it")
	case err != nil || !utf8.Valid(text):
		return "", fileError("is neither UTF-8 nor UTF-16 with a byte order mark; save it as UTF-8")
	case IsUTF16(raw) && bytes.ContainsRune(text, unicode.ReplacementChar):
		return "", fileError("is damaged UTF-16; save it as UTF-8")
	}
	return string(text), nil
}

// readLine reads the one line that a file of a secret holds. The error is the rest of a
// sentence.
func readLine(ctx context.Context, name string, limit int) (string, error) {
	f, err := Open(ctx, name)
	if err != nil {
		return "", fileError(fmt.Sprintf("cannot be read (%s)", Reason(err)))
	}
	defer f.Close()
	return line(f, limit)
}

// protected is how a text begins that ConvertFrom-SecureString wrote: the version and the
// provider of Windows' data protection, in hexadecimal.
const protected = "01000000d08c9ddf0115d1118c7a00c04fc297eb"

// stored is how begins what Ansible Vault and SOPS encrypt, and how Azure Key Vault, 1Password,
// Vault and AWS name a secret where something should have put it in.
var stored = []string{"$ANSIBLE_VAULT;", "ENC[AES256_GCM,", "@Microsoft.KeyVault(", "op://", "vault:v1:", "arn:aws:secretsmanager:"}

// standsFor says, as the rest of a sentence, of a text that is no secret but stands for one.
func standsFor(text string) error {
	switch {
	case strings.Contains(text, "System.Security.SecureString"), strings.Contains(strings.ToLower(text), protected):
		return fileError("holds a SecureString of PowerShell, not the text in it; " +
			`save [Net.NetworkCredential]::new("", $SECURE).Password`)
	case strings.Contains(text, "Automation.PSCredential"):
		return fileError("holds the name of a type of PowerShell, not the text in it; save $CREDENTIAL.GetNetworkCredential().Password")
	case slices.ContainsFunc(stored, func(mark string) bool { return strings.HasPrefix(text, mark) }):
		return fileError("holds how a store of secrets keeps or names a secret, not the secret; let the store write the secret there")
	}
	return nil
}

// line reads the one line that a file of a secret holds. Exactly one line end is
// taken off: a password may end in a space, and an editor adds one line end, not
// two.
func line(in io.Reader, limit int) (string, error) {
	raw, err := ReadAll(in, 2*limit+8) // UTF-16, its mark and its line end
	if err != nil {
		return "", err
	}
	text, err := Decode(raw)
	if err != nil {
		return "", err
	}
	if t, ok := strings.CutSuffix(text, "\n"); ok {
		text = strings.TrimSuffix(t, "\r")
	}
	switch {
	case text == "":
		return "", fileError("is empty")
	case len(text) > limit:
		return "", fileError(fmt.Sprintf("is larger than %d bytes; is it the right file?", limit))
	}
	return text, standsFor(text)
}

// CredentialName is the name of a file as a credential of systemd: the one that
// systemd gives to the files of a folder (systemd.exec(5), LoadCredential=).
func CredentialName(file string) string {
	file = filepath.ToSlash(file)
	return path.Base(path.Dir(file)) + "_" + path.Base(file)
}

// CredentialFile is where systemd has put its copy of a file; "" without systemd.
func CredentialFile(file string) string {
	if dir := os.Getenv("CREDENTIALS_DIRECTORY"); dir != "" {
		return filepath.Join(dir, CredentialName(file))
	}
	return ""
}

// ReadableFile is name, or systemd's copy of it where this process may not read
// name itself.
func ReadableFile(name string) string {
	copied := CredentialFile(name)
	if name == "" || copied == "" {
		return name
	}
	f, err := os.Open(name)
	if err == nil {
		f.Close()
	}
	if !errors.Is(err, fs.ErrPermission) {
		return name
	}
	return copied
}
