package soap

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/beevik/etree"
)

// IsAddress says whether s has the form of an SMTP address. It is narrower than
// RFC 5321 allows: an address of quoted strings is none that Dynamics can hold.
func IsAddress(s string) bool {
	local, domain, _ := strings.Cut(s, "@")
	inDomain := func(r rune) bool { return isWord(r) || r == '.' || r == '-' }
	first, _ := utf8.DecodeRuneInString(domain)
	last, _ := utf8.DecodeLastRuneInString(domain)
	return local != "" && utf8.RuneCountInString(local) <= 64 && !strings.ContainsFunc(local, notInLocalPart) &&
		utf8.RuneCountInString(domain) <= 254 && strings.TrimFunc(domain, inDomain) == "" && isWord(first) && isWord(last)
}

func notInLocalPart(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`<>"\(),:;[]`, r) }

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// folderOf is the identifier of the first folder that a message describes.
func folderOf(message *etree.Element) string {
	id := find(message, "FolderId")
	if id == nil {
		return ""
	}
	return address(id.SelectAttrValue("Id", ""))
}

// resolvedIn are the entries of a ResolveNames message. Entries of an address
// book that are no SMTP recipients (RoutingType EX, MAPIPDL) keep no address.
func resolvedIn(message *etree.Element) []Resolved {
	set := message.SelectElement("ResolutionSet")
	if set == nil {
		return nil
	}
	var entries []Resolved
	for _, resolution := range set.SelectElements("Resolution") {
		mailbox := resolution.SelectElement("Mailbox")
		if mailbox == nil || len(entries) == MaxResolved {
			continue
		}
		entry := Resolved{Type: codeOf(childText(mailbox, "MailboxType"))}
		routing := childText(mailbox, "RoutingType")
		if a := childText(mailbox, "EmailAddress"); IsAddress(a) && (routing == "" || strings.EqualFold(routing, "SMTP")) {
			entry.Address = a
		}
		entry.Addresses = addressesOf(resolution.SelectElement("Contact"))
		entries = append(entries, entry)
	}
	return entries
}

// addressesOf are the SMTP addresses of an entry of a directory: "SMTP:" before the
// primary one, "smtp:" before the others, other types for X.400 and the like.
func addressesOf(contact *etree.Element) []string {
	if contact == nil {
		return nil
	}
	list := contact.SelectElement("EmailAddresses")
	if list == nil {
		return nil
	}
	var addresses []string
	for _, e := range list.SelectElements("Entry") {
		kind, a, typed := strings.Cut(textOf(e), ":")
		if !typed {
			kind, a = "smtp", kind
		}
		if strings.EqualFold(kind, "smtp") && IsAddress(a) && len(addresses) < MaxAddresses {
			addresses = append(addresses, a)
		}
	}
	return addresses
}
