package ews

import (
	"bytes"
	"context"
	"net/url"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/wire"
	"github.com/ewsprobe/ewsprobe/soap"
)

// Question is what EWS is asked. It reads only.
type Question struct {
	Purpose   evidence.Purpose // of a further call; "" it is the check's own, FindFolder
	Call      soap.Call        // whose inbox; for PrimaryAddress, the address is its Mailbox
	UserAgent string           // "": that of the sign-in
}

// MailboxQuestion is the one call for a mailbox of a batch: FindFolder
// impersonating it, as Dynamics does; without impersonation GetFolder, whose
// answer tells the mailbox from the caller's own.
func MailboxQuestion(address string, impersonate bool) Question {
	q := Question{Call: soap.Call{Mailbox: address, Impersonate: impersonate}}
	if !impersonate {
		q.Purpose = evidence.NamedInbox
	}
	return q
}

func (q *Question) operation() string {
	switch q.Purpose {
	case evidence.OwnInbox, evidence.NamedInbox:
		return "GetFolder"
	case evidence.PrimaryAddress:
		return "ResolveNames"
	}
	return "FindFolder"
}

func (q *Question) describe(r *evidence.Request) {
	r.Operation, r.Mailbox, r.Impersonate, r.Purpose = q.operation(), q.Call.Mailbox, q.Call.Impersonate, q.Purpose
}

func (q *Question) envelope() []byte {
	switch q.operation() {
	case "GetFolder":
		return soap.GetFolder(q.Call)
	case "ResolveNames":
		return soap.ResolveNames(q.Call.Mailbox)
	}
	return soap.FindFolder(q.Call)
}

// Discover makes a Client one of Autodiscover: its logons carry the question
// where EWS is for Mailbox, in the given form (evidence.DiscoveryPOX or
// evidence.DiscoverySOAP), and its steps are those of Autodiscover. Schemes,
// handshake and settling are those of EWS.
type Discover struct {
	Form    string
	Mailbox string
}

// AutodiscoverPath is where Exchange answers in POX; SOAP is at the same place
// with .svc ([MS-OXDISCO]).
const (
	AutodiscoverPath     = "/autodiscover/autodiscover.xml"
	AutodiscoverSOAPPath = "/autodiscover/autodiscover.svc"
)

// AskWhere sends a GET without a credential: who answers, which schemes it offers
// and where it redirects to. It tells no address. The connection is returned if the
// server keeps it; the caller closes it.
func (c *Client) AskWhere(ctx context.Context, userAgent string) (evidence.Item, *wire.Conn) {
	sent := c.Send(ctx, nil, Request{Step: evidence.StepAutodiscoverAsk, UserAgent: userAgent, get: true})
	return c.Recorder.Add(sent.Item), sent.Conn
}

// LookUp asks for the mailbox without a credential: POX and SOAP by their POST,
// version 2 (JSON) by a GET of the URL, which then names the mailbox.
func (c *Client) LookUp(ctx context.Context, userAgent string) evidence.Item {
	sent := c.Send(ctx, nil, Request{
		Step: evidence.StepAutodiscoverLookup, UserAgent: userAgent, Question: &Question{}, get: c.Discover.Form == evidence.DiscoveryJSON,
	})
	sent.Conn.Close()
	return c.Recorder.Add(sent.Item)
}

// JSONLookup is the URL of version 2 at the host of u: it answers without a
// sign-in (Exchange 2016 CU3 and later).
func JSONLookup(u *url.URL, mailbox string) *url.URL {
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/autodiscover/autodiscover.json/v1.0/" + mailbox, RawQuery: "Protocol=EWS"}
}

// Step is a step as it is recorded: Autodiscover has its own.
func (c *Client) Step(s evidence.Step) evidence.Step {
	if c.Discover == nil {
		return s
	}
	switch s {
	case evidence.StepLogon:
		return evidence.StepAutodiscoverLogon
	case evidence.StepNTLMNegotiate, evidence.StepKeepTest:
		return evidence.StepAutodiscoverNTLM
	case evidence.StepSkipped:
		return evidence.StepAutodiscoverSkipped
	}
	return s
}

// fill makes a request one of Autodiscover.
func (d *Discover) fill(r *wire.Request, l Request) {
	if l.get {
		r.Method, r.Header = "GET", [][2]string{{"Accept", "text/xml, application/json"}}
		return
	}
	if l.Question == nil {
		return // the first step of a handshake asks nothing
	}
	if d.Form == evidence.DiscoverySOAP {
		r.Body = soap.GetUserSettings(r.URL.String(), d.Mailbox)
		r.Header = append(r.Header, [2]string{"SOAPAction", `"` + soap.ActionGetUserSettings + `"`})
		return
	}
	r.Body = soap.POXRequest(d.Mailbox)
}

func (d *Discover) operation() string {
	switch d.Form {
	case evidence.DiscoverySOAP:
		return "GetUserSettings"
	case evidence.DiscoveryJSON:
		return "Autodiscover v2"
	}
	return "Autodiscover POX"
}

// readDiscovery finds the answer in a body, whichever form it has.
func readDiscovery(r *evidence.Response, body []byte) *evidence.Discovery {
	switch {
	case r.Oversized:
		return &evidence.Discovery{Detail: evidence.Say("answer-too-long")}
	case len(bytes.TrimSpace(body)) == 0:
		return nil
	case r.CutShort:
		return &evidence.Discovery{Detail: evidence.Say("answer-cut-short")}
	}
	d, err := soap.ParseDiscovery(body)
	if err != nil {
		return &evidence.Discovery{Detail: evidence.Say("not-autodiscover", strings.ToValidUTF8(err.Error(), "\uFFFD"))}
	}
	if d.ErrorCode == "NoError" {
		d.ErrorCode = ""
	}
	return d
}
