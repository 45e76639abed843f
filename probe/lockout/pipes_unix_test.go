//go:build unix

package lockout

import (
	"path/filepath"
	"syscall"
	"testing"
)

// pipes adds what only Unix has in place of a file: a pipe, which nobody writes
// to, behaves as a network volume does that is gone.
func pipes(hazards map[string]func(*testing.T, string) string) map[string]func(*testing.T, string) string {
	pipe := func(name, says string) func(*testing.T, string) string {
		return func(t *testing.T, dir string) string {
			mkdir(t, dir)
			if err := syscall.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
				t.Fatal(err)
			}
			return says
		}
	}
	hazards["a pipe in place of the count"] = pipe(filepath.Base(stateFile("")), "is not a file")
	hazards["a pipe in place of the lock"] = pipe("state.lock", "within 1s")
	hazards["a pipe in place of the turn"] = pipe("turn-"+fileKey("svc-crm")[:1]+".lock", "within 1s")
	return hazards
}
