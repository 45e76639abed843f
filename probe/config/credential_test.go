package config

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A copy that systemd made serves only where the file itself may not be read.
func TestCredentialsOfSystemd(t *testing.T) {
	if os.Getuid() == 0 {
		// Root may read everything; a folder that is a file is refused to all, but not
		// as a permission. So the test runs itself as nobody.
		runAsNobody(t)
		return
	}
	dir, credentials := t.TempDir(), t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", credentials)
	write := func(file, text string, mode os.FileMode) string {
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return file
	}
	readable := write(filepath.Join(dir, "secrets", "open.txt"), "own", 0o600)
	closed, alone := write(filepath.Join(dir, "secrets", "closed.txt"), "own", 0), write(filepath.Join(dir, "secrets", "alone.txt"), "own", 0)
	write(filepath.Join(credentials, "secrets_open.txt"), "copy", 0o600)
	write(filepath.Join(credentials, "secrets_closed.txt"), "copy", 0o600)
	for file, want := range map[string]string{readable: "own", closed: "copy", alone: "", filepath.Join(dir, "none"): ""} {
		got, err := Read(t.Context(), file, 100)
		if string(got) != want || (err == nil) != (want != "") {
			t.Errorf("%s holds %q, %v", file, got, err)
		}
	}
}

// A password typed at a terminal is not echoed, whichever way it is asked for.
func TestStandardInputIsATerminal(t *testing.T) {
	from := PasswordSources{
		Env:    func(string) string { return "other" },
		Stdin:  strings.NewReader("echoed\n"),
		Prompt: func(context.Context, string) (string, error) { return "typed", nil },
	}
	if got, err := from.Read(t.Context(), "-", "svc-crm"); got != "typed" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}
