package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/standin"
)

// A report never takes the place of a file that the run reads, by whatever name
// the file is called, and two reports never that of each other.
func TestSaveTakesNoPlaceOfAnother(t *testing.T) {
	sent := 0
	s := begin(t, crowd(everyScheme, standin.Crowd{Mailboxes: 10}), standin.Options{OnRequest: func(standin.Request) { sent++ }})
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "below"), 0o700); err != nil {
		t.Fatal(err)
	}
	file := func(name, content string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	input, password := file("boxes.csv", boxes(1)), file("password.csv", standin.Password)
	profile := file("profile.csv", "name,incomingserverlocation,incomingusername\nx,https://mail.contoso.com/EWS/Exchange.asmx,a@contoso.com\n")
	accepted, state := file("accepted.md", "accept: []\n"), file("state.json", "")
	ca := file("ca.xml", string(s.CA()))
	linked := filepath.Join(dir, "linked.csv")
	if err := os.Link(input, linked); err != nil {
		t.Fatal(err)
	}
	record := file("record.json", "{}")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"batch", "--save", input, input}, "the file that is read"},
		{[]string{"batch", "--save", filepath.Join(dir, "below", "..", "boxes.csv"), input}, "the file that is read"},
		{[]string{"batch", "--save", linked, input}, "the file that is read"},
		{[]string{"batch", "--password-file", password, "--save", password, input}, "--password-file"},
		{[]string{"batch", "--profile", profile, "--save", profile, input}, "--profile"},
		{[]string{"batch", "--ca-file", ca, "--save", ca, input}, "--ca-file"},
		{[]string{"batch", "--user-column", "name", "--password-file-column", "name", "--password-dir", dir, "--save", password, input}, "--password-dir"},
		{[]string{"batch", "--resume", state, "--save", state, input}, "--resume"},
		{[]string{"batch", "--save", filepath.Join(dir, "new.html"), "--save", dir + "/below/../new.html", input}, "the same file"},
		{[]string{"check", "--password-file", password, "--save", password}, "--password-file"},
		{[]string{"check", "--baseline", accepted, "--save", accepted}, "--baseline"},
		{[]string{"check", "--ca-file", ca, "--save", ca}, "--ca-file"},
		{[]string{"check", "--save", filepath.Join(dir, "new.html"), "--save", filepath.Join(dir, "new.html")}, "the same file"},
		{[]string{"diagnose", "--save", record, record}, "the file that is read"},
	} {
		args := c.args
		switch args[0] {
		case "batch":
			if c.args[1] != "--user-column" {
				args = append([]string{"batch", "--user", standin.UPN}, args[1:]...)
			}
			args = append([]string{"batch", "--address", s.Addresses()[0], "--target", standin.Host}, args[1:]...)
		case "check":
			args = append(append([]string{"check", "--user", standin.UPN, "--address", s.Addresses()[0]}, args[1:]...), standin.Host)
		}
		o := rightPassword.run(t, args...)
		if o.exit != 3 || !strings.Contains(o.err, c.want) || strings.Count(o.err, "\n") != 1 {
			t.Errorf("%v: exit %d, %s", c.args, o.exit, o.err)
		}
	}
	if sent > 0 {
		t.Errorf("%d requests were sent", sent)
	}
	if raw, _ := os.ReadFile(input); string(raw) != boxes(1) {
		t.Errorf("the mailboxes are gone: %s", raw)
	}
	if _, err := os.Stat(filepath.Join(dir, "new.html")); err == nil {
		t.Error("something was saved")
	}
}
