// Package directory asks a domain controller about the one account of a check,
// and writes down what it said.
//
// EWS gives the same 401 for every reason to refuse an account. A domain
// controller knows the reason. Two of its protocols tell it. A Kerberos AS-REQ
// without pre-authentication (RFC 4120 5.4.1) carries no secret and costs no
// logon; its error says whether the account exists and, with some KDCs, whether
// it is disabled or locked. An LDAP simple bind carries the password and counts
// like any logon; its error ends in "data 52e" or another of Active Directory's
// reasons. Kerberos is also a way to sign in to EWS: the account's key buys a
// ticket for HTTP/host, and the ticket goes to EWS inside Negotiate. The
// connection of a bind can be searched for the service connection points by
// which Exchange tells its forest where Autodiscover is ([MS-OXDISCO]).
//
// Which controller is asked is the administrator's word (--dc, --domain), this
// machine's own domain, or a name that DNS gives inside that domain: never what
// the EWS server says, because it could name a domain whose "controller"
// collects passwords. LDAP is spoken only inside TLS with a verified
// certificate. Kerberos uses AES only; a reply that anybody could have asked for
// is dropped unread.
package directory
