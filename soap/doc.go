// Package soap writes the EWS requests that ewsprobe sends and reads what
// comes back, whoever wrote it.
//
// [FindFolder] builds the call that Dynamics 365 itself makes in "Test
// Connection": a shallow FindFolder on the inbox, optionally on behalf of a
// mailbox. [GetFolder] and [ResolveNames] ask what that answer leaves open:
// whose inbox it was, and which address of a mailbox is the primary one. There
// are no others, and all three only read. [Parse] reads the answer, a SOAP Fault or a response, into a few
// facts: the response code, its class, the server's build, how long to back
// off. [ParseDiscovery] does the same for Autodiscover in its three forms.
//
// Three habits follow from how servers behave. Codes are matched, never text,
// because the text is localised. The HTTP status is not asked for, because
// Faults arrive with 200 as well as with 500. And a body is not trusted: it is
// measured in a streaming pass (bytes, depth, tokens, no DOCTYPE, no
// processing instructions) before a tree is built of it, so that a hostile
// body costs a few MiB and an error, not the process.
//
// The package does not use the network.
package soap
