package finding

import "testing"

// Where an answer names several faults, the same one is told every time.
func TestAnswerRemediesHaveAnOrder(t *testing.T) {
	p := Params{Inherited: true, SameURL: true, Status: 302, Located: "online", Inspector: "Zscaler"}
	want := AnswerRemedies("redirected", Params{Inherited: true})[0].Text
	for range 50 {
		if got := AnswerRemedies("redirected", p)[0].Text; got != want {
			t.Fatalf("%q, want %q", got, want)
		}
	}
}
