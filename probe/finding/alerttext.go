package finding

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// alertText is a pasted alert, read for what is the same in every language.
type alertText struct {
	folded   string   // lower case, every run of white space one space, invisible characters gone
	numbers  []string // numbers of 32 bits, as eight hexadecimal digits
	statuses []string // numbers that are a status of HTTP by what is around them
	bare     []string // numbers that may be one
	told     []string // numbers of which somebody says that a server gives them
	codes    []string // response codes of EWS
	numbered string   // response codes that a bare number may stand for
	keys     []string // of the alerts that were found
	pieces   []uint64 // which runs of three bytes are in folded, a bit each, where it is long
	of       int      // as far as folded was read for them
}

func readAlert(text string) *alertText {
	text = form("raised", text).ReplaceAllString(text, "$1")
	text = form("transaction", text).ReplaceAllString(text, "")
	text = form("unset", text).ReplaceAllString(text, "")
	folded := foldAlert(text)
	t := &alertText{folded: form("article", folded).ReplaceAllString(folded, "kb $1")}
	t.readLogs(text)
	whole, low := t.folded, strings.ToLower(t.folded)
	for _, mark := range marks() {
		if formIn(mark, low).MatchString(whole) {
			t.folded += " " + mark
		}
	}
	t.folded += signsIn(t.folded)
	t.readNumbers()
	t.readStatuses()
	t.readCodes(text)
	t.readSchemes()
	return t
}

// readLogs: a line of IIS' log ends in status, sub-status and Windows status, one of
// HTTP.sys' in status, site, reason and queue. A page of IIS and an event of Schannel
// have the number behind a word.
func (t *alertText) readLogs(text string) {
	for _, m := range form("iis", text).FindAllStringSubmatch(text, 20) {
		t.folded += " iis-" + m[1] + "." + m[2]
		t.statuses = append(t.statuses, m[1])
		if m[1] == "200" {
			t.folded += " iis-200"
		}
	}
	for _, m := range form("page", t.folded).FindAllStringSubmatch(t.folded, 5) {
		t.folded += " iis-" + m[1] + "." + m[2]
	}
	for _, m := range form("httperr", text).FindAllStringSubmatch(text, 20) {
		t.folded += " httperr-" + strings.ToLower(m[1])
	}
	for _, m := range form("front-end", t.folded).FindAllStringSubmatch(t.folded, 20) {
		t.statuses = append(t.statuses, m[2])
		t.folded += " front-end-" + m[1] + "-" + m[2]
		if m[3] == m[2] {
			t.folded += " back-end-" + m[3]
		}
	}
	for _, m := range form("tls", t.folded).FindAllStringSubmatch(t.folded, 5) {
		t.folded += " alert-code-" + m[1]
	}
}

// readSchemes: WCF names the scheme that a client used and those that the server
// offers, each in quotes. Whether the one is among the others is the whole answer. A
// trace has the headers of the request and of the answer.
func (t *alertText) readSchemes() {
	m := form("schemes", t.folded).FindStringSubmatch(t.folded)
	switch {
	case m == nil || m[1] == "anonymous":
	case slices.ContainsFunc(strings.FieldsFunc(m[2], func(r rune) bool { return r == ',' }), func(s string) bool {
		return strings.HasPrefix(strings.TrimSpace(s), m[1])
	}):
		t.folded += " scheme-was-offered"
	default:
		t.folded += " " + m[1] + "-not-offered"
	}
	methods := form("methods", t.folded).FindAllString(t.folded, -1)
	off := slices.DeleteFunc(slices.Clone(methods), func(m string) bool { return strings.Contains(m, "basic") })
	switch {
	case len(methods) > 0 && len(off) == len(methods):
		t.folded += " methods-without-basic"
	case len(off) > 0:
		t.folded += " methods-differ"
	}
	var listed []string
	for _, m := range form("listed", t.folded).FindAllStringSubmatch(t.folded, -1) {
		listed = append(listed, m[1]+m[2])
	}
	switch {
	case len(listed) == 0 || !strings.Contains(t.folded, "www-authenticate"):
	case slices.Contains(listed, "basic"):
		t.folded += " basic-listed"
	case slices.Contains(listed, ""):
		t.folded += " basic-not-offered"
	default:
		t.folded += " basic-not-listed"
	}
}

// nearby is how far apart words that say something together may be, in bytes.
const nearby = 60

// near says whether a choice of each fragment is in one place of a text.
func near(text string, group fragments) bool {
	for word := range strings.SplitSeq(group[0], "|") {
		for at := 0; ; at += len(word) {
			next := strings.Index(text[at:], word)
			if next < 0 {
				break
			}
			at += next
			if at > 0 && text[at] >= 'a' && text[at] <= 'z' && text[at-1] >= 'a' && text[at-1] <= 'z' {
				continue // inside another word
			}
			if len(group) == 1 || near(text[max(0, at-nearby):min(len(text), at+len(word)+nearby)], group[1:]) {
				return true
			}
		}
	}
	return false
}

// long is from how many bytes on it pays to know which runs of three are in a text.
const long = 8 << 10

// lacks says that no choice of a fragment can be in the text, by its runs of three bytes:
// a long text is not searched for each of some thousand fragments.
func (t *alertText) lacks(fragment string) bool {
	if len(t.folded) < long || fragment[0] == '#' || fragment[0] == '@' {
		return false
	}
	at := func(s string, i int) int { return int(s[i])<<16 | int(s[i+1])<<8 | int(s[i+2]) }
	if t.pieces == nil {
		t.pieces = make([]uint64, 1<<24/64)
	}
	for ; t.of < len(t.folded)-2; t.of++ { // it only grows
		n := at(t.folded, t.of)
		t.pieces[n/64] |= 1 << (n % 64)
	}
	for choice := range strings.SplitSeq(strings.TrimPrefix(fragment, "="), "|") {
		there := true
		for i := 0; there && i < len(choice)-2; i++ {
			n := at(choice, i)
			there = t.pieces[n/64]&(1<<(n%64)) != 0
		}
		if there {
			return false
		}
	}
	return true
}

// holds says whether all fragments are in the text.
func (t *alertText) holds(group fragments) bool {
	if slices.ContainsFunc(group, t.lacks) {
		return false
	}
	if slices.ContainsFunc(group, func(f string) bool { return strings.Contains(f, "|") }) {
		return near(t.folded, group)
	}
	return !slices.ContainsFunc(group, func(f string) bool {
		switch {
		case f[0] == '=':
			return !hasWord(t.folded, f[1:])
		case f[0] == '@':
			return !slices.Contains(t.keys, f[1:])
		case f[0] != '#':
			return !strings.Contains(t.folded, f)
		case len(f) == len("#401"):
			return !slices.Contains(t.statuses, f[1:])
		}
		return !slices.ContainsFunc(t.numbers, func(n string) bool { return strings.HasPrefix(n, f[1:]) })
	})
}

func hasWord(text, word string) bool {
	for at := 0; ; at++ {
		i := strings.Index(text[at:], word)
		if i < 0 {
			return false
		}
		at += i
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		after, _ := utf8.DecodeRuneInString(text[at+len(word):])
		number := strings.Trim(word, "0123456789") == "" && partOfAnother(text, at, at+len(word))
		if !isWordRune(before) && !isWordRune(after) && !number {
			return true
		}
	}
}

func isWordRune(r rune) bool {
	return r != utf8.RuneError && (unicode.IsDigit(r) || unicode.IsLetter(r) && !unicode.Is(unicode.Han, r))
}

// foldAlert makes a pasted text comparable. Digits and brackets of full width
// become the usual ones, and so do quotes and signs that a word processor puts in.
func foldAlert(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r >= '！' && r <= '～': // the full-width forms of ! to ~
			return r - '！' + '!'
		case strings.ContainsRune("\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad", r):
			return -1
		case strings.ContainsRune("\u2018\u2019\u201a\u2032", r):
			return '\''
		case strings.ContainsRune("\u2010\u2011\u2012\u2013\u2014\u2212", r):
			return '-'
		}
		return unicode.ToLower(r)
	}, text)
	return strings.Join(strings.Fields(text), " ")
}

// readNumbers: 80040265, 0x80040265, -2147220891 and 2147220891 (the sign gets
// lost) and 2147746405 are one number.
func (t *alertText) readNumbers() {
	for _, m := range form("hex", t.folded).FindAllStringSubmatchIndex(t.folded, -1) {
		if !standsAlone(t.folded, m[0], m[1]) || isGUID(t.folded[m[3]:]) {
			continue
		}
		t.numbers = append(t.numbers, t.folded[m[2]:m[3]])
	}
	for _, m := range form("decimal", t.folded).FindAllStringIndex(t.folded, -1) {
		if !standsAlone(t.folded, m[0], m[1]) {
			continue
		}
		digits := strings.Map(func(r rune) rune {
			if r < '0' || r > '9' {
				return -1
			}
			return r
		}, t.folded[m[0]:m[1]])
		n, _ := strconv.ParseUint(digits, 10, 64)
		if n <= 1<<31 {
			n = 1<<32 - n
		}
		t.numbers = append(t.numbers, fmt.Sprintf("%08x", n))
	}
}

// standsAlone: no Latin letter or digit is beside the piece. Other writing has no
// spaces between words.
func standsAlone(text string, from, to int) bool {
	alnum := func(i int) bool {
		return i >= 0 && i < len(text) && (text[i] >= '0' && text[i] <= '9' || text[i] >= 'a' && text[i] <= 'z' || text[i] == '_')
	}
	return !alnum(from-1) && !alnum(to)
}

// isGUID: what stood before it was the first part of one.
func isGUID(rest string) bool {
	return len(rest) > 5 && rest[0] == '-' && rest[5] == '-'
}

// beforeStatus are what may stand before a status, and the ends of sentences.
var beforeStatus = []string{"http", "status", "exchange", "webexception", "soap", "iis", "ews", ". ", "。"}

// readStatuses: a number of three digits is a status where it stands in brackets, or
// before its own phrase ("401 Unauthorized"), directly behind "code" or "error", or
// behind "http" or "status" in the same sentence. It may be one behind another word
// of the kind, at the beginning or end, or where the text is hardly more than it.
func (t *alertText) readStatuses() {
	short := len(strings.Fields(t.folded)) <= 4
	end := len(strings.TrimRight(t.folded, `.!"'`))
	phrase, told := form("phrase", t.folded), form("told", t.folded)
	last, done := map[string]int{}, 0 // where a word is last in the text so far
	for _, m := range form("status", t.folded).FindAllStringIndex(t.folded, -1) {
		from, to := m[0], m[1]
		if !standsAlone(t.folded, from, to) || partOfAnother(t.folded, from, to) {
			continue
		}
		for _, w := range beforeStatus {
			if at := strings.LastIndex(t.folded[max(0, done-len(w)+1):from], w); at >= 0 {
				last[w] = max(0, done-len(w)+1) + at
			}
		}
		done = from
		sentence := max(last[". "], last["。"])
		behind := func(words ...string) bool {
			return slices.ContainsFunc(words, func(w string) bool { at, ok := last[w]; return ok && at >= sentence })
		}
		before := t.folded[max(sentence, from-nearby):from]
		number := t.folded[from:to]
		switch {
		case strings.HasSuffix(before, "(") && strings.HasPrefix(t.folded[to:], ")"),
			phrase.MatchString(t.folded[to:min(len(t.folded), to+nearby)]),
			behind("http", "status"), hasSuffix(strings.TrimRight(before, " :=\"'"), "code", "error"):
			t.statuses = with(t.statuses, number)
		case short, from == 0, to == end, behind("exchange", "webexception", "soap", "iis", "ews"):
			t.bare = with(t.bare, number)
		case told.MatchString(before):
			t.told = with(t.told, number)
		}
	}
}

func with(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

func hasSuffix(text string, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.HasSuffix(text, w) })
}

// partOfAnother: the digits belong to a version, an address, a time, a path or the
// line of a stack trace.
func partOfAnother(text string, from, to int) bool {
	digit := func(i int) bool { return i >= 0 && i < len(text) && text[i] >= '0' && text[i] <= '9' }
	if from > 0 && strings.IndexByte(".,:-/'", text[from-1]) >= 0 && digit(from-2) {
		return true
	}
	if to < len(text) && strings.IndexByte(".,:-/'", text[to]) >= 0 && digit(to+1) && !(text[to] == '.' && !digit(to+2)) {
		return true // but 401.2 is a status with IIS' substatus
	}
	return strings.Contains(text[max(0, from-24):from], ".cs:") ||
		strings.HasPrefix(text[to:], "-bit") || strings.HasPrefix(text[to:], " bit") ||
		hasSuffix(text[:from], "line ", "ligne ", "zeile ", "errorcode>", ".java:", ".js:", ".ts:", ".py:", ".php:", ".rb:", ".go:")
}

// readCodes finds the response codes of EWS: those that are known anywhere in the
// text, others where a code stands. Exchange.server returned 363 gives the code by
// its place in ServiceError.
func (t *alertText) readCodes(text string) {
	add := func(name string) { t.codes = with(t.codes, name) }
	if strings.Contains(t.folded, "error") {
		for _, word := range form("word", text).FindAllString(text, -1) {
			if name, ok := ewsNames().folded[strings.ToLower(word)]; ok {
				add(name)
			}
		}
		if len(t.codes) > 0 {
			t.folded += " of-ews"
		}
		for _, m := range form("code", text).FindAllStringSubmatch(text, -1) {
			if !slices.Contains([]string{"ErrorMessage", "ErrorDetail", "ErrorDetails", "ErrorRecord", "ErrorCategory"}, m[1]) {
				add(m[1])
			}
		}
	}
	message := t.folded
	for _, name := range ewsNames().sorted {
		if slices.ContainsFunc(EWSCodes()[name].Texts, func(s string) bool { return !t.lacks(s) && strings.Contains(message, s) }) {
			t.folded += " " + strings.ToLower(name)
			add(name)
		}
	}
	unnamed := len(t.codes) == 0
	for _, k := range kinds() {
		for _, name := range slices.Sorted(maps.Keys(k.Texts)) {
			if unnamed && strings.Contains(message, k.Texts[name]) {
				add(name)
			}
		}
	}
	var names []string
	for _, m := range form("ews", t.folded).FindAllStringSubmatch(t.folded, -1) {
		if name := serviceError(m[1], strings.HasPrefix(m[0], "exchange.server")); name != "" {
			names = with(names, " "+strings.ToLower(name))
			add(name)
		}
	}
	t.folded += strings.Join(names, "")
	for _, n := range t.bare {
		t.numbered += " " + strings.ToLower(serviceError(n, true))
	}
}

// ewsNames are the codes that are known, in order and by their names in small letters.
var ewsNames = sync.OnceValue(func() (n struct {
	sorted []string
	folded map[string]string
},
) {
	n.sorted, n.folded = slices.Sorted(maps.Keys(EWSCodes())), map[string]string{}
	for _, name := range slices.Concat(serviceErrors(), n.sorted) {
		n.folded[strings.ToLower(name)] = name
	}
	return n
})

// serviceErrors are the codes in the order of ServiceError in the EWS Managed API.
var serviceErrors = sync.OnceValue(func() []string {
	var names string
	decode(file("text/service-errors.yaml"), &names)
	return strings.Fields(names)
})

// serviceError is the code with that number, which Dynamics writes into an alert instead
// of the name: of those that matter to a check, or of all where the sentence is that of
// Dynamics. From 400 on a number may be a status of HTTP.
func serviceError(number string, every bool) string {
	n, err := strconv.Atoi(number)
	if err != nil || n >= len(serviceErrors()) {
		return ""
	}
	name := serviceErrors()[n]
	if _, ok := EWSCodes()[name]; ok && n > 99 || every && n > 0 && n < 400 {
		return name
	}
	return ""
}
