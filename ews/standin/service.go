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

func messageText(code string) string {
	return cmp.Or(answers().Texts[code], "The operation failed.")
}

// serviceResponse answers for somebody who is signed in.
func (n *node) serviceResponse(who *account, r *http.Request, a *authorization, q *Request, body []byte) *response {
	if n.behaviour.Echo && a.raw != "" {
		text := "Cannot process your request: " + strings.Join(a.echoes(), " | ")
		return n.exchangeResponse(http.StatusInternalServerError).withBody(xmlType, fault("ErrorInternalServerError", text))
	}
	if r.Method != http.MethodPost {
		return n.exchangeResponse(http.StatusOK).withBody(htmlType, "<HTML><HEAD><TITLE>Service</TITLE></HEAD><BODY><P>You have created a service.</P></BODY></HTML>")
	}
	// WCF takes no other type for SOAP 1.1.
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "text/xml" {
		return n.exchangeResponse(http.StatusUnsupportedMediaType)
	}
	c, err := parseCall(body)
	if err != nil {
		return n.exchangeResponse(http.StatusBadRequest)
	}
	q.Operation = cut(c.operation.Local)
	q.Impersonated = c.impersonating
	q.Mailbox = cut(c.namedMailbox())
	if n.behaviour.Crowd == nil || c.namedMailbox() == "" && c.operation.Local != "ResolveNames" {
		return n.run(who, c)
	}
	refusal, drop := n.beginCall(c.namedMailbox())
	if drop {
		answer := n.exchangeResponse(http.StatusOK)
		answer.drop = true
		return answer
	}
	if refusal != nil {
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
		if f.mailbox != "" {
			return f.mailbox
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
	own := who.mailbox
	if c.impersonating {
		target, exists := n.findMailbox(c.impersonated)
		switch {
		case !exists || n.behaviour.Aliases == AliasesUnknown && target.hasAlias(c.impersonated):
			return n.fault("ErrorNonExistentMailbox", [2]string{"SmtpAddress", c.impersonated})
		case n.behaviour.Aliases == AliasesRefused && target.hasAlias(c.impersonated):
			return n.fault("ErrorNonPrimarySmtpAddress", [2]string{"Primary", target.address})
		case n.behaviour.ImpersonationDenied || target.outOfScope:
			return n.fault("ErrorImpersonateUserDenied")
		}
		own = target.address
	}
	if c.operation.Space != messagesNamespace {
		return n.fault("ErrorSchemaValidation")
	}
	switch c.operation.Local {
	case "FindFolder", "GetFolder":
		return n.folders(own, c)
	case "GetServerTimeZones":
		return n.success(c, `<m:TimeZoneDefinitions><t:TimeZoneDefinition Id="UTC" Name="(UTC) Coordinated Universal Time"/></m:TimeZoneDefinitions>`)
	case "ResolveNames":
		return n.resolve(c)
	case "ConvertId":
		return n.convert(c)
	}
	if slices.Contains(strings.Fields(answers().Operations), c.operation.Local) {
		return n.fault("ErrorInvalidOperation") // Exchange knows it, the stand-in does not
	}
	return n.fault("ErrorSchemaValidation")
}

// fault answers with a SOAP fault, status 500 (SOAP 1.1 section 6.2).
func (n *node) fault(code string, values ...[2]string) *response {
	if n.behaviour.FaultsAs200 {
		return n.exchangeResponse(http.StatusOK).withBody(xmlType, bareFault(code, messageText(code)))
	}
	return n.exchangeResponse(http.StatusInternalServerError).withBody(xmlType, fault(code, messageText(code), values...))
}

// success answers an operation whose only message is good.
func (n *node) success(c *call, content string) *response {
	return n.messages(c, responseMessage(c, "NoError", content))
}

// failure answers an operation whose only message is an error.
func (n *node) failure(c *call, code string) *response {
	return n.messages(c, responseMessage(c, code, ""))
}

// messages wraps the messages of a response.
func (n *node) messages(c *call, messages string) *response {
	name := c.operation.Local + "Response"
	return n.exchangeResponse(http.StatusOK).withBody(xmlType, envelope(
		`<m:`+name+` xmlns:m="`+messagesNamespace+`" xmlns:t="`+typesNamespace+`"><m:ResponseMessages>`+
			messages+`</m:ResponseMessages></m:`+name+`>`))
}

// responseMessage is the answer to one part of a request.
func responseMessage(c *call, code, content string, values ...[2]string) string {
	name := c.operation.Local + "ResponseMessage"
	if code == "NoError" {
		return `<m:` + name + ` ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>` + content + `</m:` + name + `>`
	}
	more := ""
	for _, value := range values {
		more += `<t:Value Name="` + value[0] + `">` + escape(value[1]) + `</t:Value>`
	}
	if more != "" {
		more = `<m:MessageXml>` + more + `</m:MessageXml>`
	}
	return `<m:` + name + ` ResponseClass="Error"><m:MessageText>` + escape(messageText(code)) + `</m:MessageText>` +
		`<m:ResponseCode>` + code + `</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>` + more + `</m:` + name + `>`
}

// folders answers FindFolder and GetFolder, a message per folder asked for.
func (n *node) folders(own string, c *call) *response {
	if len(c.folders) == 0 {
		return n.fault("ErrorSchemaValidation")
	}
	var messages strings.Builder
	for _, f := range c.folders {
		if n.behaviour.LosesMailbox {
			f.mailbox = ""
		}
		address, code := n.reach(own, f)
		if code == "ErrorNonPrimarySmtpAddress" {
			messages.WriteString(responseMessage(c, code, "", [2]string{"Primary", address}))
			continue
		}
		if code != "" {
			messages.WriteString(responseMessage(c, code, ""))
			continue
		}
		place, found := findPlace(f)
		if !found {
			messages.WriteString(responseMessage(c, "ErrorFolderNotFound", ""))
			continue
		}
		content := `<m:Folders>` + place.element(address) + `</m:Folders>`
		if c.operation.Local == "FindFolder" {
			content = place.below(address, c.traversal, c.page)
		}
		messages.WriteString(responseMessage(c, "NoError", content))
	}
	return n.messages(c, messages.String())
}

// reach says whose folder is meant, and by which code it is out of reach.
func (n *node) reach(own string, f folder) (address, code string) {
	address = f.mailbox
	if address == "" {
		if address = f.owner(); address == "" {
			address = own
		}
	}
	if address == "" {
		return "", "ErrorMissingEmailAddress"
	}
	target, exists := n.findMailbox(address)
	switch {
	case !exists || n.behaviour.Aliases == AliasesUnknown && target.hasAlias(address):
		return "", "ErrorNonExistentMailbox"
	case n.behaviour.Aliases == AliasesRefused && target.hasAlias(address):
		return target.address, "ErrorNonPrimarySmtpAddress"
	case target.closed && !strings.EqualFold(address, own):
		return "", "ErrorAccessDenied"
	case target.trouble != "":
		return "", target.trouble
	case n.behaviour.FolderCode != "":
		return "", n.behaviour.FolderCode
	}
	return target.address, ""
}

// resolve answers ResolveNames for an address, with or without "smtp:" before it.
func (n *node) resolve(c *call) *response {
	address := c.entry
	if len(address) >= 5 && strings.EqualFold(address[:5], "smtp:") {
		address = address[5:]
	}
	target, exists := n.findMailbox(address)
	kind := "Mailbox"
	if strings.EqualFold(address, RemoteMailbox) {
		// To Exchange Server the mailbox of another organisation is a mail user.
		target, exists, kind = mailbox{address: RemoteMailbox}, true, "Contact"
	}
	if !exists {
		return n.failure(c, "ErrorNameResolutionNoResults")
	}
	name, _, _ := strings.Cut(target.address, "@")
	return n.success(c, `<m:ResolutionSet TotalItemsInView="1" IncludesLastItemInRange="true"><t:Resolution><t:Mailbox>`+
		`<t:Name>`+escape(name)+`</t:Name><t:EmailAddress>`+escape(target.address)+`</t:EmailAddress>`+
		`<t:RoutingType>SMTP</t:RoutingType><t:MailboxType>`+kind+`</t:MailboxType></t:Mailbox>`+
		`<t:Contact><t:DisplayName>`+escape(name)+`</t:DisplayName><t:EmailAddresses><t:Entry Key="EmailAddress1">SMTP:`+escape(target.address)+
		`</t:Entry><t:Entry Key="EmailAddress2">smtp:`+escape(address)+`</t:Entry></t:EmailAddresses></t:Contact>`+
		`</t:Resolution></m:ResolutionSet>`)
}

// convert answers ConvertId. Identifiers are not converted here; what clients
// want of it is an error that only a service they are signed in to sends.
func (n *node) convert(c *call) *response {
	if _, exists := n.findMailbox(c.owner); !exists {
		return n.failure(c, "ErrorInvalidSmtpAddress")
	}
	return n.failure(c, "ErrorCorruptData")
}
