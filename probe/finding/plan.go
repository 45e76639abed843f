package finding

import "sync"

var plans = sync.OnceValue(func() (p struct{ Mailbox, Other map[string]string }) {
	decode(file("text/plans.yaml"), &p)
	return p
})

// ServicePlan is the name of a service plan with a mailbox, "" of another; other
// says that it is known to bring none.
func ServicePlan(id string) (name string, other bool) {
	return plans().Mailbox[id], plans().Other[id] != ""
}

// KnownPlan says whether a service plan is one of Microsoft's that is known.
func KnownPlan(id string) bool {
	name, other := ServicePlan(id)
	return name != "" || other
}
