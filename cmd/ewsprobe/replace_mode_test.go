package main

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// A file that is saved again keeps the rights that somebody gave it; a new one is
// for its owner alone.
func TestSavedFileKeepsItsMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("rights are no bits there")
	}
	name := filepath.Join(t.TempDir(), "record.json")
	for _, want := range []os.FileMode{0o600, 0o640} {
		if err := writeWhole(name, []byte("{}")); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%v %v, want %v", info.Mode(), err, want)
		}
		if err := os.Chmod(name, 0o640); err != nil {
			t.Fatal(err)
		}
	}
}
