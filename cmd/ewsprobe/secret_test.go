package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/ewsprobe/ewsprobe/ews/standin"
)

// A password is stored, used for the account in any case of its name, and
// removed; it is in no output.
func TestSecret(t *testing.T) {
	keyring.MockInit()
	check := func() outcome {
		s := begin(t, everyScheme, standin.Options{})
		args := []string{"check", "--password-from-keyring", "-vv", "--ca-file", save(t, "ca.pem", s.CA()), "--address", s.Addresses()[0], "--user", strings.ToUpper(standin.UPN), s.URL()}
		got := program{}.run(t, args...)
		if strings.Contains(got.out+got.err, standin.Password) {
			t.Errorf("the password is shown:\n%s%s", got.out, got.err)
		}
		return got
	}
	if got := check(); got.exit != 3 || !strings.Contains(got.err, "ewsprobe secret set") || got.out != "" {
		t.Errorf("before it was stored: exit %d, %s", got.exit, got.err)
	}
	if got := (program{stdin: standin.Password + "\n"}).run(t, "secret", "set", "--password-file", "-", standin.UPN); got.exit != 0 || got.out != "" || strings.Contains(got.err, standin.Password) {
		t.Errorf("set: %+v", got)
	}
	if got := check(); got.exit != 0 || !strings.HasPrefix(got.out, "OK  ok") {
		t.Errorf("with the stored one: exit %d\n%s%s", got.exit, got.out, got.err)
	}
	if got := (program{}).run(t, "secret", "delete", standin.UPN); got.exit != 0 {
		t.Errorf("delete: %+v", got)
	}
	if got := (program{}).run(t, "secret", "delete", standin.UPN); got.exit != 3 {
		t.Errorf("delete once more: %+v", got)
	}
	if got := check(); got.exit != 3 {
		t.Errorf("after it was removed: exit %d", got.exit)
	}

	keyring.MockInitWithError(errors.New("the store is locked"))
	if got := check(); got.exit != 3 || !strings.Contains(got.err, "the store is locked") {
		t.Errorf("locked: exit %d, %s", got.exit, got.err)
	}
}

// A store that never answers, as one does that waits for somebody to unlock it,
// is not waited for without end; nor is Ctrl-C.
func TestSilentStore(t *testing.T) {
	silent := func() (string, error) { select {} }
	if _, err := inKeyring(t.Context(), time.Millisecond, silent); err == nil || !strings.Contains(err.Error(), "unlock") {
		t.Errorf("no answer: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := inKeyring(ctx, time.Minute, silent); err == nil || !strings.Contains(err.Error(), "nothing was sent") {
		t.Errorf("stopped: %v", err)
	}
}
