// Package guide holds what is worth a page beyond a single verdict: how to begin,
// how to read a report, what is sent on the wire.
//
// A guide is a Markdown file in text, embedded. It is the one source for the
// terminal and for HTML; both are made of the same parsed document. Markdown is
// read by a library (CommonMark); what a guide uses of it is small: headings,
// paragraphs, lists, code, tables.
package guide

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/mitchellh/go-wordwrap"
	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
)

//go:embed text/*.md
var files embed.FS

// entry is a guide: the name of its file, other names by which a reader may
// ask for it, and the verdict codes that it has more to say about.
type entry struct {
	name  string
	also  []string
	codes []string
}

// entries are in the order of a reader who begins. A name that is a verdict
// code is none here: `explain` shows the code, which leads on to the guide.
var entries = []entry{
	{name: "first-check", also: []string{"begin", "start", "getting-started", "watch"}},
	{name: "the-account", also: []string{"account", "password", "keyring", "current-user", "keytab"}, codes: []string{"credentials-rejected"}},
	{name: "reading-a-report", also: []string{"report", "confidence", "causes"}},
	{name: "reports", also: []string{"formats", "format", "save", "redact", "diff", "diagnose", "baseline"}},
	{
		name: "basic-or-ntlm", also: []string{"basic", "ntlm", "negotiate", "kerberos", "authentication", "profile-auth"},
		codes: []string{"basic-disabled", "ntlm-disabled", "negotiate-disabled", "basic-and-ntlm", "logon-blocked", "no-scheme"},
	},
	{
		name:  "hybrid-modern-auth",
		also:  []string{"hma", "oauth", "bearer", "modern-auth", "modern-authentication", "hybrid-modern-authentication"},
		codes: []string{"oauth-disabled", "token-not-issued", "token-refused", "hma-certificate-expiring", "logon-blocked", "no-scheme"},
	},
	{
		name: "channel-binding", also: []string{"ep", "epa", "cbt", "tls-bridging", "bridging", "extended protection"},
		codes: []string{"extended-protection", "ntlm-rejected"},
	},
	{name: "many-mailboxes", also: []string{"batch", "resume", "shard", "shards", "merge"}, codes: []string{"not-checked"}},
	{
		name: "dynamics-exports", also: []string{"alerts", "alert", "profile", "exports", "autodiscover"},
		codes: []string{"profile-contradiction", "autodiscover-failed"},
	},
	{
		name: "outside-look-ups", also: []string{"cloud", "tenant", "graph", "look-ups"},
		codes: []string{"mailbox-online", "mailbox-unlicensed", "tenant-differs", "user-recreated"},
	},
	{name: "dynamics", also: []string{"dataverse", "web-api", "application-user"}, codes: []string{"dynamics-unreadable"}},
	{name: "agent", also: []string{"service", "systemd", "notify", "notifications", "prometheus", "metrics", "alertmanager", "kubernetes", "demo"}},
	{name: "installing", also: []string{"install", "packages", "deb", "rpm", "docker", "container", "image", "macos"}},
	{name: "windows", also: []string{"powershell", "msi", "scheduled-task", "credential-manager"}},
	{name: "what-is-sent", also: []string{"wire", "sent", "security"}},
	{name: "promises", also: []string{"promise", "stable", "stability", "compatibility", "lockout"}},
	{
		name: "event-codes", also: []string{
			"4625", "4771", "4776", "events", "sub-status", "401.1", "401.2",
			"0xc0000064", "0xc000006a", "0xc000006e", "0xc000006f", "0xc0000070", "0xc0000071", "0xc0000072", "0xc000015b", "0xc0000193",
			"0xc0000224", "0xc0000234", "0xc000035b",
		},
		codes: []string{"credentials-rejected", "logon-blocked"},
	},
	{name: "exit-codes", also: []string{"exit", "exit-code", "nagios"}},
	{name: "other-tools", also: []string{"curl", "exchangelib", "requests-ntlm"}},
	{name: "benchmarks", also: []string{"benchmark", "performance"}},
	{name: "architecture", also: []string{"design"}},
	{name: "laboratory", also: []string{"lab"}},
}

// Names are the guides in the order in which to read them.
func Names() []string {
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.name
	}
	return names
}

// Find is the name of the guide that a reader asks for, by its name or another.
func Find(text string) (string, bool) {
	for _, e := range entries {
		if e.name == text || slices.Contains(e.also, text) {
			return e.name, true
		}
	}
	return "", false
}

// About are the guides that say more about a verdict code.
func About(code string) []string {
	var names []string
	for _, e := range entries {
		if slices.Contains(e.codes, code) {
			names = append(names, e.name)
		}
	}
	return names
}

// Title is a guide's heading.
func Title(name string) string {
	source, _ := Source(name)
	line, _, _ := strings.Cut(source, "\n")
	return strings.TrimPrefix(line, "# ")
}

// Source is the Markdown of a guide.
func Source(name string) (string, bool) {
	raw, err := files.ReadFile("text/" + name + ".md")
	if err != nil {
		return "", false
	}
	return string(raw), true
}

// Text is a guide for a terminal of that width.
func Text(name string, width int) (string, bool) {
	source, ok := Source(name)
	if !ok {
		return "", false
	}
	p := &page{source: []byte(source), width: max(width, 20)}
	doc := markdown().Parser().Parse(text.NewReader(p.source))
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		p.block(n, 2)
	}
	return strings.TrimLeft(p.b.String(), "\n"), true
}

type page struct {
	source []byte
	width  int
	b      strings.Builder
}

func (p *page) block(n ast.Node, indent int) {
	switch n := n.(type) {
	case *ast.Heading:
		p.b.WriteString("\n")
		p.lines(0, "", p.inline(n))
	case *ast.List:
		p.b.WriteString("\n")
		number := n.Start
		for item := n.FirstChild(); item != nil; item = item.NextSibling() {
			mark, first := "- ", true
			if n.IsOrdered() {
				mark = fmt.Sprintf("%d. ", number)
				number++
			}
			for c := item.FirstChild(); c != nil; c = c.NextSibling() {
				lead := strings.Repeat(" ", len(mark))
				if first {
					lead = mark
				}
				p.lines(indent, lead, p.inline(c))
				first = false
			}
		}
	case *ast.CodeBlock, *ast.FencedCodeBlock:
		p.b.WriteString("\n")
		for i := range n.Lines().Len() {
			// Never wrapped: it is there to be copied.
			line := n.Lines().At(i)
			p.b.WriteString(strings.TrimRight(strings.Repeat(" ", indent+2)+string(line.Value(p.source)), " \n") + "\n")
		}
	case *extast.Table:
		p.table(n, indent)
	default:
		p.b.WriteString("\n")
		p.lines(indent, "", p.inline(n))
	}
}

// table has each row as a paragraph: what its first cell says, and below that the other
// cells behind the headings of their columns. Where there are but two columns, these
// need no heading, and a short first cell stands beside the second.
func (p *page) table(t ast.Node, indent int) {
	var head []string
	short := 0
	for row := t.FirstChild().NextSibling(); row != nil; row = row.NextSibling() {
		short = max(short, len(p.inline(row.FirstChild()))+2)
	}
	if short > 24 || p.width < 60 || t.FirstChild().ChildCount() != 2 {
		short = 0
	}
	p.b.WriteString("\n")
	for row := t.FirstChild(); row != nil; row = row.NextSibling() {
		var cells []string
		for c := row.FirstChild(); c != nil; c = c.NextSibling() {
			cells = append(cells, p.inline(c))
		}
		if head == nil {
			head = cells
			continue
		}
		if short > 0 {
			p.lines(indent, fmt.Sprintf("%-*s", short, cells[0]), cells[1])
			continue
		}
		p.lines(indent, "", cells[0])
		for i, cell := range cells[1:] {
			lead := ""
			if len(head) > 2 {
				lead = head[i+1] + ": "
			}
			if cell != "" {
				p.lines(indent+2, "", lead+cell)
			}
		}
		if row.NextSibling() != nil {
			p.b.WriteString("\n")
		}
	}
}

// inline is the text of a block; commands keep the marks by which they are told.
func (p *page) inline(n ast.Node) string {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.Text:
			b.Write(c.Value(p.source))
			if c.SoftLineBreak() || c.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.CodeSpan:
			b.WriteString("`" + p.inline(c) + "`")
		case *ast.AutoLink:
			b.Write(c.URL(p.source))
		default:
			b.WriteString(p.inline(c))
		}
	}
	return b.String()
}

func (p *page) lines(indent int, lead, s string) {
	pad := strings.Repeat(" ", indent)
	for line := range strings.SplitSeq(wordwrap.WrapString(s, uint(max(p.width-indent-len(lead), 20))), "\n") {
		p.b.WriteString(strings.TrimRight(pad+lead+line, " ") + "\n")
		lead = strings.Repeat(" ", len(lead))
	}
}
