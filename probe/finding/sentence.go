package finding

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync"
	"text/template"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
)

// Sentence is what a finding says in one of its variants, as templates over
// Params: one line for a verdict, and the rest. White space between sentences is
// put in order afterwards, so that a condition may stand on a line of its own.
type Sentence struct {
	Summary, Detail string
}

// Usual is the variant of a code that has only one, or of the usual case.
const Usual = "usual"

// Say makes the sentences of a finding.
func Say(c Code, variant string, p Params) (summary, detail string) {
	if variant == "" {
		variant = Usual
	}
	e, _ := Lookup(c)
	s, ok := e.Sentences[variant]
	if !ok {
		return e.Title, fmt.Sprintf("There is no sentence %q of %s.", variant, c)
	}
	return render(s.Summary, &p), render(s.Detail, &p)
}

// Phrase makes a phrase of text/phrases.tmpl.
func Phrase(name string, of any) string {
	t, err := compile(fmt.Sprintf("{{template %q .}}", name))
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	if err := t.Execute(&b, of); err != nil {
		return fmt.Sprintf("There is an error in the phrase %q: %v.", name, err)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// render executes a template; one that cannot be executed, which a test finds,
// says so.
func render(text string, p *Params) string {
	if !strings.Contains(text, "{{") {
		return text
	}
	t, err := compile(text)
	var b strings.Builder
	if err == nil {
		err = t.Execute(&b, p)
	}
	if err != nil {
		return fmt.Sprintf("There is an error in the sentence %q: %v.", text, err)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

var (
	compiled sync.Map // text of a template to *template.Template
	// common has what all of them share: the functions, and the phrases that were needed so far.
	common  = template.New("")
	started sync.Once
)

// compile makes a template of a text, together with the phrases that it names.
func compile(text string) (*template.Template, error) {
	if t, ok := compiled.Load(text); ok {
		return t.(*template.Template), nil
	}
	started.Do(func() { common.Funcs(functions()) })
	t, err := common.New("").Parse(text)
	if err == nil {
		err = phrases().AddTo(t, text)
	}
	if err != nil {
		return nil, err
	}
	compiled.Store(text, t)
	return t, nil
}

// phrases are parts that several sentences share.
var phrases = sync.OnceValue(func() Definitions { return ReadDefinitions(phrasesText) })

func functions() template.FuncMap {
	return template.FuncMap{
		"address": func(host string) bool { _, err := netip.ParseAddr(host); return err == nil },
		"capital": func(v any) string { return capital(fmt.Sprint(v)) },
		"trim":    func(v any) string { return strings.TrimSuffix(fmt.Sprint(v), ".") },
		"short":   func(v any) string { return shortened(fmt.Sprint(v), longestMessage) },
		"words":   func(name any) string { return strings.ReplaceAll(fmt.Sprint(name), "-", " ") },
		"clause":  func(v any) string { return strings.TrimSuffix(capital(fmt.Sprint(v)), ".") },
		"quote":   func(v any) string { return fmt.Sprintf("%q", strings.TrimSuffix(fmt.Sprint(v), ".")) },
		"join":    func(v any, separator string) string { return join(v, separator, "%v") },
		"list":    func(v any) string { return join(v, ", ", "%v") },
		"both":    func(v any) string { return join(v, " and ", "%v") },
		"quotes":  func(v any) string { return join(v, " and ", "%q") },
		"days":    days,
		"lower":   strings.ToLower,
		"means":   func(code string) string { return EWSCodes()[code].Says },
		"reason":  func(name string) string { return reasons()[name].Title },
		"token":   func(name string) string { return tokens().Reasons[name].Title },
		"entra":   func(number int, message string) string { return EntraRefusal(number, message).Says },
		"oauth":   func(number int) string { return TokenRefusal(number, "").Says },
		"state":   func(name string) string { return reasons()[name].Says },
		"similar": similar,
		"seconds": func(d time.Duration) string { return fmt.Sprintf("%.0f s", d.Seconds()) },
		"span": func(d time.Duration) string {
			switch {
			case d >= 48*time.Hour:
				return days(d)
			case d >= 2*time.Hour:
				return fmt.Sprintf("%.0f hours", d.Hours())
			}
			return strings.TrimSuffix(fmt.Sprintf("%.1f", d.Minutes()), ".0") + " min"
		},
		"minute":   func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
		"day":      func(t time.Time) string { return t.UTC().Format(time.DateOnly) },
		"phrase":   Phrase,
		"identify": front.Identify,
		"schemes":  func(r *evidence.Response) []string { return front.Names(front.Offers(r)) },
		"type": func(r *evidence.Response) string {
			name, _, _ := strings.Cut(r.First("Content-Type"), ";")
			return name
		},
		"realm": func(r *evidence.Response) string {
			c, _ := front.Offer(r, "Basic")
			realm, _ := c.Param("realm")
			return realm
		},
		"urls": func(p *evidence.ServicePoints) (list []string) {
			for _, one := range p.Points {
				if !slices.Contains(list, one.URL) {
					list = append(list, one.URL)
				}
			}
			return list
		},
	}
}

// Moment is a time that another program wrote, as this one writes it; one that cannot
// be read stays as it is.
func Moment(written string) string {
	t, err := time.Parse(time.RFC3339, written)
	if err != nil {
		return written
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

func capital(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}

func join(list any, separator, format string) string {
	v := reflect.ValueOf(list)
	parts := make([]string, v.Len())
	for i := range parts {
		parts[i] = fmt.Sprintf(format, v.Index(i))
	}
	return strings.Join(parts, separator)
}

func days(d time.Duration) string {
	switch n := int(d.Hours() / 24); n {
	case 0:
		return "less than a day"
	case 1:
		return "1 day"
	default:
		return fmt.Sprintf("%d days", n)
	}
}

// similar names what looks the same as a refused password. Where Basic was refused
// too, it is no channel binding: Basic has none.
func similar(basic bool) string {
	var titles []string
	for _, l := range lookalikes() {
		if !basic || !l.Binding {
			titles = append(titles, l.Title)
		}
	}
	return strings.Join(titles, "; ")
}

const longestMessage = 160

// shortened is a text of a server as one line of so many characters.
func shortened(text string, most int) string {
	text = strings.TrimSuffix(strings.Join(strings.Fields(text), " "), ".")
	if r := []rune(text); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}

// Definitions are templates by their names, as text without how a definition begins. To
// parse all of a file takes longer than a logon, and a report needs few.
type Definitions map[string]string

const define = "{{define "

// ReadDefinitions splits a text whose definitions begin at the start of a line.
func ReadDefinitions(source string) Definitions {
	d := Definitions{}
	for _, definition := range strings.Split(source, "\n"+define)[1:] {
		name, _, _ := strings.Cut(definition[1:], `"`)
		d[name] = definition
	}
	return d
}

// AddTo parses into t the definitions that a text names, and those that they name.
func (d Definitions) AddTo(t *template.Template, text string) error {
	for _, named := range strings.Split(text, `template "`)[1:] {
		name, _, _ := strings.Cut(named, `"`)
		definition, known := d[name]
		if !known || t.Lookup(name) != nil {
			continue
		}
		if _, err := t.Parse(define + definition); err != nil {
			return err
		}
		if err := d.AddTo(t, definition); err != nil {
			return err
		}
	}
	return nil
}
