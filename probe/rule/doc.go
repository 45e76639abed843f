// Package rule judges a record of evidence: pure functions, no clock, no
// network, no files, so that a saved record gives the same verdict years later.
//
// A record is first arranged by address (node.go). Then every row of one table
// (rules.go) is asked at every address whether its code holds there; what holds
// becomes a finding with its evidence and the catalogue's remedies. Findings are
// put in order and the first is the verdict (judge.go). The six causes of KB
// 3212785 are answered from the same arrangement (causes.go), and so are the
// facts about the server that a report shows (server.go).
//
// A new check is a row in the table, a function beside its family, an entry in
// the catalogue, and a scenario that shows it; TestEveryCodeIsWhole names
// what is missing.
package rule
