package finding

import "testing"

// TestTextsOfClients: what the libraries and mail programs that call EWS say themselves, by the
// first of the alerts.
func TestTextsOfClients(t *testing.T) {
	const local = "Microsoft.Exchange.WebServices.Data.ServiceLocalException: "
	for key, texts := range map[string][]string{
		"client-without-url": {
			local + "The Url property on the ExchangeService object must be set.",
			"AttributeError: 'config.service_endpoint' must be set",
		},
		"client-without-credentials": {
			"ServiceLocalException: Credentials are required to make a service request.",
			"ValueError: Auth type 'NTLM' was detected but no credentials were provided",
		},
		"client-version-too-old": {
			"ServiceVersionException: The property Sensitivity is valid only for Exchange Exchange2013 or later versions.",
			"ServiceVersionException: The service request GetUserPhoto is only valid for Exchange version Exchange2013 or later.",
			"NotImplementedError: Service 'GetUserOofSettings' only supports server versions from Build(14, 0) to *",
			"Requires at least Microsoft Exchange 2010 SP1 server",
		},
		"client-property-not-loaded": {
			`Exception calling "GetType" with "0" argument(s): "You must load or assign this property before you can read its value."`,
			"ServiceObjectPropertyException: This property was requested, but it wasn't returned by the server.",
		},
		"client-token-form": {"System.ArgumentException: The given token is invalid."},
		"autodiscover-circle": {
			"AutodiscoverLocalException: The maximum redirection hop count has been reached.",
			"AutoDiscoverCircularRedirect: We were redirected to an email address we have already seen",
		},
		"autodiscover-without-ews": {
			"Failed to find <ASUrl> and <OABUrl> in autodiscover response", "Failed to find <Account> element",
			"The Autodiscover service didn't return an appropriate URL that can be used for the ExchangeService Autodiscover URL.",
			"Failed to read POX response - not an Autodiscover response",
		},
		"autodiscover-not-located": {
			"No appropriate Autodiscover SOAP or WS-Security endpoint is available.",
			"DnsException: No appropriate SRV record was found.",
		},
		"autodiscover-scp":   {"Index was out of range.\n at Microsoft.Exchange.WebServices.Autodiscover.DirectoryHelper.GetScpUrlList()"},
		"answer-closed-busy": {"exchangelib.errors.ErrorServerBusy: Caused by closed connection"},
		"401":                {"exchangesyncd: Error Domain=NSURLErrorDomain Code=-1012"},
		"401-of-a-program": {
			"exchangelib.errors.ErrorServerBusy: Caused by HTTP 401 response",
		},
		"server-unavailable": {"exchangelib.errors.ErrorInternalServerTransientError: Caused by HTTP 503 response"},
		"asp-net-error-page": {
			"exchangelib.errors.ErrorInternalServerTransientError: Caused by HTTP 302 redirect to /ews/genericerrorpage.htm",
			"Server Error in '/EWS' Application.",
		},
		"scheme-not-told": {"exchangelib.errors.TransportError: Failed to get autodiscover auth type from service"},
		"answer-without-version": {
			"exchangelib.errors.TransportError: No valid version headers found in response",
			"TransportError: Bad ServerVersionInfo in response: b'<Header/>'",
		},
		"not-valid-xml": {
			"exchangelib.errors.SOAPError: Bad SOAP response: This is not XML: b'<!DOCTYPE html>'",
			`'>' is an unexpected token. The expected token is '"' or '''. Line 1, position 63.`,
		},
		"no-ntlm-challenge": {
			"Error: www-authenticate not found on response of second request",
			"ErrorInternalServerTransientError: Reraised from KeyError('www-authenticate')",
		},
		"ntlm-message": {"only NTLM v2 is supported, but server requested v1 (NTLMSSP_NEGOTIATE_LM_KEY)"},
		"client-without-binding": {
			"NoCertificateRetrievedWarning: Requests is running with a non urllib3 backend, cannot retrieve server certificate for CBT",
		},
		"client-proxy-setting": {"requests.exceptions.InvalidSchema: Missing dependencies for SOCKS support."},
		"url-form": {
			"Invalid URL 'mail.contoso.com/EWS/Exchange.asmx': No scheme supplied. Perhaps you meant https://mail.contoso.com/EWS/Exchange.asmx?",
		},
		"davmail-itself":         {"Invalid header, HTTPS connection to an HTTP listener ?"},
		"davmail-form":           {"Exchange login exception: Authentication form not found at https://mail.contoso.com/owa/"},
		"davmail-first-requests": {"EWS end point not available"},
		"davmail-online": {
			"DavMail: MFA authentication methods not supported",
			"Authenticated username svc@contoso.com does not match anna@contoso.com",
		},
		"thunderbird-setup": {
			"Configuration could not be verified. If your username and password are correct, it’s likely that …",
		},
		"throttled":        {"davmail.exchange.ews.EWSThrottlingException: Throttled and retry count exceeded"},
		"service-response": {"Failed to logon mailbox. ServiceResponseException"},
		"service-request": {
			"Connect failed due to: microsoft.exchange.webservices.data.core.exception.service.remote.ServiceRequestException",
		},
		"client-value": {
			local + "Minute must be between 0 and 59.", local + "Timeout must be a value between 1 and 1440.",
			`Exception calling "FindItems" with "2" argument(s): "The search filter's value must be set."`,
		},
		"folder-or-item-words": {
			"DavMail: Folder Calendar not found",
			"exchangelib.errors.DoesNotExist: Could not find distinguished folder with id 'inbox'",
		},
	} {
		for _, text := range texts {
			if found := MatchAlert(text); len(found) == 0 || found[0].Key != key {
				t.Errorf("%s: %q is taken for %v", key, text, found)
			}
		}
	}
}
