package wire

import (
	"testing"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// TestKeep: of a service outside neither the body nor a header that is not known
// to explain the answer is written down. Both may carry a token or a session.
func TestKeep(t *testing.T) {
	answer := Answer{
		Response: &evidence.Response{Status: 401, Headers: [][2]string{
			{"www-authenticate", "Bearer"}, {"Set-Cookie", "session=canary"}, {"X-Token", "canary"}, {"Authorization", "Bearer canary"}, {"REQ_ID", "7"},
		}},
		Body: []byte("canary"),
	}
	var item evidence.Item
	keep(answer, nil, &item)
	want := [][2]string{{"www-authenticate", "Bearer"}, {"REQ_ID", "7"}}
	if got := item.Response.Headers; len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("headers kept: %q, want %q", got, want)
	}
	if item.Response.Body != "" || item.Response.Withheld == "" {
		t.Errorf("body kept: %q, withheld %q", item.Response.Body, item.Response.Withheld)
	}
	if len(answer.Response.Headers) != 5 {
		t.Error("the answer itself was changed")
	}
}
