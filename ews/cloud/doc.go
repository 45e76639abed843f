// Package cloud asks hosts outside the network what only they know: where a
// mailbox is, and which tenants are involved.
//
// Four of the six causes of KB 3212785 are decided there. Exchange Online says
// anonymously whether it has a mailbox (Autodiscover v2: an answer in JSON, or a
// redirect to where it is). Entra publishes the tenant of every verified domain
// (OpenID Connect Discovery 1.0 section 4). Dynamics names its tenant to whoever
// asks without a token (RFC 6750 section 3). Microsoft Graph, with a token that
// the user brought or that Entra gives to an application of the user's (RFC 6749
// section 4.4), knows users, their service plans and the deleted ones.
//
// Each look-up is one HTTPS GET on a connection of its own, the request for a
// token one POST. A redirect is read, never followed; nothing is tried twice; the
// certificate is always verified, whatever --insecure says; the answer is bounded
// by package wire. The token goes to the one Graph host that was named, an
// application's secret to Entra, and neither anywhere else. What is written down
// are facts, not bodies. Nothing here judges.
package cloud
