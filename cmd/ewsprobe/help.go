package main

import (
	"cmp"
	_ "embed"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"github.com/mitchellh/go-wordwrap"
	"github.com/urfave/cli/v2"
)

// purpose is what the program is for, in --help and in the manual page.
const (
	tagline = "says why Dynamics 365 gets a 401 from Exchange Web Services"
	purpose = `When Dynamics 365 server-side synchronization reports "Http server returned 401 Unauthorized exception", six causes are ` +
		`possible (KB 3212785) and Dynamics does not say which. ewsprobe talks to Exchange Web Services the way Dynamics does and says ` +
		`which cause it is, how sure it is, what proves it and which command fixes it. Every logon is counted before it is sent, so that ` +
		`looking does not lock the account.`
	start = "Run `ewsprobe demo` to see it work without a server, and `ewsprobe explain` for what the verdicts mean."
)

// helpTerm is a word and what it means.
type helpTerm struct{ name, what string }

// environment and filesKept are what outside the command line the program heeds.
func environment() []helpTerm {
	return []helpTerm{
		{passwordEnv, "the password, where neither --password-file nor --password-from-keyring is given"},
		{"EWSPROBE_...", "any flag of check, batch and diagnose: its name in capitals, with _ for - (EWSPROBE_CA_FILE); a flag wins"},
		{"NO_COLOR", "if set, no colour; nor is there any with TERM=dumb, or where the output is no terminal"},
		{"XDG_STATE_HOME", "where refused logons are counted, see FILES (Windows: LOCALAPPDATA)"},
		{"KRB5_CONFIG", "which krb5.conf is read"},
		{"HTTPS_PROXY, NO_PROXY", "the proxy of look-ups outside the network (--cloud and the like); EWS is reached directly, or by --proxy"},
	}
}

func filesKept() []helpTerm {
	return []helpTerm{
		{
			"~/.local/state/ewsprobe/",
			"which logons were refused or got no answer, for 60 minutes: values that give no password back. " +
				"$XDG_STATE_HOME/ewsprobe/ if that is set; %LOCALAPPDATA%\\ewsprobe on Windows",
		},
		{"/etc/krb5.conf", "realms and their domain controllers, for Kerberos"},
	}
}

// helpTemplate is the help of the program and of each command.
//
//go:embed help.txt
var helpTemplate string

// screen is where help is printed, and how wide that is.
type screen struct {
	io.Writer
	width int
}

func init() { cli.HelpPrinter = printHelp }

// printHelp wraps the help to the terminal, within what is easy to read.
func printHelp(w io.Writer, template string, of any) {
	width := 80
	if s, ok := w.(screen); ok && s.width > 0 {
		width = min(max(s.width, 40), 120)
	}
	cli.HelpPrinterCustom(w, template, of, map[string]any{
		"wrapAt": func() int { return width }, "terms": func(rows []helpTerm, most int) string { return table(rows, most, width) },
		"synopsis": synopsis, "groups": groups, "commands": commandTerms, "environment": environment, "files": filesKept,
		"upper": strings.ToUpper, "examples": func(text string) string { return inShell(text, width-3, runtime.GOOS == "windows") },
	})
}

// table has what a term means behind it, or below it where it is longer than most.
func table(rows []helpTerm, most, width int) string {
	column := 0
	for _, r := range rows {
		if len(r.name) <= most {
			column = max(column, len(r.name))
		}
	}
	if width-column < 45 {
		column = 0
	}
	var lines []string
	for _, r := range rows {
		name := r.name
		if len(name) > column {
			lines, name = append(lines, "   "+name), ""
		}
		for line := range strings.SplitSeq(wordwrap.WrapString(r.what, uint(width-column-5)), "\n") {
			lines = append(lines, strings.TrimRight(fmt.Sprintf("   %-*s  %s", column, name, line), " "))
			name = ""
		}
	}
	return strings.Join(lines, "\n")
}

// flagGroup is a part of the flags of a command.
type flagGroup struct {
	Title string
	Part  bool // there are more flags than these
	Flags []helpTerm
}

// groups are the flags of a command in groups, or those that are used most and no
// others, until showAll.
func groups(flags []cli.Flag) (list []flagGroup) {
	part := slices.ContainsFunc(flags, hidden)
	for _, f := range flags {
		k := keyOf(f)
		if k == nil || hidden(f) {
			continue
		}
		title := cmp.Or(k.Group, "Flags")
		if part {
			title = "Common flags"
		}
		if len(list) == 0 || list[len(list)-1].Title != title {
			list = append(list, flagGroup{Title: title, Part: part})
		}
		last := &list[len(list)-1]
		last.Flags = append(last.Flags, helpTerm{strings.TrimSpace(k.Flag() + " " + k.Value()), k.About()})
	}
	return list
}

func hidden(f cli.Flag) bool {
	g, ok := f.(keyFlag)
	return ok && g.Hidden
}

// showAll makes the help of a command list every flag.
func showAll(c *cli.Command) {
	for _, f := range c.Flags {
		if g, ok := f.(keyFlag); ok {
			g.Hidden = false
		}
	}
}

// commandTerms are commands and what they do; those below another are listed with
// what they take.
func commandTerms(list []*cli.Command) (rows []helpTerm) {
	for _, c := range list {
		name := c.Name
		if strings.Count(c.HelpName, " ") > 1 {
			name += " " + c.ArgsUsage
		}
		rows = append(rows, helpTerm{name, c.Usage})
	}
	return rows
}

// synopsis are the flags and the arguments of a command, for a line behind its name.
func synopsis(flags []cli.Flag, args string) string {
	s := ""
	if len(flags) > 0 && keyOf(flags[0]) != nil {
		s = " [flags]"
	}
	return strings.TrimRight(s+" "+args, " ")
}

// examples are pairs of what a command line is for and the line.
func examples(pairs ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		b.WriteString("\n" + pairs[i] + ":\n  " + pairs[i+1])
	}
	return strings.TrimPrefix(b.String(), "\n")
}

// inPairs keeps a flag and its value on one line.
func inPairs(command string) string {
	words := strings.Fields(command)
	var b strings.Builder
	for i, w := range words {
		b.WriteString(w)
		switch {
		case i == len(words)-1:
		case (strings.HasPrefix(w, "--") || strings.HasPrefix(w, ">")) && !strings.HasPrefix(words[i+1], "--"):
			b.WriteString("\u00a0")
		default:
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// inShell is the text of examples with command lines that fit and can be copied into a
// shell. Windows PowerShell 5.1 writes what > takes as UTF-16, so cmd does it there.
func inShell(text string, width int, windows bool) string {
	next := " \\\n    "
	if windows {
		next = " `\n    "
	}
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		command, isCommand := strings.CutPrefix(line, "  ")
		switch {
		case !isCommand:
			line = wordwrap.WrapString(line, uint(width))
		case windows && strings.Contains(command, " > ") || windows && strings.Contains(command, " >> "):
			line = `  cmd /c "` + command + `"`
		case !strings.Contains(command, `"`):
			line = "  " + strings.NewReplacer("\n", next, "\u00a0", " ").Replace(wordwrap.WrapString(inPairs(command), uint(width-6)))
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}
