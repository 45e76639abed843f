package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/ewsprobe/ewsprobe/probe/batch"
	"github.com/ewsprobe/ewsprobe/probe/config"
)

// openState opens the file of --resume; nil without one.
func openState(file string, cfg batch.Config, in *batch.Input, out *outputs) (*batch.State, error) {
	if file == "" {
		return nil, nil
	}
	if out.replaces() {
		return nil, usage("--resume and --save exclude each other: --save replaces its file; " +
			"append standard output to a file instead (>> results.jsonl)")
	}
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
		return nil, unusable("--resume %s is not a file; name a file", file)
	}
	about := sha256.Sum256([]byte(strings.Join(append([]string{
		cfg.Probe.URL.String(), cfg.Probe.User, fmt.Sprint(cfg.Impersonate), cfg.Probe.ProfileAuth, cfg.Shard.String(),
	}, in.About()...), "\x00")))
	s, err := batch.OpenState(file, hex.EncodeToString(about[:12]), bootID(), out.sync)
	switch {
	case errors.Is(err, batch.ErrInUse):
		return nil, unusable("--resume %s: another run uses this file; wait until it ends, or stop it", file)
	case err != nil:
		return nil, unusable("--resume %s cannot be used (%s); give the file of the same run, or a new name to start over",
			file, config.Reason(err))
	}
	return s, nil
}

// bootID tells one start of this machine from another; "" where that is not
// known.
func bootID() string {
	raw, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(raw))
}
