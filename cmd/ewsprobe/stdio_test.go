package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Standard input that never ends does not hold up Ctrl-C.
func TestCtrlCWhileReading(t *testing.T) {
	for _, args := range []string{
		"batch --user svc-crm@contoso.com --target mail.contoso.com -",
		"check --user svc-crm@contoso.com --password-file - mail.contoso.com",
		"diagnose -",
		"diff - testdata/none.json",
	} {
		t.Run(args, func(t *testing.T) {
			ctx, interrupt := context.WithCancel(t.Context())
			blocked, keyboard := io.Pipe()
			defer keyboard.Close()
			go func() {
				_, _ = keyboard.Write([]byte("emailaddress\nbox1@contoso.com\n")) // it returns when that was read
				interrupt()
			}()
			var out, complaint bytes.Buffer
			ended := make(chan int, 1)
			std := somePassword.stdio(t, &out, &complaint)
			std.in = blocked
			go func() { ended <- run(ctx, append([]string{"ewsprobe"}, strings.Fields(args)...), std) }()
			select {
			case code := <-ended:
				// A batch has begun with what it read, and says so in its summary.
				told := strings.Contains(complaint.String(), "stopped before the end") || strings.Contains(out.String(), "Stopped before the last row")
				if code != 3 || !told {
					t.Errorf("exit %d: %s\n%s", code, out.String(), complaint.String())
				}
			case <-time.After(30 * time.Second):
				t.Fatal("it reads on")
			}
		})
	}
}

var somePassword = program{env: []string{passwordEnv + "=x"}}

// What a command found and nobody can read is exit 3, whatever it was.
func TestOutputThatCannotBeWritten(t *testing.T) {
	record := filepath.Join("..", "..", "testdata", "records", "basic-off.json")
	for _, args := range [][]string{
		{"diagnose", record},
		{"diagnose", "--format", "json", record},
		{"diff", record, record},
		{"explain"},
		{"explain", "ok"},
		{"explain", "first-check"},
		{"--help"},
		{"check", "--help"},
		{"version"},
		{"schema"},
		{"man"},
		{"completion", "bash"},
		{"simulate", "--list"},
		{"simulate"},
		{"diagnose", strings.Replace(record, "basic-off", "slow-logon", 1)}, // the verdict itself is exit 3
		{"agent", "install", "--print", "--config", "agent.yml"},
	} {
		var complaint bytes.Buffer
		std := stdio{out: fullPipe{}, err: &complaint, inFD: -1, env: func(string) string { return "" }}
		code := run(t.Context(), append([]string{"ewsprobe"}, args...), std)
		if code != 3 || complaint.String() != "ewsprobe: the output could not be written (no space left)\n" {
			t.Errorf("%v: exit %d, %q", args, code, complaint.String())
		}
	}
}

// unread is a pipe that is not read after its first lines.
type unread struct{ first, gone chan string }

func (u unread) Write(b []byte) (int, error) {
	select {
	case u.first <- string(b):
	default:
		<-u.gone
	}
	return len(b), nil
}

// The stand-in goes on answering if what it prints is not read, and ends at Ctrl-C.
func TestSimulateUnread(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	u := unread{make(chan string, 1), make(chan string)}
	defer close(u.gone)
	ended := make(chan int, 1)
	std := somePassword.stdio(t, u, io.Discard)
	go func() { ended <- run(ctx, []string{"ewsprobe", "simulate", "--scenario", "http-only"}, std) }()
	var head string
	select {
	case head = <-u.first:
	case code := <-ended:
		t.Fatalf("exit %d", code)
	}
	u.first <- "" // nothing more has room
	address := regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(head)
	client := http.Client{Timeout: time.Minute}
	for range maxUnread + 5 {
		answer, err := client.Get("http://" + address + "/EWS/Exchange.asmx")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
	}
	interrupt()
	if code := <-ended; code != 0 {
		t.Errorf("exit %d", code)
	}
}

// A text to explain that is too long is refused, also where it has no end.
func TestExplainTooLong(t *testing.T) {
	for _, piece := range []string{"401 Unauthorized\n", "\xff\xfe4\x000\x001\x00\n\x00"} {
		o := program{stdin: strings.Repeat(piece, 10*maxPasted/len(piece))}.run(t, "explain", "-")
		if o.exit != 3 || o.out != "" || !strings.Contains(o.err, "longer than 1 MiB") {
			t.Errorf("%q: exit %d: %.200s %.200s", piece, o.exit, o.out, o.err)
		}
	}
	o := program{stdin: strings.Repeat(" ", maxPasted) + "401 Unauthorized"}.run(t, "explain", "-")
	if o.exit != 0 || !strings.Contains(o.out, "401") {
		t.Errorf("what is around a text counts: exit %d: %.200s", o.exit, o.err)
	}
}
