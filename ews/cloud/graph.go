package cloud

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/entra"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// Filters on proxyAddresses and on the end of a name are advanced queries, which
// Graph answers only with this header and $count.
var eventual = [][2]string{{"ConsistencyLevel", "eventual"}}

// Bounds of what is kept of one answer.
const (
	maxUsers     = 5
	maxAddresses = 50
	maxPlans     = 50
)

// User asks for the users that have an address in any of the places that
// Dynamics looks at: mail, user principal name, SMTP proxy address.
func (c *Client) User(ctx context.Context, address string) evidence.Item {
	return c.users(ctx, evidence.StepCloudGraphUser, address, "userPrincipalName eq "+ews.ODataText(address), "assignedPlans", "users")
}

// Deleted asks for users in the recycle bin of Entra, where they stay for 30
// days, that had the address. There the principal name has the identifier put in
// front, so its end is asked for.
func (c *Client) Deleted(ctx context.Context, address string) evidence.Item {
	return c.users(ctx, evidence.StepCloudGraphDeleted, address, "endswith(userPrincipalName,"+ews.ODataText(address)+")",
		"deletedDateTime", "directory", "deletedItems", "microsoft.graph.user")
}

// users asks a collection for those with the address; principal is the condition
// on the principal name, more the property that only this collection has.
func (c *Client) users(ctx context.Context, step evidence.Step, address, principal, more string, collection ...string) evidence.Item {
	q := url.Values{
		"$filter": {fmt.Sprintf("mail eq %s or %s or proxyAddresses/any(p:p eq %s)",
			ews.ODataText(address), principal, ews.ODataText("smtp:"+address))},
		"$select": {"id,userPrincipalName,mail,proxyAddresses,createdDateTime," + more},
		"$count":  {"true"}, "$top": {fmt.Sprint(maxUsers)},
	}
	return c.ask(ctx, question{
		step: step, subject: address, url: under(c.Graph, q, append([]string{"v1.0"}, collection...)...), token: true, header: eventual,
		read: func(r *evidence.Response, body []byte, f *evidence.Cloud) { readUsers(address, r, body, f) },
	})
}

// Settings asks for the mailbox settings of a user: without a mailbox in
// Exchange Online Graph answers 404 MailboxNotEnabledForRESTAPI.
func (c *Client) Settings(ctx context.Context, user evidence.CloudUser) evidence.Item {
	return c.ask(ctx, question{
		step: evidence.StepCloudGraphSettings, subject: user.ID, token: true,
		url: under(c.Graph, nil, "v1.0", "users", user.ID, "mailboxSettings"),
		read: func(r *evidence.Response, body []byte, f *evidence.Cloud) {
			if r.Status == 200 {
				if !json.Valid(body) {
					f.Detail = evidence.Say("not-json", "Graph")
				}
				return
			}
			readError(r, body, f)
		},
	})
}

// user is a user as Graph shows it. A list that is null was not to be seen.
type user struct {
	ID                string
	UserPrincipalName string
	Mail              string
	ProxyAddresses    []string
	CreatedDateTime   string
	DeletedDateTime   string
	AssignedPlans     *[]struct{ CapabilityStatus, Service, ServicePlanID string }
}

func readUsers(address string, r *evidence.Response, body []byte, f *evidence.Cloud) {
	if r.Status != 200 {
		readError(r, body, f)
		return
	}
	var said struct{ Value *[]user }
	if err := json.Unmarshal(body, &said); err != nil || said.Value == nil {
		f.Detail = evidence.Say("not-json", "Graph")
		return
	}
	for _, u := range *said.Value {
		if have := u.facts(); len(f.Users) < maxUsers && u.has(address) {
			f.Users = append(f.Users, have)
		}
	}
}

// has looks again whether the user has the address: the end of a name can be
// another's name, and a service that filters nothing must not make twins.
func (u user) has(address string) bool {
	is := func(a string) bool { return strings.EqualFold(a, address) }
	return is(u.Mail) || is(principal(u)) || slices.ContainsFunc(smtp(u.ProxyAddresses), is)
}

func (u user) facts() evidence.CloudUser {
	have := evidence.CloudUser{
		ID: u.ID, Principal: principal(u), Mail: u.Mail, Created: ews.ODataTime(u.CreatedDateTime), Deleted: ews.ODataTime(u.DeletedDateTime),
		PlansRead: u.AssignedPlans != nil,
	}
	have.Addresses = smtp(u.ProxyAddresses)
	have.Addresses = have.Addresses[:min(len(have.Addresses), maxAddresses)]
	if u.AssignedPlans == nil {
		return have
	}
	for _, p := range *u.AssignedPlans {
		if strings.EqualFold(p.Service, "exchange") && len(have.Plans) < maxPlans {
			have.Plans = append(have.Plans, evidence.CloudPlan{ID: strings.ToLower(p.ServicePlanID), Status: p.CapabilityStatus})
		}
	}
	return have
}

// identifier is what Entra puts in front of a deleted user's principal name.
var identifier = evidence.Expression(`^[0-9a-fA-F]{32}`)

func principal(u user) string {
	if u.DeletedDateTime == "" {
		return u.UserPrincipalName
	}
	return identifier().ReplaceAllString(u.UserPrincipalName, "")
}

func smtp(proxies []string) []string {
	var addresses []string
	for _, p := range proxies {
		if kind, address, ok := strings.Cut(p, ":"); ok && strings.EqualFold(kind, "smtp") {
			addresses = append(addresses, address)
		}
	}
	return addresses
}

// readError reads Graph's error object (Microsoft REST API Guidelines 7.10.2).
func readError(r *evidence.Response, body []byte, f *evidence.Cloud) {
	var said struct {
		Error struct{ Code, Message string }
	}
	_ = json.Unmarshal(body, &said) // what is missing is missing
	ews.Refused(f, r.Status, said.Error.Code, said.Error.Message)
}

// Authorize makes sure that there is a token for Graph: the user's own, or one
// that Entra gives to the application. It asks once, whoever calls it, and again
// only when that token has run out. It says whether there is one.
func (c *Client) Authorize(ctx context.Context) bool { return c.authorization(ctx) != "" }

func (c *Client) authorization(ctx context.Context) string {
	request := c.requestToken
	if c.Token != "" || c.Application.ID == "" {
		request = nil
	}
	t := c.tokens.TokenBy(ctx, request)
	if t == nil {
		return ""
	}
	c.Recorder.Tokens.AddText(t.Value()) // which may be another than that of who asked for it
	return t.Value()
}

// requestToken asks Entra once.
func (c *Client) requestToken(ctx context.Context) *entra.Token {
	facts := &evidence.Cloud{Host: c.Entra.Host, Subject: c.Application.ID}
	item := evidence.Item{Step: evidence.StepCloudToken, At: time.Now(), Cloud: facts}
	asker := entra.Client{Outside: c.Outside, Entra: c.Entra}
	token := asker.Ask(ctx, c.Recorder, &item, c.Application, under(c.Graph, nil, ".default").String())
	said := item.Token
	item.Token = nil // these facts are kept as those of the other look-ups are
	facts.Code, facts.Message, facts.Detail = said.Code(), said.Message, said.Detail
	if why := evidence.Table[string](refusalsText)[facts.Code]; why != "" {
		facts.Detail = evidence.Say("token-refused-why", item.Response.Status, facts.Code, why)
	}
	c.Recorder.Add(item)
	return token
}

// refusals.txt has the usual ones (Microsoft Entra authentication and authorization
// error codes).
//
//go:embed refusals.txt
var refusalsText string
