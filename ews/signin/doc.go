// Package signin signs in to EWS. An Attempt is the one driver: it carries the
// messages of a Mechanism (Basic, NTLM, Kerberos, SSPI) over one connection,
// asks a Budget before a credential is sent and tells it how that ended, and
// writes down every step. A Session is what an accepted attempt leaves: it carries
// further calls. FollowUp has the sessions of a check, SessionPool makes those of
// a batch.
package signin
