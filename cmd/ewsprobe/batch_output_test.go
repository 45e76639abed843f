package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/batch"
	"github.com/ewsprobe/ewsprobe/probe/config"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
	"github.com/ewsprobe/ewsprobe/probe/rule"
)

// full is a file on which nothing more can be written.
func full(t *testing.T, name string) *config.Replacement {
	t.Helper()
	f, err := config.Replace(filepath.Join(t.TempDir(), name))
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	return f
}

type fullPipe struct{}

func (fullPipe) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// A file that cannot be written is given up with one line, and the other results
// go on; standard output is what the run is for.
func TestBatchGivesAFileUp(t *testing.T) {
	t.Parallel()
	in := &batch.Input{Header: []string{"emailaddress"}}
	row := report.TemplateOf(rule.Judgement{}, "").Fill(report.Row{Number: 1, Mailbox: "box1@contoso.com", Cells: []string{"box1@contoso.com"}})
	lines, _ := report.FindFormat("json")
	for _, name := range []string{"json", "csv", "html"} {
		format, _ := report.FindFormat(name)
		var out, complaint bytes.Buffer
		o := &outputs{stdio: stdio{out: &out, err: &complaint}}
		bad, good := full(t, "bad.x"), filepath.Join(t.TempDir(), "good.jsonl")
		kept, err := config.Replace(good)
		if err != nil {
			t.Fatal(err)
		}
		for _, to := range []struct {
			format report.Format
			file   *config.Replacement
		}{{lines, nil}, {format, bad}, {lines, kept}} {
			if err := o.add(to.format, to.file, in); err != nil {
				t.Fatal(err)
			}
		}
		if format.Whole {
			o.list[1].Close() // the disk is full for its temporary file too
		}
		for range 3000 {
			if err := errors.Join(o.emit(row), o.flush()); err != nil {
				t.Fatalf("%s: the run ends: %v", name, err)
			}
		}
		if _, err := o.summary(report.Summary{Started: time.Now()}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		o.close()
		saved, err := os.ReadFile(good)
		if err != nil || !bytes.Equal(saved, out.Bytes()) || bytes.Count(saved, []byte("\n")) != 3001 || !strings.Contains(out.String(), "was not written") {
			t.Errorf("%s: %v, %d bytes saved, %d printed", name, err, len(saved), out.Len())
		}
		if strings.Count(complaint.String(), "\n") != 1 || !strings.Contains(complaint.String(), "bad.x was not written") || len(o.lost) != 1 {
			t.Errorf("%s: %q, %q", name, complaint.String(), o.lost)
		}
		if left, _ := os.ReadDir(filepath.Dir(bad.Of)); len(left) != 0 {
			t.Errorf("%s: left behind: %v", name, left)
		}
	}
	o := &outputs{stdio: stdio{out: fullPipe{}, err: &bytes.Buffer{}}}
	if err := o.add(lines, nil, in); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(o.emit(row), o.flush()); err == nil {
		t.Error("standard output fails, and the run goes on")
	}
}

// A batch ends with what was done, what is left and what to run next.
func TestNextStep(t *testing.T) {
	bad := &finding.Verdict{Code: "mailbox-not-found", Status: finding.Critical}
	counts := map[string]int{"ok": 2}
	for _, c := range []struct {
		sum  report.Summary
		set  config.Settings
		want string
	}{
		{report.Summary{Verdict: &finding.Verdict{Code: "ok", Status: finding.OK}}, config.Settings{}, "nothing is left. A batch does not detect alias addresses; `ewsprobe check --mailbox ADDRESS` does"},
		{report.Summary{Verdict: bad}, config.Settings{}, "left: nothing; next: `ewsprobe explain mailbox-not-found`"},
		{report.Summary{Stopped: evidence.StoppedByUser}, config.Settings{}, "with --resume STATE to continue where it stops"},
		{
			report.Summary{Stopped: evidence.StoppedByUser},
			config.Settings{BatchKeys: config.BatchKeys{Resume: "state"}},
			"left: the rows that were not reported; next: run the same command again; it continues from state",
		},
		{report.Summary{Verdict: bad}, config.Settings{BatchKeys: config.BatchKeys{Shard: "1/4"}}, "next: join the results of all shards with `ewsprobe merge FILE...`"},
	} {
		c.sum.ByStatus, c.sum.Reported = counts, 2
		got := c.sum.NextStep("mailboxes.csv", c.set.Resume, c.set.Shard)
		if !strings.HasPrefix(got, "mailboxes.csv: 2 mailbox rows reported: 2 ok; ") || !strings.HasSuffix(got, c.want) {
			t.Errorf("%q does not end with %q", got, c.want)
		}
	}
}
