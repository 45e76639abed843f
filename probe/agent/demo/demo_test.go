package demo

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/probe/agent/agentfile"
)

// The demo's configuration is one that validate takes, and nothing is left of it.
func TestDemo(t *testing.T) {
	file, end, err := Start(t.Context(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := agentfile.Load(t.Context(), file, "1", func(string) string { return "" })
	if err != nil || len(loaded.Targets) != len(targets) || loaded.Storage != filepath.Dir(file) {
		t.Errorf("%v: %+v", err, loaded)
	}
	end()
	if _, err := os.Stat(filepath.Dir(file)); !os.IsNotExist(err) {
		t.Errorf("the folder of the demo is left: %v", err)
	}
	for _, target := range targets {
		for _, name := range target.scenarios {
			s, ok := standin.Find(name)
			if !ok || s.Behaviour.SecondNode != nil || s.Behaviour.Transport != "" || s.Behaviour.Certificate != "" {
				t.Errorf("%s cannot become %s while it runs", target.name, name)
			}
		}
	}
}
