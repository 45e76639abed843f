// Package finding holds what ewsprobe can say: the verdict codes, what each
// means, how it is concluded and which command fixes it.
//
// The texts are data: YAML files in the folder text, embedded and parsed when
// they are first needed. The catalogue lists every code once, in the order in
// which codes of one status take precedence; rules (package rule) decide whether
// a code holds for a record of evidence and give the parameters of its sentences,
// reports (package report) only render. Nothing here reads a clock or the network.
package finding

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Code is the stable name of a verdict, for example "basic-disabled". Codes
// may be added, never renamed.
type Code string

// Status is how bad a finding is, in the vocabulary of the monitoring-plugin
// convention.
type Status string

// The four statuses. Unknown means "could not be determined", never "no".
const (
	OK       Status = "ok"
	Warning  Status = "warning"
	Critical Status = "critical"
	Unknown  Status = "unknown"
)

// ExitCode is the process exit code of a status: 0 ok, 1 warning, 2 critical,
// 3 unknown. Anything else counts as unknown.
func (s Status) ExitCode() int {
	switch s {
	case OK:
		return 0
	case Warning:
		return 1
	case Critical:
		return 2
	}
	return 3
}

// WorstFirst is the order in which statuses are told.
func WorstFirst() []Status { return []Status{Critical, Unknown, Warning, OK} }

// Rank is the place of a status in that order; what is none comes last.
func (s Status) Rank() int {
	if i := slices.Index(WorstFirst(), s); i >= 0 {
		return i
	}
	return 4
}

// Confidence says how far the evidence carries a finding.
type Confidence string

// Confirmed: the evidence leaves no other reading. Likely: another reading is
// possible and named. Undetermined: several readings look the same from here.
const (
	Confirmed    Confidence = "confirmed"
	Likely       Confidence = "likely"
	Undetermined Confidence = "undetermined"
)

// Block groups codes by what they keep from being known.
type Block string

// The blocks of the catalogue, in order of precedence.
const (
	BlockAsk      Block = "A" // nothing could be asked
	BlockEndpoint Block = "B" // the endpoint and its sign-in
	BlockMailbox  Block = "C" // the mailbox and what is around it
	BlockWarning  Block = "D" // warnings and ok
)

// Head is what every list of codes shows of one.
type Head struct {
	Code   Code
	Block  Block
	Status Status // the status of the row; a rule may lower it where the contract says so
	Cause  int    // 1..6 of KB 3212785, 0 where it is none of them
	Title  string // one line without arguments, no full stop
}

// Entry is one code of the catalogue.
type Entry struct {
	Head      `yaml:",inline"`
	Meaning   string              // what it means for Dynamics and the administrator
	Concluded string              // from which evidence it is concluded
	Remedies  []Remedy            // in the order in which to try them: look first, then change, then re-test
	Cases     map[Case][]Remedy   // in their place, where something else is to be done
	SeeAlso   []Code              `yaml:"see_also"`
	Sentences map[string]Sentence // by variant
}

// Finding is a code that holds for a record, with what makes it hold.
type Finding struct {
	Code       Code       `json:"code"`
	Status     Status     `json:"status"`
	Cause      int        `json:"cause" null:"zero"`
	Confidence Confidence `json:"confidence"`
	Addresses  []string   `json:"addresses"` // where it holds
	Title      string     `json:"title"`
	Summary    string     `json:"-"` // one line with names and places, for the verdict
	Detail     string     `json:"detail"`
	Evidence   []string   `json:"evidence"` // identifiers of the items that show it
	Remedies   []Remedy   `json:"remedies"`
	Reason     string     `json:"-"`
	Accepted   *Accepted  `json:"accepted"` // by the baseline; Status is ok then
}

// Accepted says that a finding no longer decides the status, and why.
type Accepted struct {
	Status Status `json:"status"` // what it would be
	Reason string `json:"reason"`
	Until  string `json:"until"` // the last day, YYYY-MM-DD
}

// Verdict is the answer of a report: the first finding, or ok.
type Verdict struct {
	Code       Code       `json:"code"`
	Status     Status     `json:"status"`
	Cause      int        `json:"cause" null:"zero"`
	Confidence Confidence `json:"confidence"`
	Reason     string     `json:"reason"`
	Summary    string     `json:"summary"`
}

// CauseStatus is what a check says of one of the six causes of KB 3212785.
type CauseStatus string

// Statuses of a cause. NotChecked is never "no".
const (
	CauseConfirmed     CauseStatus = "confirmed"
	CauseLikely        CauseStatus = "likely"
	CauseRuledOut      CauseStatus = "ruled-out"
	CauseNotApplicable CauseStatus = "not-applicable"
	CauseNotChecked    CauseStatus = "not-checked"
	CauseUndetermined  CauseStatus = "undetermined"
)

// CauseReport is one of the six, always given.
type CauseReport struct {
	Number   int         `json:"number"`
	Status   CauseStatus `json:"status"`
	Why      string      `json:"why"`
	Evidence []string    `json:"evidence"`
}

// Cause is one of the six causes that KB 3212785 lists for a 401 in Dynamics
// server-side synchronization.
type Cause struct {
	Number  int
	Title   string // at most 30 characters, for a table
	Meaning string
	Link    string
	Run     string // the check that tells whether it is so
}

// LookupCause finds a cause by its number, 1 to 6.
func LookupCause(number int) (Cause, bool) {
	text, found := under(causesText, strconv.Itoa(number))
	if !found {
		return Cause{}, false
	}
	c := Cause{Number: number}
	head, _, _ := strings.Cut(text, "\n  why:")
	decode(head, &c)
	c.Link = link(c.Link)
	return c, true
}

// CauseTitle is the title of a cause.
func CauseTitle(number int) string { return at[string](causesText, strconv.Itoa(number), "title") }

// SayCause makes the sentence of a report about a cause.
func SayCause(number int, variant string, p Params) string {
	text := cmp.Or(at[string](causesText, strconv.Itoa(number), "why", variant), at[string](sharedText, "why", variant))
	if text == "" {
		return "There is no sentence " + variant + " of this cause"
	}
	return render(text, &p)
}
