package main

import (
	"context"
	"fmt"

	"golang.org/x/term"

	"github.com/ewsprobe/ewsprobe/probe/config"
)

// passwords are where a password may come from.
func (s stdio) passwords() config.PasswordSources {
	from := config.PasswordSources{Env: s.env, Stdin: s.in, Keyring: passwordFromKeyring, Note: s.note}
	if s.inFD >= 0 {
		from.Prompt = s.prompt
	}
	return from
}

// prompt asks on the terminal without echo. Ctrl-C gives the terminal back.
func (s stdio) prompt(ctx context.Context, question string) (string, error) {
	state, err := term.GetState(s.inFD)
	if err != nil {
		return "", usage("the password cannot be asked for on this terminal; use --password-file FILE")
	}
	fmt.Fprint(s.err, question)
	text, err := answerTo(ctx, func() ([]byte, error) { return term.ReadPassword(s.inFD) })
	if ctx.Err() != nil {
		_ = term.Restore(s.inFD, state)
	}
	fmt.Fprintln(s.err)
	switch {
	case ctx.Err() != nil:
		return "", usage("stopped at the password prompt; nothing was sent")
	case err != nil:
		return "", usage("no password was entered (%v)", err)
	}
	return string(text), nil
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
