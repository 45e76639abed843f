package finding

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// logSigns are the forms in which logs and programs of Windows write why a logon was
// refused: a line of IIS' log (sc-status, sc-substatus, sc-win32-status), the data of a
// refused LDAP bind, an NTSTATUS as in event 4625, an error of Kerberos, and an error of
// Windows behind a word.
var logSigns = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\b401[ .](\d{1,2})[ ,;]+(\d{1,10})\b|` +
		`acceptsecuritycontext error, data ([0-9a-f]{1,4})\b|0x(c0000[0-9a-f]{3})\b|` +
		`\b(?:krb5)?(kdc_err_[a-z_]+)|(?:^|[(:=]|error|fehler|erreur|status)\s*` +
		`(13(?:11|2[6-9]|3[01]|85)|178[679]|1793|190[79]|21480742(?:52|54)|322122\d{4})(?:[\s).,;]|$)`)
})

// ExplainLogons finds in a pasted text why Windows refused a logon. A number that stands
// for several reasons gives way to one that names its own.
func ExplainLogons(text string) (list []Explained) {
	var general []Explained
	for _, m := range logSigns().FindAllStringSubmatch(kerberosNames(strings.ToLower(text))+windowsErrors(text), 20) {
		e, sure := explainLogon(m)
		into := &list
		if !sure {
			into = &general
		}
		if e.Says != "" && !slices.ContainsFunc(*into, func(o Explained) bool { return o.Name == e.Name }) {
			*into = append(*into, e)
		}
	}
	if len(list) == 0 {
		return general[:min(len(general), 1)]
	}
	return list
}

// kerberosNames puts the name of an error where MIT Kerberos and Java write words.
func kerberosNames(text string) string {
	return strings.NewReplacer(
		"client not found in kerberos database", " kdc_err_c_principal_unknown ",
		"preauthentication failed", " kdc_err_preauth_failed ",
		"pre-authentication information was invalid", " kdc_err_preauth_failed ",
		"clients credentials have been revoked", " kdc_err_client_revoked ",
		"client's credentials have been revoked", " kdc_err_client_revoked ",
	).Replace(text)
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

// logonText is what numbers say that do not name one reason.
type logonText struct {
	Numbers     []string
	InLog       bool `yaml:"in-log"` // only in a line of IIS' log
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
		if n, err := strconv.ParseUint(number, 10, 32); err == nil && n>>28 == 0xc {
			number = "0x" + strings.ToUpper(strconv.FormatUint(n, 16))
			name = ReasonOf("", number, "")
		}
		if m[1] != "" {
			e.Name = strings.TrimSpace("401."+m[1]+" "+Phrase("sub-status", "401."+m[1])) + ", " + number
		}
	}
	if name == "" {
		name = ReasonOfWindows(number)
	}
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
		e.Title, e.Says = shared().Logons["other"].Title, capital(other)+"."
	default:
		for _, l := range shared().Logons {
			if (slices.Contains(l.Numbers, number) || slices.Contains(l.Numbers, e.Name)) && (!l.InLog || m[1] != "") {
				e.Title, e.Says, e.Code = l.Title, l.Says, cmp.Or(l.Code, e.Code)
				if l.Check != "" {
					e.Next = CheckCommand(Remedy{Check: l.Check}, Placeholders)
				}
			}
		}
	}
	return e, name != "" || other != ""
}
