package finding

import (
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
		`\b(kdc_err_[a-z_]+)|(?:^|[(:=]|error|fehler|erreur|status)\s*` +
		`(13(?:11|2[6-9]|3[01]|85)|178[679]|1793|190[79]|21480742(?:52|54))(?:[\s).,;]|$)`)
})

// ExplainLogons finds in a pasted text why Windows refused a logon. A number that stands
// for several reasons gives way to one that names its own.
func ExplainLogons(text string) (list []Explained) {
	var general []Explained
	for _, m := range logSigns().FindAllStringSubmatch(strings.ToLower(text), 20) {
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
		e.Title, e.Says = reasons()[name].Title, strings.ToUpper(reasons()[name].Title[:1])+reasons()[name].Title[1:]+"."
		for _, l := range lookalikes() {
			if l.Reason == name {
				e.Says += " " + l.Check
				break
			}
		}
		e.Remedies = ReasonRemedies(e.Code, name)
	case other != "":
		e.Says, e.Title = strings.ToUpper(other[:1])+other[1:]+".", "not for the account"
	case slices.Contains([]string{"1326", "2148074252", "0xC000006D"}, number), e.Name == "KDC_ERR_CLIENT_REVOKED":
		e.Title = "name or password"
		e.Says = "Windows refused the logon and does not say here whether the name or the password is wrong, or " +
			"the account is in a state that forbids it. " +
			"The Sub Status of event 4625 on the Exchange server does."
		return e, false
	case slices.Contains([]string{"5", "2148074254"}, number) && m[1] != "":
		e.Title = "no credential"
		e.Says = "The request brought no credential that the server takes. Every sign-in begins so; it is a fault only if " +
			"no line with 200 follows. Then see which schemes are on."
		return e, false
	}
	return e, name != "" || other != ""
}
