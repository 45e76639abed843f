package finding

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Alert is what a sentence of a Dynamics alert means. Dynamics wraps several
// faults in the same sentence, so an alert gives a direction, not a verdict.
type Alert struct {
	Key     string // stable name
	Meaning string
	Causes  []int  // the causes of KB 3212785 that it may stand for
	Codes   []Code // the verdicts that it may turn out to be, likely ones first; empty where EWS cannot show it
	Next    string `yaml:"-"` // the command to run next, with the placeholders of Remedy; may be empty
}

// alertRule says how an alert is recognised. A text matches if it holds all
// fragments of at least one group. Fragments are lower case with single
// spaces, and prefer codes over sentences: Dynamics translates sentences.
type alertRule struct {
	Alert `yaml:",inline"`
	Any   [][]string
	// Wrapper marks a sentence that Dynamics puts around other errors: it
	// counts only where no other rule matches.
	Wrapper bool
	Check   string // of Next, as in Remedy
}

// AlertUserRecreated is the alert that alone shows cause 6.
const AlertUserRecreated = "user-recreated"

// alertRules is ordered from the most specific to the least. The source is
// Microsoft's articles on server-side synchronization
// (https://learn.microsoft.com/troubleshoot/power-platform/dataverse/email-exchange-synchronization).
var alertRules = sync.OnceValue(func() (list []alertRule) {
	decode(file("text/alerts.yaml"), &list)
	for i := range list {
		if r := &list[i]; r.Check != "" {
			r.Next = CheckCommand(Remedy{Check: r.Check}, Placeholders)
		}
	}
	return list
})

// MatchAlert finds the alerts in a pasted text, the most specific first. Case
// and white space do not matter. An unknown text gives an empty result. A
// sentence that Dynamics puts around many errors is given only where the text
// holds nothing more telling.
func MatchAlert(text string) []Alert {
	folded := foldAlert(text)
	var found []Alert
	for _, r := range alertRules() {
		if r.Wrapper && len(found) > 0 {
			break
		}
		if r.matches(folded) {
			found = append(found, r.clone())
		}
	}
	return found
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

// Alerts lists every alert that MatchAlert knows, the most specific first. The
// caller may change the result.
func Alerts() []Alert {
	all := make([]Alert, len(alertRules()))
	for i, r := range alertRules() {
		all[i] = r.clone()
	}
	return all
}

// AlertFragmentsIn are the words and codes in a text by which alerts are
// recognised. They name nobody.
func AlertFragmentsIn(text string) []string {
	var found []string
	folded := foldAlert(text)
	for _, r := range alertRules() {
		for _, group := range r.Any {
			for _, fragment := range group {
				if strings.Contains(folded, fragment) {
					found = append(found, fragment)
				}
			}
		}
	}
	return found
}

func (r alertRule) matches(folded string) bool {
	return slices.ContainsFunc(r.Any, func(group []string) bool {
		return !slices.ContainsFunc(group, func(fragment string) bool {
			return !strings.Contains(folded, fragment)
		})
	})
}

func (a Alert) clone() Alert {
	a.Causes = slices.Clone(a.Causes)
	a.Codes = slices.Clone(a.Codes)
	return a
}

// foldAlert makes a pasted text comparable: lower case, every run of white
// space one space, invisible characters gone.
func foldAlert(text string) string {
	text = invisible().Replace(text)
	return strings.Join(strings.Fields(strings.ToLower(text)), " ")
}

var invisible = sync.OnceValue(func() *strings.Replacer {
	return strings.NewReplacer("\u200b", "", "\u200c", "", "\u200d", "", "\u2060", "", "\ufeff", "", "\u00ad", "")
})
