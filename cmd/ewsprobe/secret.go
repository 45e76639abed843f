package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
	"github.com/zalando/go-keyring"
)

// keyringService is under what passwords lie in the credential store of the
// operating system (Windows Credential Manager, macOS Keychain, Secret Service).
const keyringService = "ewsprobe"

func secretCommand(std stdio) *cli.Command {
	account := func(c *cli.Context) (string, error) {
		name, err := oneArgument(c, "the account")
		if err != nil {
			return "", err
		}
		if strings.TrimSpace(name) == "" || strings.ContainsAny(name, ":\n\r") {
			return "", usage(`the account is given like --user of check: DOMAIN\user or user@domain`)
		}
		return name, nil
	}
	set := &cli.Command{
		Name: "set", Usage: "stores the password of an account", ArgsUsage: "ACCOUNT",
		Flags: []cli.Flag{&cli.StringFlag{Name: "password-file", Usage: "read the password from `FILE` (- for standard input); else EWSPROBE_PASSWORD, else a prompt"}},
		Action: func(c *cli.Context) error {
			name, err := account(c)
			if err != nil {
				return err
			}
			password, err := passwordFrom(c.Context, c, std, name)
			if err != nil {
				return err
			}
			_, err = inKeyring(c.Context, func() (string, error) { return "", keyring.Set(keyringService, keyringAccount(name), password) })
			if err != nil {
				return err
			}
			fmt.Fprintln(std.err, "ewsprobe: stored; `ewsprobe check --password-from-keyring --user ACCOUNT` uses it")
			return nil
		},
	}
	remove := &cli.Command{
		Name: "delete", Usage: "removes the password of an account", ArgsUsage: "ACCOUNT",
		Action: func(c *cli.Context) error {
			name, err := account(c)
			if err != nil {
				return err
			}
			_, err = inKeyring(c.Context, func() (string, error) { return "", keyring.Delete(keyringService, keyringAccount(name)) })
			return err
		},
	}
	for _, sub := range []*cli.Command{set, remove} {
		sub.OnUsageError, sub.HideHelpCommand = usageError, true
	}
	return &cli.Command{
		Name:  "secret",
		Usage: "keeps the password of an account in the credential store of the operating system",
		Description: `Windows Credential Manager, the Keychain of macOS, or the Secret Service of a Linux desktop. check
takes it from there with --password-from-keyring.`,
		Subcommands: []*cli.Command{set, remove},
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return usage("secret needs a command: `ewsprobe secret set ACCOUNT` or `ewsprobe secret delete ACCOUNT`")
			}
			return usage("%q is not a command of secret; there are set and delete", c.Args().First())
		},
	}
}

// keyringAccount: names of accounts have no case.
func keyringAccount(user string) string { return strings.ToLower(strings.TrimSpace(user)) }

// inKeyring asks the credential store, which may ask the user in turn; Ctrl-C
// ends the waiting.
func inKeyring(ctx context.Context, ask func() (string, error)) (string, error) {
	type reply struct {
		text string
		err  error
	}
	answer := make(chan reply, 1)
	go func() {
		text, err := ask()
		answer <- reply{text, err}
	}()
	select {
	case <-ctx.Done():
		return "", unusable("the credential store did not answer before the end")
	case r := <-answer:
		switch {
		case errors.Is(r.err, keyring.ErrNotFound):
			return "", unusable("the credential store has no password for this account; store it with `ewsprobe secret set ACCOUNT`")
		case errors.Is(r.err, keyring.ErrUnsupportedPlatform):
			return "", unusable("this operating system has no credential store that is known here; use --password-file")
		case r.err != nil:
			return "", unusable("the credential store cannot be used (%v); use --password-file", r.err)
		}
		return r.text, nil
	}
}

func passwordFromKeyring(ctx context.Context, user string) (string, error) {
	text, err := inKeyring(ctx, func() (string, error) { return keyring.Get(keyringService, keyringAccount(user)) })
	if err != nil {
		return "", err
	}
	return checkPassword(text, "the credential store")
}
