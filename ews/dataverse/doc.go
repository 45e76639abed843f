// Package dataverse reads Dynamics over the Dataverse Web API: what it was told
// about Exchange, and what Exchange answered it. The answers go into the record;
// what they mean is said elsewhere.
//
// It changes nothing. The one function that sends is Reader.get, which makes a GET
// of one of a fixed list of sets; actions, and the writes by which Test & Enable is
// started, are the same addresses under other verbs. No redirect is followed, the
// pages of a list have to be of the same origin and set, and the token goes past no
// untrusted certificate. Throttling is waited for as told; every answer is bounded.
//
// Sources: https://learn.microsoft.com/power-apps/developer/data-platform/webapi/
// (query data, compose requests and handle errors, service protection limits) and
// OData 4.0 part 1 (8.2.8 Prefer, 11.2.6.7 paging by the server).
package dataverse
