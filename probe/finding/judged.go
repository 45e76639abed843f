package finding

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
