// Package rule says what a record of evidence means: pure functions, no clock, no
// network, no files, so that a saved record gives the same verdict years later.
//
// A record is first arranged by address (node.go). Then every row of one table
// (rules.go) is asked at every address whether its code holds there. A rule gives
// a code, how sure it is, the evidence, and the parameters of a sentence; never a
// sentence: package finding has those. Findings are put in order (judge.go) and the
// first is the verdict (verdict.go). The six causes of KB 3212785 are answered from the same
// arrangement (causes.go), and so are the facts about the server that a report
// shows (server.go).
//
// A new check is made in five places: the fact, a tagged field of ews/evidence; the
// place that writes it; the document of its code in probe/finding/text; a row of the
// table and a function beside its family; a case: a report in testdata/field, or a
// scenario of ews/standin. TestEveryCodeIsWhole names what is missing. Where a record has
// a new field, the pages in testdata are made again: go test ./probe/report -update.
package rule
