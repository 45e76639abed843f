package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/config"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// refusal is why a command does not run: its code, what is wrong and how to
// fix it. Nothing was sent.
type refusal struct {
	code finding.Code
	text string
}

func (r *refusal) Error() string { return r.text }

// usage refuses a wrong command line, format being what and how to fix it.
func usage(format string, args ...any) error { return config.Usage(format, args...) }

// unusable refuses a file.
func unusable(format string, args ...any) error { return config.Unusable(format, args...) }

// exit is a command's exit code on its way to main.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// run is the program: arguments in, exit code out.
func run(ctx context.Context, args []string, std stdio) int {
	if std.in != nil {
		std.in = config.NewCancelableReader(ctx, std.in)
	}
	printed := &printer{to: std.out}
	std.out = printed
	code := runApp(ctx, args, std)
	if printed.err != nil {
		std.complain(fmt.Errorf("the output could not be written (%s)", config.Reason(printed.err)))
		return finding.Unknown.ExitCode()
	}
	return code
}

// runApp is run without its look at whether standard output took everything.
func runApp(ctx context.Context, args []string, std stdio) int {
	app := newApp(std, args)
	line, err := arrange(app, append([]string{app.Name}, args[min(1, len(args)):]...))
	if err == nil {
		err = app.RunContext(ctx, line)
	}
	var code exit
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	case std.unwritten(err):
		return finding.Unknown.ExitCode() // run says so
	}
	why := refusalOf(err)
	std.complain(why)
	// Whoever reads it by a program finds the refusal where the report would be.
	if f, _ := report.FindFormat(formatAsked(args, std)); f.Parsed {
		r := report.Refused(why.code, evidence.Target{}, oneLine(why.text), version(), time.Now())
		out, err := f.Report(r, report.Style{})
		if err == nil && f.Name == report.FormatJSON && len(args) > 1 && args[1] == "batch" {
			out, err = evidence.Encode(r) // on one line, as its results are, which may be appended to
			out = append(out, '\n')
		}
		if err == nil {
			std.out.Write(out)
		}
	}
	return finding.Unknown.ExitCode()
}

// formatAsked looks for --format in a command line that may be too broken to be
// parsed, and for its variable.
func formatAsked(args []string, std stdio) string {
	for i, a := range args {
		if name, value, ok := strings.Cut(strings.TrimLeft(a, "-"), "="); strings.HasPrefix(a, "-") && name == "format" {
			if !ok && i+1 < len(args) {
				value = args[i+1]
			}
			return value
		}
	}
	if len(args) > 1 && slices.Contains([]string{"check", "batch", "diagnose"}, args[1]) {
		return std.env("EWSPROBE_FORMAT")
	}
	return report.FormatText
}

// commands are all of the program's, in the order in which the help lists them. What
// is not run by args has no flags where these are a hundred.
func commands(std stdio, args []string) []*cli.Command {
	examining := func(name string, do func(*cli.Context, *config.Settings, stdio) error) *cli.Command {
		if len(args) > 1 && args[1] != name && slices.Contains([]string{"check", "batch", "dynamics", "diagnose", "version"}, args[1]) {
			return &cli.Command{Name: name}
		}
		return examining(name, std, do)
	}
	list := []*cli.Command{
		examining("check", check), examining("batch", runBatch), agentCommand(std), examining("dynamics", readEnvironment),
		mergeCommand(std), examining("diagnose", diagnose), diffCommand(std), explainCommand(std),
		simulateCommand(std), demoCommand(std), schemaCommand(std), secretCommand(std), versionCommand(std), manCommand(std),
		completionCommand(std), completeCommand(std),
	}
	all := allWords()
	eachCommand(list, "", func(c *cli.Command, path string) {
		w := all[path]
		c.Usage, c.ArgsUsage, c.Description, c.UsageText = w.usage, w.args, w.about, w.examples
	})
	return list
}
