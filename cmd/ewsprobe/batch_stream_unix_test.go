//go:build unix

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/standin"
)

// Rows are asked for as they arrive, not when their source ends; and when the run
// is stopped, whichever way the terminal says so, what was read is reported.
func TestBatchOfAnOpenPipe(t *testing.T) {
	slow(t)
	path := built()
	if path == "" {
		t.Skip("the program could not be built")
	}
	// What nohup has had ignored would be so in the program too; what is caught here
	// is not.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	for _, sent := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sent.String(), func(t *testing.T) {
			s := begin(t, crowd(everyScheme, standin.Crowd{Mailboxes: 100}), standin.Options{})
			c := exec.CommandContext(t.Context(), path, batchArgs(t, s, "-")...)
			c.Env = []string{"XDG_STATE_HOME=" + t.TempDir(), passwordEnv + "=" + standin.Password}
			in, err := c.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := c.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			var complaints bytes.Buffer
			c.Stderr = &complaints
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			hung := time.AfterFunc(30*time.Second, func() { _ = c.Process.Kill() })
			defer hung.Stop()
			lines := bufio.NewScanner(out)
			lines.Buffer(nil, 8<<20)
			_, _ = io.WriteString(in, "emailaddress,name\n")
			for i := 1; i <= 3; i++ {
				fmt.Fprintf(in, "box%d@contoso.com,Box %d\n", i, i)
				if !lines.Scan() || !strings.Contains(lines.Text(), fmt.Sprintf("box%d@", i)) {
					t.Fatalf("no result of row %d: %s\n%s", i, lines.Text(), complaints.String())
				}
			}
			if err := c.Process.Signal(sent); err != nil {
				t.Fatal(err)
			}
			if sent == syscall.SIGHUP { // it comes from the shell and from the system, at any moment
				var again sync.WaitGroup
				again.Go(func() {
					for range 50 { // not for ever: it would have no time for anything else
						_ = c.Process.Signal(sent)
						time.Sleep(time.Millisecond)
					}
				})
				defer again.Wait()
			}
			var sum summaryTold
			for lines.Scan() {
				if err := json.Unmarshal(lines.Bytes(), &sum); err != nil {
					t.Error(err)
				}
			}
			_ = c.Wait()
			if c.ProcessState.ExitCode() != 3 || sum.Rows != 3 || sum.ByCode["ok"] != 3 || sum.Stopped != "interrupted" {
				t.Errorf("exit %d: %+v\n%s", c.ProcessState.ExitCode(), sum, complaints.String())
			}
		})
	}
}
