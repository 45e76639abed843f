package guide

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The recipes of the guide agent that are YAML are valid YAML. That Prometheus and
// Alertmanager take theirs, testdata/partners tries.
func TestRecipesOfTheAgent(t *testing.T) {
	source := Source("agent")
	kinds := map[string]bool{}
	var block strings.Builder
	for line := range strings.Lines(source + "\n.\n") {
		if code, ok := strings.CutPrefix(line, "    "); ok {
			block.WriteString(code)
			continue
		}
		if text := block.String(); text != "" && !strings.HasPrefix(text, "ewsprobe ") && !strings.HasPrefix(text, "sudo ") {
			var of any
			if err := yaml.Unmarshal([]byte(text), &of); err != nil {
				t.Errorf("%v in\n%s", err, text)
			}
			if m, ok := of.(map[string]any); ok {
				for key := range m {
					kinds[key] = true
				}
			}
		}
		block.Reset()
	}
	for _, key := range []string{"scrape_configs", "file_sd_configs", "route", "kind", "tls_server_config"} {
		if !kinds[key] {
			t.Errorf("the guide has no recipe with %s", key)
		}
	}
}
