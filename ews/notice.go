package ews

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// longestNotice is what is read of a page for people.
const longestNotice = 64 << 10

// readNotice reads what an answer that is not EWS says of itself: the number under
// which its sender keeps it, the sub-status of IIS, the product, the reason. These
// are words of a closed list and numbers, so they may be kept of an answer to a
// credential as well. nil: it says nothing of the kind.
func readNotice(r *evidence.Response, body []byte, credential bool) *evidence.Notice {
	text := plainText(body)
	if len(strings.Fields(r.Reason)) > 5 { // TMG and others say there what happened
		text += " " + r.Reason
	}
	low := strings.ToLower(text)
	source := strings.ToLower(string(body[:min(len(body), longestNotice)]))
	n := &evidence.Notice{
		Numbers: numbersIn(text, credential), SubStatus: subStatus(r.Status, text),
		Product: marked("product", anyIn(source, low)), Says: marked("says", anyIn(low)),
	}
	if r.Status == 401 || r.Status == 403 || r.Status == 456 {
		n.Windows = windowsError(strings.ToLower(r.Reason) + " " + low)
	} else if m := signed().FindStringSubmatch(low); m != nil && r.Status >= 500 { // TMG, of TLS to the server behind it
		code, _ := strconv.ParseInt(m[1], 10, 32)
		n.Windows = fmt.Sprintf("0x%08x", uint32(code))
	}
	switch {
	case strings.EqualFold(r.First("cf-mitigated"), "challenge"), r.First("x-amzn-waf-action") != "": // a challenge or a CAPTCHA
		n.Says = evidence.SaysChallenge
	case r.Status == 431 && n.Says == "":
		n.Says = evidence.SaysHeaderTooLong
	case n.SubStatus == "403.7":
		n.Says = evidence.SaysClientCertificate
	case n.SubStatus == "403.4":
		n.Says = evidence.SaysPlainHTTP
	case r.Status == 456 && n.Windows == "":
		n.Windows = evidence.WindowsLocked // as ExchangeService of Microsoft's API has it
	}
	if n.Number() == "" && n.SubStatus == "" && n.Product == "" && n.Says == "" && n.Windows == "" {
		return nil
	}
	return n
}

// plainText is the text of a page, without its tags.
func plainText(body []byte) string {
	body = body[:min(len(body), longestNotice)]
	if !utf8.Valid(body) {
		out := make([]byte, 0, len(body))
		for _, b := range body {
			out = utf8.AppendRune(out, rune(b))
		}
		body = out
	}
	var b strings.Builder
	for len(body) > 0 {
		before, rest, found := bytes.Cut(body, []byte("<"))
		b.Write(before)
		b.WriteByte(' ')
		if !found {
			break
		}
		if _, body, found = bytes.Cut(rest, []byte(">")); !found {
			break
		}
	}
	return strings.Join(strings.Fields(html.UnescapeString(b.String())), " ")
}

// numbered is a number with what it is called: "Your support ID is: 42",
// "Ereignis-Nummer: 42", "Reference #18.2d351ab8", "error code: 1020", and the numbers
// of Windows, its sockets, TMG and Cloudflare: "Error Code: 502 Proxy Error. … (64)",
// "(12202)", "Error 1009".
var numbered = evidence.Expression(`(?i)(?:\b|[\pL-])(id|ids|number|nummer|num[ée]ro|n[úu]mero|nr\.?|no\.|code|` +
	`ref(?:erence|erenz|\. ?[abc]|\.| [abc])?|azure ref|incident|case|ticket|event|transaction)` +
	`(?: (?:id|number|code|no\.?|nr\.?))?(?: is)? ?[:#=]* ?#?([0-9A-Za-z][0-9A-Za-z._=-]{3,79})` +
	`|error code: ?[^()]{3,150}\((-?\d{1,10})\)|\((\d{5})\)|\berror (10\d\d)\b`)

// numbersIn are the numbers that a page names, each once, at most three: at least
// four digits, or capitals with a digit ("EXPVP16"). Of an answer to a credential only
// what is made of hexadecimal digits counts.
func numbersIn(text string, credential bool) []string {
	if !slices.ContainsFunc(strings.Fields(text), func(word string) bool { // to compile the expression costs as much as a step
		return strings.ContainsAny(word, "0123456789") && (len(word) > 3 || strings.Contains(word, "("))
	}) {
		return nil
	}
	var list []string
	for _, m := range numbered().FindAllStringSubmatch(text, 20) {
		value := strings.TrimRight(cmp.Or(m[2], m[3], m[4], m[5]), ".-_")
		digits := 0
		for _, c := range value {
			if c >= '0' && c <= '9' {
				digits++
			} else if credential && !strings.ContainsRune("abcdefABCDEF.-", c) {
				digits = -1 << 10
			}
		}
		rule := !credential && digits > 0 && len(value) > 4 && value == strings.ToUpper(value)
		if (rule || m[3] != "" || digits >= 4 && digits*3 >= len(value)) && len(list) < 3 && !slices.Contains(list, value) {
			list = append(list, value)
		}
	}
	return list
}

var subStatusForm = evidence.Expression(`(?i)(?:error\s+|status[: ]+|^|\s)([45]\d\d)\.(\d{1,3})(?:\s*[-–:]|\s|$)`)

// subStatus is IIS' sub-status of this status, as its page has it: "403.6".
func subStatus(status int, text string) string {
	if !strings.Contains(text, strconv.Itoa(status)+".") {
		return ""
	}
	for _, m := range subStatusForm().FindAllStringSubmatch(text, 5) {
		if m[1] == strconv.Itoa(status) {
			return m[1] + "." + m[2]
		}
	}
	return ""
}

//go:embed notices.txt
var noticesFile string

// marks are the lines of the file, each a kind, a name and texts.
var marks = sync.OnceValue(func() [][]string { return evidence.Rows(noticesFile, " | ") })

// marked is the name of the first mark of a kind that fits, "" none.
func marked(kind string, fits func(texts []string) bool) string {
	for _, m := range marks() {
		if m[0] == kind && fits(m[2:]) {
			return m[1]
		}
	}
	return ""
}

// anyIn says whether one of the texts stands in the page.
func anyIn(page ...string) func([]string) bool {
	return func(texts []string) bool {
		return slices.ContainsFunc(texts, func(s string) bool {
			return slices.ContainsFunc(page, func(p string) bool { return strings.Contains(p, s) })
		})
	}
}

var (
	hresult  = evidence.Expression(`0x8007([0-9a-f]{4})\b`)
	sspi     = evidence.Expression(`0x(800903[0-9a-f]{2})\b`)
	signed   = evidence.Expression(`\((-21468\d{5})\)`)
	ntStatus = evidence.Expression(`0x(c0000[0-9a-f]{3})\b`)
	win32    = evidence.Expression(`(?:[(:=]|error|fehler|erreur|status)\s*` +
		`(1311|1326|1327|1328|1329|1330|1331|1385|1355|1786|1787|1789|1790|1792|1793|1907|1909)\b`)
)

// windowsError is the error of Windows by which a refusal names its reason: a
// number, or its English text (in some languages that of a locked account, after
// which nothing more may be sent).
func windowsError(low string) string {
	if strings.Contains(low, "0x") {
		if m := hresult().FindStringSubmatch(low); m != nil {
			if code, err := strconv.ParseUint(m[1], 16, 32); err == nil {
				return strconv.FormatUint(code, 10)
			}
		}
		if m := sspi().FindStringSubmatch(low); m != nil {
			return "0x" + m[1]
		}
		if m := ntStatus().FindStringSubmatch(low); m != nil {
			return "0x" + strings.ToUpper(m[1])
		}
	}
	if strings.Contains(low, "1") {
		if m := win32().FindStringSubmatch(low); m != nil {
			return m[1]
		}
	}
	return marked("windows", func(texts []string) bool {
		return !slices.ContainsFunc(texts, func(s string) bool { return !strings.Contains(low, s) })
	})
}
