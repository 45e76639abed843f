// Package finding holds what ewsprobe can say: the verdict codes, what each
// means, how it is concluded and which command mends it.
//
// A code is data. The catalogue lists every code once, in the order in which
// codes of one status take precedence; rules (package rule) decide whether a
// code holds for a record of evidence, reports (package report) only render.
// Nothing here reads a file, a clock or the network.
package finding

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

// Rank orders statuses as findings are listed: critical, unknown, warning, ok.
func (s Status) Rank() int {
	switch s {
	case Critical:
		return 0
	case Unknown:
		return 1
	case Warning:
		return 2
	case OK:
		return 3
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

// Remedy is one thing to do. Command and Link may be empty. In the catalogue
// Text, Command and Link may hold the placeholders {server}, {host}, {user},
// {mailbox}; package rule fills them with values that were checked first.
type Remedy struct {
	Text    string `json:"text"`
	Command string `json:"command"`
	Link    string `json:"link"`
}

// Case is how something was asked, where what to do depends on it.
type Case string

// The cases for which entries have remedies of their own.
const (
	Impersonated Case = "impersonated" // the mailbox was impersonated
	InBatch      Case = "batch"        // one of many: the endpoint was examined before, and a row has no detail
	RefusedInRun Case = "refused-in-run"
)

// RemediesIn are the remedies for the first of the cases that has its own, else
// the usual ones.
func (e Entry) RemediesIn(cases ...Case) []Remedy {
	for _, c := range cases {
		if list, ok := e.Other[c]; ok {
			return list
		}
	}
	return e.Remedies
}

// Entry is one code of the catalogue.
type Entry struct {
	Code   Code
	Block  Block
	Status Status // the status of the row; a rule may lower it where the contract says so
	Cause  int    // 1..6 of KB 3212785, 0 where it is none of them

	Title     string            // one line without arguments, no full stop
	Meaning   string            // what it means for Dynamics and the administrator
	Concluded string            // from which evidence it is concluded
	Remedies  []Remedy          // in the order in which to try them: look first, then change, then re-test
	Other     map[Case][]Remedy // in their place, where something else is to be done
	SeeAlso   []Code
}
