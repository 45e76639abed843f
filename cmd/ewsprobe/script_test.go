package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/ewsprobe/ewsprobe/ews/standin"
)

var update = flag.Bool("update", false, "write what the commands print into the scripts")

// The transcripts in testdata/script are the specification of the command line.
// Beside what testscript knows they have:
//
//	exits N ewsprobe ARGS...    runs the program and wants that exit code
//	refuses CODE ewsprobe ARGS...
//	                            wants exit code 3, nothing on standard output and one
//	                            line on standard error; and where the command knows
//	                            --format json, one JSON object with that code
//	standin NAME                plays a scenario until the script ends; sets URL,
//	                            ADDRESS and AUTODISCOVER (and CLOUDURL), writes the
//	                            files ca.pem, password, wrong, token and dynamics-token
//	unasked                     nothing reached the stand-in
//	asked N                     that many logons reached the stand-in
//	unicode FILE ENCODING TEXT  writes a text as another program might
//	edit FROM TO OLD NEW...     copies a file with some of its text replaced
//	cut FROM TO, twice FROM TO  copies half of a file, or a file two times
//	exec steady [TITLE]         copies standard input without what differs between
//	                            runs, up to that title
func TestScript(t *testing.T) {
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts", err)
	}
	testscript.Run(t, testscript.Params{
		Files:               some(scripts),
		UpdateScripts:       *update,
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", filepath.Dir(built())+string(os.PathListSeparator)+e.Getenv("PATH")) // it starts sooner
			e.Setenv("XDG_STATE_HOME", e.WorkDir+"/state")
			e.Setenv("LOCALAPPDATA", e.WorkDir+"/state")
			e.Setenv("GORACE", promptly)
			e.Setenv("NO_COLOR", "")
			e.Setenv("TZ", "UTC")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "refuses": refuses, "standin": playing, "unasked": unasked, "asked": asked,
			"unicode": encoded, "edit": edit,
			"cut":   damage(func(s string) string { return s[:len(s)/2] }),
			"twice": damage(func(s string) string { return s + s }),
		},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits N command ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := exitOf(ts, args[1:]); got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func exitOf(ts *testscript.TestScript, args []string) int {
	err := ts.Exec(args[0], args[1:]...)
	var failed *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &failed):
		return failed.ExitCode()
	}
	ts.Fatalf("%v", err)
	return -1
}

func refuses(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: refuses CODE ewsprobe ARGS...")
	}
	code, command := args[0], args[1:]
	wantRefusal := func() string {
		if got := exitOf(ts, command); got != 3 {
			ts.Fatalf("exit code %d, want 3", got)
		}
		complaint := ts.ReadFile("stderr")
		if strings.Count(complaint, "\n") != 1 || !strings.HasPrefix(complaint, "ewsprobe: ") || len(complaint) < 30 {
			ts.Fatalf("standard error is not one line that says what is wrong: %q", complaint)
		}
		return ts.ReadFile("stdout")
	}
	if slices.Contains([]string{"check", "diagnose"}, strings.Join(command[1:min(2, len(command))], "")) {
		if already := strings.Contains(strings.Join(command, " "), "--format"); !already {
			plain := command
			command = slices.Insert(slices.Clone(command), 2, "--format", "json")
			var r told
			d := json.NewDecoder(strings.NewReader(wantRefusal()))
			if err := d.Decode(&r); err != nil || d.More() {
				ts.Fatalf("standard output is not one JSON object (%v)", err)
			}
			if r.Schema != "ewsprobe/report/1" || r.Verdict.Code != code || r.Verdict.Status != "unknown" || len(r.Causes) != 6 || len(r.Evidence) != 0 {
				ts.Fatalf("the report says %+v, want the code %s", r.Verdict, code)
			}
			if line := strings.TrimPrefix(strings.TrimSpace(ts.ReadFile("stderr")), "ewsprobe: "); line != r.Verdict.Summary {
				ts.Fatalf("standard error says %q, the report %q", line, r.Verdict.Summary)
			}
			command = plain
		}
	}
	if out := wantRefusal(); out != "" {
		ts.Fatalf("standard output should be empty: %q", out)
	}
}

// stages are the stand-ins of the scripts under way.
var (
	stagesLock sync.Mutex
	stages     = map[*testscript.TestScript]*standin.Server{}
)

func playing(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: standin NAME")
	}
	s, ok := standin.Find(args[0])
	if !ok {
		ts.Fatalf("there is no scenario %s", args[0])
	}
	server, err := standin.Start(s.Behaviour, standin.Options{})
	ts.Check(err)
	ts.Defer(func() { _ = server.Close() })
	ts.Setenv("URL", server.URL())
	ts.Setenv("ADDRESS", server.Addresses()[0])
	ts.Setenv("CLOUDURL", server.CloudURL())
	ts.Setenv("AUTODISCOVER", server.AutodiscoverURL())
	for name, content := range map[string][]byte{
		"ca.pem": server.CA(), "password": []byte(standin.Password + "\n"), "wrong": []byte(standin.WrongPassword + "\n"), "token": []byte(standin.Token + "\n"),
		"dynamics-token": []byte(standin.DataverseToken + "\n"),
	} {
		ts.Check(os.WriteFile(ts.MkAbs(name), content, 0o600))
	}
	onStage(ts, server)
}

func onStage(ts *testscript.TestScript, server *standin.Server) *standin.Server {
	stagesLock.Lock()
	defer stagesLock.Unlock()
	if server != nil {
		stages[ts] = server
	}
	if stages[ts] == nil {
		ts.Fatalf("no stand-in is playing")
	}
	return stages[ts]
}

func unasked(ts *testscript.TestScript, _ bool, _ []string) {
	s := onStage(ts, nil)
	if v := s.View(); v.Connections != 0 || len(s.CloudRequests()) != 0 {
		ts.Fatalf("%d connections, %d requests, %d to the cloud: nothing should have been sent", v.Connections, len(v.Requests), len(s.CloudRequests()))
	}
}

func asked(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: asked N")
	}
	if v := logons(onStage(ts, nil).View()); strconv.Itoa(len(v)) != args[0] {
		ts.Fatalf("%d logons reached the stand-in, want %s", len(v), args[0])
	}
}

// encoded writes a text into a file as another program might.
func encoded(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: unicode FILE ENCODING TEXT")
	}
	text := args[2] + "\n"
	wide := func(s string, put func([]byte, uint16) []byte) []byte {
		raw := put(nil, 0xfeff)
		for _, u := range utf16.Encode([]rune(s)) {
			raw = put(raw, u)
		}
		return raw
	}
	var raw []byte
	switch args[1] {
	case "utf-8-bom":
		raw = []byte("\ufeff" + text)
	case "utf-8-crlf":
		raw = []byte(args[2] + "\r\n")
	case "latin-1":
		for _, r := range text {
			raw = append(raw, byte(r))
		}
	case "utf-16le":
		raw = wide(args[2]+"\r\n", binary.LittleEndian.AppendUint16)
	case "utf-16be":
		raw = wide(text, binary.BigEndian.AppendUint16)
	case "utf-16le-cut":
		raw = append(wide(args[2], binary.LittleEndian.AppendUint16), 'x')
	case "utf-16le-file":
		raw = wide(ts.ReadFile(args[2]), binary.LittleEndian.AppendUint16)
	default:
		ts.Fatalf("no such encoding: %s", args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), raw, 0o600))
}

// edit copies a file with some of its text replaced, wherever it is.
func edit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 || len(args)%2 != 0 {
		ts.Fatalf("usage: edit FROM TO OLD NEW...")
	}
	text := ts.ReadFile(args[0])
	for i := 2; i < len(args); i += 2 {
		if !strings.Contains(text, args[i]) {
			ts.Fatalf("%s holds no %s", args[0], args[i])
		}
		text = strings.ReplaceAll(text, args[i], args[i+1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}

// damage copies a file with the end cut off, or doubled.
func damage(change func(string) string) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 2 {
			ts.Fatalf("usage: cut FROM TO, twice FROM TO")
		}
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(change(ts.ReadFile(args[0]))), 0o600))
	}
}
