package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"github.com/zalando/go-keyring"
	"golang.org/x/term"

	"github.com/ewsprobe/ewsprobe/probe/config"
)

// keyringService is under what passwords lie in the credential store of the
// operating system (Windows Credential Manager, macOS Keychain, Secret Service).
const keyringService = "ewsprobe"

type secretFlags struct {
	PasswordFile string `value:"FILE" help:"read the password from FILE (-: standard input); else EWSPROBE_PASSWORD, else a prompt"`
}

func secretCommand(std stdio) *cli.Command {
	about := func(name string, flags any, do func(ctx context.Context, account string) error) *cli.Command {
		return command("secret "+name, flags, func(c *cli.Context) error {
			account, err := one(c, "the account")
			if err != nil {
				return err
			}
			if strings.TrimSpace(account) == "" || strings.ContainsAny(account, ":\n\r") {
				return usage(`ACCOUNT is not a user name; give DOMAIN\user or user@domain, as with --user`)
			}
			return do(c.Context, account)
		})
	}
	f := &secretFlags{}
	set := about("set", f, func(ctx context.Context, account string) error {
		password, err := std.passwords().Read(ctx, f.PasswordFile, account)
		if err != nil {
			return err
		}
		_, err = inKeyring(ctx, keyringPatience, func() (string, error) {
			return "", keyring.Set(keyringService, keyringAccount(account), password)
		})
		if err == nil {
			std.note("stored; `ewsprobe check --password-from-keyring --user ACCOUNT` uses it")
		}
		return err
	})
	remove := about("delete", nil, func(ctx context.Context, account string) error {
		_, err := inKeyring(ctx, keyringPatience, func() (string, error) {
			return "", keyring.Delete(keyringService, keyringAccount(account))
		})
		return err
	})
	return &cli.Command{Name: "secret", Action: noCommand, Subcommands: []*cli.Command{set, remove}}
}

// keyringAccount: names of accounts have no case.
func keyringAccount(user string) string { return strings.ToLower(strings.TrimSpace(user)) }

// keyringPatience is for how long the credential store is waited for: long
// enough for a person to unlock it, and an end where nobody is there.
const keyringPatience = time.Minute

// inKeyring asks the credential store, which may ask the user in turn. Ctrl-C
// ends the waiting, and so does patience.
func inKeyring(ctx context.Context, patience time.Duration, ask func() (string, error)) (string, error) {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	text, err := config.Await(limited, ask)
	switch {
	case ctx.Err() != nil:
		return "", unusable("stopped while waiting for the credential store; nothing was sent")
	case limited.Err() != nil:
		return "", unusable("the credential store did not answer within %s; unlock it, or use --password-file",
			patience)
	case err != nil:
		return "", keyringTrouble(err)
	}
	return text, nil
}

// keyringTrouble says what a failure of the credential store means. Its
// libraries have no errors of their own for most of them.
func keyringTrouble(err error) error {
	var noProgram *exec.Error
	switch text := err.Error(); {
	case errors.Is(err, keyring.ErrNotFound):
		return unusable("the credential store has no password for this account; store it with `ewsprobe secret set ACCOUNT`")
	case errors.Is(err, keyring.ErrUnsupportedPlatform):
		return unusable("no credential store is supported on this operating system; use --password-file")
	case errors.As(err, &noProgram), strings.Contains(text, "org.freedesktop.secrets was not provided"):
		return unusable("no credential store is running for this user: it needs a desktop session, " +
			"which ssh, cron and services do not have; use --password-file")
	case strings.Contains(text, "failed to unlock"):
		return unusable("the credential store is locked or not set up; " +
			"unlock it on the desktop, or use --password-file")
	default:
		return unusable("the credential store cannot be used (%v); use --password-file", err)
	}
}

func passwordFromKeyring(ctx context.Context, user string) (string, error) {
	text, err := inKeyring(ctx, keyringPatience, func() (string, error) { return keyring.Get(keyringService, keyringAccount(user)) })
	if err != nil {
		return "", err
	}
	if err := config.CheckPassword(text); err != nil {
		return "", unusable("the password in the credential store %v", err)
	}
	return text, nil
}

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
	text, err := config.Await(ctx, func() ([]byte, error) { return term.ReadPassword(s.inFD) })
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
