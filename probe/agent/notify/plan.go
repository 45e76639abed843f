package notify

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/ewsprobe/ewsprobe/probe/agent"
	"github.com/ewsprobe/ewsprobe/probe/agent/agentfile"
	"github.com/ewsprobe/ewsprobe/probe/agent/history"
)

// Plan says what the channels are told of a target, and what each remembers of it.
func Plan(channels []*agentfile.Channel, page string, e agent.Event, remembered map[string][]byte) (map[string][]byte, []history.Notification) {
	now := nowOf(e, page)
	remember := map[string][]byte{}
	var tell []history.Notification
	for _, c := range channels {
		var state State
		if old := remembered[c.Name]; old != nil && json.Unmarshal(old, &state) != nil {
			state = State{} // of another version: begin again, told once more at worst
		}
		after, told := Decide(RuleOf(c), state, now)
		remember[c.Name], _ = json.Marshal(after) // nothing in it can fail
		for _, n := range told {
			body, _ := json.Marshal(n)
			tell = append(tell, history.Notification{Channel: c.Name, Target: now.Target, Created: e.At, Next: e.At, Body: body})
		}
	}
	return remember, tell
}

func nowOf(e agent.Event, page string) Now {
	t := e.Target
	now := Now{
		At: e.At, Target: t.Name, Status: t.Status, Code: t.Code, Summary: t.Summary, Since: t.Since, Labels: t.Labels,
		Page: page, Counts: e.Counts, Muted: e.Muted,
	}
	if e.Report != nil && len(e.Report.Findings) > 0 {
		now.Remedies = e.Report.Findings[0].Remedies
	}
	for _, c := range t.Changed {
		now.Changed = append(now.Changed, fmt.Sprintf("%s: now %s, before %s", c.What, listed(c.After), listed(c.Before)))
	}
	if t.Withheld != nil {
		now.Withheld = &Withheld{Since: t.Withheld.Since, Why: t.Withheld.Why}
	}
	return now
}

func listed(values []string) string {
	if len(values) == 0 {
		return "none"
	}
	return strings.Join(values, ", ")
}

// keyOf names a notification over all attempts, also to those it is sent to.
func keyOf(n history.Notification) string {
	return fmt.Sprintf("ewsprobe.%d.%d", n.Created.UnixNano(), n.ID)
}
