package dynamics

import (
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/ews/front"
	"github.com/ewsprobe/ewsprobe/probe/config/address"
)

// How much of a text is kept, in bytes. Dataverse bounds names to 100 and the
// long texts to 2084 characters.
const (
	maxName = 400
	maxText = 4096
)

// ReadProfile reads an export of exactly one e-mail server profile. An error is
// an *Error, or one of reading.
func ReadProfile(r io.Reader) (*evidence.Profile, error) {
	t, err := Open(r)
	if err != nil {
		return nil, err
	}
	if err := t.entity("emailserverprofile"); err != nil {
		return nil, err
	}
	l, err := arrange(t.Header, knownColumns().profileIndex)
	if err != nil {
		return nil, err
	}
	if err := l.isProfile(); err != nil {
		return nil, err
	}
	var found []Row
	for row, err := range t.Rows() {
		switch {
		case err != nil:
			return nil, err
		case strings.TrimSpace(strings.Join(row.Cells, "")) == "":
			continue // Excel leaves such rows behind
		case len(found) == maxProfiles:
			return nil, fault(row.Line, "too-long.profiles", maxProfiles)
		}
		found = append(found, row)
	}
	if err := t.entity("emailserverprofile"); err != nil {
		return nil, err // said after the rows
	}
	if len(found) > 1 {
		// Exchange on one's own servers is what is checked here.
		if own := slices.DeleteFunc(slices.Clone(found), func(row Row) bool { return !l.onPremises(row) }); len(own) == 1 {
			found = own
		}
	}
	switch len(found) {
	case 0:
		return nil, fault(0, "empty.profile")
	case 1:
		return l.profile(found[0])
	}
	return nil, fault(found[1].Line, "several.profile", l.nameOf(found[0]), l.nameOf(found[1]))
}

// maxProfiles is far above what an organisation has.
const maxProfiles = 1000

// onPremises says whether a row is a profile for Exchange on one's own servers.
func (l layout) onPremises(row Row) bool {
	r := &reading{layout: l, row: row}
	kind := r.choice("servertype")
	return r.err == nil && kind != nil && (kind.Is(evidence.ServerExchange) || kind.Is(evidence.ServerHybrid))
}

func (l layout) nameOf(row Row) string {
	if name := l.cell(row, "name"); name != "" {
		return quote(name)
	}
	return "one without a name on line " + strconv.Itoa(row.Line)
}

// entity refuses an answer of the Web API about another table.
func (t *Table) entity(want string) error {
	f, ok := t.source.(*jsonFile)
	if !ok || f.entity == "" || f.entity == want || f.entity == want+"s" || f.entity == want+"es" {
		return nil
	}
	return fault(0, "other-entity.profile", quote(f.entity), quote(want))
}

// isProfile wants at least one column that says how Dynamics reaches a server.
func (l layout) isProfile() error {
	for logical := range l.at {
		if logical != "name" && !strings.HasPrefix(logical, "lastsync") {
			return nil
		}
	}
	for _, h := range l.header {
		if knownColumns().mailboxIndex[fold(h)] == "emailaddress" {
			return fault(1, "columns.mailboxes")
		}
	}
	if len(l.header) < 2 {
		return fault(1, "delimiter.one")
	}
	return fault(1, "columns.profile")
}

// reading collects the values of a row up to the first that is wrong.
type reading struct {
	layout
	row Row
	err error
}

func (l layout) profile(row Row) (*evidence.Profile, error) {
	r := &reading{layout: l, row: row}
	p := &evidence.Profile{
		Name: r.text("name", maxName), ServerType: r.choice("servertype"),
		AutoDiscover: r.yes("useautodiscover"), SameForOutgoing: r.yes("usesamesettingsforoutgoingconnections"),
		Tenant: r.text("exchangeonlinetenantid", maxName), ID: r.guid("emailserverprofileid"), Application: r.guid("oauthclientid"),
		Resource: r.text("aadresourceid", maxText),
	}
	p.Incoming, p.Outgoing = r.side("incoming", p), r.side("outgoing", p)
	p.LastTest = evidence.ProfileTest{
		At: r.text("lastteststarttime", maxName), Execution: r.choice("lasttestexecutionstatus"),
		Validation: r.choice("lasttestvalidationstatus"), Authorization: r.choice("lastauthorizationstatus"),
		Request: r.text("lasttestrequest", maxText), Response: r.text("lasttestresponse", maxText), Message: r.text("lastcrmmessage", maxText),
		SyncError: r.text("lastsyncerror", maxText), SyncErrorCode: r.text("lastsyncerrorcode", maxName),
	}
	if r.err != nil {
		return nil, r.err
	}
	return p, nil
}

func (r *reading) side(way string, p *evidence.Profile) evidence.ProfileSide {
	return evidence.ProfileSide{
		Location: r.location(way+"serverlocation", p.OtherProtocol()), Port: r.port(way + "portnumber"),
		Protocol: r.choice(way + "authenticationprotocol"), Credentials: r.choice(way + "credentialretrieval"),
		Impersonation: r.yes(way + "useimpersonation"), User: r.user(way + "username"),
	}
}

// fail notes the first error, in a known column.
func (r *reading) fail(logical, name string, args ...any) {
	if r.err != nil {
		return
	}
	e := fault(r.row.Line, name, args...)
	e.Column = logical
	if i, ok := r.at[logical]; ok {
		e.Column = r.header[i]
	}
	r.err = e
}

func (r *reading) text(logical string, limit int) string {
	return bounded(r.cell(r.row, logical), limit)
}

// guid is an identifier in small letters, "" for what is none.
func (r *reading) guid(logical string) string {
	if id := strings.ToLower(r.cell(r.row, logical)); front.IsGUID(id) {
		return id
	}
	return ""
}

// bounded cuts a text at the end of a character.
func bounded(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	cut := limit
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// choice reads the value of an option column; nil without one.
func (r *reading) choice(logical string) *evidence.Option {
	value, options := r.cell(r.row, logical), knownColumns().Profile[logical].Options
	if value == "" {
		return nil
	}
	o, ok := option(value, r.label(r.row, logical), options)
	if !ok {
		list := make([]string, len(options))
		for n, names := range options {
			list[n] = strconv.Itoa(n) + " " + names[0]
		}
		r.fail(logical, "option.option", strings.Join(list, ", "))
	}
	return o
}

func (r *reading) yes(logical string) *bool {
	value := r.cell(r.row, logical)
	if value == "" {
		return nil
	}
	yes := slices.Contains(knownColumns().Yes, fold(value))
	if !yes && !slices.Contains(knownColumns().No, fold(value)) {
		r.fail(logical, "option.yes")
	}
	return &yes
}

func (r *reading) port(logical string) int {
	value := r.cell(r.row, logical)
	if value == "" {
		return 0
	}
	// A view writes numbers as the country does: 1,143 or 1.143.
	n, err := strconv.Atoi(strings.NewReplacer(",", "", ".", "", "\u00a0", "", "\u202f", "", " ", "").Replace(value))
	if err != nil || n < 0 || n > 65535 {
		r.fail(logical, "option.port")
		return 0
	}
	return n
}

func (r *reading) user(logical string) string {
	name := r.cell(r.row, logical)
	problem := ""
	switch {
	case name == "":
	case strings.ContainsFunc(name, unicode.IsControl), strings.ContainsRune(name, utf8.RuneError):
		problem = "contains a control character or a damaged character"
	case strings.Contains(name, ":"):
		problem = "contains a colon"
	case len(name) > maxName:
		problem = "is too long"
	case strings.Count(name, `\`) > 1 || strings.Count(name, "@") > 1 || strings.Trim(name, `\@`) != name:
		problem = "is neither user@domain nor DOMAIN\\user"
	}
	if problem != "" {
		r.fail(logical, "user.name", problem)
	}
	return name
}

func (r *reading) location(logical string, otherProtocol bool) string {
	place := r.cell(r.row, logical)
	if place == "" {
		return ""
	}
	if problem := badLocation(place, otherProtocol); problem != "" {
		r.fail(logical, "url.location", problem)
	}
	return place
}

// badLocation says what is wrong with a server location, never repeating it: a
// URL can hold a password. Whether EWS can be there is another question.
func badLocation(place string, otherProtocol bool) string {
	if strings.ContainsFunc(place, func(c rune) bool { return unicode.IsControl(c) || unicode.IsSpace(c) || c == utf8.RuneError }) {
		return "contains spaces, control characters or damaged characters"
	}
	// A host name alone is what some profiles hold. The check is made at its
	// usual path, and the judgement says that Dynamics needs the whole URL.
	if otherProtocol || address.IsHost(place) && address.IsDomain(place) {
		return ""
	}
	scheme, _, _ := strings.Cut(place, "://")
	switch _, wrong := address.URL(place, "https://HOST/EWS/Exchange.asmx"); {
	case !strings.EqualFold(scheme, "https") && !strings.EqualFold(scheme, "http"):
		return "is not a URL with https://"
	case len(place) > maxText:
		return "is too long"
	default:
		return wrong
	}
}
