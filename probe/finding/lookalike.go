package finding

import (
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Lookalike is one reason why a logon is refused that looks like every other
// from the network, and what settles it on the server.
type Lookalike struct {
	// Reason is the value of verdict.reason once it is known; empty where
	// the report has no value for it.
	Reason string
	Title  string
	// SubStatus is the Sub Status of event 4625 in the Security log (the
	// Status holds it where the Sub Status is 0x0); empty where no value
	// settles it.
	SubStatus string `yaml:"sub_status"`
	// Win32 is sc-win32-status in the IIS log beside sub-status 401.1. It
	// usually comes with Basic; NTLM often logs 2148074252 (logon denied)
	// for most of them.
	Win32 string
	// Binding: it refuses a channel binding, so it concerns NTLM and Negotiate
	// alone.
	Binding bool
	// Check is where else to look.
	Check string
}

// lookalikes are what looks the same as a refused password, the most common first.
// The sub statuses are those of Microsoft's description of event 4625, the
// Win32 values those of the Windows headers.
var lookalikes = sync.OnceValue(func() (list []Lookalike) {
	decode(file("text/lookalikes.yaml"), &list)
	return list
})

// ReasonOfWindows is the state of an account that an error of Windows names, by its
// number or its status: "" none, or one of several. What looks like a wrong password
// comes first; a controller has more signs, the same number in hexadecimal.
func ReasonOfWindows(number string) string {
	reason := ""
	for _, l := range lookalikes() {
		if number == "" || l.Win32 != number && !strings.EqualFold(l.SubStatus, number) || l.Reason == "" {
			continue
		}
		if reason != "" && reason != l.Reason {
			return "" // as 1326, a wrong password or no such user
		}
		reason = l.Reason
	}
	if reason == "" {
		n, _ := strconv.ParseUint(number, 10, 16)
		reason = ReasonOf(strconv.FormatUint(n, 16), number, "")
	}
	return reason
}

// CaseOfWindows is the case of remedies that an error of Windows asks for which does
// not speak of the account; "" none.
func CaseOfWindows(number string) Case {
	for c, numbers := range at[map[Case][]string](sharedText, "windows") {
		if slices.Contains(numbers, strings.ToLower(number)) {
			return c
		}
	}
	return ""
}

// BesideAccount says whether an error of Windows speaks of something other than the
// account: phrase "windows-error" says of what.
func BesideAccount(number string) bool {
	return number != "" && Phrase("windows-error", strings.ToLower(number)) != ""
}

// reason is a value of verdict.reason: its name in a sentence, for a state of the
// account what it means and asks for, and the signs of it at a domain controller.
type reason struct {
	Title, Says       string
	Bind, Status, KDC []string
	Remedies          []Remedy
}

var reasons = sync.OnceValue(func() (m map[string]reason) {
	decode(file("text/reasons.yaml"), &m)
	return m
})

// ReasonRemedies are what a known reason asks for, before all else: look, then
// change. The caller may change the result.
func ReasonRemedies(c Code, name string) []Remedy {
	of := reasons()
	if ofToken(c) {
		of = tokens().Reasons
	}
	return completed(of[name].Remedies)
}

// answer is what to do where an answer names the fault by one of the names.
type answer struct {
	Names    []string
	Remedies []Remedy
}

var answers = sync.OnceValue(func() (list []answer) {
	decode(file("text/answers.yaml"), &list)
	return list
})

// AnswerRemedies are what an answer asks for that names the fault itself, before what its
// code asks for. The caller may change the result.
func AnswerRemedies(c Code, p Params) []Remedy {
	for _, name := range p.named(c) {
		if list := answerTo(name); list != nil {
			return list
		}
	}
	return nil
}

// OtherServer is what to do where another mail server than Exchange answers, in place of all
// else. The caller may change the result.
func OtherServer() []Remedy { return answerTo("mail-server") }

// answerTo is what a name asks for, nil nothing.
func answerTo(name string) []Remedy {
	i := slices.IndexFunc(answers(), func(a answer) bool { return slices.Contains(a.Names, name) })
	if i < 0 {
		return nil
	}
	return completed(answers()[i].Remedies)
}

// named are the names of what an answer says of itself, the first that is known counts; where
// another path than that of EWS was asked, that path is the fault.
func (p Params) named(c Code) []string {
	names := []string{p.Failed.Error}
	if p.Usual == "" {
		names = append(names, p.Notice.SubStatus, p.Notice.Says)
	}
	if p.Status >= 500 { // of a device; in a 401 the error of Windows is about the sign-in
		names = append(names, p.Notice.Windows, strconv.Itoa(p.Status))
	}
	ofCloud := c == "credentials-rejected" && p.Reason == "" && strings.HasSuffix(strings.ToLower(p.Account), ".onmicrosoft.com")
	for _, n := range []struct {
		name string
		is   bool
	}{
		{"stopped-pool", p.Kernel && p.Status == 503},
		{"inherited-redirect", p.Inherited},
		{"redirect-to-itself", p.SameURL},
		{"redirect-to-the-cloud", p.Status/100 == 3 && p.Located == "online"},
		{"inspected", p.Inspector != ""},
		{"made-by-itself", p.Server != ""},
		{"differs-version", len(p.Differences) > 0 && p.Differences[0].Aspect == "version"},
		{"cloud-account", ofCloud},
		{"no-credential-arrives", p.Unheard},
		{"token-answered-by-device", c == "token-refused" && p.NotExchange},
		{"alert-" + p.Alert, p.Alert != ""},
	} {
		if n.is {
			names = append(names, n.name)
		}
	}
	return names
}

// Cost is what a remedy says where its command sends a password in spite of what is
// remembered of it; "" where it does not.
func (n Names) Cost(command string) string {
	var said []string
	if n.Refused && strings.Contains(command+" ", " --"+retryRefused+" ") {
		said = append(said, at[string](sharedText, "why", "retry-cost"))
	}
	if n.Limit > 0 && strings.Contains(command+" ", " --"+maxRejections+" ") {
		said = append(said, at[string](sharedText, "why", "limit-cost"))
	}
	return strings.Join(said, " ")
}

// ReasonOf is the state of an account that a controller names: by the data of a
// refused bind, by the status that a Windows KDC adds, or by the error of a KDC;
// "" none. Empty signs name nothing.
func ReasonOf(bind, status, kdc string) string {
	for name, r := range reasons() {
		if slices.Contains(r.Bind, strings.ToLower(bind)) || slices.Contains(r.Status, status) || slices.Contains(r.KDC, kdc) {
			return name
		}
	}
	return ""
}
