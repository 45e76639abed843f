package main

import (
	"strings"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/standin"
)

// A person may have typed the password into any field of the profile: wherever
// the run's own password stands in the file, it is in no output.
func TestProfileKeepsThePassword(t *testing.T) {
	t.Parallel()
	columns := []string{
		"name", "exchangeonlinetenantid", "incomingusername", "outgoingusername", "lastteststarttime", "lasttestrequest", "lasttestresponse",
		"lastcrmmessage", "lastsyncerror", "lastsyncerrorcode", "incomingpassword", "description",
	}
	cells := make([]string, len(columns))
	for i := range cells {
		cells[i] = standin.Password
	}
	file := save(t, "profile.csv", []byte(strings.Join(columns, ";")+";servertype\n"+strings.Join(cells, ";")+";2\n"))
	server := begin(t, everyScheme, standin.Options{})
	args := lineTo(server, goodCheck).args(t, "--profile="+file)
	silent(t, args, func() map[string]string { return spellings(standin.Password) })

	// The same where only the file names the account, and where the file is
	// refused: that the password is there is not said by repeating it.
	for _, text := range []string{
		"servertype;incomingusername\n" + standin.Password + ";svc\n",
		"servertype;incomingserverlocation\n2;" + standin.Password + "\n",
		"servertype;incomingusername\n2;svc:" + standin.Password + "\n",
		"servertype;incomingusername\n2;svc;" + standin.Password + "\n",
		"servertype;incomingusername\n2;\"" + standin.Password + "\n",
		`{"servertype":2,"incomingportnumber":"` + standin.Password + `"}`,
	} {
		got := program{}.run(t, "check", asJSON, "-vv", "--profile="+save(t, "profile.csv", []byte(text)), "--no-credentials", server.URL())
		if got.exit != 3 || strings.Contains(got.out+got.err, standin.Password) {
			t.Errorf("%q: exit %d\n%s%s", text, got.exit, got.out, got.err)
		}
	}
}
