package batch

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
	"github.com/ewsprobe/ewsprobe/probe/config/address"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/report"
	"github.com/ewsprobe/ewsprobe/probe/rule"
)

// rowEvaluator judges rows: each gets a small record of its own, made of the endpoint's
// anonymous answer and of what was asked for the mailbox.
type rowEvaluator struct {
	started   time.Time
	target    evidence.Target
	anonymous evidence.Item
	own       *evidence.Item // the account's own inbox, where nobody is impersonated
	scheme    string
	// certificates are those that the endpoint's own check met.
	certificates map[string]bool
	named        map[string]bool // mailboxes, in lower case, for which a finding is accepted
	outside      evidence.Target // what look-ups are judged by
	redact       func(evidence.Record) evidence.Record
	templates    *templates
	also         *finding.Finding // a warning about the account, where rows name theirs

	mu    sync.Mutex
	usual map[answerKey]*report.Template
}

// answerKey is what the answers of mailboxes in order differ by.
type answerKey struct{ operation, folder string }

func (r *run) newEvaluator(endpoint evidence.Record, accepted evidence.Item) *rowEvaluator {
	t := endpoint.Target
	t.Impersonate, t.Profile, t.Cloud, t.EveryAddress, t.Autodiscover, t.FromAddress = r.Impersonate, nil, false, false, "", ""
	t.Addresses = []string{accepted.Address}
	b := &rowEvaluator{
		started: endpoint.Started, target: t, scheme: accepted.Logon.Scheme,
		outside: r.Probe.Target(), redact: r.Redact, templates: r.templates,
		named: map[string]bool{}, certificates: map[string]bool{}, usual: map[answerKey]*report.Template{},
	}
	for _, a := range t.Accepted {
		if a.Mailbox != "" {
			b.named[strings.ToLower(a.Mailbox)] = true
		}
	}
	for _, item := range endpoint.Items {
		if item.TLS != nil && item.TLS.Certificate != nil {
			b.certificates[item.TLS.Certificate.SHA256] = true
		}
		if item.Step == evidence.StepAnonymous && item.Address == accepted.Address && item.Response != nil {
			b.anonymous = item
		}
	}
	b.anonymous.TLS = nil // what is wrong with it is the endpoint's
	b.anonymous.ID = "endpoint"
	return b
}

// template judges what was seen of a mailbox. What is usual is kept already.
func (b *rowEvaluator) template(j *job) *report.Template {
	item := j.last
	if j.answer != nil {
		item = *j.answer
	}
	good := item.EWS.Answered() && item.EWS.Code == "NoError" && item.EWS.Class != "Error"
	plain := !item.EWS.Answered() || len(item.EWS.Resolved) == 0
	mailbox := j.row.Address
	if plain && address.Odd(mailbox) == "" && j.outside == nil && (j.book == nil || len(j.book.EWS.Resolved) == 0) &&
		!strings.EqualFold(mailbox, b.target.User) && !b.named[strings.ToLower(mailbox)] {
		mailbox = anyMailbox // no other address is in play: the judgement holds for any
	}
	var key answerKey
	if good && mailbox == anyMailbox && !b.newlyUntrusted(item) {
		key = answerKey{item.EWS.Operation, item.EWS.Folder}
		b.mu.Lock()
		t, ok := b.usual[key]
		b.mu.Unlock()
		if ok {
			return t
		}
	}
	rec := b.record(j, item, mailbox)
	if b.redact != nil {
		rec = b.redact(rec)
	}
	judged := rule.Mailbox(rec)
	if b.also != nil {
		judged = rule.With(judged, *b.also)
	}
	t := report.TemplateOf(judged, mailbox)
	if item.EWS.Answered() && !good {
		t.EWSCode = item.EWS.Code
	}
	if key == (answerKey{}) {
		return t
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.usual[key] = b.templates.intern(t)
	return b.usual[key]
}

// record is what the rules judge. A call on a connection that was signed in
// before stands in it as a logon: its answer speaks for the mailbox in the same
// way.
func (b *rowEvaluator) record(j *job, item evidence.Item, mailbox string) evidence.Record {
	rec := evidence.Record{Started: b.started, Target: b.target}
	rec.Target.Mailbox = mailbox
	add := func(item evidence.Item, id string) *evidence.Item {
		item.Address = b.anonymous.Address
		if id != "" {
			item.ID = id
		}
		if r := item.Request; r != nil {
			request := *r
			item.Request = &request
		}
		rec.Items = append(rec.Items, item)
		return &rec.Items[len(rec.Items)-1]
	}
	add(b.anonymous, "")
	call := add(item, "call")
	call.Step = evidence.StepLogon
	logon := evidence.Logon{Scheme: b.scheme, Account: b.target.User, Result: evidence.Unfinished}
	if call.EWS.Answered() {
		logon.Result = evidence.Accepted
	}
	if item.Logon != nil {
		logon = *item.Logon
		if logon.Result == evidence.Accepted {
			logon.Scheme = b.scheme // by whichever it was: the profile's was proved before
		}
	}
	call.Logon = &logon
	if call.Request == nil {
		call.Request = &evidence.Request{}
	}
	call.Request.Purpose = ""
	if call.Error == nil && !b.newlyUntrusted(item) {
		call.TLS = nil // with --insecure it would be a warning for those rows alone that opened a connection
	}
	if b.own != nil {
		add(*b.own, "own")
		named := add(item, "named")
		named.Step, named.Logon = evidence.StepSignedIn, nil
		if named.Request == nil {
			named.Request = &evidence.Request{}
		}
		named.Request.Purpose = evidence.NamedInbox
	}
	if j.book != nil {
		book := add(*j.book, "book")
		book.Step, book.Logon = evidence.StepSignedIn, nil
	}
	if j.outside != nil {
		rec.Target.Cloud, rec.Target.Tenant = true, b.outside.Tenant
		rec.Target.Token, rec.Target.DynamicsURL = b.outside.Token, b.outside.DynamicsURL
		rec.Items = append(rec.Items, j.outside...)
	}
	return rec
}

// newlyUntrusted: the call opened a connection to a certificate that is not to be trusted
// and that the endpoint's own check has not met, so nobody has told of it.
func (b *rowEvaluator) newlyUntrusted(item evidence.Item) bool {
	t := item.TLS
	return t != nil && t.Certificate != nil && !t.Trusted() && !b.certificates[t.Certificate.SHA256]
}

// forAll says whether the endpoint's own check answers for every mailbox, and in
// which words.
func forAll(endpoint rule.Judgement, signedIn bool) string {
	v := endpoint.Verdict
	if !signedIn {
		return "the result of the endpoint applies to every mailbox: " + string(v.Code) + ", " + v.Summary
	}
	for _, f := range endpoint.Findings {
		if (f.Status == finding.Critical || f.Status == finding.Unknown) && blockOf(f.Code) == finding.BlockEndpoint {
			return "the result of the endpoint applies to every mailbox: " + string(f.Code) + ", " + f.Summary
		}
	}
	return ""
}

// anyMailbox stands in a record for a mailbox that is nobody's: a judgement of it
// in which no other address is in play holds for all. It is a character for
// private use, which no address holds.
const anyMailbox = "\uE000"

// maxTemplates bounds what is kept. Beyond it a result is reported and forgotten:
// a duplicate of it is asked for again.
const maxTemplates = 10_000

// templates keeps each template once.
type templates struct {
	mu    sync.Mutex
	list  []*report.Template
	index map[[16]byte]*report.Template // by its content
}

// intern returns the kept template that is equal.
func (s *templates) intern(t *report.Template) *report.Template {
	if t.Number != 0 {
		return t
	}
	raw, _ := json.Marshal(t) // a template is plain data
	sum := sha256.Sum256(raw)
	id := [16]byte(sum[:16])
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.index[id]; known != nil || len(s.list) == maxTemplates {
		return cmp.Or(known, t)
	}
	if s.index == nil {
		s.index = map[[16]byte]*report.Template{}
	}
	s.list, s.index[id] = append(s.list, t), t
	t.Number = int32(len(s.list))
	return t
}

// at is a kept template by its number.
func (s *templates) at(number int32) *report.Template {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list[number-1]
}
