package main

import (
	"fmt"
	"strings"

	"github.com/mitchellh/go-wordwrap"

	"github.com/ewsprobe/ewsprobe/probe/config"
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
			"$XDG_STATE_HOME/ewsprobe/, else ~/.local/state/ewsprobe/ (Windows: %LOCALAPPDATA%\\ewsprobe)",
			"which logons were refused or got no answer, for 60 minutes: values that give no password back",
		},
		{"/etc/krb5.conf", "realms and their domain controllers, for Kerberos"},
	}
}

// helpWidth is that of the terminal, within what is easy to read.
func helpWidth(std stdio) int {
	if std.width == 0 {
		return 80
	}
	return min(max(std.width, 40), 120)
}

// printHelp prints the help of a command; all shows every flag.
func printHelp(c *call, std stdio, all bool) {
	h := helper{width: helpWidth(std)}
	if len(c.subs) > 0 {
		h.commands(c)
	} else {
		h.command(c, all)
	}
	fmt.Fprint(std.out, strings.TrimPrefix(h.b.String(), "\n"))
}

type helper struct {
	b     strings.Builder
	width int
}

func (h *helper) section(title string) { h.b.WriteString("\n" + title + ":\n") }

func (h *helper) text(indent int, s string) {
	pad := strings.Repeat(" ", indent)
	for paragraph := range strings.SplitSeq(strings.TrimSpace(s), "\n") {
		for line := range strings.SplitSeq(wordwrap.WrapString(paragraph, uint(h.width-indent)), "\n") {
			h.b.WriteString(strings.TrimRight(pad+line, " ") + "\n")
		}
	}
}

// table has what a term means behind it, or below it where it is long.
func (h *helper) table(rows []helpTerm, most int) {
	column := 0
	for _, r := range rows {
		if len(r.name) <= most {
			column = max(column, len(r.name))
		}
	}
	for _, r := range rows {
		lines := strings.Split(wordwrap.WrapString(r.what, uint(h.width-column-5)), "\n")
		name := r.name
		if len(name) > column {
			h.b.WriteString("   " + name + "\n")
			name = ""
		}
		for _, line := range lines {
			h.b.WriteString(strings.TrimRight(fmt.Sprintf("   %-*s  %s", column, name, line), " ") + "\n")
			name = ""
		}
	}
}

// commands is the help of the program, or of a command that has others.
func (h *helper) commands(c *call) {
	top := c.path == "ewsprobe"
	h.section("NAME")
	about := c.usage
	if top {
		about = tagline
	}
	h.text(3, c.path+" - "+about)
	h.section("USAGE")
	h.text(3, c.path+" COMMAND [flags] [arguments]")
	h.section("DESCRIPTION")
	if top {
		h.text(3, purpose+"\n\n"+start)
	} else {
		h.text(3, c.about)
	}
	h.section("COMMANDS")
	var rows []helpTerm
	for _, s := range c.subs {
		if !s.hidden {
			rows = append(rows, helpTerm{strings.TrimSpace(s.name + map[bool]string{false: " " + s.args}[top]), s.usage})
		}
	}
	h.table(rows, h.width)
	h.text(3, "\nWhat a command takes: `"+c.path+" COMMAND --help`")
	if top {
		h.section("ENVIRONMENT")
		h.table(environment(), 0)
		h.section("FILES")
		h.table(filesKept(), 0)
	}
}

func (h *helper) command(c *call, all bool) {
	h.section("NAME")
	h.text(3, c.path+" - "+c.usage)
	h.section("USAGE")
	h.text(3, c.path+synopsis(c.command))
	if c.about != "" {
		h.section("DESCRIPTION")
		h.text(3, c.about)
	}
	if len(c.examples) > 0 {
		h.section("EXAMPLES")
		for _, e := range c.examples {
			h.text(3, e.purpose+":")
			h.b.WriteString("     " + e.line + "\n")
		}
	}
	if c.exits != "" {
		h.section("EXIT CODE")
		h.text(3, c.exits)
	}
	h.flags(c, all)
}

// flags are listed in groups; where there are many, those that are used most come
// first and alone.
func (h *helper) flags(c *call, all bool) {
	if c.keys == nil || len(c.keys.List) == 0 {
		return
	}
	short := c.settings != nil && !all
	title, shown := "FLAGS", []helpTerm{}
	flush := func(next string) {
		if len(shown) > 0 {
			h.section(title)
			h.table(shown, 24)
		}
		title, shown = next, nil
	}
	for _, k := range c.keys.List {
		switch {
		case short && !k.Common:
			continue
		case short && title == "FLAGS":
			title = "COMMON FLAGS"
		case !short && k.Group != "" && title != strings.ToUpper(k.Group):
			flush(strings.ToUpper(k.Group))
		}
		shown = append(shown, flagTerm(k))
	}
	flush("")
	if short {
		h.text(3, "\nAll flags, in groups: `"+c.path+" --help-all`. Flags stand before or behind the argument.")
	}
}

func flagTerm(k *config.Key) helpTerm {
	return helpTerm{strings.TrimSpace(k.Flag() + " " + k.Value()), k.About()}
}

// synopsis are the flags and the arguments of a command, for a line behind its name.
func synopsis(c *command) string {
	s := ""
	if c.keys != nil && len(c.keys.List) > 0 {
		s = " [flags]"
	}
	if c.args != "" {
		s += " " + c.args
	}
	return s
}
