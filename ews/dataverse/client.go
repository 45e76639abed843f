// Package dataverse reads Dynamics over the Dataverse Web API: what it was told
// about Exchange, and what Exchange answered it. The answers go into the record;
// what they mean is said elsewhere.
//
// It changes nothing. The one function that sends is Reader.get, which makes a GET
// of one of a fixed list of sets; actions, and the writes by which Test & Enable is
// started, are the same addresses under other verbs. No redirect is followed, the
// pages of a list have to be of the same origin and set, and the token goes past no
// untrusted certificate. Throttling is waited for as told; every answer is bounded.
//
// Sources: https://learn.microsoft.com/power-apps/developer/data-platform/webapi/
// (query data, compose requests and handle errors, service protection limits) and
// OData 4.0 part 1 (8.2.8 Prefer, 11.2.6.7 paging by the server).
package dataverse

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

// set is a table as the Web API names it.
type set string

// The only ones that are asked for.
const (
	organizations set = "organizations"
	profiles      set = "emailserverprofiles"
	identities    set = "managedidentities"
	mailboxes     set = "mailboxes"
	users         set = "systemusers"
	alerts        set = "tracelogs"
)

const root = "/api/data/v9.2/"

// Reader reads one environment. It is for one goroutine.
type Reader struct {
	URL      *url.URL // https://HOST
	Outside  wire.Outside
	Recorder *ews.Recorder
	// Token gives the access token, which it has to make known to the recorder; ""
	// where there is none, and why not is written down.
	Token func(context.Context) string
	// Profile reads a row of e-mail server profiles, an object in JSON.
	Profile func(row []byte) (*evidence.Profile, error)

	conn      *wire.Conn
	addresses map[string]string // of active mailboxes, by identifier
}

// Bounds of one answer and of one request.
const (
	pageRead    = 8 << 20
	pageRows    = 500
	requestTime = 60 * time.Second
	longestWait = 10 * time.Minute
	maxTries    = 4
)

// Close ends the connection.
func (r *Reader) Close() {
	r.conn.Close()
	r.conn = nil
}

// page is the answer to one request.
type page struct {
	item evidence.Item
	next *url.URL // of the list
}

// get asks for one page. The answer is read, its rows are handed to each, and what
// came of it is in the item, which is not written down yet.
func (r *Reader) get(ctx context.Context, step evidence.Step, s set, u *url.URL, each func(row) bool) page {
	facts := &evidence.Cloud{Host: u.Host}
	p := page{item: evidence.Item{Step: step, At: time.Now(), Cloud: facts, Dataverse: &evidence.Dataverse{Set: string(s)}}}
	token := r.Token(ctx)
	if token == "" {
		facts.Detail = evidence.Say("no-token-here")
		return p
	}
	limited, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	req := wire.Request{URL: u, Authorization: "Bearer " + token, Limit: pageRead, Header: [][2]string{
		{"Accept", "application/json"},
		{"OData-Version", "4.0"},
		{"OData-MaxVersion", "4.0"},
		{"If-None-Match", "null"},
		// Annotations are asked for by name: "*" would bring stack traces into errors.
		{"Prefer", fmt.Sprintf(`odata.maxpagesize=%d,odata.include-annotations="%s,%s"`, pageRows, formatted, entityName)},
	}}
	answer, conn, fail := r.Outside.Get(limited, r.conn, req, "Bearer, value not kept", &p.item)
	if r.conn = conn; fail == nil && answer.Response != nil {
		r.read(ctx, &p, u, answer, each)
	}
	return p
}

// add writes an item down.
func (r *Reader) add(item evidence.Item) evidence.Item {
	r.Recorder.Shorten(item.Cloud)
	return r.Recorder.Add(item)
}

// read takes the answer apart. Only 200 has rows.
func (r *Reader) read(ctx context.Context, p *page, asked *url.URL, answer wire.Answer, each func(row) bool) {
	c, d, status := p.item.Cloud, p.item.Dataverse, answer.Response.Status
	switch {
	case answer.Response.Oversized:
		c.Detail = evidence.Say("page-too-long", pageRead>>20)
	case answer.Response.CutShort:
		c.Detail = evidence.Say("answer-ends-early")
	case status/100 == 3:
		c.Detail = evidence.Say("answer-redirects", status)
	case status == 200:
		rows, link, err := r.readList(ctx, answer.Body, each)
		d.Rows = rows
		switch next, problem := nextPage(asked, link); {
		case errors.Is(err, errNoList):
			c.Detail = evidence.Say("not-json", "Dataverse")
		case err != nil:
			p.item.Error = wire.Classify(ctx, "read", err)
		case problem != nil:
			c.Detail = problem
		default:
			p.next, d.Further, d.Visible = next, next != nil, true
		}
	default:
		r.readError(status, answer.Body, c, d)
	}
}

// nextPage is the link to the next page, which has to be of the list that was asked
// for: the token is sent with it.
func nextPage(asked *url.URL, link string) (*url.URL, *evidence.Detail) {
	if link == "" {
		return nil, nil
	}
	u, err := asked.Parse(link)
	switch {
	case err != nil:
		return nil, evidence.Say("next-page-odd")
	case u.Scheme != asked.Scheme || !wire.SameHost(u, asked) || u.User != nil:
		return nil, evidence.Say("next-page-foreign", u.Host)
	case u.Path != asked.Path || u.RawQuery == asked.RawQuery:
		return nil, evidence.Say("next-page-odd")
	}
	u.Fragment = ""
	return u, nil
}

// Codes of errors of the Web API
// (https://learn.microsoft.com/power-apps/developer/data-platform/reference/web-service-error-codes).
const (
	noUserHere       = "0x80072560" // the user is not a member of the organization
	privilegeMissing = "0x80040220"
)

var (
	privilege = evidence.Expression(`(?i)(?:missing|PrivilegeName:) (prv[A-Za-z0-9_]{1,80})`)
	unknown   = evidence.Expression(`(?i)could not find a property named '([A-Za-z0-9_]{1,100})'`)
)

func (r *Reader) readError(status int, body []byte, c *evidence.Cloud, d *evidence.Dataverse) {
	c.Code, c.Message = errorIn(body)
	c.Detail = evidence.Say("answered", status)
	if said := strings.TrimSpace(c.Code + " " + c.Message); said != "" {
		c.Detail = evidence.Say("answered-code", status, r.Recorder.Short(said, longestReason))
	}
	named := privilege().FindStringSubmatch(c.Message)
	switch {
	case status == 401:
		c.Detail = evidence.Say("dynamics-token-refused", status)
	case status == 429 || status == 503:
		d.Throttled = true
	case status == 404:
		d.Absent = true
	case status == 403 && named != nil:
		d.Privilege = named[1]
		c.Detail = evidence.Say("privilege-missing", named[1])
	case status == 403 && strings.EqualFold(c.Code, privilegeMissing):
		d.Privilege = needed[set(d.Set)]
		c.Detail = evidence.Say("privilege-missing", d.Privilege)
	case status == 403 && strings.EqualFold(c.Code, noUserHere):
		d.NoUser = true
		c.Detail = evidence.Say("no-application-user")
	}
}

// needed are the privileges by which a role may read a set, for an error that does
// not name it.
var needed = map[set]string{
	organizations: "prvReadOrganization", profiles: "prvReadEmailServerProfile", identities: "prvReadmanagedidentity",
	mailboxes: "prvReadMailbox", users: "prvReadUser", alerts: "prvReadTraceLog",
}
