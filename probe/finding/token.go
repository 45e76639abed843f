package finding

import (
	"slices"
	"strings"
	"sync"
)

// Refusal is why Entra gives no token, or Exchange refuses one, by its number.
type Refusal struct {
	Number   int   // of x-ms-diagnostics
	Numbers  []int // behind AADSTS
	Category string
	Reason   string // a value of verdict.reason
	Inferred bool   // the number is not documented
	Passing  bool   // it passes by itself
	Says     string // what it means
}

type tokenTexts struct {
	Entra []struct {
		Numbers           []int
		Reason, Says      string
		Inferred, Passing bool
	}
	Exchange []struct {
		Number                 int
		Words                  []string
		Category, Reason, Text string
		Says                   []struct{ Piece, Reason string }
	}
	Reasons map[string]reason
}

var tokens = sync.OnceValue(func() (t tokenTexts) {
	decode(file("text/tokens.yaml"), &t)
	return t
})

// ofToken: the reasons of a code are those of tokens.
func ofToken(c Code) bool {
	return c == "token-not-issued" || c == "token-refused"
}

// EntraRefusal is what an AADSTS number means; one that is not known has the reason
// other and says nothing.
func EntraRefusal(number int) Refusal {
	for _, e := range tokens().Entra {
		if slices.Contains(e.Numbers, number) {
			return Refusal{Numbers: e.Numbers, Reason: e.Reason, Inferred: e.Inferred, Passing: e.Passing, Says: e.Says}
		}
	}
	return Refusal{Reason: "other"}
}

// TokenRefusal is what a number of x-ms-diagnostics means, with the words beside it.
// Without a number the words alone decide.
func TokenRefusal(number int, words string) Refusal {
	words = strings.ToLower(words)
	has := func(piece string) bool { return strings.Contains(words, piece) }
	for _, e := range tokens().Exchange {
		if e.Number != number && !(number == 0 && slices.ContainsFunc(e.Words, has)) {
			continue
		}
		r := Refusal{Number: e.Number, Category: e.Category, Reason: e.Reason, Says: e.Text}
		for _, p := range e.Says {
			if has(p.Piece) {
				r.Reason = p.Reason
				break
			}
		}
		return r
	}
	return Refusal{Number: number, Reason: "other"}
}
