package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/probe/config"
)

// command is one of the program's commands. Of it are made the help, the manual page
// and the completion.
type command struct {
	name, usage string
	args        string // what follows the flags, for the help
	about       string
	examples    []example
	exits       string           // what its exit code says
	keys        *config.Keys     // its flags; nil: none
	settings    *config.Settings // whose keys they are, where they are those of check: variables give them too
	words       bool             // its arguments are text, which may begin with a dash
	hidden      bool
	subs        []*command
	run         func(*call) error
}

// example is a command line and what it is for.
type example struct{ purpose, line string }

// call is one use of a command.
type call struct {
	*command
	ctx  context.Context
	path string // the command as it is called
	args []string
	all  []*command
}

// dispatch finds the command that the arguments name and runs it.
func dispatch(ctx context.Context, all []*command, args []string, std stdio) error {
	c := &call{command: &command{name: "ewsprobe", subs: all}, ctx: ctx, path: "ewsprobe", all: all}
	asksHelp := len(args) > 0 && args[0] == "help"
	if asksHelp {
		args = args[1:]
	}
	for len(c.subs) > 0 && len(args) > 0 {
		sub := find(c.subs, args[0])
		if sub == nil {
			break
		}
		c.command, c.path, args = sub, c.path+" "+sub.name, args[1:]
	}
	switch {
	case asksHelp, wantsHelp(args, "--help", "-h", "--help-all") && !c.hidden:
		printHelp(c, std, wantsHelp(args, "--help-all"))
		return nil
	case wantsHelp(args, "--generate-bash-completion"): // as the scripts of an earlier version ask
		candidates, _ := complete(all, strings.Fields(c.path)[1:], map[bool]string{true: "-"}[slices.Contains(args, "-")])
		for _, k := range candidates {
			fmt.Fprintln(std.out, k.word)
		}
		return nil
	case len(c.subs) > 0:
		return c.noCommand(args, std)
	}
	if c.keys == nil {
		c.keys = config.KeysOf(nil, c.name)
	}
	switch {
	case c.hidden:
		c.args = args
	case c.words:
		c.args = c.keys.FlagsAmongWords(args)
	default:
		c.args = c.keys.Flags(args)
	}
	if c.settings != nil {
		c.keys.Variables(std.env)
	} else if err := c.keys.Err(); err != nil {
		return err
	}
	return c.run(c)
}

// noCommand: a command was named that is none, or none at all.
func (c *call) noCommand(args []string, std stdio) error {
	names := make([]string, len(c.subs))
	for i, s := range c.subs {
		names[i] = s.name
	}
	switch top := len(c.all) > 0 && c.path == "ewsprobe"; {
	case top && len(args) > 0 && (args[0] == "--version" || args[0] == "-v"):
		fmt.Fprintf(std.out, "ewsprobe version %s\n", version())
		return nil
	case len(args) == 0 && top:
		return usage("no command was given; begin with `ewsprobe check HOST`, or see `ewsprobe --help`")
	case len(args) == 0:
		arg := " " + c.subs[0].args
		return usage("%s needs a command: `%s %s`", c.name, c.path, strings.Join(names, arg+"` or `"+c.path+" ")+arg)
	case strings.HasPrefix(args[0], "-"):
		return usage("there is no flag --%s here; see `%s --help`", strings.TrimLeft(args[0], "-"), c.path)
	case !top:
		return usage("%q is not a command of %s; there are %s", args[0], c.name, config.OneOf(names, "and"))
	default:
		if near := config.Nearest(args[0], names); near != "" {
			return usage("%q is not a command; did you mean `ewsprobe %s`? See `ewsprobe --help`", args[0], near)
		}
		return usage("%q is not a command; see `ewsprobe --help` (to check a server: `ewsprobe check HOST`)", args[0])
	}
}

func find(among []*command, name string) *command {
	for _, c := range among {
		if c.name == name {
			return c
		}
	}
	return nil
}

// wantsHelp says whether one of the words is among the arguments in front of --.
func wantsHelp(args []string, words ...string) bool {
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end]
	}
	return slices.ContainsFunc(args, func(a string) bool { return slices.Contains(words, a) })
}

// one is the only argument of a command.
func (c *call) one(what string) (string, error) {
	switch len(c.args) {
	case 0:
		return "", usage("%s is missing; see `%s --help`", what, c.path)
	case 1:
		return c.args[0], nil
	}
	return "", usage("only one %s is allowed; what follows the first is one too many", what)
}

// none refuses arguments where there are none.
func (c *call) none(hint string) error {
	if len(c.args) > 0 {
		return usage("%s takes no argument%s", c.name, hint)
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
	var problems config.Problems
	if errors.As(err, &problems) && problems.Invalid() {
		return &refusal{code: "config-invalid", text: err.Error()}
	}
	return &refusal{code: "bad-usage", text: err.Error()}
}
