package redact

import (
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/ewsprobe/ewsprobe/probe/finding"
)

func wordSet(s string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(s) {
		set[w] = true
	}
	return set
}

// further are words of this program's sentences, of errors of the network and of
// usual answers, that the catalogue does not happen to use.
const further = `a about above accepted accept account across act again against age ahead alert all allowed already also always among an and anew anonymous another answer answered answers any apart
	application are as asked asks at attempt auth authentication authority auto back bad bare basic be bearer because become been before begins behind being below beside between bind binding body both boundary broken
	budget bug but by bytes cached call calls can cancelled cannot canceled carries ccache certificate certificates chain challenge changed channel charset check checked chosen chunked cipher client clock close closed closes code comes
	common computer connect connected connection connections content context control controller could counts credential credentials cut deadline decide decoded denied different disabled does domain done down drop early element
	empty encrypted encoding end ended ends endpoint enough error errors even exceeded exchange expected expired expires explicit extra failed failure fails false family few field file find finish first folder follow for forbidden
	form found from full further gave given gives gone goes got gzip had handshake has have having header headers help here hex hop host hosts hours how however html http https if in inbox inside instead internal interrupted into invalid ip is issuer
	it its itself json just kdc keep kept kerberos key keytab kib kind known last later ldap ldaps leads least leave legacy leg length less level like line list local locked locked_out logon long longer looked lookup lost made mail
	mailbox malformed many match max means message messages met method mib minimum missing mode more most much multiple must mustrevalidate name named names nearest need needs negotiate network never new next no nobody node nodes
	nonce none nor not note noted nothing now ntlm number oauth object of off offered offers ok old on once one online only open operation or order origin other others out over own packet page parse part passed password path peer
	permission permissions permitted plain plan plus policy port post present principal private problem process protocol proved proxy public put question quotes range read reading realm reason received record redacted redirect redirects
	refused refuses reject rejected remembered remote repeated reply request requested requests required reset resolve resolved resource response result results return returned right root run said same sameorigin saml says scheme schemes
	second seconds secret secure see seen self send sends sent server servers service session settings several shared should show shown shows sign signed signature signin silent since single size skipped small so soap socket some something
	spnego spent stale start started state stated status step steps still stop stopped store stream such suite support supported switch system target taken tcp tell temporarily tenant test text than that the their them then there these they
	this those three ticket time timed timeout times tls to together token told too took transfer tried trust trusted try tunnel twice two type types unable unasked unauthorized understood unexpected unfinished unknown unreachable until
	unsupported untrusted unusable up upgrade url use used user users uses usual valid value values version versions very via wait waited want wants was way were what when where whether which while who whole why will window windows with
	withheld within without word words works would write written wrong x509 xml year yes yet you your ssp tag asp net iis lm mutual public-key no-store no-cache must-revalidate max-age keep-alive deny nosniff utf-8 utf utf8
	find-controller keep-test ntlm-negotiate ntlmssp gss gssapi kbytes mbytes eof alert handshake_failure getaddrinfo wsarecv wsasend bindings credentials client_revoked pwchange revoked clients
	moved permanently temporary redirection gateway unavailable allowed acceptable payload entity large media implemented busy temp precondition conflict locked found gone continue created
	pox inside view criticals warning ews findfolder getfolder resolvenames get success fault settingsfor impersonating impersonate impersonated plans graph entra dynamics requestid
	build refusing refusals count all-zero as-req pre-authentication sspi chooses carried data doctype referencing displayed well-formed processing instruction comment signing making rest api format
	max-rejections oauth_not_available error_category app_asserted_user_v1 service_asserted_app_v1 token_types session-based-authentication squid runtime envelope ldaperr acceptsecuritycontext dsid v2
	distinguished specify ids rejects 52e 52f can't head options facts data's isn't doesn't don't microsoft office outlook redirectaddr redirecturl
	id ewsprobe merge batch shard shards row rows column columns csv jsonl schema results input inputs output resume redact save baseline begin ending character characters comma semicolon tab quote cell cells
	separates included exclude duplicates numbers placeholders masked wide larger joined joins hold emailaddress incomingserverlocation tmpdir utc concurrency ca-file cert-warn password-from-keyring timeout-per-mailbox`

var (
	vocabularyOnce sync.Once
	vocabulary     map[string]bool
)

// known says whether this program itself uses a word: then it names nobody. Of
// the catalogue the sentences count, not the commands, which hold sample names.
func known(word string) bool {
	vocabularyOnce.Do(func() {
		vocabulary = wordSet(further)
		learn := func(texts ...string) {
			for _, text := range texts {
				for _, w := range ownWord.FindAllString(strings.ToLower(text), -1) {
					vocabulary[w] = true
				}
			}
		}
		for _, e := range finding.Catalogue() {
			learn(string(e.Code), e.Title, e.Meaning, e.Concluded)
			for _, m := range slices.Concat(slices.Collect(maps.Values(e.Cases))...) {
				learn(m.Text)
			}
			for _, m := range e.Remedies {
				learn(m.Text)
			}
		}
		for _, c := range finding.Causes() {
			learn(c.Title, c.Meaning)
		}
		for _, a := range finding.Alerts() {
			learn(a.Meaning, a.Key)
		}
		learn(finding.AlertFragments()...)
		for w := range vocabulary {
			if strings.Contains(w, "contoso") || len(w) > 40 {
				delete(vocabulary, w)
			}
		}
	})
	return vocabulary[strings.ToLower(word)]
}

var ownWord = regexp.MustCompile(`[\pL_][\pL\pN_']*(-[\pL\pN_']+)*|[0-9a-f]*[0-9][0-9a-f]*`)

// piece is what a sentence is made of, the more telling first.
var piece = regexp.MustCompile(`(?i)` + strings.Join([]string{
	`(?P<url>\b[a-z][a-z0-9+.-]{1,10}://[^\s"'<>()]+)`,
	`(?P<text>\[text-\d+\])`,
	`(?P<mail>[\pL\pN._%+-]+@[\pL\pN-]+(?:\.[\pL\pN-]+)*)`,
	`(?P<account>[\pL\pN._-]+\\[\pL\pN._$-]+(?:@[\pL\pN.-]+)?)`,
	`(?P<guid>\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b)`,
	`(?P<sid>\bS-1-\d+(?:-\d+)*)`,
	`(?P<six>\[?[0-9a-f]*:[0-9a-f:.]*:[0-9a-f:.]*(?:%\w+)?\]?(?::\d{1,5})?)`,
	`(?P<host>[\pL\pN_*-]+(?:\.[\pL\pN_-]+)+(?::\d{1,5})?)`,
	`(?P<word>[\pL\pN_]+(?:['-][\pL\pN_]+)*)`,
	`(?P<space>\s+)`,
	`(?P<rest>[^\pL\pN_\s])`,
}, "|"))

var (
	smallNumber = regexp.MustCompile(`^(\d{1,5}|\d{1,6}(ms|s|m|h)|0x[0-9a-fA-F]{1,8}|8[0-9a-fA-F]{7})$`)
	dateLike    = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}(T\d{2})?$`)
	ownCode     = regexp.MustCompile(`^(NoError|Error[A-Z][A-Za-z]{1,70}|KDC_[A-Z_]+|KRB_[A-Z_]+|TLS_[A-Z0-9_]+|AADSTS\d{1,9}|HTTP)$`)
	ownFiles    = wordSet("krb5.conf autodiscover.xml autodiscover.svc autodiscover.json exchange.asmx asp.net user.read.all mailboxsettings.read web.config")
)

// words is a sentence in which everything is replaced that this program would
// not say itself: names by their placeholders, other words by a number.
func (r *Redactor) words(s string) string {
	if s == "" {
		return ""
	}
	names := piece.SubexpNames()
	var b strings.Builder
	for _, m := range piece.FindAllStringSubmatchIndex(s, -1) {
		for group := 1; group < len(names); group++ {
			if m[2*group] >= 0 {
				b.WriteString(r.one(names[group], s[m[2*group]:m[2*group+1]]))
				break
			}
		}
	}
	return b.String()
}

func (r *Redactor) one(kind, s string) string {
	switch kind {
	case "url":
		trimmed := strings.TrimRight(s, ".,;:!?])}")
		return r.url(trimmed) + s[len(trimmed):]
	case "text", "space":
		return s
	case "mail", "account":
		return r.user(s)
	case "guid":
		return r.tenant(s)
	case "sid":
		return r.whole("sid", "[sid-%d]", s)
	case "six":
		return r.maybeAddress(s)
	case "host":
		return r.dotted(s)
	case "word":
		return r.word(s)
	}
	if s[0] < 0x80 {
		return s
	}
	if s == "…" {
		return s
	}
	return "?"
}

func (r *Redactor) maybeAddress(s string) string {
	if _, err := netip.ParseAddrPort(s); err == nil {
		return r.endpoint(s)
	}
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return r.ip(a)
	}
	// "12:30:00", or something that only looks like an address.
	return r.each(s, ":")
}

// each replaces what stands between separators.
func (r *Redactor) each(s, separator string) string {
	parts := strings.Split(s, separator)
	for i, p := range parts {
		if p != "" {
			parts[i] = r.word(p)
		}
	}
	return strings.Join(parts, separator)
}

func (r *Redactor) dotted(s string) string {
	name, _, _ := strings.Cut(s, ":")
	switch {
	case ownFiles[strings.ToLower(name)]:
		return s
	case dotted.MatchString(name):
		if _, err := netip.ParseAddr(name); err == nil {
			return r.endpoint(s)
		}
		return s // a version
	}
	return r.endpoint(s)
}

func (r *Redactor) word(s string) string {
	if name, ok := strings.CutSuffix(s, "'s"); ok {
		return r.word(name) + "'s"
	}
	lower := strings.ToLower(s)
	if known(s) || smallNumber.MatchString(s) || dateLike.MatchString(s) || ownCode.MatchString(s) {
		return s
	}
	for _, table := range []string{"host", "nt", "account", "agent", "certificate", "profile", "path"} {
		if p, ok := r.met(table, s); ok {
			return p
		}
	}
	if own.MatchString(lower) {
		return s
	}
	if parts := strings.Split(s, "-"); len(parts) > 1 {
		for _, p := range parts {
			if !known(p) {
				return r.unknown(s)
			}
		}
		return s
	}
	return r.unknown(s)
}

// own are the placeholders themselves: what is redacted twice stays.
var own = regexp.MustCompile(`^(host|long-name-host|nt|account|agent|certificate|profile|path|cookie|text|sid|issuer|subject|param|scheme|folder)-\d{1,6}$`)
