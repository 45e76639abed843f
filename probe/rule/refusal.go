package rule

import (
	"cmp"
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/challenge"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// What a refusal itself says: who sent it, which schemes it lists, and why.

// otherList are the schemes that the refusal of a logon offers, where the one that
// was used is not among them: whoever refused does not take it, and has not looked
// at the account. A server that refuses an account lists the scheme again (RFC 9110
// 11.6.1).
func otherList(item *evidence.Item) []string {
	l := item.Logon
	if result(item) != evidence.Refused || item.Response == nil || isKerberos(l) {
		return nil
	}
	var list []string
	for _, c := range front.Offers(item.Response) {
		if c.Is(l.Scheme) {
			return nil
		}
		list = adding(list, c.Scheme)
	}
	return list
}

// Refuser is the front end that refused a logon, "" not told, and the schemes that it
// offers where the one that was used is not among them.
func Refuser(item *evidence.Item) (frontEnd string, offers []string) {
	return front.Identify(item.Response).FrontEnd, otherList(item)
}

// backEnd is the back end that refused a logon which the front end had passed on
// to it; false if it was the front end that refused, or nothing tells.
func (n *node) backEnd(item *evidence.Item) (name string, refused bool) {
	if result(item) != evidence.Refused || n.who.BackEnd != "" {
		return "", false // it is named before any sign-in, so it shows nothing
	}
	id := front.Identify(item.Response)
	switch {
	case id.Failed.Point == "FrontEnd" && slices.Contains([]string{"", "Unauthorized", "UnauthenticatedRequest"}, id.Failed.Error):
		return "", false
	case id.Failed.Point == "BackEnd", id.BackEnd != "":
		return id.BackEnd, true
	}
	return "", false
}

// notTheAccount: a refusal that is not about the account.
func (n *node) notTheAccount(item *evidence.Item) bool {
	_, back := n.backEnd(item)
	return back || pastLogon(item) || len(otherList(item)) > 0 && n.offer(item.Logon.Scheme)
}

// pastLogon: IIS says by its sub-status that the account was logged on, and that
// something behind the logon refuses it: an access list (401.3), a filter (401.4), an
// application (401.5).
func pastLogon(item *evidence.Item) bool {
	return result(item) == evidence.Refused && item.Response != nil && item.Response.Notice != nil &&
		slices.Contains([]string{"401.3", "401.4", "401.5"}, item.Response.Notice.SubStatus)
}

// refusedPastLogon: the account is in order, by the word of IIS.
func refusedPastLogon(v *view) *hit {
	for _, item := range v.logons() {
		if v.proved == nil && pastLogon(item) {
			p := finding.Params{Account: item.Logon.Account, Scheme: mechanism(item.Logon), Notice: noticeOf(item.Response)}
			return likely("past-logon", p, item)
		}
	}
	return nil
}

// refusedFor is a refused logon whose answer names an error of Windows that is meant.
func (v *view) refusedFor(is func(windows string) bool) *evidence.Item {
	for _, item := range v.logons() {
		if r := item.Response; result(item) == evidence.Refused && r != nil && r.Notice != nil && is(r.Notice.Windows) {
			return item
		}
	}
	return nil
}

// notTaken is the finding that a scheme is asked for by what answers first and not
// taken by what is behind it.
func (v *view) notTaken(n *node, item *evidence.Item, scheme string) *hit {
	proved := v.proved != nil && v.proved.Address == n.address && v.proved.Logon.Scheme == scheme
	if v.otherRuleSpeaks(n) || item == nil || !n.offer(scheme) || proved {
		return nil
	}
	list := otherList(item)
	if _, back := n.backEnd(item); back || len(list) == 0 {
		return nil
	}
	id := front.Identify(item.Response)
	p := finding.Params{
		Scheme: scheme, Schemes: list,
		FrontEnd: id.FrontEnd, NotExchange: !id.Exchange,
		Device: cmp.Or(n.who.Device, n.who.ServerField), Sign: n.who.DeviceSign, Notice: noticeOf(item.Response),
	}
	p.Realm = n.realm(scheme)
	h := likely("behind", p, n.ask, item)
	if scheme == "Basic" && n.who.Device != "" && !n.who.Exchange {
		h.use = finding.ByDevice
	}
	return h
}

// realm is the one for which a scheme is offered.
func (n *node) realm(scheme string) string {
	c, _ := challenge.Find(n.offers, scheme)
	realm, _ := c.Param("realm")
	return realm
}

// backEndRefused: the front end took the account, and the back end refuses it.
func backEndRefused(v *view) *hit {
	for n, item := range v.logons() {
		name, refused := n.backEnd(item)
		if v.proved != nil || !refused || isToken(item) {
			continue
		}
		id := front.Identify(item.Response)
		return likely("back-end", finding.Params{
			Account: item.Logon.Account, Scheme: mechanism(item.Logon), FrontEnd: id.FrontEnd,
			BackEnd: name, Schemes: otherList(item), Failed: id.Failed, Notice: noticeOf(item.Response),
		}, item)
	}
	return nil
}

// noticeOf is what an answer says of itself, with the numbers that devices put into
// headers.
func noticeOf(r *evidence.Response) (n evidence.Notice) {
	if r == nil {
		return n
	}
	numbers := []string{r.First("CF-RAY"), r.First("X-Azure-Ref"), r.First("X-Amz-Cf-Id")}
	if r.Notice != nil {
		n = *r.Notice
		numbers = slices.Concat(n.Numbers, numbers)
	}
	n.Numbers = nil
	for _, number := range numbers {
		same := func(have string) bool { return strings.HasPrefix(number, have) } // CF-RAY has the place behind it
		if number != "" && !slices.ContainsFunc(n.Numbers, same) {
			n.Numbers = append(n.Numbers, number)
		}
	}
	return n
}

// wasEWS: something at this address was EWS in this run, apart from the answer of
// one: EWS or Exchange's front end answered another request for the same URL.
func (n *node) wasEWS(one *evidence.Item) bool {
	return slices.ContainsFunc(n.items, func(item *evidence.Item) bool {
		if item.ID == one.ID || item.Response == nil {
			return false
		}
		return item.EWS.Answered() || item.Response.Status == 401 && front.Identify(item.Response).Exchange
	})
}

// inPlace is an answer that is not EWS, where EWS was seen: what happened on the way
// to it. "" for one that other rows speak of.
func (v *view) inPlace(n *node, item *evidence.Item) (variant string) {
	r := item.Response
	says := ""
	if r.Notice != nil {
		says = r.Notice.Says
	}
	switch {
	case signInPage(r) != "":
		return ""
	case isErrorPage(r):
		return "error-page"
	case r.Status == 413, r.Status/100 == 4 && says == evidence.SaysBodyTooLarge:
		return "body-too-large"
	case r.Status == 431, r.Status/100 == 4 && says == evidence.SaysHeaderTooLong:
		return "header-too-long"
	case r.Status/100 == 2 && r.BodyBytes == 0 && (n.wasEWS(item) || front.Identify(r).Exchange):
		return "empty"
	case isNotEWS(item) && n.wasEWS(item) && (r.Status != 404 || v.usualURL() == ""): // IIS asks for a logon at a wrong path too
		return "instead"
	}
	return ""
}

// isErrorPage: Exchange's ASP.NET failed and leads to its own page for that, of EWS
// (genericerrorpage.htm) or of Outlook on the web (errorfe.aspx, error.aspx).
func isErrorPage(r *evidence.Response) bool {
	low := strings.ToLower(r.First("Location"))
	return isRedirect(r.Status) && (strings.Contains(low, "genericerrorpage") || strings.Contains(low, "/owa/auth/error"))
}
