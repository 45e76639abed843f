package rule

import (
	"slices"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/soap"
)

// What an EWS answer on a signed-in request says of the mailbox. ews-codes.yaml
// of package finding has what each code means.

// meaning is what the code of an answer stands for where it was given.
type meaning struct {
	code       finding.Code
	confidence finding.Confidence
	says       string // the code whose meaning is told, "" none
}

// about is the answer at n that speaks for the mailbox, if it means code. A
// general code gives way to the inner one that it hides.
func (v *view) about(n *node, code finding.Code) (*evidence.Item, meaning) {
	item := v.signedIn(n)
	if item == nil || opens(item) || v.rec.Target.HMA != nil && v.mailbox() == "" && item.EWS.Code == needsImpersonation || cutSuccess(item) {
		return nil, meaning{}
	}
	name := finding.BehindEWS(item.EWS.Code, item.EWS.InnerCode, item.EWS.Message)
	known, ok := finding.EWSCodes()[name]
	m := meaning{known.Finding, known.Confidence, name}
	switch {
	case !ok:
		m = meaning{"exchange-error", finding.Undetermined, ""}
	case v.rec.Target.Mailbox == "" && known.Own != "":
		m = meaning{known.Own, finding.Undetermined, ""} // what it says is about a named mailbox
	}
	if m.code != code {
		return nil, meaning{}
	}
	return item, m
}

// opens: EWS did what it was asked.
func opens(item *evidence.Item) bool {
	return item != nil && item.EWS.Answered() && item.EWS.Code == soap.CodeNoError && item.EWS.Class != soap.ClassError && !item.EWS.Cut
}

// cutSuccess: the end of the answer is missing, and nothing before it is an error.
func cutSuccess(item *evidence.Item) bool {
	return item.EWS.Cut && (item.EWS.Code == "" || item.EWS.Code == soap.CodeNoError)
}

// said is a finding about what EWS answered.
func (v *view) said(item *evidence.Item, m meaning, variant string) *hit {
	return holds(m.confidence, variant, finding.Params{
		Code: item.EWS.Code, Inner: item.EWS.InnerCode,
		Message: item.EWS.Message, Status: item.Response.Status, Means: m.says, Cut: item.EWS.Cut,
		Twice: item.Request != nil && item.Request.Purpose == evidence.AgainLater,
	}, []*evidence.Item{item})
}

// byEWS is the rule of a code that the answer of EWS alone decides; exchange-error
// is whatever EWS answers that no other code names.
func byEWS(code finding.Code) func(*view, *node) *hit {
	return func(v *view, n *node) *hit {
		item, m := v.about(n, code)
		if item == nil {
			return nil
		}
		return v.said(item, m, "")
	}
}

func mailboxNotFound(v *view, n *node) *hit {
	item, m := v.about(n, "mailbox-not-found")
	if item == nil || mailboxAddressDiffers(v, n) != nil {
		return nil
	}
	h := v.said(item, m, "")
	book := v.callAnywhere(evidence.PrimaryAddress)
	if book != nil {
		h.cite(book)
	}
	if also := v.unknownAddress(); also != nil {
		h.cite(also)
		h.params.Source, h.params.DiscoveryCode = source(also), also.Discovery.ErrorCode
	}
	switch located, item := v.outside(); { // what is known of its being in Exchange Online
	case item != nil:
		h.params.Located, h.params.Redirect, h.params.Query = located, item.Cloud.Redirect, item
	case v.leadsOnline() != nil:
		h.params.Located = "autodiscover"
	default:
		h.params.Located = "not-looked-up"
	}
	h.params.NoGUID = strings.Contains(strings.ToLower(item.EWS.Message), "mailbox with such guid")
	anothers := func(e evidence.Resolved) bool { return !v.holdsAsked(&e) }
	switch entry := v.listed(); {
	case entry != nil:
		h.variant, h.confidence = "listed", finding.Likely
		h.params.Entry = entry.Type
		if routesOnline(entry.Address) {
			h.params.Routes = entry.Address
		}
	case strings.HasSuffix(strings.ToLower(v.mailbox()), ".onmicrosoft.com"):
		h.variant = "routing"
	case book != nil && book.EWS.Code == "ErrorNameResolutionNoResults":
		h.variant = "unlisted"
	case book != nil && len(book.EWS.Resolved) > 1 && !slices.ContainsFunc(book.EWS.Resolved, anothers):
		h.variant, h.params.Entries = "ambiguous", len(book.EWS.Resolved)
	}
	for _, o := range v.nodes {
		if o != n && opens(v.signedIn(o)) { // the same question was answered there, so the address is right
			h.variant, h.confidence, h.params.By = "one-server", finding.Undetermined, o.address
		}
	}
	return h
}

// mailboxUnknown: EWS was not asked for the mailbox, or did not say, but
// Autodiscover does not know the address.
func mailboxUnknown(v *view) *hit {
	item := v.unknownAddress()
	if item == nil || v.openedMailbox() != nil || v.holds(mailboxAddressDiffers) {
		return nil
	}
	return likely("autodiscover", finding.Params{
		Source: source(item), DiscoveryCode: item.Discovery.ErrorCode,
		Message: item.Discovery.Message,
	}, item)
}

func serviceMailboxMissing(v *view, n *node) *hit {
	item, m := v.about(n, "service-mailbox-missing")
	if item == nil || v.rec.Target.Impersonate {
		return nil // an account that impersonates needs none of its own
	}
	m.confidence, m.says = finding.Confirmed, ""
	return v.said(item, m, "")
}
