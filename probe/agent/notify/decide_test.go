package notify

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/probe/agent"
	"github.com/ewsprobe/ewsprobe/probe/agent/agentfile"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

var begin = time.Date(2026, 11, 28, 22, 0, 0, 0, time.UTC)

// Each word of a story is a minute: a status (ok, w, c, u) with a code after a slash;
// "-" is time without a run; in brackets nobody is told; with "!" the credential is
// withheld. Each word of the answer is what is told then: the kind, a colon and the
// status.
func TestDecide(t *testing.T) {
	type rule struct {
		on     []string
		after  int
		repeat time.Duration
	}
	all, critical := []string{"critical", "unknown", "warning"}, []string{"critical"}
	for _, c := range []struct {
		name, story, told string
		rule              rule
	}{
		{"ok from the start is not told", "ok ok ok", "- - -", rule{all, 1, 0}},
		{"not ok from the start is", "c c c", "- problem:critical -", rule{all, 2, 0}},
		{"an edge is told once", "ok c c c c ok ok ok", "- - problem:critical - - - recovery:ok -", rule{all, 2, 0}},
		{"at once", "ok c c ok ok", "- problem:critical - recovery:ok -", rule{all, 1, 0}},
		{"what flaps is not told", "ok c ok c ok c ok", "- - - - - - -", rule{all, 2, 0}},
		{"a short ok does not end it", "c c ok c c", "- problem:critical - - -", rule{all, 2, 0}},
		{"it gets worse", "w w c c", "- problem:warning - problem:critical", rule{all, 2, 0}},
		{"it gets another reason", "c/a c/a c/b c/b", "- problem:critical - problem:critical", rule{all, 2, 0}},
		{"a reason that flaps is told once", "c/a c/a c/b c/a c/b c/a", "- problem:critical - - - -", rule{all, 2, 0}},
		{"only what the channel wants", "w w c c w w ok ok", "- - - problem:critical - - - recovery:ok", rule{critical, 2, 0}},
		{"recovery is not told of what was not", "w w ok ok", "- - - -", rule{critical, 2, 0}},
		{"reminders", "c - - - - -", "problem:critical - - reminder:critical - -", rule{all, 1, 3 * time.Minute}},
		{"runs that could not see it do not count", "c - - c", "- - - problem:critical", rule{all, 2, 0}},
		{"told when the silence ends", "[c c -] - -", "- - - problem:critical -", rule{all, 2, 0}},
		{"not told when it was over before", "[c c ok ok] -", "- - - - -", rule{all, 2, 0}},
		{"recovery too", "c c [ok ok] - ok", "- problem:critical - - recovery:ok -", rule{all, 2, 0}},
		{"withheld at once, and once", "c! c! c ok! ok!", "withheld:critical problem:critical - withheld:ok recovery:ok", rule{all, 2, 0}},
		{"withheld after the silence", "[c! c!] -!", "- - problem:critical,withheld:critical", rule{all, 2, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var state State
			channel := &agentfile.Channel{On: c.rule.on, After: c.rule.after, Repeat: c.rule.repeat}
			now := &agent.Target{Name: "mail"}
			e := agent.Event{At: begin, Target: now}
			var told []string
			for _, word := range strings.Fields(c.story) {
				e.At = e.At.Add(time.Minute)
				if strings.HasPrefix(word, "[") {
					now.Muted = true
				}
				what := strings.Trim(word, "[]!")
				if e.Counts = what != "-"; e.Counts {
					var code string
					what, code, _ = strings.Cut(what, "/")
					status := map[string]finding.Status{"ok": finding.OK, "w": finding.Warning, "c": finding.Critical, "u": finding.Unknown}[what]
					now.Status, now.Code = status, finding.Code(code)
				}
				if now.Withheld = nil; strings.Contains(word, "!") {
					now.Withheld = &agent.Withheld{Since: begin}
				}
				var list []Notification
				state, list = Decide(channel, restarted(t, state), e)
				var words []string
				for _, n := range list {
					words = append(words, string(n.Kind)+":"+string(n.Status))
				}
				if len(words) == 0 {
					words = []string{"-"}
				}
				told = append(told, strings.Join(words, ","))
				if strings.HasSuffix(word, "]") {
					now.Muted = false
				}
			}
			if got := strings.Join(told, " "); got != c.told {
				t.Errorf("told  %s\nwant  %s\nstory %s", got, c.told, c.story)
			}
		})
	}
}

// restarted is a state as it comes back from the disk.
func restarted(t *testing.T, s State) (again State) {
	t.Helper()
	raw, err := json.Marshal(s)
	if err == nil {
		err = json.Unmarshal(raw, &again)
	}
	if err != nil {
		t.Fatal(err)
	}
	return again
}
