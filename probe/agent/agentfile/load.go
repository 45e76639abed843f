package agentfile

import "context"

// Load reads the configuration. The error is config.Problems.
func Load(ctx context.Context, name, version string, getenv func(string) string) (*File, error) {
	return &File{}, nil
}

// Fingerprint is what a target's check is made of.
func (t *Target) Fingerprint() string { return "" }
