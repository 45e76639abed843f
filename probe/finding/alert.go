package finding

import (
	"cmp"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// Alert is what a sentence of a Dynamics alert means. Dynamics wraps several
// faults in the same sentence, so an alert gives a direction, not a verdict.
type Alert struct {
	Key     string // stable name
	Meaning string
	Says    []string `yaml:"-"` // what the numbers and phrases of the text say at the subject
	Causes  []int    // the causes of KB 3212785 that it may stand for
	Codes   []Code   // the verdicts that it may turn out to be, likely ones first; empty where EWS cannot show it
	Stage   Stage
	// GivesWay: a number of Entra, Exchange or Windows beside it says what the status
	// was for.
	GivesWay bool `yaml:"gives-way"`
	Alone    bool // what else is in the text belongs to it
	// Wrapper marks a sentence that is put around other errors: it
	// counts only where no other rule matches.
	Wrapper bool
	// Subject says what service beside EWS the text is about, where no alert before it does. Behind
	// it only alerts count that are Shared: they mean the same at every service.
	Subject, Shared bool
	// Circumstance is what somebody tells beside an error. It goes before an answer that
	// gives way, as to a 401.
	Circumstance bool
	Look         string // a command of the service, before Next
	Next         string `yaml:"-"` // the command to run next, with the placeholders of Remedy; empty where EWS is not used
}

// Stage is how far Dynamics got; "" is not known.
type Stage string

// The stages that an alert can name.
const (
	BeforeSignIn Stage = "before" // Dynamics did not ask Exchange
	BehindSignIn Stage = "behind" // Exchange and the sign-in are in order
)

// alertRule says how an alert is recognised: by one of the groups of Any, of
// which the text has to hold every fragment. Fragments are lower case with
// single spaces. They prefer what is the same in every language: numbers, names of
// .NET and of EWS. A fragment with a first sign of its own is
//
//	#80040265  that number, in any spelling; #8004 any that begins so
//	#401       that status of HTTP
//	=word      that word, with no letter or digit beside it
//	@key       that alert, found before this one
//
// A bar stands between words of which one is enough; all fragments of such a group
// are to be near each other.
type alertRule struct {
	Alert  `yaml:",inline"`
	Any    []fragments
	Unless fragments // one of them makes it another alert
	// General are numbers that many faults share. They count only where nothing
	// else in the text is known.
	General []string
	// Beside are the words of a circumstance that say enough beside an answer that gives
	// way, and too little alone.
	Beside []fragments
	Parts  []part // what the numbers and phrases of a subject say, added to its meaning
	Check  string // of Next, as in Remedy; Target too
	Target string
}

type part struct {
	Any     []fragments
	General bool // told only where no part before it is
	Says    string
}

// fragments are a list, or one alone.
type fragments []string

func (f *fragments) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*f = fragments{n.Value}
		return nil
	}
	return n.Decode((*[]string)(f))
}

// AlertUserRecreated is the alert that alone shows cause 6.
const AlertUserRecreated = "user-recreated"

// alertRules is ordered from the most specific to the least, by the files and in them.
// The first source is Microsoft's articles on server-side synchronization
// (https://learn.microsoft.com/troubleshoot/power-platform/dataverse/email-exchange-synchronization).
var alertRules = sync.OnceValue(func() (list []alertRule) {
	names, _ := fs.Glob(texts, "text/alerts-*.yaml") // in the order of their names
	for _, name := range names {
		var part []alertRule
		decode(file(name), &part)
		list = append(list, part...)
	}
	for i := range list {
		r := &list[i]
		if (r.Stage != "" || r.Subject) && r.Check == "" {
			r.Check = "user mailbox as-asked"
		}
		if (r.Stage != "" || r.Subject) && r.Codes == nil {
			r.Codes = []Code{"ok"}
		}
		if r.Check == "none" { // no request to EWS moves it forward
			r.Codes, r.Check = nil, ""
		}
		if r.Check != "" {
			r.Next = CheckCommand(Remedy{Check: r.Check, Target: r.Target}, Placeholders)
		}
	}
	return list
})

// MatchAlert finds the alerts in a pasted text, the most specific first. Language,
// case and white space do not matter. An unknown text gives an empty result. A
// sentence that Dynamics puts around many errors is given only where the text
// holds nothing more telling.
func MatchAlert(text string) []Alert {
	found, _ := AlertsIn(text)
	return found
}

// NoReason is the alert of a text that names none.
func NoReason() Alert {
	rules := alertRules()
	return rules[slices.IndexFunc(rules, func(r alertRule) bool { return r.Key == "client-error" })].Alert
}

// AlertsIn looks for what is surest first, and gives the pieces of the text by
// which something was found. They name no person.
func AlertsIn(text string) (found []Alert, by []string) { return readAlert(text).alerts() }

func (t *alertText) alerts() (found []Alert, by []string) {
	alone := false // nothing else is to be said
	look := func(groups func(alertRule) []fragments) bool {
		about := 0
		for _, r := range alertRules() {
			matched := false
			if about > 0 && !r.Shared || r.Subject && slices.ContainsFunc(found, func(a Alert) bool { return !a.Shared && !a.GivesWay }) {
				continue
			}
			for _, group := range groups(r) {
				if t.holds(group) {
					matched, by = true, append(by, group.plain()...)
				}
			}
			if matched {
				found, t.keys = append(found, r.Alert), append(t.keys, r.Key)
			}
			if matched && r.Subject {
				found = append([]Alert{t.ofSubject(r)}, slices.DeleteFunc(found, func(a Alert) bool { return !a.Shared })...)
				about, alone = 1, true
			}
			if matched && (r.Alone || r.Wrapper) {
				alone = r.Alone || about > 0
				found = append(found[:min(about, len(found)-1)], found[len(found)-1])
				break
			}
		}
		return len(found) > 0
	}
	named := func(r alertRule) []fragments {
		if r.Wrapper {
			return nil
		}
		return t.groups(r)
	}
	look(named)
	if alone {
		return t.withCircumstance(found), by
	}
	answers, names := answersOfEWS(t.codes, by, strings.Contains(t.folded, "graph.microsoft") || strings.Contains(t.folded, "innererror"))
	if found, by = append(answers, found...), append(names, by...); len(found) > 0 {
		return t.withCircumstance(found), by
	}
	t.statuses = append(t.statuses, t.bare...)
	t.folded += t.numbered
	if look(named) || look(func(r alertRule) []fragments { return r.general() }) {
		return t.withCircumstance(found), by
	}
	t.statuses = append(t.statuses, t.told...)
	if !look(named) {
		look(t.groups)
	}
	return t.withCircumstance(found), by
}

// ofSubject adds to a subject what its numbers say, of which three are enough.
func (t *alertText) ofSubject(r alertRule) Alert {
	whole := *t
	whole.statuses = slices.Concat(t.statuses, t.bare, t.told)
	told := 0
	for _, p := range r.Parts {
		if told < 3 && !(p.General && told > 0) && slices.ContainsFunc(p.Any, whole.holds) {
			told++
			r.Says = append(r.Says, p.Says)
		}
	}
	return r.Alert
}

// groups are those of a rule, none where the text is of another alert.
func (t *alertText) groups(r alertRule) []fragments {
	if slices.ContainsFunc(r.Unless, func(f string) bool { return t.holds(fragments{f}) }) {
		return nil
	}
	return r.Any
}

// withCircumstance puts the circumstances that the text tells, two at most, before alerts that all give way.
func (t *alertText) withCircumstance(found []Alert) []Alert {
	if slices.ContainsFunc(found, func(a Alert) bool { return !a.GivesWay }) {
		return found
	}
	var told []Alert
	for _, r := range alertRules() {
		if r.Circumstance && len(found) > 0 && len(told) < 2 && slices.ContainsFunc(slices.Concat(t.groups(r), r.Beside), t.holds) {
			told = append(told, r.Alert)
		}
	}
	return append(told, found...)
}

// general are the groups of General, each of one number.
func (r alertRule) general() (groups []fragments) {
	for _, number := range r.General {
		groups = append(groups, fragments{number})
	}
	return groups
}

// answersOfEWS are the alerts of response codes that no rule knows: the catalogue
// of EWS codes says what they stand for, and has names of its own too, which no
// server sends. A general code says nothing beside anything else. Graph has most of these codes too.
func answersOfEWS(names, known []string, graph bool) (found []Alert, by []string) {
	rest := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return !strings.HasPrefix(name, "Error") || slices.Contains(known, strings.ToLower(name))
	})
	isGeneral := func(name string) bool { c, _ := lookupPasted(name); return c.General }
	if len(known) > 0 || slices.ContainsFunc(rest, func(name string) bool { return !isGeneral(name) }) {
		rest = slices.DeleteFunc(rest, isGeneral)
	}
	for _, name := range rest {
		c, ok := lookupPasted(name)
		if !ok {
			c.Finding, c.Says = "exchange-error", at[string](sharedText, "why", "unlisted-code")
		}
		codes := []Code{c.Finding}
		if c.Finding == "" {
			codes = []Code{"ok", "exchange-error"} // a check does not ask for it
		}
		says := cmp.Or(c.Pasted, c.Says)
		if says == "" {
			e, _ := Lookup(c.Finding)
			says = e.Meaning
		}
		a := Alert{Key: name, Stage: BehindSignIn, Codes: codes, Next: CheckCommand(Remedy{Check: "user mailbox as-asked"}, Placeholders)}
		who := "answered-by-ews"
		if graph {
			a, who = Alert{Key: name}, "answered-by-graph"
		}
		a.Meaning = strings.ReplaceAll(at[string](sharedText, "why", who), "{code}", name) + " " + says
		found = append(found, a)
		by = append(by, name)
	}
	return found, by
}

// lookupPasted finds a code that may be of any request.
func lookupPasted(name string) (EWSCode, bool) {
	if c, ok := EWSCodes()[name]; ok {
		return c, true
	}
	return lookupKind(name)
}

// FindAlert is where in a text the words of an alert begin, -1 if they are not in
// it.
func FindAlert(key, text string) int {
	for _, r := range alertRules() {
		for _, group := range r.Any {
			if r.Key != key {
				continue
			}
			words := strings.Fields(regexp.QuoteMeta(group[0]))
			if at := regexp.MustCompile("(?i)" + strings.Join(words, `\s+`)).FindStringIndex(text); at != nil {
				return at[0]
			}
		}
	}
	return -1
}

// plain are the fragments as they may stand in a text. That a number begins in a
// certain way is none: the rest of it could be anything.
func (f fragments) plain() []string {
	var list []string
	for _, s := range f {
		switch {
		case s[0] == '=', s[0] == '#' && len(s) == len("#80040265"):
			list = append(list, s[1:])
		case s[0] == '#' && len(s) == len("#401"):
			list = append(list, "("+s[1:]+")")
		case s[0] != '#':
			list = append(list, strings.Split(s, "|")...)
		}
	}
	return list
}
