package rule

import (
	"cmp"
	"maps"
	"net"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// made says that a name consists of letters, digits and some further characters,
// and is not too long. What goes into a command must not be able to change it:
// the names come from a server, or from a record that somebody sent.
func made(name, further string, longest int, letters func(rune) bool) bool {
	n := utf8.RuneCountInString(name)
	return n > 0 && n <= longest && !strings.ContainsFunc(name, func(r rune) bool { return !letters(r) && !strings.ContainsRune(further, r) })
}

func ascii(r rune) bool { return r < utf8.RuneSelf && anyLetter(r) }

func anyLetter(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

func isServerName(s string) bool { return made(s, "-", 15, ascii) }

func isHostName(s string) bool { return made(s, ".-", 253, ascii) && ascii(rune(s[0])) }

func isAccount(s string) bool { return made(s, `._@\-`, 256, anyLetter) }

func isMailAddress(s string) bool { return made(s, "._+@-", 256, anyLetter) }

// isPlainMail is stricter, for an address that a server names.
func isPlainMail(s string) bool { return strings.Contains(s, "@") && made(s, "._@-", 128, ascii) }

func isPlainURL(s string) bool { return made(s, "/._:[]-", 2048, ascii) }

func safe(value string, is func(string) bool, instead string) string {
	if is(value) {
		return value
	}
	return instead
}

// fill puts names into the catalogue's remedies. The server is the one at the
// addresses that the finding is about: a command for another would fix nothing.
func (v *view) fill(remedies []finding.Remedy, p finding.Params, addresses ...string) []finding.Remedy {
	t := v.rec.Target
	names := finding.Names{
		Server:  safe(v.frontEnd(addresses), isServerName, "<SERVER>"),
		Host:    v.retarget(),
		Site:    v.site(),
		User:    safe(t.User, isAccount, "<USER>"),
		Mailbox: safe(t.Mailbox, isMailAddress, "<MAILBOX>"),
		Direct:  !t.Impersonate && t.Mailbox != "",
		Given:   givenFlags(t),
		Refused: v.remembered(evidence.Refused) > 0,
		Limit:   v.limit(),
		Found:   t.FromAddress != "" && t.Credentials,
	}
	if profile := t.Profile; profile != nil {
		names.FromProfile = slices.Contains(profile.Taken, "url") || slices.Contains(profile.Taken, "autodiscover")
	}
	token := v.tokenParams().Token
	names.More = v.trace(names.Server, names.User, addresses).Placeholders()
	maps.Copy(names.More, map[string]string{
		"upn": v.upn(), "site": names.Site, "address": "IP", "longer": longer(t.Given), "trusted": "TENANT", "discovery": "<HOST>",
		"named-host":  safe(v.rec.Target.Host, isHostName, "<HOST>"),
		"failing":     argument("address", append(p.Places, p.Address)[0]),
		"request":     finding.Phrase("request", &p),
		"backend":     safe(p.BackEnd, isHostName, "<SERVER>"),
		"primary":     safe(p.Primary, isPlainMail, "PRIMARY-ADDRESS"),
		"whose":       safe(cmp.Or(t.Mailbox, t.User), func(s string) bool { return isMailAddress(s) || isAccount(s) }, "<MAILBOX>"),
		"application": safe(token.Application, front.IsGUID, "APPLICATION-ID"),
		"resource":    safe(token.Resource, isPlainURL, "RESOURCE"),
	})
	if slices.ContainsFunc(remedies, finding.Remedy.NamesDevice) {
		maps.Copy(names.More, finding.AtDevice(p.Device))
	}
	if p.Ends != nil {
		names.More["discovery"] = safe(hostOf(p.Ends), isHostName, "<HOST>")
	}
	if len(v.nodes) > 0 {
		names.More["address"] = argument("address", v.nodes[0].address)
	}
	if trusted := p.Token.Trusted; len(trusted) == 1 {
		names.More["trusted"] = argument("tenant", trusted[0])
	}
	unless := map[string]bool{
		"explained":         t.Explain && len(v.reasons()) > 0, // done already, and answered
		"nothing-held-back": v.heldBack(evidence.HeldBack.MayFollow) == nil,
		"usual-path":        v.usualURL() == "" || t.FromAddress != "",
		"front-end-port":    parsed(t.URL).Port() != "444",
		"no-logon":          names.More["times"] == "", // there is nothing to look for in a log
		"kerberos-only":     p.Only == "kerberos",
		"url-given":         t.FromAddress == "" && t.URL != "", // and checked
	}
	var filled []finding.Remedy
	for _, m := range remedies {
		if unless[m.Unless] || t.HMA != nil && strings.Contains(m.Command, "{user}") { // there is no account
			continue
		}
		f := finding.Remedy{Text: names.Fill(m.Text), Command: names.Fill(m.Command), Link: m.Link}
		if m.Check != "" {
			f.Command = finding.CheckCommand(m, names)
		}
		if slices.ContainsFunc(filled, func(o finding.Remedy) bool {
			return o.Command == f.Command && (m.Unless == "asked-already" || o.Text == f.Text)
		}) {
			continue
		}
		if f.Cost = names.Cost(f.Command); f.Cost != "" {
			f.Text += " " + f.Cost
		}
		filled = append(filled, f)
	}
	return filled
}

// upn is the account's name as a UPN that a scheme accepted.
func (v *view) upn() string {
	for _, item := range v.items {
		if l := item.Logon; result(item) == evidence.Accepted && l.OtherForm && isPlainMail(l.Account) {
			return l.Account
		}
	}
	return "user@domain"
}

// longer is a time that is more than the check had.
func longer(g *evidence.Given) string {
	if g != nil {
		if had, err := time.ParseDuration(g.Timeout); err == nil && had >= 90*time.Second {
			return min(3*had, time.Hour).String()
		}
	}
	return "90s"
}

// remembered is how many logons ended in a way that the next check is told of: this
// run's, and one before it that kept the password from being sent. An accepted logon
// wipes them out.
func (v *view) remembered(end evidence.Result) (n int) {
	if v.proved != nil || v.provedElsewhere != nil {
		return 0
	}
	for _, item := range v.rec.Items {
		if l := item.Logon; l != nil && (l.Counted && l.Result == end || l.Remembered && end == evidence.Refused) {
			n++
		}
	}
	return n
}

// limit is what --max-rejections has to be for another check: --retry-refused makes
// room in place of a refused logon, but not of one without an answer.
func (v *view) limit() int {
	unanswered, limit := v.remembered(evidence.Unfinished), 2
	if unanswered == 0 {
		return 0
	}
	if g := v.rec.Target.Given; g != nil && g.MaxRejections != "" {
		limit, _ = strconv.Atoi(g.MaxRejections)
	}
	return min(limit+unanswered, 10)
}

// Fill puts names into a remedy of the catalogue for a report of many: a mailbox
// that stands for them, and the endpoint of t.
func Fill(remedy finding.Remedy, t evidence.Target, mailbox string) finding.Remedy {
	t.Mailbox = mailbox
	if mailbox == "" {
		t.Mailbox = "<MAILBOX>"
	}
	return arrange(&evidence.Record{Target: t}).fill([]finding.Remedy{remedy}, finding.Params{})[0]
}

// frontEnd is the name of the first server at one of the addresses, or at any if
// there are none.
func (v *view) frontEnd(addresses []string) string {
	for _, n := range v.nodes {
		if n.who.FrontEnd != "" && (len(addresses) == 0 || slices.Contains(addresses, n.address)) {
			return n.who.FrontEnd
		}
	}
	for n, item := range v.logons() { // behind a gateway that asks for itself
		if name := front.Identify(item.Response).FrontEnd; name != "" && (len(addresses) == 0 || slices.Contains(addresses, n.address)) {
			return name
		}
	}
	return ""
}

// retarget is the shortest argument of ewsprobe that leads back to the same
// endpoint.
func (v *view) retarget() string {
	t, u, site := v.rec.Target, parsed(v.rec.Target.URL), v.site()
	switch {
	case t.FromAddress != "":
		// A host that Autodiscover named is not one that the user did.
		return safe(t.FromAddress, isMailAddress, "<MAILBOX>")
	case u.Scheme != "https", site == "<HOST>", strings.EqualFold(u.Path, "/EWS/Exchange.asmx"):
		return site
	case isPlainURL(t.URL):
		return t.URL
	}
	return u.Hostname()
}

// site is the host of the endpoint, and its port where the URL has https.
func (v *view) site() string {
	u := parsed(v.rec.Target.URL)
	host := u.Hostname()
	switch {
	case net.ParseIP(host) == nil && !isHostName(host):
		return "<HOST>"
	case u.Scheme == "https":
		return u.Host
	}
	return host
}

// givenFlags are the flags of the check that made the record, as a command that repeats
// it has to have them.
func givenFlags(t evidence.Target) finding.Flags {
	g := evidence.Given{}
	if t.Given != nil {
		g = *t.Given
	}
	var list finding.Flags
	var add func(string, any)
	add = func(name string, value any) {
		switch value := value.(type) {
		case bool:
			if value {
				list = append(list, finding.Flag{Name: name})
			}
		case string:
			if value != "" {
				list = append(list, finding.Flag{Name: name, Value: argument(name, value)})
			}
		case []string:
			for _, one := range value {
				add(name, one)
			}
		}
	}
	if t.ProfileAuth != "basic" || g.Profile != "" {
		add("profile-auth", t.ProfileAuth)
	}
	if t.View != "inside" {
		add("view", t.View)
	}
	add("insecure", t.Insecure)
	add("current-user", t.CurrentUser)
	add("explain-rejection", t.Explain)
	add("autodiscover", t.Autodiscover)
	add("follow-autodiscover", t.FollowAutodiscover)
	add("cloud", t.Cloud && t.DynamicsURL == "" && t.Tenant == "" && g.TokenFile == "")
	add("dynamics-url", t.DynamicsURL)
	if g.Tenant == "" {
		add("tenant", t.Tenant)
	}
	v := reflect.ValueOf(g)
	for i := range v.NumField() {
		add(strings.ReplaceAll(v.Type().Field(i).Tag.Get("json"), "_", "-"), v.Field(i).Interface())
	}
	return list
}

// argument is a value as it stands in a command line of bash, of PowerShell and of
// cmd alike: as it is, or in quotes. One that could change the command in any of
// them is replaced.
func argument(name, value string) string {
	plain := func(r rune) bool { return ascii(r) || strings.ContainsRune("/._:+=-", r) }
	if !strings.ContainsFunc(value, func(r rune) bool { return !plain(r) }) {
		return value
	}
	harmless := func(r rune) bool { return plain(r) || anyLetter(r) || strings.ContainsRune(` \()[]{},;@~#&'`, r) }
	if strings.ContainsFunc(value, func(r rune) bool { return !harmless(r) || unicode.IsControl(r) }) || strings.HasSuffix(value, `\`) {
		return "<" + strings.ToUpper(name) + ">"
	}
	return `"` + value + `"`
}
