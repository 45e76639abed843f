package config

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
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
		if err := (Save{File: name}).Write([]byte("{}")); err != nil {
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

// A report does not take the place of the file that standard output is redirected to.
func TestSaveIsNotARedirectedStream(t *testing.T) {
	name := filepath.Join(t.TempDir(), "report.json")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := New("check", "1")
	s.Save = []string{name}
	if _, err := s.Output("", Streams{Out: f}); err == nil || !strings.Contains(err.Error(), "standard output is redirected to") {
		t.Error(err)
	}
	if _, err := s.Output("", Streams{}); err != nil {
		t.Error(err)
	}
}
