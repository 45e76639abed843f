package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/standin"
	"github.com/ewsprobe/ewsprobe/probe/report"
)

// Promise 2 for a batch: what the server repeats of a sign-in is in no row, no
// summary, no saved file and no state, in any spelling.
func TestBatchSaysNoSecret(t *testing.T) {
	t.Parallel()
	for _, profile := range []string{"basic", "ntlm"} {
		for _, format := range []string{"text", "json", "csv"} {
			t.Run(profile+" as "+format, func(t *testing.T) {
				t.Parallel()
				b := crowd(everyScheme, standin.Crowd{Mailboxes: 20, Denied: 5})
				b.Echo = true
				s := begin(t, b, standin.Options{})
				dir := t.TempDir()
				args := batchArgs(t, s, "--profile-auth", profile, "--format", format)
				if format == "text" {
					for _, ending := range append(report.Extensions(), ".jsonl") {
						args = append(args, "--save", filepath.Join(dir, "results"+ending))
					}
				} else {
					args = append(args, "--resume", filepath.Join(dir, "state"))
				}
				got := rightPassword.run(t, append(args, batchFile(t, boxes(15)+"nobody@contoso.com,x\n"))...)
				if got.exit != 3 || strings.Count(got.out, "exchange-error") < 3 { // the echo stands in a fault
					t.Fatalf("exit %d", got.exit)
				}
				texts := map[string]string{"standard output": got.out, "standard error": got.err}
				walkFiles(t, dir, func(name string, content []byte) { texts[filepath.Base(name)] = string(content) })
				if len(texts) < 3 {
					t.Errorf("only %d texts were found", len(texts))
				}
				secrets := secretsOf(standin.UPN, standin.Password, nil)
				secrets["an NTLM type 3 message"] = "TlRMTVNTUAAD"
				for where, text := range texts {
					for name, secret := range secrets {
						if strings.Contains(text, secret) {
							t.Errorf("%s holds %s", where, name)
						}
					}
				}
			})
		}
	}
}
