package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/standin"
)

// fullDisk is one with room for so many bytes.
type fullDisk struct {
	bytes.Buffer
	room int
}

func (f *fullDisk) Write(p []byte) (int, error) {
	if left := f.room - f.Len(); left < len(p) {
		n, _ := f.Buffer.Write(p[:max(left, 0)])
		return n, errors.New("no space left on device")
	}
	return f.Buffer.Write(p)
}

// A disk that was full leaves half a line. What goes on behind it begins a line of
// its own, and no row is lost.
func TestBatchGoesOnAfterAFullDisk(t *testing.T) {
	slow(t)
	s := begin(t, crowd(everyScheme, standin.Crowd{Mailboxes: 1000}), standin.Options{})
	dir := t.TempDir()
	args := append([]string{"ewsprobe"}, batchArgs(t, s, "--resume", filepath.Join(dir, "state"), batchFile(t, boxes(60)))...)
	p := rightPassword
	p.state = dir
	var all bytes.Buffer
	for _, room := range []int{2500, 4000, 1 << 20} {
		out, complaint := &fullDisk{room: room}, &bytes.Buffer{}
		code := run(t.Context(), args, p.stdio(t, out, complaint))
		if want := map[bool]int{true: 0, false: 3}[room == 1<<20]; code != want {
			t.Fatalf("exit %d with room for %d bytes: %s", code, room, complaint)
		}
		all.Write(out.Bytes())
	}
	joined := filepath.Join(dir, "results.jsonl")
	if err := os.WriteFile(joined, all.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	o := (program{}).run(t, "merge", joined)
	if rows, sum := results(t, o.out); len(rows) != 60 || sum.Rows != 60 || o.exit != 0 {
		t.Errorf("%d rows of %d, exit %d\n%s", len(rows), sum.Rows, o.exit, o.err)
	}
}

// The state belongs to rows, not to a number of them: what the file does not have
// any more is not counted, and what has changed is asked for.
func TestBatchResumesAChangedFile(t *testing.T) {
	t.Parallel()
	s := begin(t, crowd(everyScheme, standin.Crowd{Mailboxes: 1000, Denied: 3}), standin.Options{})
	state := filepath.Join(t.TempDir(), "state")
	rightPassword.run(t, batchArgs(t, s, "--resume", state, batchFile(t, boxes(30)))...)
	changed := strings.Replace(boxes(9), "box5@", "box500@", 1)
	o := rightPassword.run(t, batchArgs(t, s, "--resume", state, batchFile(t, changed))...)
	rows, sum := results(t, o.out)
	if len(rows) != 1 || rows[5].Mailbox != "box500@contoso.com" || sum.ByStatus["ok"]+sum.ByStatus["critical"] != 9 || sum.ByCode["impersonation-denied"] != 3 {
		t.Errorf("%+v %+v", rows, sum)
	}
	if strings.Contains(o.out, "impersonate  (") || !strings.Contains(sum.Verdict.Summary, "box3@contoso.com") {
		t.Errorf("the summary of what was reported before: %s", sum.Verdict.Summary)
	}
}
