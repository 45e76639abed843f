package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"
)

// These are set by the linker when a release is built (.ci/release.sh); every
// other build takes what the Go tool stamped into it.
var (
	release string
	commit  string
	date    string // of the commit, RFC 3339 in UTC
)

// next is the version of a build that carries none of its own.
const next = "0.1.0"

// build is where a program comes from; what is not known is null.
type build struct {
	Schema   string  `json:"schema"`
	Version  string  `json:"version"`
	Commit   *string `json:"commit"`
	Date     *string `json:"date"`
	Go       string  `json:"go"`
	Platform string  `json:"platform"`
}

// thisBuild is read once: several commands have the version in their flags.
var thisBuild = sync.OnceValue(readBuild)

func readBuild() build {
	stamped := map[string]string{}
	module := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			stamped[s.Key] = s.Value
		}
		if v, ok := strings.CutPrefix(info.Main.Version, "v"); ok {
			module = v
		}
	}
	known := func(values ...string) *string {
		if v := cmp.Or(values...); v != "" {
			return &v
		}
		return nil
	}
	return build{
		Schema: "ewsprobe/version/1", Version: cmp.Or(release, module, next),
		Commit: known(commit, stamped["vcs.revision"]), Date: known(date, stamped["vcs.time"]),
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
}

func version() string { return thisBuild().Version }

// day is the day of the commit, if known.
func (b build) day() string {
	if b.Date == nil {
		return ""
	}
	day, _, _ := strings.Cut(*b.Date, "T")
	return day
}

func (b build) String() string {
	about := []string{b.Go, b.Platform}
	if b.Commit != nil {
		about = append([]string{"commit " + (*b.Commit)[:min(12, len(*b.Commit))], b.day()}, about...)
	}
	return fmt.Sprintf("ewsprobe %s (%s)", b.Version, strings.Join(about, ", "))
}

type versionFlags struct {
	JSON bool `help:"as one JSON object, for a script"`
}

func versionCommand(std stdio) *cli.Command {
	f := &versionFlags{}
	return bare("version", f, "", func(context.Context) error {
		b := thisBuild()
		if !f.JSON {
			_, err := fmt.Fprintln(std.out, b)
			return err
		}
		return json.NewEncoder(std.out).Encode(b)
	})
}
