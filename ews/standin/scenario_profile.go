package standin

// The exports of two Dynamics profiles, as Dynamics writes them. Neither names
// the stand-in: what they say and what is checked are two things.
const (
	// profileAtOnline is meant for servers of one's own and points at Exchange
	// Online, with a user name that is no UPN.
	profileAtOnline = `Name,Email Server Type,Auto Discover Server Location,Incoming Email Server Location,Incoming Authentication Protocol,Incoming Email Credential Retrieval,Use Impersonation for Incoming Email,Incoming Email User Name
Contoso hybrid,Exchange Server (Hybrid),No,https://outlook.office365.com/EWS/Exchange.asmx,Basic,Credentials Specified in Email Server Profile,Yes,CONTOSO\svc-crm
`
	// profileOfRecreated is in order, but Dynamics' last test met a user who was
	// made again.
	profileOfRecreated = `{
  "@odata.context": "https://contoso.crm4.dynamics.com/api/data/v9.2/$metadata#emailserverprofiles/$entity",
  "name": "Contoso hybrid", "servertype": 2, "useautodiscover": false,
  "incomingserverlocation": "https://mail.contoso.com/EWS/Exchange.asmx", "incomingauthenticationprotocol": 3,
  "incomingcredentialretrieval": 1, "incominguseimpersonation": true, "incomingusername": "svc-crm@contoso.com",
  "lastteststarttime": "2026-11-20T08:00:00Z", "lasttestexecutionstatus": 0,
  "lastcrmmessage": "Email Server Error Code: NoUserFoundWithGivenClaims. User does not exist in tenant with id '1d3c9b43-0d0f-45d9-a207-99dc10fb7d4a'."
}
`
)

// profileScenarios are about what the exported Dynamics profile says, with a
// server on which all is well.
func profileScenarios() []Scenario {
	with := func(profile string) Check {
		return goodCheck.but(func(c *Check) { c.Profile = profile })
	}
	return []Scenario{
		{Name: "profile-at-online", Title: "the exported profile is for Exchange Server and points at Exchange Online", Behaviour: everyScheme, Check: with(profileAtOnline), Expect: critical("profile-contradiction")},
		{Name: "profile-user-recreated", Title: "Dynamics' last test, in the exported profile, met a re-created user", Behaviour: everyScheme, Check: with(profileOfRecreated), Expect: critical("user-recreated").ofCause(6)},
	}
}
