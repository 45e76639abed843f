package dataverse

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/secret"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

const (
	bearer = "eyJ0eXAiOiJKV1QifQ.eyJhdWQiOiJkeW5hbWljcyJ9.c2lnbmF0dXJlLW9mLWEtdG9rZW4tdGhhdC1pcy1ub25l"
	box1   = "11111111-0000-4000-8000-000000000001"
	prof1  = "22222222-0000-4000-8000-000000000001"
	user1  = "33333333-0000-4000-8000-000000000001"
)

// service is a Web API whose answers a test gives.
type service struct {
	url *url.URL
	ca  *x509.CertPool

	mu    sync.Mutex
	asked []*http.Request
}

func serve(t *testing.T, answer http.HandlerFunc) *service {
	t.Helper()
	s := &service{ca: x509.NewCertPool()}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.Clone(context.Background()))
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	s.ca.AddCert(server.Certificate())
	s.url, _ = url.Parse(server.URL)
	return s
}

func (s *service) requests() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*http.Request{}, s.asked...)
}

// reader reads the service. Its profiles have a name and nothing else.
func (s *service) reader(t *testing.T) *Reader {
	r := &Reader{
		URL: s.url, Outside: wire.Outside{Extra: s.ca, UserAgent: "ewsprobe/test"}, Recorder: ews.NewRecorder(&secret.Vault{}, nil),
		Profile: func(raw []byte) (*evidence.Profile, error) {
			var o struct {
				ID   string `json:"emailserverprofileid"`
				Name string `json:"name"`
				Way  string `json:"incomingcredentialretrieval"`
			}
			err := json.Unmarshal(raw, &o)
			p := &evidence.Profile{ID: o.ID, Name: o.Name}
			if o.Way == "6" {
				p.Incoming.Credentials = &evidence.Option{Number: evidence.CredentialsHybridModern}
			}
			return p, err
		},
	}
	r.Token = func(context.Context) string {
		r.Recorder.Tokens.AddText(bearer)
		return bearer
	}
	t.Cleanup(r.Close)
	return r
}

func says(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, h := range header {
			name, value, _ := strings.Cut(h, ": ")
			w.Header().Add(name, strings.ReplaceAll(value, "{here}", "https://"+r.Host))
		}
		w.WriteHeader(status)
		fmt.Fprint(w, strings.ReplaceAll(body, "{here}", "https://"+r.Host))
	}
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// everything calls each method that asks.
func everything(ctx context.Context, r *Reader) {
	r.Organization(ctx)
	r.Profiles(ctx)
	r.Mailbox(ctx, "anna@contoso.com")
	r.User(ctx, user1)
	r.Statuses(ctx)
	r.Alerts(ctx, "")
	r.Alerts(ctx, box1)
	_, _ = io.Copy(io.Discard, r.Mailboxes(ctx, prof1))
}

// TestOnlyGet: nothing but GETs of the sets leaves this package, whatever is answered.
func TestOnlyGet(t *testing.T) {
	known := "organizations emailserverprofiles managedidentities mailboxes systemusers tracelogs"
	for name, answer := range map[string]http.HandlerFunc{
		"empty":    says(200, `{"value":[]}`),
		"redirect": says(307, "", "Location: {here}/api/data/v9.2/mailboxes"),
		"refused":  says(401, ""),
		"rows": says(200, `{"value":[{"incomingcredentialretrieval":6,"_managedidentityid_value":"`+box1+`","emailserverprofileid":"`+prof1+
			`"}],"@odata.nextLink":"{here}/api/data/v9.2/mailboxes(`+box1+`)/Microsoft.Dynamics.CRM.Test"}`),
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, answer)
			everything(within(t, 20*time.Second), s.reader(t))
			if len(s.requests()) < 8 {
				t.Errorf("only %d requests", len(s.requests()))
			}
			for _, r := range s.requests() {
				set, below := strings.CutPrefix(r.URL.Path, root)
				if r.Method != http.MethodGet || r.ContentLength != 0 || !below || !strings.Contains(" "+known+" ", " "+set+" ") {
					t.Errorf("%s %s was sent, with %d bytes", r.Method, r.URL, r.ContentLength)
				}
			}
		})
	}
}

// TestOneSender: Conn.Get is called in one place, and nothing else of package wire or
// net/http that sends.
func TestOneSender(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	gets := 0
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range parsed.Imports {
			if i.Path.Value == `"net/http"` || i.Path.Value == `"net"` {
				t.Errorf("%s imports %s", f.Name(), i.Path.Value)
			}
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if f, ok := call.Fun.(*ast.SelectorExpr); ok {
				switch f.Sel.Name {
				case "Get":
					gets++
				case "Post", "Do", "Send", "Stream":
					t.Errorf("%s is called", f.Sel.Name)
				}
			}
			return true
		})
	}
	if gets != 1 {
		t.Errorf("Get is called in %d places", gets)
	}
}

func TestMailbox(t *testing.T) {
	row := `{"@odata.etag":"W/\"1\"","mailboxid":"` + box1 + `","emailaddress":"Anna@Contoso.com","_emailserverprofile_value":"` + prof1 +
		`","_regardingobjectid_value":"` + user1 + `","_regardingobjectid_value@Microsoft.Dynamics.CRM.lookuplogicalname":"systemuser",` +
		`"statecode":0,"mailboxstatus":2,"mailboxstatus@OData.Community.Display.V1.FormattedValue":"Fehler","lastsyncerror":"(401) Unauthorized"}`
	s := serve(t, says(200, `{"@odata.context":"{here}/api/data/v9.2/$metadata#mailboxes","value":[{"emailaddress":"other@contoso.com"},`+row+`]}`))
	item := s.reader(t).Mailbox(within(t, 20*time.Second), "anna@contoso.com")
	m := item.Dataverse.Mailbox
	if m == nil || m.ID != box1 || m.ProfileID != prof1 || m.UserID != user1 || m.Status.Label != "Failure" || m.SyncError == "" || m.Inactive {
		t.Errorf("%+v, %+v", item.Cloud, m)
	}
	q := s.requests()[0].URL.Query()
	if q.Get("$filter") != "emailaddress eq 'anna@contoso.com'" || !strings.Contains(q.Get("$select"), "mailboxstatus") {
		t.Errorf("asked %v", q)
	}
	h := s.requests()[0].Header
	if h.Get("If-None-Match") != "null" || !strings.Contains(h.Get("Prefer"), "odata.maxpagesize=500") || h.Get("OData-Version") != "4.0" {
		t.Errorf("asked with %v", h)
	}
	if item.Request.Authorization != "Bearer, value not kept" || item.Response.Body != "" {
		t.Errorf("%+v", item)
	}
}

// TestAnswers: what is wrong with an answer is said, in words by which people find it.
func TestAnswers(t *testing.T) {
	refused := func(code, message string) string {
		return fmt.Sprintf(`{"error":{"code":%q,"message":%q}}`, code, message)
	}
	const lacks = "Principal user (Id=1f0e2d3c-4b5a-4968-8776-655443322110, type=8, roleCount=1, privilegeCount=12, accessMode=4), is missing " +
		"prvReadMailbox privilege (Id=fa8d4a4e-0000-0000-0000-000000000000) on OTC=9606 for entity 'mailbox'. context.Caller=1f0e2d3c"
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		says   string
		also   func(*evidence.Dataverse) bool
	}{
		"a missing privilege": {
			says(403, refused("0x80040220", lacks)), "prvReadMailbox", func(d *evidence.Dataverse) bool { return d.Privilege == "prvReadMailbox" },
		},
		"a missing privilege in another language": {
			says(403, refused("0x80040220", "Dem Benutzer fehlt das Recht.")), "prvReadMailbox", func(d *evidence.Dataverse) bool { return d.Privilege == "prvReadMailbox" },
		},
		"a missing privilege, as .NET counts": {
			says(403, refused("-2147220960", "no")), "prvReadMailbox", func(d *evidence.Dataverse) bool { return d.Privilege == "prvReadMailbox" },
		},
		"the firewall of the environment": {says(403, refused("0x80095ffe", "The address is not among those that may ask.")), "may ask", nil},
		"no application user": {
			says(403, refused("0x80072560", "The user is not a member of the organization.")), "application user", func(d *evidence.Dataverse) bool { return d.NoUser },
		},
		"the wrong audience":  {says(401, ""), "refuses the token", nil},
		"an older version":    {says(404, refused("0x8006088a", "Resource not found for the segment 'mailboxes'.")), "404", func(d *evidence.Dataverse) bool { return d.Absent }},
		"a firewall":          {says(403, "<html>blocked</html>"), "HTTP 403", nil},
		"a redirect":          {says(302, "", "Location: https://elsewhere.example/"), "redirect", nil},
		"a page":              {says(200, "<html>Sign in</html>"), "not the JSON of Dataverse", nil},
		"half of it":          {says(200, `{"value":[{"mailboxid":"`+box1), "not the JSON of Dataverse", nil},
		"another version":     {says(200, `{"d":{"results":[]}}`), "not the JSON of Dataverse", nil},
		"no list":             {says(200, `{"value":{"a":1}}`), "not the JSON of Dataverse", nil},
		"a list of texts":     {says(200, `{"value":["a"]}`), "not the JSON of Dataverse", nil},
		"nothing":             {says(200, ``), "not the JSON of Dataverse", nil},
		"a page elsewhere":    {says(200, `{"value":[],"@odata.nextLink":"https://elsewhere.example/api/data/v9.2/mailboxes?x=1"}`), "elsewhere.example", nil},
		"a page over http":    {says(200, `{"value":[],"@odata.nextLink":"http://elsewhere.example/api/data/v9.2/mailboxes"}`), "elsewhere.example", nil},
		"a page of another":   {says(200, `{"value":[],"@odata.nextLink":"{here}/api/data/v9.2/accounts?x=1"}`), "not one of this list", nil},
		"a page with a name":  {says(200, `{"value":[],"@odata.nextLink":"https://u:p@{here}/api/data/v9.2/mailboxes"}`), "page", nil},
		"too much":            {says(200, `{"value":[{"name":"`+strings.Repeat("x", 9<<20)+`"}]}`), "longer than 8 MiB", nil},
		"an empty access":     {says(500, ""), "HTTP 500", nil},
		"an unknown property": {says(400, refused("0x0", "Could not find a property named 'emailaddress' on type 'Microsoft.Dynamics.CRM.mailbox'.")), "400", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			item := serve(t, c.answer).reader(t).Mailbox(within(t, 30*time.Second), "anna@contoso.com")
			if item.Error != nil || !strings.Contains(item.Cloud.Problem, c.says) {
				t.Errorf("%v; said %q (%+v)", item.Error, item.Cloud.Problem, item.Cloud.Detail)
			}
			if c.also != nil && !c.also(item.Dataverse) {
				t.Errorf("%+v", item.Dataverse)
			}
			if whole(item) {
				t.Error("it passes for whole")
			}
		})
	}
}

// TestUnknownColumns: what a version lacks is left out, one by one, and told.
func TestUnknownColumns(t *testing.T) {
	lacks := map[string]bool{"lastsyncerroroccurredon": true, "emailrouteraccessapproval": true}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for c := range strings.SplitSeq(r.URL.Query().Get("$select"), ",") {
			if lacks[c] {
				says(400, `{"error":{"code":"0x80060888","message":"Could not find a property named '`+c+`' on type 'Microsoft.Dynamics.CRM.mailbox'."}}`)(w, r)
				return
			}
		}
		says(200, `{"value":[{"mailboxid":"`+box1+`","emailaddress":"anna@contoso.com"}]}`)(w, r)
	})
	item := s.reader(t).Mailbox(within(t, 20*time.Second), "anna@contoso.com")
	if item.Dataverse.Mailbox == nil || len(item.Dataverse.Without) != 2 || len(s.requests()) != 3 {
		t.Errorf("%+v after %d requests", item.Dataverse, len(s.requests()))
	}
}

// TestThrottled: the service is left alone as long as it says, and asked a few times.
func TestThrottled(t *testing.T) {
	times := 0
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if times++; times < 3 {
			says(429, `{"error":{"code":"0x80072322","message":"Number of requests exceeded the limit of 6000 over the time window of 300 seconds."}}`, "Retry-After: 1")(w, r)
			return
		}
		says(200, `{"value":[]}`)(w, r)
	})
	began := time.Now()
	r := s.reader(t)
	if item := r.Organization(within(t, 30*time.Second)); !item.Dataverse.Visible || time.Since(began) < 2*time.Second {
		t.Errorf("%+v after %v", item.Cloud, time.Since(began))
	}
	if items := r.Recorder.Items(); len(items) != 3 || !items[0].Dataverse.Throttled || items[2].Dataverse.Throttled {
		t.Errorf("%+v", items)
	}
	s = serve(t, says(429, "", "Retry-After: 3600"))
	if item := s.reader(t).Organization(within(t, 30*time.Second)); !item.Dataverse.Throttled || len(s.requests()) != 1 {
		t.Errorf("an hour was waited for: %+v", item.Dataverse)
	}
}

// paged is a list of n mailboxes, 7 on a page.
func paged(n int, cut func(page int, w http.ResponseWriter, r *http.Request) bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		page := 0
		_, _ = fmt.Sscan(r.URL.Query().Get("$skiptoken"), &page)
		if cut != nil && cut(page, w, r) {
			return
		}
		var rows []string
		for i := page * 7; i < min(n, page*7+7); i++ {
			rows = append(rows, fmt.Sprintf(`{"mailboxid":"11111111-0000-4000-8000-%012d","emailaddress":"box%d@contoso.com","statecode":0,"mailboxstatus":%d,`+
				`"_emailserverprofile_value":%q}`, i, i, i%3, prof1))
		}
		next := ""
		if page*7+7 < n {
			next = fmt.Sprintf(`,"@odata.nextLink":"{here}%s?$skiptoken=%d"`, r.URL.Path, page+1)
		}
		says(200, `{"value":[`+strings.Join(rows, ",")+`]`+next+`}`)(w, r)
	}
}

func TestPages(t *testing.T) {
	r := serve(t, paged(100, nil)).reader(t)
	item := r.Statuses(within(t, 30*time.Second))
	d := item.Dataverse
	if d.Rows != 100 || d.Pages != 15 || len(d.Statuses) != 3 || d.Statuses[0].Count != 33 || len(d.Statuses[0].Examples) != examples {
		t.Errorf("%+v", d)
	}
	if n := len(r.Recorder.Items()); n != 2 {
		t.Errorf("%d pages were written down", n)
	}
	raw, err := io.ReadAll(serve(t, paged(100, nil)).reader(t).Mailboxes(within(t, 30*time.Second), prof1))
	var rows []map[string]string
	if err := errors.Join(err, json.Unmarshal(raw, &rows)); err != nil || len(rows) != 100 || rows[99]["emailaddress"] != "box99@contoso.com" {
		t.Errorf("%v: %d rows", err, len(rows))
	}
	if raw, _ := io.ReadAll(serve(t, says(200, `{"value":[]}`)).reader(t).Mailboxes(t.Context(), prof1)); len(raw) > 0 {
		t.Errorf("of nothing: %q", raw)
	}
}

// manyRows is a page of n rows in which no column is known.
func manyRows(n int) string {
	return `{"value":[` + strings.TrimSuffix(strings.Repeat(`{"a":1},`, n), ",") + `]}`
}

// TestRowAtATime: the rows of a page are not all in memory at once.
func TestRowAtATime(t *testing.T) {
	r := &Reader{Recorder: ews.NewRecorder(&secret.Vault{}, nil)}
	body := []byte(manyRows(100000))
	var before, during runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	rows, _, err := r.readList(t.Context(), body, func(row) bool {
		runtime.GC()
		runtime.ReadMemStats(&during)
		return false
	})
	if grown := int(during.HeapAlloc) - int(before.HeapAlloc); err != nil || rows != 100000 || grown > 8*len(body) {
		t.Errorf("%v: %d rows of %d bytes took %d bytes of memory", err, rows, len(body), grown)
	}
}

// TestEndOfRows: neither rows that cannot be used nor the rest of a page are gone through
// without end.
func TestEndOfRows(t *testing.T) {
	s := serve(t, says(200, manyRows(2*maxProfiles)))
	r, read := s.reader(t), 0
	r.Profile = func([]byte) (*evidence.Profile, error) {
		read++
		return nil, errors.New("no profile")
	}
	if item := r.Profiles(within(t, 20*time.Second)); read != maxProfiles || whole(item) {
		t.Errorf("%d rows were read: %+v", read, item.Cloud)
	}
	ctx, stop := context.WithCancel(within(t, 20*time.Second))
	r, read = s.reader(t), 0
	r.Profile = func([]byte) (*evidence.Profile, error) {
		read++
		stop()
		return &evidence.Profile{}, nil
	}
	if item := r.Profiles(ctx); read != 1 || item.Error == nil || item.Error.Code != evidence.Interrupted || whole(item) {
		t.Errorf("%d rows were read after the interrupt: %+v", read, item.Error)
	}
}

// TestOrderOfColumns: an export has the columns in the order in which they are asked for.
func TestOrderOfColumns(t *testing.T) {
	o := row{map[string]any{"b": "2", "a": json.Number("1"), "a@" + formatted: "One"}, ews.NewRecorder(&secret.Vault{}, nil).Short}
	const want = `{"b":"2","c":null,"a":"1","a@` + formatted + `":"One"}`
	if got := string(o.inJSON([]string{"b", "c", "a"})); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	raw, err := io.ReadAll(serve(t, paged(1, nil)).reader(t).Mailboxes(within(t, 20*time.Second), prof1))
	if err != nil || !strings.HasPrefix(string(raw), "[\n"+`{"name":null,"emailaddress":"box0@contoso.com","mailboxstatus":`) {
		t.Errorf("%v: %s", err, raw)
	}
}

// TestCutList: what was read before a list breaks off is kept, and the end is told.
func TestCutList(t *testing.T) {
	for name, cut := range map[string]http.HandlerFunc{
		"half a page": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100000")
			fmt.Fprint(w, `{"value":[{"emailaddress":"half@contoso.com"},`)
		},
		"gone":    func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"refused": says(401, ""),
		"page":    says(200, "<html>"),
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, paged(100, func(page int, w http.ResponseWriter, r *http.Request) bool {
				if page == 4 {
					cut(w, r)
				}
				return page == 4
			}))
			raw, err := io.ReadAll(s.reader(t).Mailboxes(within(t, 30*time.Second), prof1))
			var unreadable *Unreadable
			if !errors.As(err, &unreadable) || unreadable.Error() == "" || strings.Count(string(raw), "emailaddress") != 28 {
				t.Errorf("%v, %d rows", err, strings.Count(string(raw), "emailaddress"))
			}
		})
	}
}

// TestNotPastUntrusted: the token goes to nobody whose certificate is not trusted.
func TestNotPastUntrusted(t *testing.T) {
	s := serve(t, says(200, `{"value":[]}`))
	r := s.reader(t)
	r.Outside.Extra = nil
	if item := r.Organization(within(t, 20*time.Second)); item.Error == nil || item.Error.Code != evidence.TLSUntrusted || len(s.requests()) > 0 {
		t.Errorf("%+v, %d requests", item.Error, len(s.requests()))
	}
	s.url = &url.URL{Scheme: "http", Host: s.url.Host}
	if item := s.reader(t).Organization(within(t, 20*time.Second)); item.Error == nil || len(s.requests()) > 0 {
		t.Error("it was asked over http")
	}
}

// TestNothingLeaks: a service that repeats the token wherever it can finds it in no
// record.
func TestNothingLeaks(t *testing.T) {
	rows := []string{}
	for _, c := range strings.Fields("name emailaddress lastsyncerror lastsyncerrorcode ewsurl text errordetails version domainname internalemailaddress " +
		"incomingserverlocation lasttestresponse testmailboxaccesscompletedon lastsyncerroroccurredon") {
		rows = append(rows, fmt.Sprintf("%q:%q", c, bearer))
	}
	row := `{` + strings.Join(rows, ",") + `,"level":3,"tracecode":7,"statecode":0,"mailboxstatus":9,"mailboxstatus@` + formatted + `":"` + bearer +
		`","mailboxid":"` + box1 + `","systemuserid":"` + user1 + `","_regardingobjectid_value":"` + box1 + `"}`
	for name, answer := range map[string]http.HandlerFunc{
		"rows":  says(200, `{"value":[`+row+`]}`, "x-ms-service-request-id: "+bearer, "Server: "+bearer),
		"error": says(403, `{"error":{"code":"`+bearer+`","message":"no: `+bearer+`, is missing prv`+strings.ReplaceAll(bearer[:40], ".", "")+` privilege"}}`),
		"link":  says(200, `{"value":[`+row+`],"@odata.nextLink":"https://elsewhere.example/?`+bearer+`"}`),
	} {
		t.Run(name, func(t *testing.T) {
			r := serve(t, answer).reader(t)
			everything(within(t, 30*time.Second), r)
			raw, err := evidence.Encode(r.Recorder.Items())
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range []string{bearer, bearer[20:60]} {
				if at := strings.Index(string(raw), part); at >= 0 {
					t.Errorf("%q: …%s…", part, raw[max(0, at-200):at+100])
				}
			}
		})
	}
}

// TestSilence ends within its time.
func TestSilence(t *testing.T) {
	gone := make(chan struct{})
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-gone:
		}
	})
	defer close(gone)
	if item := s.reader(t).Organization(within(t, 300*time.Millisecond)); item.Error == nil || item.Error.Code != evidence.TimedOut {
		t.Errorf("%+v", item.Error)
	}
}

// Each query has its columns in the file.
func TestColumns(t *testing.T) {
	for _, name := range []string{"organization", "profile", "identity", "mailbox", "user", "status", "alert", "export"} {
		if c := columnsOf(name); len(c.core) < 2 || slices.ContainsFunc(slices.Concat(c.core, c.wide), func(s string) bool { return strings.Trim(s, "_abcdefghijklmnopqrstuvwxyz") != "" }) {
			t.Errorf("%s: %v", name, c)
		}
	}
}
