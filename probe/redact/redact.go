// Package redact takes out of a record what names its owner, and leaves what a
// verdict hangs on. A record goes in, a record comes out, and every report is
// made of the second.
//
// What a text is says its tag (package evidence); what is kept is named, and
// everything else goes. The same text has the same placeholder in the whole run.
//
//	mail.contoso.com           host-1.domain-1.example     the part below a domain stays below it
//	EX01, ex01.contoso.com     host-2, host-2.domain-1.example
//	10.0.0.11:443              192.0.2.1:443               documentation addresses (RFC 5737, RFC 3849); loopback stays
//	CONTOSO\svc, svc@contoso.com, the mailbox svc@…        nt-1\account-1, account-1@domain-1.example
//	a tenant, any GUID         00000000-0000-0000-0000-000000000001; Microsoft's own applications stay
//	a certificate              certificate-1, its names as hosts, CN=issuer-1, its dates
//	a cookie, an unknown header, an unknown step of a path   cookie-1, X-Header-1, path-1
//	free text of a server      [text-1], and of it the codes that are known to name nobody
//
// What the rules look at, and so stays: the names of Microsoft's clouds (what
// stands in front of them goes: a tenant's name), "autodiscover", builds where
// builds are expected, the names of schemes, of known headers, of the cookies by
// which devices are told apart, the parts of paths by which sign-in pages are
// told, codes of EWS, of Kerberos and of Entra. Bodies of answers go. Times stay.
// The sentences of this program are made again, from the placeholders.
//
// Pure functions on data: no file, no clock, no network.
package redact

import (
	_ "embed"
	"fmt"
	"hash/maphash"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// Redactor gives out placeholders. The same name has the same placeholder for as
// long as the Redactor lives. Safe for concurrent use. nil shows all names.
type Redactor struct {
	mu sync.Mutex
	// tables hold the placeholders by a hash of what was met: a batch has a hundred
	// thousand mailboxes. Two names that share a hash of 64 bits would share a
	// placeholder, and say less than they should, never more.
	tables map[string]map[uint64]string
	seed   maphash.Seed
}

// New returns a Redactor that knows nothing yet.
func New() *Redactor {
	return &Redactor{tables: map[string]map[uint64]string{}, seed: maphash.MakeSeed()}
}

// numbered is the placeholder of a text in one of the tables, made by format of
// its number where the text is new. Case is no difference.
func (r *Redactor) numbered(table, format, text string) string {
	if known, met := r.met(table, text); met {
		return known
	}
	t := r.tables[table]
	if t == nil {
		t = map[uint64]string{}
		r.tables[table] = t
	}
	// A placeholder that was given out stays what it is.
	var number int
	if n, _ := fmt.Sscanf(text, format, &number); n == 1 && number > 0 && number <= len(t) && fmt.Sprintf(format, number) == text {
		return text
	}
	placeholder := fmt.Sprintf(format, len(t)+1)
	t[r.key(text)] = placeholder
	return placeholder
}

// met is the placeholder that a text already has in a table.
func (r *Redactor) met(table, text string) (string, bool) {
	known, met := r.tables[table][r.key(text)]
	return known, met
}

func (r *Redactor) key(text string) uint64 { return maphash.String(r.seed, strings.ToLower(text)) }

// Record is the record without what names its owner.
func (r *Redactor) Record(rec evidence.Record) evidence.Record {
	return locked(r, rec, func(rec evidence.Record) evidence.Record {
		rec.Target = r.target(rec.Target)
		items := make([]evidence.Item, len(rec.Items))
		for i, item := range rec.Items {
			items[i] = r.item(item)
		}
		rec.Items = items
		rec.Stopped = r.word(rec.Stopped)
		return rec
	})
}

// Target learns the names of a check before it begins, so that they have the
// first numbers.
func (r *Redactor) Target(t evidence.Target) evidence.Target { return locked(r, t, r.target) }

// Item is one item, for a log that is written while the check runs.
func (r *Redactor) Item(item evidence.Item) evidence.Item { return locked(r, item, r.item) }

// Text is a line of this program's own that is no sentence of a record, such as
// an error: what has the form of a name goes, and so does each name met before.
func (r *Redactor) Text(s string) string { return locked(r, s, r.line) }

// User is the placeholder of an account's name, or of the address of a mailbox.
func (r *Redactor) User(s string) string { return locked(r, s, r.user) }

// Host is the placeholder of a server's name.
func (r *Redactor) Host(s string) string { return locked(r, s, r.host) }

// Word is a word of a closed list of this program's own, such as a code. In a
// file from elsewhere it may be anything, and what has not the form of one goes.
func (r *Redactor) Word(s string) string { return locked(r, s, r.word) }

func (r *Redactor) word(s string) string { return r.text(evidence.Field{Kind: evidence.KindWord}, s) }

func locked[T any](r *Redactor, v T, change func(T) T) T {
	if r == nil {
		return v
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return change(v)
}

func (r *Redactor) target(t evidence.Target) evidence.Target { return evidence.Rewritten(t, r.text) }

func (r *Redactor) item(i evidence.Item) evidence.Item {
	standAlone := ""
	if n := i.NTLM; n != nil && n.StandAlone && n.TargetName != "" {
		standAlone = r.host(n.TargetName) // a computer's name then, not a domain's
	}
	failed := i.Error
	if failed != nil && failed.Detail == nil && failed.Text != "" { // the system's own words
		f := *failed
		f.Detail = failed.Said()
		i.Error = &f
	}
	i = evidence.Rewritten(i, r.text)
	if standAlone != "" {
		i.NTLM.TargetName = standAlone
	}
	if p := i.Response; p != nil && p.Body != "" {
		p.Body, p.Withheld = "", evidence.Say("redacted").String()
	}
	return i
}

// names are the kinds of names, and what replaces one.
var names = sync.OnceValue(func() map[string]func(*Redactor, string) string {
	return map[string]func(*Redactor, string) string{
		"host": (*Redactor).host, "endpoint": (*Redactor).endpoint, "url": (*Redactor).url, "account": (*Redactor).user,
		"mailbox": (*Redactor).user, "tenant": (*Redactor).tenant, "asked-about": (*Redactor).subject, "service": (*Redactor).service,
		"certified": (*Redactor).certified, "agent": (*Redactor).agent, "scheme": (*Redactor).scheme, "build": (*Redactor).build,
	}
})

// text is what stands in the place of a text, by what it is.
func (r *Redactor) text(f evidence.Field, s string) string {
	if change := names()[f.Kind]; change != nil {
		return change(r, s)
	}
	switch f.Kind {
	case "plan":
		if finding.KnownPlan(s) {
			return s
		}
		return r.tenant(s)
	case evidence.ArgHosts:
		return strings.Join(each(strings.Split(s, ", "), r.certified), ", ")
	case "id":
		if has("id", s) {
			return s
		}
		return r.numbered("id", "item-%d", s)
	case evidence.KindHeader:
		return r.field(strings.ToLower(f.Name), s)
	case evidence.KindHeaderName:
		if _, ofDevice := front.Signs(s); ofDevice || listed("fields", strings.ToLower(s)) {
			return s
		}
		return r.whole("field", "X-Header-%d", s)
	case "text", "alert", "kdc-text", "reason", "label", evidence.KindSentence:
		return r.free(f.Kind, s)
	case evidence.ArgError:
		return "" // the sentence has a form without it
	case "body":
		return s // item takes it out
	case "withheld":
		if evidence.Recognized(s) != nil {
			return s
		}
	}
	if whole := known().lists["whole "+f.Kind]; whole != nil {
		return r.whole(whole[0], whole[1], s)
	}
	// What has the form of its kind stays.
	if has(f.Kind, s) || isPlaceholder(s) {
		return s
	}
	return r.unknown(s)
}

func each(list []string, f func(string) string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = f(s)
	}
	return out
}

// known.txt holds what may stay, one kind a line: the form that a text of a kind
// has where it names nobody (a code, a version, a word of a closed list), the
// form of the value of a header field, lists of words, what is looked for inside a
// text, and the table and the placeholder of what is replaced as a whole. A text that has not
// the form of its kind, or whose kind has none, is replaced.
//
//go:embed known.txt
var knownText string

type knowledge struct {
	forms map[string]*regexp.Regexp // by kind; of header fields by "header " and the name
	lists map[string][]string
	find  map[string]*regexp.Regexp
}

var known = sync.OnceValue(func() knowledge {
	k := knowledge{forms: map[string]*regexp.Regexp{}, lists: map[string][]string{}, find: map[string]*regexp.Regexp{}}
	for line := range strings.Lines(knownText) {
		about, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		what, names, _ := strings.Cut(about, " ")
		switch what {
		case "form":
			k.forms[names] = regexp.MustCompile("^(" + text + ")$")
		case "header":
			form := regexp.MustCompile("^(" + text + ")$")
			for _, name := range strings.Fields(names) {
				k.forms["header "+name] = form
			}
		case "find":
			k.find[names] = regexp.MustCompile(text)
		case "list":
			k.lists[names] = strings.Fields(text)
		case "whole":
			k.lists[about] = strings.Fields(text)
		default:
			k.lists[what] = strings.Split(text, "|")
		}
	}
	return k
})

// has says whether a text has the form of its kind.
func has(kind, s string) bool {
	form := known().forms[kind]
	return form != nil && form.MatchString(s)
}

func listed(list, s string) bool { return slices.Contains(known().lists[list], s) }
