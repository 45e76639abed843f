package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"
)

const passwordEnv = "EWSPROBE_PASSWORD"

// maxPassword is far above what Windows allows (256 characters).
const maxPassword = 4096

// readPassword takes the password from the first source that was named: the
// credential store, the file, the environment, a prompt.
func readPassword(ctx context.Context, c *cli.Context, std stdio) (string, error) {
	if c.Bool("password-from-keyring") {
		if c.IsSet("password-file") {
			return "", usage("--password-from-keyring and --password-file exclude each other; use one of them")
		}
		return passwordFromKeyring(ctx, c.String("user"))
	}
	whose := c.String("user")
	if c.Bool("redact") {
		whose = "the account"
	}
	return passwordFrom(ctx, c, std, whose)
}

// passwordFrom takes it from a file, the environment or a prompt.
func passwordFrom(ctx context.Context, c *cli.Context, std stdio, whose string) (string, error) {
	switch {
	case c.IsSet("password-file"):
		return passwordFromFile(ctx, c.String("password-file"), std.in)
	case std.env(passwordEnv) != "":
		return checkPassword(std.env(passwordEnv), passwordEnv)
	case std.inFD >= 0:
		return prompt(ctx, std, fmt.Sprintf("Password for %s: ", whose))
	}
	return "", usage("no password: there is no terminal to ask on; use --password-file FILE, %s, or --no-credentials", passwordEnv)
}

func passwordFromFile(ctx context.Context, name string, in io.Reader) (string, error) {
	if name == "-" {
		return passwordIn(in, "standard input")
	}
	f, err := openNamed(ctx, name)
	if err != nil {
		return "", unusable("the password file cannot be read (%v)", err)
	}
	defer f.Close()
	return passwordIn(f, name)
}

// passwordIn reads the password that a file consists of.
func passwordIn(in io.Reader, name string) (string, error) {
	raw, err := io.ReadAll(io.LimitReader(in, 4*maxPassword))
	if err != nil {
		return "", unusable("the password file cannot be read (%v)", err)
	}
	text, err := decodeText(raw)
	if err != nil {
		return "", unusable("the password in %s is %v; save it as UTF-8", name, err)
	}
	// Exactly one line end: a password may end in a space, and an editor adds
	// one line end, not two.
	if t, ok := strings.CutSuffix(text, "\n"); ok {
		text = strings.TrimSuffix(t, "\r")
	}
	return checkPassword(text, name)
}

func checkPassword(text, source string) (string, error) {
	switch {
	case text == "":
		return "", unusable("the password in %s is empty", source)
	case len(text) > maxPassword:
		return "", unusable("the password in %s is longer than %d bytes; is it the right file?", source, maxPassword)
	case !utf8.ValidString(text):
		return "", unusable("the password in %s is not UTF-8", source)
	case strings.ContainsFunc(text, unicode.IsControl):
		return "", unusable("the password in %s holds a control character (a second line, a tab?), which no sign-in can carry; it was not sent", source)
	}
	return text, nil
}

// decodeText reads UTF-8, or UTF-16 with its byte order mark, as Windows
// PowerShell's > writes it.
func decodeText(raw []byte) (string, error) {
	var unit func([]byte) uint16
	switch {
	case bytes.HasPrefix(raw, []byte{0xff, 0xfe}):
		unit = func(b []byte) uint16 { return uint16(b[0]) | uint16(b[1])<<8 }
	case bytes.HasPrefix(raw, []byte{0xfe, 0xff}):
		unit = func(b []byte) uint16 { return uint16(b[1]) | uint16(b[0])<<8 }
	default:
		raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
		if !utf8.Valid(raw) {
			return "", errors.New("neither UTF-8 nor UTF-16 with a byte order mark")
		}
		return string(raw), nil
	}
	raw = raw[2:]
	if len(raw)%2 != 0 {
		return "", errors.New("UTF-16 that ends inside a character")
	}
	units := make([]uint16, 0, len(raw)/2)
	for i := 0; i < len(raw); i += 2 {
		units = append(units, unit(raw[i:]))
	}
	text := string(utf16.Decode(units))
	if strings.ContainsRune(text, unicode.ReplacementChar) {
		return "", errors.New("damaged UTF-16")
	}
	return text, nil
}

// prompt asks on the terminal without echo. Ctrl-C gives the terminal back.
func prompt(ctx context.Context, std stdio, question string) (string, error) {
	state, err := term.GetState(std.inFD)
	if err != nil {
		return "", usage("the terminal cannot be asked for the password (%v); use --password-file FILE", err)
	}
	fmt.Fprint(std.err, question)
	type answer struct {
		text []byte
		err  error
	}
	read := make(chan answer, 1)
	go func() {
		text, err := term.ReadPassword(std.inFD)
		read <- answer{text, err}
	}()
	select {
	case <-ctx.Done():
		_ = term.Restore(std.inFD, state)
		fmt.Fprintln(std.err)
		return "", usage("stopped at the password prompt; nothing was sent")
	case a := <-read:
		fmt.Fprintln(std.err)
		if a.err != nil {
			return "", usage("no password was entered (%v)", a.err)
		}
		return checkPassword(string(a.text), "the prompt")
	}
}
