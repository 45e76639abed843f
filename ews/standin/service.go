package standin

import (
	"cmp"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"
)

// backOff is the pause, in milliseconds, that ErrorServerBusy asks for.
const backOff = "297749"

// serviceResponse answers for somebody who is signed in.
func (n *node) serviceResponse(who *account, r *http.Request, a *authorization, q *Request, body []byte) *response {
	if n.behaviour.Echo && a.raw != "" {
		text := "Cannot process your request: " + strings.Join(a.echoes(), " | ")
		return n.say("fault", fault{"ErrorInternalServerError", text, nil})
	}
	if r.Method != http.MethodPost {
		return n.exchangeResponse(http.StatusOK).
			withBody(htmlType, "<HTML><HEAD><TITLE>Service</TITLE></HEAD><BODY><P>You have created a service.</P></BODY></HTML>")
	}
	// WCF takes no other type for SOAP 1.1.
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "text/xml" {
		return n.exchangeResponse(http.StatusUnsupportedMediaType)
	}
	c, err := parseCall(body)
	if err != nil {
		return n.exchangeResponse(http.StatusBadRequest)
	}
	q.Operation = cut(c.XMLName.Local)
	q.Impersonated = c.impersonating
	q.Mailbox = cut(c.namedMailbox())
	if n.behaviour.Crowd == nil || c.namedMailbox() == "" && c.XMLName.Local != "ResolveNames" {
		return n.run(who, c)
	}
	if refusal := n.beginCall(c.namedMailbox()); refusal != nil {
		return refusal
	}
	if d := n.behaviour.Crowd.Delay; d > 0 {
		time.Sleep(d)
	}
	defer n.endCall(c)
	return n.run(who, c)
}

// namedMailbox is the mailbox that a call is about, "" for the caller's own.
func (c *call) namedMailbox() string {
	if c.impersonating {
		return c.impersonated
	}
	for _, f := range c.folders {
		if f.Mailbox != "" {
			return f.Mailbox
		}
	}
	return ""
}

// run refuses what Exchange refuses before an operation runs, and then runs it.
func (n *node) run(who *account, c *call) *response {
	if code := n.behaviour.FaultCode; code != "" && !(n.behaviour.FaultOnce && n.faulted.Swap(true)) {
		if code == "ErrorServerBusy" {
			return n.fault(code, [2]string{"BackOffMilliseconds", backOff})
		}
		return n.fault(code)
	}
	if who == application && !c.impersonating {
		return n.fault("ErrorInvalidExchangeImpersonationHeaderData")
	}
	own := who.Mailbox
	if c.impersonating {
		target, code := n.named(c.impersonated)
		switch {
		case code == "ErrorNonExistentMailbox":
			return n.fault(code, [2]string{"SmtpAddress", c.impersonated})
		case code != "":
			return n.fault(code, [2]string{"Primary", target.Address})
		case n.behaviour.ImpersonationDenied || target.OutOfScope:
			return n.fault("ErrorImpersonateUserDenied")
		}
		own = target.Address
	}
	if c.XMLName.Space != messagesNamespace {
		return n.fault("ErrorSchemaValidation")
	}
	switch c.XMLName.Local {
	case "FindFolder", "GetFolder":
		return n.folders(own, c)
	case "GetServerTimeZones":
		return n.messages(c, message{TimeZones: true})
	case "ResolveNames":
		return n.resolve(c)
	case "ConvertId":
		return n.convert(c)
	}
	if slices.Contains(strings.Fields(words().Operations), c.XMLName.Local) {
		return n.fault("ErrorInvalidOperation") // Exchange knows it, the stand-in does not
	}
	return n.fault("ErrorSchemaValidation")
}

// named is the mailbox that an address names, or by which code it is not taken.
func (n *node) named(address string) (target mailbox, code string) {
	target, exists := n.findMailbox(address)
	switch aliases := n.behaviour.Aliases; {
	case !exists || aliases == AliasesUnknown && target.hasAlias(address):
		code = "ErrorNonExistentMailbox"
	case aliases == AliasesRefused && target.hasAlias(address):
		code = "ErrorNonPrimarySmtpAddress"
	}
	return target, code
}

// fault is a code with its text and the values that become MessageXml.
type fault struct {
	Code, Text string
	Values     [][2]string
}

func newFault(code string, values ...[2]string) fault {
	return fault{code, cmp.Or(words().Texts[code], "The operation failed."), values}
}

// fault answers with a SOAP fault, status 500 (SOAP 1.1 section 6.2).
func (n *node) fault(code string, values ...[2]string) *response {
	if n.behaviour.FaultsAs200 {
		return n.say("bare-fault", newFault(code))
	}
	return n.say("fault", newFault(code, values...))
}

// message is the answer to one part of a request: a fault, or one of the others.
type message struct {
	fault
	Folder    *described
	List      *listing
	Entry     *entry
	TimeZones bool
}

// failed is the message of an error.
func failed(code string, values ...[2]string) message {
	return message{fault: newFault(code, values...)}
}

// messages are a response.
func (n *node) messages(c *call, list ...message) *response {
	return n.say("response", map[string]any{"Operation": c.XMLName.Local, "Messages": list})
}

// folders answers FindFolder and GetFolder, a message per folder asked for.
func (n *node) folders(own string, c *call) *response {
	if len(c.folders) == 0 {
		return n.fault("ErrorSchemaValidation")
	}
	var list []message
	for _, f := range c.folders {
		list = append(list, n.folder(own, c, f))
	}
	return n.messages(c, list...)
}

func (n *node) folder(own string, c *call, f folder) message {
	if n.behaviour.LosesMailbox {
		f.Mailbox = ""
	}
	address, code := n.reach(own, f)
	switch {
	case code == "ErrorNonPrimarySmtpAddress":
		return failed(code, [2]string{"Primary", address})
	case code != "":
		return failed(code)
	}
	place, found := findPlace(f)
	switch {
	case !found:
		return failed("ErrorFolderNotFound")
	case c.XMLName.Local == "FindFolder":
		return message{List: place.below(address, c.Traversal, c.Page)}
	}
	return message{Folder: place.described(address)}
}

// reach says whose folder is meant, and by which code it is out of reach.
func (n *node) reach(own string, f folder) (address, code string) {
	if address = cmp.Or(f.Mailbox, f.owner(), own); address == "" {
		return "", "ErrorMissingEmailAddress"
	}
	target, code := n.named(address)
	switch {
	case code != "":
		return target.Address, code
	case target.Closed && !strings.EqualFold(address, own):
		return "", "ErrorAccessDenied"
	case target.Trouble != "":
		return "", target.Trouble
	case n.behaviour.FolderCode != "":
		return "", n.behaviour.FolderCode
	}
	return target.Address, ""
}

// entry is an entry of the address book.
type entry struct{ Name, Address, Kind, Asked string }

// resolve answers ResolveNames for an address, with or without "smtp:" before it.
func (n *node) resolve(c *call) *response {
	address := c.Entry
	if len(address) >= 5 && strings.EqualFold(address[:5], "smtp:") {
		address = address[5:]
	}
	target, exists := n.findMailbox(address)
	kind := "Mailbox"
	if strings.EqualFold(address, RemoteMailbox) {
		// To Exchange Server the mailbox of another organisation is a mail user.
		target, exists, kind = mailbox{Address: RemoteMailbox}, true, "Contact"
	}
	if !exists {
		return n.messages(c, failed("ErrorNameResolutionNoResults"))
	}
	name, _, _ := strings.Cut(target.Address, "@")
	return n.messages(c, message{Entry: &entry{Name: name, Address: target.Address, Kind: kind, Asked: address}})
}

// convert answers ConvertId. Identifiers are not converted here; what clients
// want of it is an error that only a service they are signed in to sends.
func (n *node) convert(c *call) *response {
	owner := ""
	if len(c.Converted) > 0 {
		owner = c.Converted[0].Owner
	}
	if _, exists := n.findMailbox(owner); !exists {
		return n.messages(c, failed("ErrorInvalidSmtpAddress"))
	}
	return n.messages(c, failed("ErrorCorruptData"))
}
