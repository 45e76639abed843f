// Package standin is a small Exchange front end that lives inside the process:
// the far end for trying ewsprobe out, for training, and for tests.
//
// It listens on loopback, serves /EWS/Exchange.asmx over TLS with a certificate
// it makes for itself, and answers the way an Exchange Server 2019 front end
// does. It really verifies what it is sent: Basic passwords, and NTLMv2
// responses per connection, with the channel binding of the certificate that was
// served ([MS-NLMP] 3.2.5, RFC 5929 section 4). A Behaviour says which schemes it
// offers, what stands in front of it and how it misbehaves; a Scenario adds how
// the real check is run against it and what the check must find.
//
// It keeps its own view: every request, and how many logons a domain controller
// would have counted as bad. So a test can hold the client's report against the
// server's.
//
// It is an independent witness. Nothing of the rest of the program is used here,
// not even the NTLM code, because two halves that share an error agree with each
// other. And it does no harm: the accounts are built in, it stays on the loopback
// interface unless told otherwise, and it neither stores nor logs an
// Authorization value. Only Behaviour.Echo lets one pass, straight back to its
// sender.
package standin
