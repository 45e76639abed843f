//go:build unix

package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/standin"
)

func pipeFile(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// A pipe that nobody writes to, or that somebody keeps open without a word, does
// not hold up Ctrl-C.
func TestCtrlCWhileOpening(t *testing.T) {
	file := batchFile(t, boxes(1))
	for _, args := range []string{
		"batch --user svc-crm@contoso.com --target mail.contoso.com PIPE",
		"batch --user svc-crm@contoso.com --target mail.contoso.com --password-file PIPE " + file,
		"batch --user svc-crm@contoso.com --target mail.contoso.com --ca-file PIPE " + file,
		"batch --user svc-crm@contoso.com --target mail.contoso.com --baseline PIPE " + file,
		"batch --user svc-crm@contoso.com --profile PIPE " + file,
		"check --user svc-crm@contoso.com --password-file PIPE mail.contoso.com",
		"check --user svc-crm@contoso.com --token-file PIPE mail.contoso.com",
		"check --user svc-crm@contoso.com --keytab PIPE mail.contoso.com",
		"diagnose PIPE",
		"merge PIPE",
	} {
		for _, held := range []bool{false, true} {
			t.Run(args, func(t *testing.T) {
				if held && strings.HasPrefix(args, "merge") {
					t.Skip("refused, for it is read twice")
				}
				name := pipeFile(t)
				if held {
					f, err := os.OpenFile(name, os.O_RDWR, 0)
					if err != nil {
						t.Fatal(err)
					}
					defer f.Close()
				}
				ctx, interrupt := context.WithCancel(t.Context())
				time.AfterFunc(50*time.Millisecond, interrupt)
				var out, complaint bytes.Buffer
				ended := make(chan int, 1)
				go func() {
					ended <- run(ctx, append([]string{"ewsprobe"}, strings.Fields(strings.ReplaceAll(args, "PIPE", name))...), somePassword.stdio(t, &out, &complaint))
				}()
				select {
				case code := <-ended:
					if code != 3 || !strings.Contains(complaint.String(), "stopped before the end") {
						t.Errorf("exit %d: %s", code, complaint.String())
					}
				case <-time.After(20 * time.Second):
					t.Fatal("it waits")
				}
			})
		}
	}
}

// The state is a file: to wait for a pipe, and to cut it, makes no sense.
func TestBatchResumesFromNoPipe(t *testing.T) {
	o := rightPassword.run(t, "batch", "--user", standin.UPN, "--target", standin.Host, "--resume", pipeFile(t), batchFile(t, boxes(1)))
	if o.exit != 3 || !strings.Contains(o.err, "pipe is not a file; name a file") {
		t.Errorf("exit %d: %s", o.exit, o.err)
	}
}

// A pipe in the folder of passwords is no file of a password, and is said so
// without waiting for somebody who writes to it.
func TestBatchOfOwnAccountsWithAPipe(t *testing.T) {
	s := begin(t, crowd(everyScheme, standin.Crowd{Mailboxes: 10}), standin.Options{})
	args, dir := ownArgs(t, s)
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := "emailaddress,account,secret\nbox1@contoso.com," + standin.UPN + ",pipe\nbox2@contoso.com," + standin.UPN + ",below\nbox3@contoso.com," + standin.UPN + ",right\n"
	o := (program{}).run(t, append(args, batchFile(t, file))...)
	rows, _ := results(t, o.out)
	for row, want := range map[int]string{1: "is not a file", 2: "is not a file", 3: ""} {
		if !strings.Contains(rows[row].Verdict.Summary, want) {
			t.Errorf("row %d: %+v", row, rows[row].Verdict)
		}
	}
	if rows[3].Verdict.Code != "ok" || o.exit != 3 {
		t.Errorf("exit %d: %+v\n%s", o.exit, rows[3].Verdict, o.err)
	}
}

// A profile that is not there is told in a sentence.
func TestProfileThatIsNotThere(t *testing.T) {
	for _, command := range []string{"batch", "check"} {
		o := (program{}).run(t, command, "--profile", filepath.Join(t.TempDir(), "none"), "x")
		if o.exit != 3 || !strings.Contains(o.err, "none cannot be read (") {
			t.Errorf("%s: exit %d: %s", command, o.exit, o.err)
		}
	}
}
