package finding

import (
	"maps"
	"slices"
	"sync"
)

// Cause is one of the six causes that KB 3212785 lists for a 401 in Dynamics
// server-side synchronization.
type Cause struct {
	Number  int
	Title   string // at most 30 characters, for a table
	Meaning string
	Link    string
}

// causeTexts is a cause as text/causes.yaml has it.
type causeTexts struct {
	Cause `yaml:",inline"`
	Why   map[string]string // the sentences of a report, by variant
}

var causeList = sync.OnceValue(func() (list []causeTexts) {
	decode(file("text/causes.yaml"), &list)
	for i := range list {
		list[i].Link = link(list[i].Link)
	}
	return list
})

// SayCause makes the sentence of a report about a cause.
func SayCause(number int, variant string, p Params) string {
	list := causeList()
	if number < 1 || number > len(list) {
		return ""
	}
	text, ok := list[number-1].Why[variant]
	if !ok {
		if text, ok = shared().Why[variant]; !ok {
			return "There is no sentence " + variant + " of this cause"
		}
	}
	return render(text, &p)
}

// LookupCause finds a cause by its number, 1 to 6.
func LookupCause(number int) (Cause, bool) {
	if number < 1 || number > len(causeList()) {
		return Cause{}, false
	}
	return causeList()[number-1].Cause, true
}

// CauseVariants are the names of the sentences of reports about a cause.
func CauseVariants(number int) []string {
	return slices.Sorted(maps.Keys(causeList()[number-1].Why))
}
