package standin

import (
	"regexp"
	"testing"
)

func TestScenariosAreWellFormed(t *testing.T) {
	kebab := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	seen := make(map[string]bool)
	for _, s := range Scenarios() {
		switch {
		case !kebab.MatchString(s.Name) || seen[s.Name]:
			t.Errorf("name %q", s.Name)
		case s.Title == "":
			t.Errorf("%s has no title", s.Name)
		case !kebab.MatchString(s.Expect.Code):
			t.Errorf("%s expects the code %q", s.Name, s.Expect.Code)
		case (s.Expect.Code == "ok") != (s.Expect.Status == "ok"):
			t.Errorf("%s expects %s with status %s", s.Name, s.Expect.Code, s.Expect.Status)
		case s.Expect.Cause < 0 || s.Expect.Cause > 6 || s.Expect.MaxBadLogons > 2:
			t.Errorf("%s expects %+v", s.Name, s.Expect)
		case (s.Check.User == "") != (s.Check.Password == ""):
			t.Errorf("%s has half an account", s.Name)
		case s.Check.Password == Password && s.Expect.MaxBadLogons > 0:
			t.Errorf("%s lets the right password cost something", s.Name)
		case s.Check.Impersonate && s.Check.Mailbox == "":
			t.Errorf("%s impersonates nobody", s.Name)
		case s.Check.PlainHTTP != (s.Behaviour.Transport == TransportPlain):
			t.Errorf("%s mixes http and https", s.Name)
		case (s.Check.Cloud || s.Check.HMA != "" && !s.Check.PlainHTTP) != (s.Behaviour.Cloud != nil),
			!s.Check.Cloud && (s.Check.Dynamics || s.Check.Tenant != "" && s.Check.HMA == "" || s.Check.Token != ""):
			t.Errorf("%s and its cloud", s.Name)
		case s.Check.Explain != s.Behaviour.Directory:
			t.Errorf("%s and its domain controller", s.Name)
		case s.Check.EachNode != (s.Behaviour.SecondNode != nil):
			t.Errorf("%s and its nodes", s.Name)
		}
		seen[s.Name] = true
		if found, ok := Find(s.Name); !ok || found.Title != s.Title {
			t.Errorf("%s is not found", s.Name)
		}
	}
	if _, ok := Find("no-such-scenario"); ok {
		t.Error("an unknown scenario is found")
	}
}

func TestScenariosAreFresh(t *testing.T) {
	Scenarios()[0].Name = "changed"
	farm, _ := Find("farm")
	farm.Behaviour.SecondNode.Basic = true
	if again, _ := Find("farm"); Scenarios()[0].Name == "changed" || again.Behaviour.SecondNode.Basic {
		t.Error("a caller can change the scenarios")
	}
}

// Every scenario's server starts, and its View shows nothing before it is asked.
func TestScenariosStart(t *testing.T) {
	if testing.Short() {
		t.Skip("left out with -short: it takes seconds")
	}
	for _, scenario := range Scenarios() {
		s := start(t, scenario.Behaviour)
		if view := s.View(); view.Connections != 0 || len(view.Requests) != 0 {
			t.Errorf("%s: view %+v", scenario.Name, view)
		}
	}
}
