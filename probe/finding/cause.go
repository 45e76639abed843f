package finding

import (
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

var causes = sync.OnceValue(func() (list []Cause) {
	decode(file("text/causes.yaml"), &list)
	for i := range list {
		list[i].Link = link(list[i].Link)
	}
	return list
})

// Causes lists the six causes in the order of their numbers. The caller may
// change the result.
func Causes() []Cause { return slices.Clone(causes()) }

// LookupCause finds a cause by its number, 1 to 6.
func LookupCause(number int) (Cause, bool) {
	if number < 1 || number > len(causes()) {
		return Cause{}, false
	}
	return causes()[number-1], true
}
