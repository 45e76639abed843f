package standin

import (
	"os/exec"
	"strings"
	"testing"
)

// requests-ntlm (Debian's python3-requests-ntlm) is a client from elsewhere, and one
// of the few that send a channel binding: Extended Protection holds for it as for
// Windows.
func TestRequestsNTLMBindsItsChannel(t *testing.T) {
	python := pythonWith(t, "requests_ntlm")
	args := []string{"testdata/binding.py", findInbox("", ""), User, Password}
	var want []string
	for _, c := range []struct {
		demand       ExtendedProtection
		bridged      bool
		bound, naked string
	}{
		{ExtendedProtectionNone, false, "200", "200"},
		{ExtendedProtectionAllow, false, "200", "200"},
		{ExtendedProtectionRequire, false, "200", "401"},
		{ExtendedProtectionAllow, true, "401", "200"},
		{ExtendedProtectionRequire, true, "401", "401"},
	} {
		b := everyScheme
		b.ExtendedProtection, b.Bridged = c.demand, c.bridged
		args, want = append(args, start(t, b).LocalURL()), append(want, c.bound+" "+c.naked)
	}
	out, err := exec.CommandContext(t.Context(), python, args...).CombinedOutput()
	if got := strings.TrimSpace(string(out)); err != nil || got != strings.Join(want, "\n") {
		t.Errorf("%v\n%s\nwant\n%s", err, got, strings.Join(want, "\n"))
	}
}
