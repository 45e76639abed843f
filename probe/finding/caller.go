package finding

import (
	"slices"
	"sync"
)

// said is what an alert of a connection says where Dynamics is not the caller.
type said struct {
	Keys []string
	Any  []fragments // one of them has to be in the text, if there are any
	Says string
}

// callers are in text/callers.yaml, which says what they are for.
var callers = sync.OnceValue(func() (c struct {
	Who     []alertRule
	Callees []string // subjects
	What    []said
},
) {
	decode(file("text/callers.yaml"), &c)
	return c
})

// alertsByCaller are the alerts of a text. What is said of a connection is turned to where it
// was opened, if the text names a caller beside Dynamics, or is about a service of Microsoft.
func alertsByCaller(text string) []Alert {
	read := readAlert(text)
	t := *read // to find the alerts adds to what was read
	found, _ := read.alerts()
	var says []string
	rest := slices.DeleteFunc(slices.Clone(found), func(a Alert) bool {
		i := slices.IndexFunc(callers().What, func(w said) bool {
			return slices.Contains(w.Keys, a.Key) && (w.Any == nil || slices.ContainsFunc(w.Any, t.holds))
		})
		if i >= 0 && !slices.Contains(says, callers().What[i].Says) {
			says = append(says, callers().What[i].Says)
		}
		return i >= 0
	})
	if len(says) == 0 {
		return found
	}
	if len(rest) > 0 && slices.Contains(callers().Callees, rest[0].Key) {
		rest[0].Says = slices.Concat(rest[0].Says, says)
		return rest
	}
	for _, who := range callers().Who {
		if slices.ContainsFunc(t.groups(who), t.holds) {
			if !who.Alone {
				who.Says = says
			}
			return append(rest, who.Alert)
		}
	}
	return found
}
