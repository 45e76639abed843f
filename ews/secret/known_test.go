package secret

import "testing"

// What is known to one vault is not looked at again by another, and a secret that
// is new is found anyway.
func TestKnownTextsHideNothing(t *testing.T) {
	var known Known
	first, second := &Vault{}, &Vault{}
	for _, v := range []*Vault{first, second} {
		v.AddText("Passw0rd!good")
		v.Share(&known)
	}
	for _, text := range []string{"NoError", "EX01", "NoError"} {
		if first.Holds(text) || second.Holds(text) {
			t.Errorf("%s is taken for a secret", text)
		}
	}
	second.AddBytes([]byte("0123456789abcdef"))
	for _, text := range []string{"Passw0rd!good", "says Passw0rd!good twice", "30313233343536373839616263646566"} {
		for range 2 {
			if !second.Holds(text) {
				t.Errorf("%q is not found", text)
			}
		}
	}
	for i := range 2 * maxKnown {
		first.Holds("text " + string(rune('a'+i%26)) + string(rune('a'+i/26)))
	}
	if len(known.texts) > maxKnown {
		t.Errorf("%d texts are known", len(known.texts))
	}
}
