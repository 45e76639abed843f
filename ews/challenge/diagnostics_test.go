package challenge

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDiagnostics(t *testing.T) {
	for _, c := range []struct {
		field string
		want  []Diagnostic
	}{
		{`2000002;reason="The token has expired.";error_category="token_expired"`, []Diagnostic{{2000002, "token_expired", "The token has expired."}}},
		{`2000007;error_category="internal_error"`, []Diagnostic{{2000007, "internal_error", ""}}},
		{`2000001;reason="It has "quotes"; and error_category="x", too";error_category="invalid_token"`, []Diagnostic{{2000001, "invalid_token", `It has "quotes"; and error_category="x", too`}}},
		{
			`2000004;reason="One.";error_category="invalid_tenant", 4000000;reason="Two.";error_category="oauth_not_available"`,
			[]Diagnostic{{2000004, "invalid_tenant", "One."}, {4000000, "oauth_not_available", "Two."}},
		},
		{"what", []Diagnostic{{0, "", "what"}}},
		{"2000001;", []Diagnostic{{Number: 2000001}}},
		{"", nil},
	} {
		if d := cmp.Diff(c.want, Diagnostics([]string{c.field})); d != "" {
			t.Errorf("%s: %s", c.field, d)
		}
	}
	back := BackEndDiagnostics([]string{"InvalidSignature|The token is bad."})
	if d := cmp.Diff([]Diagnostic{{0, "InvalidSignature", "The token is bad."}}, back); d != "" {
		t.Error(d)
	}
	quoted := Diagnostic{Reason: "The audience 'https://a' doesn't match the endpoint 'http://b'."}.Quoted()
	if d := cmp.Diff([]string{"https://a", "http://b"}, quoted); d != "" {
		t.Error(d)
	}
}
