//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/standin"
)

// A batch that is stopped writes its reports anyway, with what was found,
// and each says that it was stopped.
func TestBatchStoppedSaves(t *testing.T) {
	slow(t)
	path := built()
	if path == "" {
		t.Skip("the program could not be built")
	}
	calls := make(chan struct{}, 10_000)
	s := begin(t, crowd(everyScheme, standin.Crowd{Mailboxes: 100_000, Delay: 20 * time.Millisecond}), standin.Options{OnRequest: func(standin.Request) { calls <- struct{}{} }})
	dir := t.TempDir()
	args := batchArgs(t, s, "--format", "markdown")
	for _, name := range []string{"page.html", "cases.xml", "lines.jsonl"} {
		args = append(args, "--save", filepath.Join(dir, name))
	}
	c := exec.CommandContext(t.Context(), path, append(args, batchFile(t, boxes(5000)))...)
	c.Env = []string{"XDG_STATE_HOME=" + t.TempDir(), passwordEnv + "=" + standin.Password}
	var out, complaints bytes.Buffer
	c.Stdout, c.Stderr = &out, &complaints
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for range 60 {
		<-calls
	}
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	texts := map[string]string{"markdown": out.String()}
	walkFiles(t, dir, func(name string, content []byte) { texts[filepath.Base(name)] = string(content) })
	if len(texts) != 4 || c.ProcessState.ExitCode() != 3 {
		t.Fatalf("exit %d, %d reports\n%s", c.ProcessState.ExitCode(), len(texts), complaints.String())
	}
	for name, text := range texts {
		told := "Stopped before the last row."
		if name == "lines.jsonl" {
			told = `"stopped":"interrupted"`
		}
		if !strings.Contains(text, told) || name != "lines.jsonl" && !strings.Contains(text, "UNKNOWN") && name != "cases.xml" {
			t.Errorf("%s does not say that it was stopped", name)
		}
	}
	rows, _ := results(t, texts["lines.jsonl"])
	_, cases, _ := strings.Cut(texts["cases.xml"], "</testsuite>")
	if len(rows) == 0 || strings.Count(cases, "<testcase ") != len(rows)+1 || strings.Count(cases, "<error ") != 1 {
		t.Errorf("%d rows, %s", len(rows), cases)
	}
	if n := strings.Count(texts["page.html"], `data-name="Row"`); n != len(rows) {
		t.Errorf("the page has %d rows, the lines %d", n, len(rows))
	}
}

// A page of many rows costs no memory.
func TestBatchMemoryOfAPage(t *testing.T) {
	slow(t)
	t.Parallel()
	if testing.Short() || runtime.GOOS != "linux" || built() == "" {
		t.Skip("nothing to measure")
	}
	s := begin(t, crowd(everyScheme, standin.Crowd{Mailboxes: 100_000, Denied: 7}), standin.Options{})
	var used int64
	p := rightPassword
	p.watch = func(pid int) { used = max(used, highWater(pid)) }
	page := filepath.Join(t.TempDir(), "page.html")
	o := p.run(t, batchArgs(t, s, "--redact", "--format", "nagios", "--save", page, batchFile(t, boxes(20_000)))...)
	info, err := os.Stat(page)
	if err != nil || info.Size() < 20_000*200 || o.exit != 2 {
		t.Fatalf("exit %d, %v\n%s", o.exit, err, o.err)
	}
	if used > memoryLimit {
		t.Errorf("it took %d MiB, at most 64 are promised", used>>20)
	}
	t.Logf("%d MiB", used>>20)
}
