package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/probe/config"
)

func newApp(std stdio, args []string) *cli.App {
	own := allWords()["ewsprobe"]
	app := &cli.App{
		Name: "ewsprobe", Usage: own.usage, ArgsUsage: own.args, Description: strings.ReplaceAll(own.about, "\n", "\n\n"),
		CustomAppHelpTemplate: helpTemplate, Version: version(), EnableBashCompletion: true, HideHelpCommand: true,
		Writer: screen{std.out, std.width}, ErrWriter: std.err, Commands: commands(std, args), Action: noCommand,
		ExitErrHandler: func(*cli.Context, error) {}, // run decides
	}
	eachCommand(app.Commands, "", func(c *cli.Command, _ string) {
		c.HideHelpCommand = true
		c.CustomHelpTemplate = helpTemplate
		if keys := keysOf(c); c.Before == nil && keys != nil {
			c.Before = func(*cli.Context) error { return keys.Err() }
		}
	})
	return app
}

// eachCommand goes through commands and those below them, with their names in full.
func eachCommand(list []*cli.Command, above string, do func(c *cli.Command, path string)) {
	for _, c := range list {
		do(c, above+c.Name)
		eachCommand(c.Subcommands, above+c.Name+" ", do)
	}
}

// flagsOf makes the flags of a command of its keys, which take the values.
func flagsOf(keys *config.Keys) []cli.Flag {
	var flags []cli.Flag
	for _, k := range keys.List {
		flags = append(flags, keyFlag{&cli.GenericFlag{
			Name: k.Name, Category: k.Group, Usage: k.About(), Value: k, TakesFile: k.IsFile(), Hidden: k.Group != "" && !k.Common,
		}})
	}
	return flags
}

// keyFlag is the flag of a key.
type keyFlag struct{ *cli.GenericFlag }

// Names has the one name. The library asks for the names of all flags for each flag,
// and takes a regular expression to make them.
func (f keyFlag) Names() []string { return []string{f.Name} }

// keyOf is the key that a flag was made of; nil: it is one of the library's.
func keyOf(f cli.Flag) *config.Key {
	if g, ok := f.(keyFlag); ok {
		return g.Value.(*config.Key)
	}
	return nil
}

// keysOf are the keys that the flags of a command were made of, nil where it has none.
func keysOf(c *cli.Command) *config.Keys {
	if len(c.Flags) == 0 || keyOf(c.Flags[0]) == nil {
		return nil
	}
	return keyOf(c.Flags[0]).Keys
}

// arrange puts the flags of a command line in front of its arguments, where urfave/cli
// reads them. The error is what is wrong where a command has no flags.
func arrange(app *cli.App, args []string) ([]string, error) {
	if len(args) > 1 && args[1] == "help" {
		args = append(append(args[:1:1], args[2:]...), "--help")
	}
	c, n := &cli.Command{Subcommands: app.Commands}, 1
	for n < len(args) && c.Command(args[n]) != nil {
		c, n = c.Command(args[n]), n+1
	}
	path, rest := args[:n:n], args[n:]
	asks := func(word string) bool {
		at, end := slices.Index(rest, word), slices.Index(rest, "--")
		return at >= 0 && (end < 0 || at < end)
	}
	switch {
	case c.SkipFlagParsing, asks("--generate-bash-completion"):
		return args, nil
	case asks("--help-all"), asks("--help"), asks("-h"):
		if len(c.Subcommands) > 0 && !strings.HasPrefix(rest[0], "-") { // help for a command that there is not
			return args[:n+1], nil
		}
		if asks("--help-all") {
			showAll(c)
		}
		return append(path, "--help"), nil
	case len(c.Subcommands) > 0 && (len(rest) == 0 || !strings.HasPrefix(rest[0], "-")), n == 1 && (rest[0] == "--version" || rest[0] == "-v"):
		return args, nil
	}
	if keys := keysOf(c); keys != nil {
		return append(path, keys.Arrange(rest)...), nil
	}
	if i := slices.IndexFunc(rest, func(a string) bool { return n == 1 && c.Command(a) != nil }); i > 0 {
		first, _, _ := strings.Cut(strings.TrimLeft(rest[0], "-"), "=")
		if keys := keysOf(c.Command(rest[i])); keys != nil && keys.Find(first) != nil {
			return args, usage("flags stand behind the command; begin with `ewsprobe %s`", rest[i])
		}
	}
	keys := config.KeysOf(nil, strings.Join(path[1:], " "))
	return append(path, keys.Arrange(rest)...), keys.Err()
}

// noCommand is run where a command was named that is none, or none at all.
func noCommand(c *cli.Context) error {
	var names []string
	for _, s := range c.Command.VisibleCommands() {
		names = append(names, s.Name)
	}
	path, word := c.Command.HelpName, c.Args().First()
	switch top := path == c.App.Name; {
	case c.NArg() == 0 && top:
		return usage("no command was given; start with `ewsprobe check HOST`, or see `ewsprobe --help`")
	case c.NArg() == 0:
		return usage("%s needs a command: %s; see `%s --help`", c.Command.Name, config.OneOf(names, "or"), path)
	case !top:
		return usage("%q is not a command of %s; use %s", word, c.Command.Name, config.OneOf(names, "or"))
	default:
		if meant := map[string]string{
			"guide": "explain", "guides": "explain", "redact": "diagnose --redact FILE.json", "watch": "check --watch HOST",
			"validate": "agent validate --config FILE", "/?": "--help",
		}[word]; meant != "" {
			return usage("%q is not a command; use `ewsprobe %s`", word, meant)
		}
		if near := config.Nearest(word, names); near != "" {
			return usage("%q is not a command; did you mean `ewsprobe %s`?", word, near)
		}
		return usage("%q is not a command; to check a server: `ewsprobe check HOST`; all commands: `ewsprobe --help`", word)
	}
}

// examining is a command with the settings of a check, from flags and variables.
func examining(name string, std stdio, do func(*cli.Context, *config.Settings, stdio) error) *cli.Command {
	s := config.New(name, version())
	return &cli.Command{
		Name: name, Flags: flagsOf(s.Keys), Action: func(c *cli.Context) error { return do(c, s, std) },
		Before: func(*cli.Context) error {
			s.Keys.Variables(std.env) // behind the flags
			return nil
		},
	}
}

// command is one by its name in full, with the flags that the fields of a struct are.
func command(path string, flags any, do cli.ActionFunc) *cli.Command {
	c := &cli.Command{Name: path[strings.LastIndexByte(path, ' ')+1:], Action: do}
	if flags != nil {
		c.Flags = flagsOf(config.KeysOf(flags, path))
	}
	return c
}

// bare is a command without arguments; hint is what to give instead.
func bare(path string, flags any, hint string, do func(context.Context) error) *cli.Command {
	return command(path, flags, func(c *cli.Context) error {
		if err := none(c, hint); err != nil {
			return err
		}
		return do(c.Context)
	})
}

// printing is a command without arguments that prints what made gives.
func printing(std stdio, path string, flags any, made func(*cli.Context) ([]byte, error)) *cli.Command {
	return command(path, flags, func(c *cli.Context) error {
		if err := none(c, ""); err != nil {
			return err
		}
		out, err := made(c)
		_, _ = std.out.Write(out) // run says so where it fails
		return err
	})
}

// one is the only argument of a command.
func one(c *cli.Context, what string) (string, error) {
	switch n := c.NArg(); {
	case n == 0:
		return "", usage("%s is missing; see `%s --help`", what, c.Command.HelpName)
	case n == 1 && c.Args().First() == "":
		return "", usage("%s is empty, as of a variable without a value; see `%s --help`", what, c.Command.HelpName)
	case n == 1:
		return c.Args().First(), nil
	}
	if keys := keysOf(c.Command); keys != nil && keys.Lost() {
		return c.Args().First(), nil
	}
	return "", usage("only one %s is allowed; remove the second argument, or put quotes around a name with blanks", what)
}

// none refuses arguments where there are none.
func none(c *cli.Context, hint string) error {
	if c.NArg() > 0 {
		return usage("%s takes no argument%s", c.Command.Name, hint)
	}
	return nil
}

// refusalOf is the error of a command as the one line and the code that it is told
// with.
func refusalOf(err error) *refusal {
	var why *refusal
	if errors.As(err, &why) {
		return why
	}
	if p, ok := config.Join(err).(config.Problems); ok && p.Invalid() {
		return &refusal{code: "config-invalid", text: err.Error()}
	}
	return &refusal{code: "bad-usage", text: err.Error()}
}
