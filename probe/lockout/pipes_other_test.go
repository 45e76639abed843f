//go:build !unix

package lockout

import "testing"

func pipes(hazards map[string]func(*testing.T, string) string) map[string]func(*testing.T, string) string {
	return hazards
}
