package evidence

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFacts(t *testing.T) {
	at := time.Date(2026, 11, 23, 9, 1, 2, 3, time.UTC)
	small, large := int64(3000), int64(301_000)
	yes, no, result := true, false, 0
	item := Item{
		ID: "e1", Step: StepLogon, Address: "10.0.0.1:443", Connection: 3, At: at, Timing: Timing{Total: new(float64)},
		Request:  &Request{URL: "https://a/b", Operation: "FindFolder", BodyBytes: 6},
		Response: &Response{Status: 401, Headers: [][2]string{{"Date", "now"}}, Oversized: true},
		NTLM:     &NTLM{NetBIOSDomain: "A", Time: &at, ClockSkewMS: &small},
		Kerberos: &Kerberos{Error: "KRB_AP_ERR_SKEW", ClockSkewMS: &large},
		TLS:      &TLS{Version: "TLS 1.3", ServerName: "a", Certificate: &Certificate{NotAfter: at, Names: []string{"a", "b"}}, PublicRoot: &yes},
		Bind:     &Bind{Result: &result},
		Logon:    &Logon{Scheme: "NTLM", Why: "stopped", Detail: Say("stopped")},
	}
	want := []string{"step logon", "status 401", "oversized", "netbios domain A", "error KRB_AP_ERR_SKEW", "clock skew 5m0s", "result 0", "scheme NTLM", "why stopped"}
	got := Facts(item)
	want = append(want[:1], append([]string{"operation FindFolder"}, want[1:]...)...)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"version TLS 1.3", "not after 2026-11-23", "names a, b", "public root"}, Facts(*item.TLS)); d != "" {
		t.Error(d)
	}
	p := &Profile{Name: "P", Incoming: ProfileSide{Protocol: &Option{3, "Basic"}, Impersonation: &no}}
	if d := cmp.Diff([]string{"name P", "incoming protocol Basic", "incoming impersonation false"}, Facts(p)); d != "" {
		t.Error(d)
	}
	if got := Facts((*Profile)(nil)); got != nil {
		t.Errorf("%q", got)
	}
}
