//go:build lab && linux

package lab

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestServicePoints: the genuine directory is asked on the connection of the
// bind, and names what accounts.py put there. The name in it resolves nowhere, so
// EWS is not found.
func TestServicePoints(t *testing.T) {
	krb5, err := filepath.Abs("krb5.conf")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(build(t), "check", "--format", "json", "--ca-file", state+"/pki/ca.pem", "--timeout", "20s", "--dc", "127.0.0.10", "--domain", "contoso.lab",
		"--user", "svc-crm@contoso.lab", "svc-crm@contoso.lab")
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+t.TempDir(), "EWSPROBE_PASSWORD="+secret, "KRB5_CONFIG="+krb5)
	out, _ := cmd.Output() // the verdict is critical
	var got struct {
		Verdict  struct{ Code string }
		Attempts []struct{ Scheme, Result string }
		Evidence []struct {
			Points *struct {
				Site   string
				Points []struct{ URL, Place string }
			} `json:"service_points"`
		}
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got.Verdict.Code != "autodiscover-failed" || len(got.Attempts) != 1 || got.Attempts[0].Scheme != "LDAPS" || got.Attempts[0].Result != "accepted" {
		t.Errorf("%s, %+v", got.Verdict.Code, got.Attempts)
	}
	for _, e := range got.Evidence {
		if p := e.Points; p != nil {
			if p.Site != "Default-First-Site-Name" || len(p.Points) != 1 || p.Points[0].Place != "own-site" || p.Points[0].URL != "https://mail.contoso.lab:8446/autodiscover/autodiscover.xml" {
				t.Errorf("%+v", p)
			}
			return
		}
	}
	t.Error("no search")
}
