package probe

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func endpoint(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestMemoryKnowsARefusedPassword(t *testing.T) {
	const here, secret = "https://mail.contoso.com/EWS/Exchange.asmx", "Passw0rd!wrong"
	refusedAt := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name            string
		account, at, pw string
		after           time.Duration
		known           bool
	}{
		{"the same", `CONTOSO\svc-crm`, here, secret, time.Minute, true},
		{"another form of the name", "SVC-CRM@contoso.com", here, secret, time.Minute, true},
		{"another path of the server", `CONTOSO\svc-crm`, "https://MAIL.contoso.com:443/ews/other", secret, time.Minute, true},
		{"just before the hour is over", `CONTOSO\svc-crm`, here, secret, Remembered - time.Second, true},
		{"after an hour", `CONTOSO\svc-crm`, here, secret, Remembered, false},
		{"a clock set back forgets nothing", `CONTOSO\svc-crm`, here, secret, -time.Minute, true},
		{"another password", `CONTOSO\svc-crm`, here, "Passw0rd!other", time.Minute, false},
		{"another account", `CONTOSO\svc-erp`, here, secret, time.Minute, false},
		{"another port", `CONTOSO\svc-crm`, "https://mail.contoso.com:8443/EWS/Exchange.asmx", secret, time.Minute, false},
		{"another host", `CONTOSO\svc-crm`, "https://mail2.contoso.com/EWS/Exchange.asmx", secret, time.Minute, false},
	}
	now := refusedAt
	m := &Memory{Dir: filepath.Join(t.TempDir(), "state"), Now: func() time.Time { return now }}
	if err := m.Remember(`CONTOSO\svc-crm`, endpoint(t, here), secret); err != nil {
		t.Fatal(err)
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			now = refusedAt.Add(c.after)
			got, err := m.Refused(c.account, endpoint(t, c.at), c.pw)
			if err != nil {
				t.Fatal(err)
			}
			if known := !got.IsZero(); known != c.known {
				t.Errorf("known %v, want %v", known, c.known)
			} else if known && !got.Equal(refusedAt) {
				t.Errorf("refused at %v, want %v", got, refusedAt)
			}
		})
	}
}

func TestMemoryForgetsAndKeeps(t *testing.T) {
	m := &Memory{Dir: t.TempDir()}
	here := endpoint(t, "https://mail.contoso.com/EWS/Exchange.asmx")
	for _, pw := range []string{"one-password", "another-password"} {
		if err := m.Remember("svc", here, pw); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Forget("svc", here, "one-password"); err != nil {
		t.Fatal(err)
	}
	if got, _ := m.Refused("svc", here, "one-password"); !got.IsZero() {
		t.Error("the accepted password is still barred")
	}
	if got, _ := m.Refused("svc", here, "another-password"); got.IsZero() {
		t.Error("the other password was forgotten with it")
	}
	if err := m.Forget("svc", here, "another-password"); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(m.Dir); len(left) != 0 {
		t.Errorf("%d files are left when nothing is remembered", len(left))
	}
}

// What is stored confirms no guess: of the password there are 16 bits of a
// salted scrypt value, of account and server nothing readable.
func TestMemoryTellsNothing(t *testing.T) {
	m := &Memory{Dir: t.TempDir()}
	here := endpoint(t, "https://mail.contoso.com/EWS/Exchange.asmx")
	if err := m.Remember(`CONTOSO\svc-crm`, here, "Passw0rd!wrong"); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(m.Dir, "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %v, %v", files, err)
	}
	raw, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, clear := range []string{"Passw0rd", "svc-crm", "contoso"} {
		if strings.Contains(strings.ToLower(files[0]+string(raw)), strings.ToLower(clear)) {
			t.Errorf("%q can be read in %s: %s", clear, files[0], raw)
		}
	}
	if info, _ := os.Stat(files[0]); info.Mode().Perm()&0o077 != 0 {
		t.Errorf("others may read it: %v", info.Mode())
	}
}

// A damaged file must not stop a check; it is said, and replaced at the next
// refusal.
func TestMemoryDamaged(t *testing.T) {
	m := &Memory{Dir: t.TempDir()}
	here := endpoint(t, "https://mail.contoso.com/EWS/Exchange.asmx")
	if err := os.WriteFile(m.file("svc", here), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Refused("svc", here, "pw-pw-pw"); err == nil {
		t.Error("a damaged file is not mentioned")
	}
	if err := m.Remember("svc", here, "pw-pw-pw"); err != nil {
		t.Fatal(err)
	}
	if got, err := m.Refused("svc", here, "pw-pw-pw"); err != nil || got.IsZero() {
		t.Errorf("after a refusal: %v, %v", got, err)
	}
}

func TestAccountKey(t *testing.T) {
	for user, want := range map[string]string{
		`CONTOSO\Svc-CRM`: "svc-crm", "svc-crm@contoso.com": "svc-crm", "svc-crm": "svc-crm", `CONTOSO\svc@odd`: "svc",
	} {
		if got := AccountKey(user); got != want {
			t.Errorf("%s: %q, want %q", user, got, want)
		}
	}
}
