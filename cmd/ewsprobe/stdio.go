package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mitchellh/go-wordwrap"
	"golang.org/x/term"

	"github.com/ewsprobe/ewsprobe/probe/config"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// What a user, a script and a pipe may rely on:
//
//   - standard output carries the result and nothing else; with --format json
//     it is one JSON object, also when the run was refused;
//   - everything else (errors, -v, prompts) goes to standard error, errors as
//     one line "ewsprobe: what is wrong; how to fix it";
//   - colour only on a terminal, and not with NO_COLOR or TERM=dumb;
//   - the exit code is the verdict's: 0 ok, 1 warning, 2 critical, 3 unknown.
//
// Only this package prints and only main exits.

// stdio is where a command reads and writes.
type stdio struct {
	in       io.Reader
	out, err io.Writer
	inFD     int // file descriptor of a terminal to prompt on; -1 none
	outTerm  bool
	errTerm  bool
	width    int
	env      func(string) string
	hide     func(string) string // takes the names out of an error's line; nil shows them
}

func processIO() stdio {
	s := stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr, inFD: -1, env: os.Getenv}
	if fd := int(os.Stdin.Fd()); term.IsTerminal(fd) {
		s.inFD = fd
	}
	if fd := int(os.Stdout.Fd()); term.IsTerminal(fd) {
		s.outTerm = true
		if w, _, err := term.GetSize(fd); err == nil {
			s.width = w
		}
	}
	s.errTerm = term.IsTerminal(int(os.Stderr.Fd()))
	return s
}

// printer is standard output, which remembers that something was not taken: whatever a
// command found, what nobody can read is not there.
type printer struct {
	to  io.Writer
	err error
}

func (p *printer) Write(b []byte) (int, error) {
	n, err := p.to.Write(b)
	if p.err == nil {
		p.err = err
	}
	return n, err
}

// Sync makes what was written survive a power cut, where it goes to a file.
func (p *printer) Sync() {
	if f, ok := p.to.(*os.File); ok {
		_ = f.Sync() // a pipe has nothing to sync
	}
}

// unwritten says whether an error is that standard output takes nothing.
func (s stdio) unwritten(err error) bool {
	p, ok := s.out.(*printer)
	return ok && p.err != nil && errors.Is(err, p.err)
}

// columns is how wide text on standard output may be: as the terminal, within what is
// easy to read.
func (s stdio) columns() int {
	return cmp.Or(s.style().Width, 80)
}

// log prints lines of the log, on a terminal wrapped behind the step's number.
func (s stdio) log(text string) {
	const indent = "     "
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		if s.errTerm {
			line = strings.ReplaceAll(wordwrap.WrapString(line, uint(max(s.errColumns()-len(indent)-1, 20))), "\n", "\n"+indent)
		}
		fmt.Fprintln(s.err, line)
	}
}

// errColumns is the width of the terminal that standard error is.
func (s stdio) errColumns() int {
	if w, _, err := term.GetSize(int(os.Stderr.Fd())); err == nil && w > 0 {
		return w
	}
	return 80
}

// style is how text is laid out on standard output.
func (s stdio) style() report.Style {
	return report.Style{
		Width: min(s.width, 120), Zone: time.Local,
		Colour: s.outTerm && s.env("NO_COLOR") == "" && s.env("TERM") != "dumb" && enableColour(),
	}
}

// complain prints the one line of an error.
func (s stdio) complain(err error) {
	text := err.Error()
	if s.hide != nil {
		text = s.hide(text)
	}
	fmt.Fprintf(s.err, "ewsprobe: %s\n", oneLine(text))
}

// note prints what the user should know.
func (s stdio) note(text string) { fmt.Fprintln(s.err, "ewsprobe: "+text) }

// streams are standard input and output themselves.
func (s stdio) streams() config.Streams {
	std := config.Streams{In: s.in, Out: s.out}
	if l, ok := s.in.(*config.CancelableReader); ok {
		std.In = l.Unwrap()
	}
	if p, ok := s.out.(*printer); ok {
		std.Out = p.to
	}
	return std
}

func oneLine(text string) string {
	return strings.Join(strings.Fields(text), " ")
}
