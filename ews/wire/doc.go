// Package wire opens one connection at a time and writes down what happens on
// it.
//
// net/http's Transport hides what a diagnosis needs: which connection carried a
// request, whether the server kept it, the order and spelling of its headers.
// So a Conn here is dialled once, to one address, speaks HTTP/1.1 only (NTLM
// cannot live on HTTP/2, RFC 7540 8.1.2.3 and IIS's HTTP_1_1_REQUIRED), never
// follows, never retries, and reads no more than it is told to. Requests are
// written and answers framed by net/http's own Request.Write and ReadResponse.
//
// An untrusted certificate ends the conversation after the handshake: nothing
// is sent, not even anonymously, unless the caller said so (Dialer.Insecure).
package wire
