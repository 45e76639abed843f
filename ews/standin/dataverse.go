package standin

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Dataverse is the Web API of the organisation, behind its challenge: server profiles,
// mailboxes and alerts. It takes the token that Entra gives for its own origin, and
// DataverseToken. The zero value has one profile, for the stand-in's own EWS, and the
// mailbox of whoever is asked for.
type Dataverse struct {
	// Mailboxes is how many there are (CrowdMailbox), PageRows how many a page has.
	Mailboxes int `yaml:"mailboxes,omitempty"`
	PageRows  int `yaml:"page-rows,omitempty"`

	// Modern: the profile signs in with hybrid modern authentication.
	Modern bool `yaml:"modern,omitempty"`

	// Alert is the text of an alert about every mailbox.
	Alert string `yaml:"alert,omitempty"`

	// Denied are sets that the role may not read, Lacks columns and sets that this
	// version does not have. NoUser: the environment does not know who asks.
	Denied []string `yaml:"denied,omitempty"`
	Lacks  []string `yaml:"lacks,omitempty"`
	NoUser bool     `yaml:"no-user,omitempty"`

	// Busy are how many requests are answered 429 first. Broken is what comes in the
	// place of the second page of mailboxes: cut, page, elsewhere, redirect.
	Busy   int    `yaml:"busy,omitempty"`
	Broken string `yaml:"broken,omitempty"`
}

// DataverseToken is the token that the Web API takes from whoever brings one.
const DataverseToken = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL2NvbnRvc28uY3JtNC5keW5hbWljcy5jb20ifQ." +
	"c3RhbmQtaW4tc2lnbmF0dXJlLW9mLWR5bmFtaWNz"

const dataverseRoot = "api/data/v9.2/"

var privileges = map[string]string{
	"organizations": "prvReadOrganization", "emailserverprofiles": "prvReadEmailServerProfile", "mailboxes": "prvReadMailbox",
	"systemusers": "prvReadUser", "tracelogs": "prvReadTraceLog", "managedidentities": "prvReadmanagedidentity",
}

// dataverse answers a request for a set.
func (c *cloudServer) dataverse(r *http.Request, set string) *response {
	d := c.behaviour.Dataverse
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	entity := strings.TrimSuffix(strings.TrimSuffix(set, "s"), "e")
	refuse := func(name, about string) *response {
		known := words().Dataverse[name]
		says := strings.NewReplacer("$about", cut(about), "$entity", entity).Replace(known.Says)
		return inJSON(known.Status, graphError(known.Code, says))
	}
	switch {
	case token != Token && token != DataverseToken:
		return c.say(r, "organisation", "")
	case r.Method != http.MethodGet:
		return refuse("method", "")
	case d.NoUser:
		return refuse("no-user", "")
	case privileges[set] == "" || slices.Contains(d.Lacks, set):
		return refuse("no-set", set)
	case c.busy():
		return refuse("busy", "").with("Retry-After", "1")
	case slices.Contains(d.Denied, set):
		return refuse("no-privilege", privileges[set])
	}
	columns := strings.Split(r.URL.Query().Get("$select"), ",")
	for _, name := range columns {
		if slices.Contains(d.Lacks, name) {
			return refuse("no-column", name)
		}
	}
	if set != "mailboxes" || filteredBy(r, "emailaddress") != "" {
		return c.rows(r, set, "", c.records(r, set)...)
	}
	return c.mailboxPage(r)
}

// busy says whether this request is one of those that are too many.
func (c *cloudServer) busy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	return c.asked <= c.behaviour.Dataverse.Busy
}

// mailboxPage is a page of the list of mailboxes.
func (c *cloudServer) mailboxPage(r *http.Request) *response {
	d := c.behaviour.Dataverse
	size := cmp.Or(d.PageRows, 100)
	page, _ := strconv.Atoi(r.URL.Query().Get("$skiptoken"))
	next := ""
	if (page+1)*size < d.Mailboxes {
		q := r.URL.Query()
		q.Set("$skiptoken", strconv.Itoa(page+1))
		next = "https://" + r.Host + r.URL.Path + "?" + q.Encode()
	}
	if page == 1 {
		switch d.Broken {
		case "cut":
			return newResponse(http.StatusOK).withBody("application/json", `{"value":[{"emailaddress":"half`)
		case "page":
			return newResponse(http.StatusOK).withBody("text/html", "<html><body>Sign in</body></html>")
		case "redirect":
			return newResponse(http.StatusFound).with("Location", "https://"+CloudHost+r.URL.Path)
		case "elsewhere":
			next = "https://" + CloudHost + r.URL.Path + "?$skiptoken=2"
		}
	}
	var rows []map[string]any
	for i := page*size + 1; i <= min((page+1)*size, d.Mailboxes); i++ {
		rows = append(rows, d.mailbox(i, CrowdMailbox(i)))
	}
	return c.rows(r, "mailboxes", next, rows...)
}

// rows is an answer with the columns that were asked for.
func (c *cloudServer) rows(r *http.Request, set, next string, list ...map[string]any) *response {
	columns := strings.Split(r.URL.Query().Get("$select"), ",")
	value := []any{}
	for _, o := range list {
		kept := map[string]any{"@odata.etag": `W/"1"`}
		for _, name := range columns {
			kept[name] = o[name]
			if label, ok := o[name+"@label"]; ok {
				kept[name+"@OData.Community.Display.V1.FormattedValue"] = label
			}
		}
		if strings.Contains(r.URL.RawQuery, "_regardingobjectid_value") && set == "mailboxes" {
			kept["_regardingobjectid_value@Microsoft.Dynamics.CRM.lookuplogicalname"] = "systemuser"
		}
		value = append(value, kept)
	}
	body := map[string]any{"@odata.context": "https://" + r.Host + "/" + dataverseRoot + "$metadata#" + set, "value": value}
	if next != "" {
		body["@odata.nextLink"] = next
	}
	return inJSON(http.StatusOK, body).with("OData-Version", "4.0")
}

// mailbox is the record of the i-th mailbox of the list, 0 for one that is asked for.
func (d *Dataverse) mailbox(i int, address string) map[string]any {
	name := "mailbox"
	if i == 0 && d.Alert != "" {
		name = "failed-mailbox"
	}
	return record(name, "$id", boxID(i), "$number", strconv.Itoa(i), "$address", address)
}

// boxID is the identifier of a mailbox's record.
func boxID(i int) string { return fmt.Sprintf("8c406f5e-3d7c-4eb1-a0af-%012d", i) }

// records are those of the small sets.
func (c *cloudServer) records(r *http.Request, set string) []map[string]any {
	d := c.behaviour.Dataverse
	address := filteredBy(r, "emailaddress")
	switch set {
	case "organizations":
		return []map[string]any{record("organization")}
	case "emailserverprofiles":
		own := map[bool]string{false: "profile", true: "modern-profile"}[d.Modern]
		return []map[string]any{record(own, "$ews", c.ewsURL), record("online-profile")}
	case "managedidentities":
		return []map[string]any{record("identity", "$hma", HMAApplicationID, "$tenant", Tenant)}
	case "systemusers":
		return []map[string]any{record("systemuser", "$address", c.lastAsked(""))}
	case "mailboxes":
		return []map[string]any{d.mailbox(0, c.lastAsked(address))}
	case "tracelogs":
		if d.Alert == "" {
			return nil
		}
		return []map[string]any{record("alert", "$text", d.Alert, "$at", hoursAgo(2), "$id", boxID(0))}
	}
	return nil
}

// lastAsked is the address that was asked for last; the next one, if there is one.
func (c *cloudServer) lastAsked(address string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mailbox = cmp.Or(address, c.mailbox)
	return c.mailbox
}

// filteredBy is the text that a filter wants a column to be.
func filteredBy(r *http.Request, column string) string {
	_, rest, _ := strings.Cut(r.URL.Query().Get("$filter"), column+" eq '")
	value, _, _ := strings.Cut(rest, "'")
	return cut(value)
}
