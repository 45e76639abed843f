package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// release is the version of a build that carries none of its own.
const release = "0.1.0"

// version is the module version that the Go tool stamped into the binary, or
// the release being worked on.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && strings.HasPrefix(info.Main.Version, "v") {
		return strings.TrimPrefix(info.Main.Version, "v")
	}
	return release
}

// refusal is why a command does not run: its code, what is wrong and how to
// mend it. Nothing was sent.
type refusal struct {
	code finding.Code
	text string
}

func (r *refusal) Error() string { return r.text }

// usage refuses a wrong command line, format being what and how to mend it.
func usage(format string, args ...any) error {
	return &refusal{code: "bad-usage", text: fmt.Sprintf(format, args...)}
}

// unusable refuses a file.
func unusable(format string, args ...any) error {
	return &refusal{code: "config-invalid", text: fmt.Sprintf(format, args...)}
}

// exit is a command's exit code on its way to main.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// run is the program: arguments in, exit code out.
func run(ctx context.Context, args []string, std stdio) int {
	if std.in != nil {
		std.in = &leaving{ctx: ctx, in: std.in}
	}
	err := newApp(std).RunContext(ctx, args)
	var code exit
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	why := &refusal{code: "bad-usage"}
	if !errors.As(err, &why) {
		why = &refusal{code: "bad-usage", text: err.Error()}
	}
	std.complain(why)
	// Whoever reads it by a program finds the refusal where the report would be.
	if f, _ := report.FindFormat(formatAsked(args)); f.Parsed {
		r := report.Refused(why.code, evidence.Target{}, oneLine(why.text), version(), time.Now())
		out, err := f.Report(r, report.Style{})
		if err == nil && f.Name == report.FormatJSON && len(args) > 1 && args[1] == "batch" {
			out, err = oneObjectPerLine(out) // as its results are, which may be appended to
		}
		if err == nil {
			std.out.Write(out)
		}
	}
	return finding.Unknown.ExitCode()
}

func oneObjectPerLine(object []byte) ([]byte, error) {
	var b bytes.Buffer
	if err := json.Compact(&b, object); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// formatAsked looks for --format in a command line that may be too broken to be
// parsed.
func formatAsked(args []string) string {
	for i, a := range args {
		if name, value, ok := strings.Cut(strings.TrimLeft(a, "-"), "="); strings.HasPrefix(a, "-") && name == "format" {
			if !ok && i+1 < len(args) {
				value = args[i+1]
			}
			return value
		}
	}
	return report.FormatText
}

func newApp(std stdio) *cli.App {
	app := &cli.App{
		Name:                      "ewsprobe",
		Usage:                     "says why Dynamics 365 gets a 401 from Exchange Web Services",
		UsageText:                 "ewsprobe check --user svc-crm@contoso.com mail.contoso.com\n\nRun `ewsprobe demo` to see it work without a server, and `ewsprobe explain` for what the verdicts mean.",
		Description:               purpose,
		CustomAppHelpTemplate:     cli.AppHelpTemplate + "\n" + surroundings(),
		Version:                   version(),
		EnableBashCompletion:      true,
		DisableSliceFlagSeparator: true, // a comma is part of a value
		Reader:                    std.in,
		Writer:                    std.out,
		ErrWriter:                 std.err,
		ExitErrHandler:            func(*cli.Context, error) {}, // run decides
		OnUsageError:              usageError,
		Commands: []*cli.Command{
			checkCommand(std), batchCommand(std), mergeCommand(std), diagnoseCommand(std), diffCommand(std), explainCommand(std), simulateCommand(std),
			demoCommand(std), schemaCommand(std), secretCommand(std), versionCommand(std), manCommand(std), completionCommand(std), completeCommand(std),
		},
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return usage("no command was given; begin with `ewsprobe check HOST`, or see `ewsprobe --help`")
			}
			return usage("%q is not a command; see `ewsprobe --help` (to check a server: `ewsprobe check %s`)", c.Args().First(), "HOST")
		},
	}
	for _, c := range app.Commands {
		c.OnUsageError = usageError
		c.HideHelpCommand = true
	}
	return app
}

// usageError turns the flag package's words into one line. (Without it cli
// prints the whole help on standard output.)
func usageError(c *cli.Context, err error, _ bool) error {
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		name = strings.TrimLeft(name, "-")
		if slices.Contains([]string{"password", "pass", "pw", "p"}, name) {
			return usage("no flag takes the password, because process lists are public; use --password-file FILE, EWSPROBE_PASSWORD or the prompt")
		}
		return usage("there is no flag --%s here; see `%s --help`", name, strings.TrimSpace(c.Command.HelpName))
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		return usage("--%s needs a value", strings.TrimLeft(name, "-"))
	}
	if _, rest, ok := strings.Cut(text, "for flag -"); ok {
		if name, _, _ := strings.Cut(rest, ":"); strings.HasPrefix(name, "timeout") {
			return usage("--%s needs a number with its unit, like 30s or 2m", name)
		}
	}
	return usage("%s; see `%s --help`", text, strings.TrimSpace(c.Command.HelpName))
}

// oneArgument returns the only argument of a command. Flags come before it:
// what follows is not parsed.
func oneArgument(c *cli.Context, what string) (string, error) {
	switch c.NArg() {
	case 0:
		return "", usage("%s is missing; see `%s --help`", what, c.Command.HelpName)
	case 1:
		return c.Args().First(), nil
	}
	second := c.Args().Get(1)
	if strings.HasPrefix(second, "-") {
		name, _, _ := strings.Cut(second, "=")
		return "", usage("flags come before %s: move %s in front of it", what, name)
	}
	return "", usage("only one %s is allowed, and flags come before it; what follows the first is one too many", what)
}

func versionCommand(std stdio) *cli.Command {
	return &cli.Command{
		Name: "version", Usage: "prints the version",
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usage("version takes no argument")
			}
			goVersion := ""
			if info, ok := debug.ReadBuildInfo(); ok {
				goVersion = " (" + info.GoVersion + ")"
			}
			fmt.Fprintf(std.out, "ewsprobe %s%s\n", version(), goVersion)
			return nil
		},
	}
}
