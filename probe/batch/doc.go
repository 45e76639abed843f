// Package batch verifies many mailboxes through one endpoint, as fast as the
// server allows and not faster.
//
// Input is the table of the mailboxes. The endpoint is examined once, by the whole
// check. Where that answers for every mailbox, none is asked for. Else a pool of workers
// keeps connections that are signed in (package ews/signin, SessionPool) and makes one
// call for each mailbox. Rows are read as workers come free and results leave as they
// come, so memory does not grow with the file; what stays of a mailbox is a number, by
// which a duplicate finds its result.
//
// One account asks for all of them (workerPool). Where each row names an account of its
// own, one works after the other (accounts). What failed may be looked up outside
// the network, beside the calls (outside).
//
// Three things hold the workers back, each for all of them together: the server's
// word (limiter: back off, come back later, too many connections), the account's
// safety (account: one sign-in at a time, one more try after a refusal, then
// none) and the connections that cannot be made. A mailbox that got no answer
// goes back to the queue until it has one or its time is over.
//
// Here is decided when to ask, never what an answer means: that is package rule.
package batch
