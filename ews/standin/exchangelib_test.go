package standin

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// pythonWith is Debian's Python; without the module the test is left out.
func pythonWith(t *testing.T, module string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("left out with -short: it takes seconds")
	}
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import "+module).Run(); err != nil {
		t.Skipf("the Python module %s is not installed", module)
	}
	return python
}

// exchangelib (Debian's python3-exchangelib) is a client by other authors: it
// finds every folder once, page after page.
func TestExchangelibListsFolders(t *testing.T) {
	python := pythonWith(t, "exchangelib")
	want := strings.Join([]string{
		"/root/Top of Information Store/Calendar", "/root/Top of Information Store/Contacts", "/root/Top of Information Store/Deleted Items",
		"/root/Top of Information Store/Drafts", "/root/Top of Information Store/Inbox", "/root/Top of Information Store/Inbox/Dynamics 365",
		"/root/Top of Information Store/Junk Email", "/root/Top of Information Store/Outbox", "/root/Top of Information Store/Sent Items",
		"/root/Top of Information Store/Tasks", "1 Inbox",
	}, "\n")
	for _, scheme := range []string{"basic", "ntlm"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			s := start(t, everyScheme)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // exchangelib asks for ever where paging never ends
			defer cancel()
			out, err := exec.CommandContext(ctx, python, "testdata/folders.py", s.LocalURL(), UPN, Password, scheme).CombinedOutput()
			if got := strings.TrimSpace(string(out)); err != nil || got != want {
				t.Errorf("%v\n%s\nwant\n%s", err, got, want)
			}
		})
	}
}
