package directory

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/ewsprobe/ewsprobe/ews"
	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/wire"
)

// The keywords by which a service connection point is one of Autodiscover's
// ([MS-OXDISCO] 3.1.5.1): it holds a URL, or a pointer to another directory.
const (
	keywordURL     = "77378F46-2C66-4aa9-A6A6-3E7A48B19596"
	keywordPointer = "67661d7F-8FC4-4fa7-BFAC-E1D7794C1F68"
)

// Limits of a search.
const (
	maxEntries   = 20
	maxBindings  = 3  // values of serviceBindingInformation of one entry
	maxKeywords  = 64 // of one entry: an Exchange server can cover many sites
	longestValue = 1024
)

// ServicePoints signs in to a domain controller and looks on the same connection
// for the service connection points of Autodiscover, which Exchange writes into
// the forest's configuration. The bind is a use of the credential like that of
// Bind, and is an item of its own; found is the search's, or says why there was
// none. All of it ends within the patience for one controller.
func (c *Client) ServicePoints(ctx context.Context, settle ews.Settle) (bind, found evidence.Item) {
	bind, s := c.signIn(ctx, settle)
	defer s.close()
	if s == nil {
		p := evidence.ServicePoints{Domain: c.Domain, Detail: evidence.Say("directory-refused")}
		if b := bind.Bind; b != nil && b.Detail != nil {
			p.Problem, p.Detail = b.Problem, b.Detail
		}
		return bind, c.Recorder.Add(evidence.Item{Step: evidence.StepAutodiscoverSCP, At: time.Now(), Points: &p})
	}
	p := &evidence.ServicePoints{Domain: c.Domain}
	found = evidence.Item{ID: c.Recorder.Begin(), Step: evidence.StepAutodiscoverSCP, Address: s.at.address, At: time.Now(), Points: p}
	if err := c.search(s, p); err != nil {
		var answer *ldap.Error
		if errors.As(err, &answer) && answer.ResultCode < ldap.ErrorNetwork {
			p.Problem, p.Detail = evidence.Odd, evidence.Say("search-odd", answer.ResultCode, resultName(int(answer.ResultCode)))
		} else if errors.Is(err, errOdd) {
			p.Problem, p.Detail = evidence.Odd, evidence.Say("not-active-directory")
		} else {
			found.Error = s.read.failure(s.ctx)
			p.Problem, p.Detail = evidence.NoAnswer, evidence.Say("search-unanswered", found.Error)
			if found.Error.Code == evidence.Interrupted {
				p.Problem, p.Detail = "", evidence.Say("check-stopped")
			}
		}
	}
	found.Timing.Total = wire.Millis(time.Since(found.At))
	return bind, c.Recorder.Add(found)
}

var errOdd = errors.New("no configuration naming context")

// search fills p from the directory.
func (c *Client) search(s *session, p *evidence.ServicePoints) error {
	root, err := s.conn.Search(ldap.NewSearchRequest("", ldap.ScopeBaseObject, ldap.NeverDerefAliases, 1, int(patience/time.Second), false,
		"(objectClass=*)", []string{"configurationNamingContext", "serverName"}, nil))
	if err != nil {
		return err
	}
	if len(root.Entries) == 0 {
		return errOdd
	}
	// It goes back to the server that named it, as it is; what is kept is cut.
	base := root.Entries[0].GetAttributeValue("configurationNamingContext")
	if base == "" || len(base) > longestValue {
		return errOdd
	}
	p.Context = c.short(base, longestValue)
	site := siteOf(root.Entries[0].GetAttributeValue("serverName"))
	p.Site = c.short(site, longestValue)
	filter := "(&(objectClass=serviceConnectionPoint)(|(keywords=" + keywordURL + ")(keywords=" + keywordPointer + ")))"
	found, err := s.conn.Search(ldap.NewSearchRequest(base, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, maxEntries,
		int(patience/time.Second), false, filter, []string{"serviceBindingInformation", "keywords"}, nil))
	if ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) {
		p.More, err = true, nil
	}
	if err != nil {
		return err
	}
	p.More = p.More || len(found.Entries) > maxEntries
	for _, e := range found.Entries[:min(len(found.Entries), maxEntries)] {
		p.Points = append(p.Points, c.points(e, site)...)
	}
	rank := []evidence.Nearness{evidence.NearOwn, evidence.NearNone, evidence.NearOther}
	slices.SortStableFunc(p.Points, func(a, b evidence.ServicePoint) int { return slices.Index(rank, a.Place) - slices.Index(rank, b.Place) })
	return nil
}

// points are what one entry says: mostly one URL.
func (c *Client) points(e *ldap.Entry, own string) []evidence.ServicePoint {
	keywords := e.GetAttributeValues("keywords")
	keywords = keywords[:min(len(keywords), maxKeywords)]
	p := evidence.ServicePoint{Place: evidence.NearNone}
	isURL := false
	for _, k := range keywords {
		kind, value, _ := strings.Cut(k, "=")
		switch {
		case strings.EqualFold(k, keywordURL):
			isURL = true
		case strings.EqualFold(k, keywordPointer):
			p.Pointer = true
		case strings.EqualFold(kind, "Domain") && value != "":
			p.Domains = append(p.Domains, c.short(value, longestValue))
		case strings.EqualFold(kind, "Site") && value != "":
			p.Sites = append(p.Sites, c.short(value, longestValue))
			switch {
			case own != "" && strings.EqualFold(value, own):
				p.Place = evidence.NearOwn
			case p.Place == evidence.NearNone:
				p.Place = evidence.NearOther
			}
		}
	}
	if isURL == p.Pointer {
		return nil // neither, although it was asked for, or both
	}
	var list []evidence.ServicePoint
	values := e.GetAttributeValues("serviceBindingInformation")
	for _, v := range values[:min(len(values), maxBindings)] {
		p.URL = c.short(strings.TrimSpace(v), longestValue)
		list = append(list, p)
	}
	return list
}

// siteOf is the site in the name of a server object,
// CN=DC1,CN=Servers,CN=SITE,CN=Sites,... ([MS-ADTS] 6.1.1.2.2.1.2.1): the nearest
// word there is for the site of this machine, for a client is led to a controller
// of its own site.
func siteOf(server string) string {
	if len(server) > longestValue {
		return ""
	}
	dn, err := ldap.ParseDN(server)
	if err != nil || len(dn.RDNs) < 4 {
		return ""
	}
	name := func(i int) string {
		if a := dn.RDNs[i].Attributes; len(a) > 0 && strings.EqualFold(a[0].Type, "CN") {
			return a[0].Value
		}
		return ""
	}
	if !strings.EqualFold(name(1), "Servers") || !strings.EqualFold(name(3), "Sites") {
		return ""
	}
	return name(2)
}

// short is a text of the directory's. It has heard the password: what it says is cleaned
// before it is cut, because half a password is not found any more.
func (c *Client) short(s string, most int) string {
	s = c.Recorder.Secrets.Clean(s)
	return strings.ToValidUTF8(s[:min(len(s), most)], "\uFFFD")
}
