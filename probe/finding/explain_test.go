package finding

import (
	"slices"
	"testing"
)

// What names one cause is told alone; what many causes share gives way to it.
func TestExplain(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{
			"an alert of its own and a general number",
			"Event 4625. Logon Process: Schannel. Status: 0xC000006D Sub Status: 0x0",
			[]string{"logon-of-a-certificate"},
		},
		{"a general number and nothing else", "Status: 0xC000006D", []string{"0xC000006D"}},
		{"a number of one reason and an answer", "401 Unauthorized, Sub Status: 0xC0000064", []string{"0xC0000064"}},
		{"a number of one reason and words", "The token is invalid. AADSTS700016: not found", []string{"AADSTS700016"}},
		{"a number of one reason and a circumstance", "Sub Status: 0xC000006A, impersonation", []string{"0xC000006A", "impersonation-words"}},
		{"the words of a number and an error", "error=invalid_scope&error_description=not listed in Required Resource Access", []string{"The words of AADSTS65001"}},
		{"a circumstance and an answer", "Sometimes (401)", []string{"refused-at-times", "401"}},
		{"another alert's words", "certificate verify failed: unable to get local issuer certificate", []string{"certificate-issuer"}},
	} {
		numbers, alerts := Explain(c.text)
		var got []string
		for _, n := range numbers {
			got = append(got, n.Name)
		}
		for _, a := range alerts {
			got = append(got, a.Key)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}
