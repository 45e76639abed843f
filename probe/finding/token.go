package finding

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/ewsprobe/ewsprobe/ews/front"
)

// Refusal is why Entra gives no token, or Exchange refuses one, by its number.
type Refusal struct {
	Number   int      // of x-ms-diagnostics
	Numbers  []int    // behind AADSTS; none: Texts are errors of OAuth
	Texts    []string // pieces of its message, in lower case
	Piece    string   // what the message has to hold where a number has several meanings
	Category string
	Reason   string // a value of verdict.reason
	Advice   string // under reasons, where that of the reason does not fit
	Inferred bool   // the number is not documented
	Passing  bool   // it passes by itself
	Says     string // what it means
}

type tokenTexts struct {
	Entra    []Refusal
	Exchange []struct {
		Refusal `yaml:",inline"`
		Words   []string
		Pieces  []struct{ Piece, Reason, Advice string } // of the words, by which its reasons are told apart
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

// advice names the reason whose remedies fit.
func (r Refusal) advice(c Code) string {
	switch {
	case r.Advice != "":
		return r.Advice
	case r.Passing:
		return "transient"
	case c == "token-not-issued" && r.Reason == "other":
		return "not-issued"
	}
	return r.Reason
}

// EntraRefusal is what an AADSTS number means beside its message; one that is not
// known has the reason other and says nothing.
func EntraRefusal(number int, message string) Refusal {
	for _, e := range tokens().Entra {
		if slices.Contains(e.Numbers, number) && strings.Contains(strings.ToLower(message), e.Piece) {
			return e
		}
	}
	return Refusal{Reason: "other"}
}

// title is that of the reason, or of the advice where the reason says nothing.
func (r Refusal) title(c Code) string {
	name := r.Reason
	if name == "other" {
		name = r.advice(c)
	}
	return tokens().Reasons[name].Title
}

// oauthError is the error of OAuth (RFC 6749 5.2) that a text has. Exchange writes some
// of these words too, as the category of a refused token.
func oauthError(text string) (Refusal, string) {
	low := strings.ToLower(text)
	if strings.Contains(low, "error_category") {
		return Refusal{}, ""
	}
	for _, e := range tokens().Entra {
		for _, word := range e.Texts {
			if len(e.Numbers) == 0 && hasWord(low, word) {
				return e, word
			}
		}
	}
	return Refusal{}, ""
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
		for _, p := range e.Pieces {
			if has(p.Piece) {
				e.Reason, e.Advice = p.Reason, p.Advice
				break
			}
		}
		return e.Refusal
	}
	return Refusal{Number: number, Reason: "other"}
}

// TokenPieces are the pieces of the words beside a number by which its reasons are
// told apart; they name nobody.
func TokenPieces(number int, words string) (list []string) {
	words = strings.ToLower(words)
	for _, e := range tokens().Exchange {
		pieces := slices.Clone(e.Words)
		for _, p := range e.Pieces {
			pieces = append(pieces, p.Piece)
		}
		for _, p := range pieces {
			if (number == 0 || number == e.Number) && strings.Contains(words, p) && !slices.Contains(list, p) {
				list = append(list, p)
			}
		}
	}
	return list
}

// Explained is what a pasted text of Entra or of Exchange says of a token.
type Explained struct {
	Name     string // AADSTS700027, x-ms-diagnostics 2000003
	Says     string
	Code     Code // under which ewsprobe finds it
	Title    string
	Remedies []Remedy
	Next     string // the command to run next; empty: the explanation of Code
	General  bool   // it stands for several reasons
}

// atOnline says whether a text names a host of Exchange Online.
func atOnline(text string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(text, func(r rune) bool { return !isHostRune(r) }), front.OnlineHost)
}

func isHostRune(r rune) bool {
	return r == '.' || r == '-' || unicode.IsLetter(r) || unicode.IsNumber(r)
}

// ExplainTokens finds the numbers of Entra and of x-ms-diagnostics in a pasted text.
func ExplainTokens(text string) (list []Explained) {
	for _, m := range form("token", text).FindAllStringSubmatch(text, 5) {
		m[2], m[3] = m[2]+m[4], m[3]+m[5]
		e := Explained{Name: "AADSTS" + m[1], Code: "token-not-issued"}
		number, _ := strconv.Atoi(m[1] + m[2])
		known := EntraRefusal(number, text)
		if m[2] != "" {
			e.Name, e.Code = "x-ms-diagnostics "+m[2], "token-refused"
			known = TokenRefusal(number, m[3])
			known.Says = cmp.Or(known.Says, at[string](sharedText, "why", "unlisted-diagnostics"))
		}
		if e.Says = known.Says; e.Says == "" && !strings.HasPrefix(strings.ToUpper(m[0]), "AADSTS") {
			continue // a number of somebody else's
		}
		if e.Says == "" {
			e.Says = strings.ReplaceAll(at[string](sharedText, "why", "unlisted-number"), "{number}", m[1])
			if o, word := oauthError(text); word != "" {
				beside := at[string](sharedText, "why", "error-beside-number")
				known, e.Says = o, strings.NewReplacer("{error}", word, "{says}", o.Says).Replace(beside)+" "+e.Says
			}
		}
		e.Title = known.title(e.Code)
		if e.Code == "token-refused" && atOnline(text) {
			known.Advice = "at-online" // what the others ask for is done on a server of one's own
		}
		e.Remedies = ReasonRemedies(e.Code, known.advice(e.Code))
		if !slices.ContainsFunc(list, func(o Explained) bool { return o.Name == e.Name }) {
			list = append(list, e)
		}
	}
	has := func(c Code) bool { return slices.ContainsFunc(list, func(e Explained) bool { return e.Code == c }) }
	low := strings.ToLower(text)
	issued := func(name string, r Refusal) {
		list = append(list, Explained{
			Name: name, Says: r.Says, Code: "token-not-issued",
			Title: r.title("token-not-issued"), Remedies: ReasonRemedies("token-not-issued", r.advice("token-not-issued")),
		})
	}
	for _, e := range tokens().Entra {
		if !has("token-not-issued") && len(e.Numbers) > 0 &&
			slices.ContainsFunc(e.Texts, func(s string) bool { return strings.Contains(low, s) }) {
			issued("The words of AADSTS"+strconv.Itoa(e.Numbers[0]), e)
		}
	}
	if e, word := oauthError(text); word != "" && len(list) == 0 {
		issued("The OAuth error "+word, e)
	}
	if has("token-refused") {
		return list
	}
	if m := form("token-words", text).FindStringSubmatch(text); m != nil {
		known := TokenRefusal(0, text)
		for _, e := range tokens().Exchange {
			if strings.EqualFold(e.Category, m[1]) {
				known = TokenRefusal(e.Number, text)
			}
		}
		if known.Says != "" {
			list = append(list, Explained{
				Name: "The words of x-ms-diagnostics " + strconv.Itoa(known.Number), Says: known.Says, Code: "token-refused",
				Title: known.title("token-refused"), Remedies: ReasonRemedies("token-refused", known.advice("token-refused")),
			})
		}
	}
	return list
}
