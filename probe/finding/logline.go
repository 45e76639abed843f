package finding

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// ExplainLogons finds in a pasted text why Windows refused a logon. A number that stands
// for several reasons gives way to one that names its own.
func ExplainLogons(text string) (list []Explained) {
	var general []Explained
	low := strings.ToLower(text)
	low += signsIn(low) + windowsErrors(text)
	for _, m := range form("logon-sign", low).FindAllStringSubmatch(low, 20) {
		e, sure := explainLogon(m)
		into := &list
		if e.General = !sure; e.General {
			into = &general
		}
		if e.Says != "" && !slices.ContainsFunc(*into, func(o Explained) bool { return o.Name == e.Name }) {
			*into = append(*into, e)
		}
	}
	if len(list) > 1 { // STATUS_ACCOUNT_RESTRICTION is the status, and the sub status says which
		list = slices.DeleteFunc(list, func(e Explained) bool { return e.Name == "0xC000006E" })
	}
	if len(list) == 0 {
		return general[:min(len(general), 1)]
	}
	return list
}

// signs are the names and sentences that stand for a number.
var signs = sync.OnceValue(func() (s struct {
	Symbols, Texts map[string]string
	Kerberos       []struct {
		Number int
		Name   string
		Texts  []string
	}
},
) {
	decode(file("text/signs.yaml"), &s)
	return s
})

// signsIn are the numbers, and the errors of Kerberos, that names, sentences and numbers
// in a text stand for, which is in lower case.
func signsIn(text string) string {
	var b strings.Builder
	for _, word := range form("symbol", text).FindAllString(text, 20) {
		b.WriteString(" " + signs().Symbols[word])
	}
	for _, words := range slices.Sorted(maps.Keys(signs().Texts)) { // an answer has one order
		if strings.Contains(text, words) {
			b.WriteString(" " + signs().Texts[words])
		}
	}
	if !form("about", text).MatchString(text) {
		return b.String()
	}
	var numbers []uint64
	if m := form("event", text).FindStringSubmatch(text); m != nil {
		n, _ := strconv.ParseUint(m[1], 16, 8)
		numbers = append(numbers, n)
	}
	for _, m := range form("number", text).FindAllStringSubmatch(text, 10) {
		n, _ := strconv.ParseUint(m[1]+m[2]+m[3], 0, 8)
		numbers = append(numbers, n)
	}
	for _, k := range signs().Kerberos {
		named := func(s string) bool { return strings.Contains(text, s) }
		// A server that is not found has the words of a client that is not.
		if slices.Contains(numbers, uint64(k.Number)) || slices.ContainsFunc(k.Texts, named) &&
			!(k.Number == 6 && named("server not found")) {
			b.WriteString(" " + k.Name)
		}
	}
	return b.String()
}

// windowsErrors are the errors of Windows that an HRESULT in a text holds, as 0x8007052E
// and -2147023570 hold 1326.
func windowsErrors(text string) string {
	t := alertText{folded: foldAlert(text)}
	t.readNumbers()
	var b strings.Builder
	for _, number := range t.numbers {
		if rest, ok := strings.CutPrefix(number, "8007"); ok {
			n, _ := strconv.ParseUint(rest, 16, 16)
			fmt.Fprintf(&b, " error %d", n)
		}
	}
	return b.String()
}

// logonText is what numbers say that are no reason of the account.
type logonText struct {
	Numbers     []string
	InLog       bool `yaml:"in-log"` // only in a line of IIS' log
	General     bool // they stand for several reasons
	Code        Code
	Check       string // as in Remedy
	Title, Says string
}

// explainLogon is what one sign means; sure, if it names one reason.
func explainLogon(m []string) (e Explained, sure bool) {
	number := m[2] + m[6]
	e.Code, e.Name = "credentials-rejected", number
	name := ""
	switch {
	case m[3] != "":
		e.Name, name = "data "+m[3], ReasonOf(m[3], "", "")
	case m[4] != "":
		number = "0x" + strings.ToUpper(m[4])
		e.Name, name = number, ReasonOf("", number, "")
	case m[5] != "":
		e.Name = strings.ToUpper(m[5])
		name = ReasonOf("", "", e.Name)
	default:
		if n, err := strconv.ParseUint(number, 10, 32); err == nil && n>>31 == 1 {
			number = "0x" + strings.ToUpper(strconv.FormatUint(n, 16))
			name = ReasonOf("", number, "")
		}
		if m[1] != "" {
			e.Name = strings.TrimSpace("401."+m[1]+" "+Phrase("sub-status", "401."+m[1])) + ", " + m[2]
		}
	}
	if name == "" {
		name = ReasonOfWindows(number)
	}
	specific := false
	other := Phrase("windows-error", strings.ToLower(number))
	switch {
	case name != "":
		e.Title, e.Says = reasons()[name].Title, capital(reasons()[name].Title)+"."
		for _, l := range lookalikes() {
			if l.Reason == name {
				e.Says += " " + l.Check
				break
			}
		}
		e.Remedies = ReasonRemedies(e.Code, name)
	case other != "":
		l := at[logonText](sharedText, "logons", "other")
		e.Title, e.Says, e.Next = l.Title, capital(other)+".", CheckCommand(Remedy{Check: l.Check}, Placeholders)
	default:
		for _, l := range at[map[string]logonText](sharedText, "logons") {
			if (slices.Contains(l.Numbers, number) || slices.Contains(l.Numbers, e.Name)) && (!l.InLog || m[1] != "") {
				e.Title, e.Says, e.Code = l.Title, l.Says, cmp.Or(l.Code, e.Code)
				specific = !l.General
				if l.Check != "" {
					e.Next = CheckCommand(Remedy{Check: l.Check}, Placeholders)
				}
			}
		}
	}
	return e, name != "" || other != "" || specific
}
