package lockout

import "strings"

// name is an account as it was written: DOMAIN\user, user@domain, or a bare user.
type name struct {
	form         form
	domain, user string // in lower case
}

type form int

const (
	bare    form = iota
	upn          // user@domain
	netBIOS      // DOMAIN\user
	dnsName      // domain.example\user
)

func parseName(s string) name {
	s = strings.ToLower(strings.TrimSpace(s))
	if domain, user, ok := strings.Cut(s, `\`); ok {
		user, _, _ = strings.Cut(user, "@")
		if strings.Contains(domain, ".") {
			return name{dnsName, strings.TrimSuffix(domain, "."), user}
		}
		return name{netBIOS, domain, user}
	}
	if user, domain, ok := strings.Cut(s, "@"); ok {
		return name{upn, strings.TrimSuffix(domain, "."), user}
	}
	return name{bare, "", s}
}

// same says whether two names may mean one account: they have the user part in
// common, unless both name a domain in the same form and the domains differ.
// DOMAIN\user can be user@domain.example, since nobody here knows which domain has
// which short name. The relation is not transitive, so the accounts of one user
// part are kept in one file.
func (n name) same(other name) bool {
	return n.user == other.user && (n.form != other.form || n.domain == other.domain)
}

// SameAccount says whether two names may mean one account.
func SameAccount(a, b string) bool { return parseName(a).same(parseName(b)) }

// UserPart is the user part of a name, which all names of one account have in common.
func UserPart(user string) string { return parseName(user).user }
