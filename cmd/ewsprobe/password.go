package main

import (
	"context"
	"fmt"
	"io"

	"golang.org/x/term"

	"github.com/ewsprobe/ewsprobe/probe/config"
)

const passwordEnv = "EWSPROBE_PASSWORD"

// readPassword takes the password from the first source that was named: the
// credential store, the file, the environment, a prompt.
func readPassword(ctx context.Context, s *config.Settings, std stdio) (string, error) {
	if s.Secret != nil && s.PasswordFile == "" && !s.PasswordFromKeyring {
		return s.Secret(ctx)
	}
	if s.PasswordFromKeyring {
		return passwordFromKeyring(ctx, s.User)
	}
	whose := s.User
	if s.Redact {
		whose = "the account"
	}
	return passwordFrom(ctx, s.PasswordFile, std, whose)
}

// passwordFrom takes it from a file, the environment or a prompt.
func passwordFrom(ctx context.Context, file string, std stdio, whose string) (string, error) {
	switch {
	case file == "-":
		return passwordIn(std.in, "standard input", std)
	case file != "":
		f, err := config.Open(ctx, file)
		if err != nil {
			return "", unusable("--password-file %s cannot be read (%s)", file, config.Reason(err))
		}
		defer f.Close()
		return passwordIn(f, file, std)
	case std.env(passwordEnv) != "":
		return usablePassword(std.env(passwordEnv), passwordEnv, std)
	case std.inFD >= 0:
		return prompt(ctx, std, fmt.Sprintf("Password for %s: ", whose))
	}
	return "", usage("no password: there is no terminal to ask on; use --password-file FILE, %s, or --no-credentials", passwordEnv)
}

// passwordIn reads the password that a file consists of.
func passwordIn(in io.Reader, name string, std stdio) (string, error) {
	text, err := config.ReadPassword(in)
	if err != nil {
		return "", unusable("the password in %s %v", name, err)
	}
	return usablePassword(text, name, std)
}

// usablePassword refuses a password that no sign-in can carry, and says where one has
// blanks around it: that is allowed, and mostly a slip.
func usablePassword(text, source string, std stdio) (string, error) {
	if err := config.CheckPassword(text); err != nil {
		return "", unusable("the password in %s %v", source, err)
	}
	if config.Blanks(text) {
		fmt.Fprintf(std.err, "ewsprobe: the password in %s begins or ends with a blank, which is sent too\n", source)
	}
	return text, nil
}

// prompt asks on the terminal without echo. Ctrl-C gives the terminal back.
func prompt(ctx context.Context, std stdio, question string) (string, error) {
	state, err := term.GetState(std.inFD)
	if err != nil {
		return "", usage("the password cannot be asked for on this terminal; use --password-file FILE")
	}
	fmt.Fprint(std.err, question)
	text, err := answerTo(ctx, func() ([]byte, error) { return term.ReadPassword(std.inFD) })
	if ctx.Err() != nil {
		_ = term.Restore(std.inFD, state)
	}
	fmt.Fprintln(std.err)
	switch {
	case ctx.Err() != nil:
		return "", usage("stopped at the password prompt; nothing was sent")
	case err != nil:
		return "", usage("no password was entered (%v)", err)
	}
	return usablePassword(string(text), "the prompt", std)
}

// answerTo waits for an answer, or until ctx ends; who is asked is left behind then.
func answerTo[T any](ctx context.Context, ask func() (T, error)) (T, error) {
	type reply struct {
		answer T
		err    error
	}
	came := make(chan reply, 1)
	go func() {
		answer, err := ask()
		came <- reply{answer, err}
	}()
	select {
	case <-ctx.Done():
		return *new(T), ctx.Err()
	case r := <-came:
		return r.answer, r.err
	}
}
