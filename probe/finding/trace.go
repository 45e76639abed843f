package finding

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Trace is where refused logons are found in the logs of the servers: whose they
// are, and when, by the clock of the server.
type Trace struct {
	Server, User string
	Controller   string // "" all domain controllers are asked
	Path         string // of EWS
	Begin, End   time.Time
	Times        string // of the attempts, as they are told
}

// Placeholders are those of texts and commands that a trace fills.
func (t Trace) Placeholders() map[string]string {
	local, query := accountQuery(t.User)
	more := map[string]string{"aduser": query, "name": local, "times": t.Times, "window": "", "controllers": "", "iis": ""}
	if t.Times != "" {
		window := "StartTime='BEGIN'; EndTime='END'"
		if !t.Begin.IsZero() {
			window = fmt.Sprintf("StartTime='%s'; EndTime='%s'", t.Begin.Format(time.RFC3339), t.End.Format(time.RFC3339))
		}
		more["window"], more["controllers"], more["iis"] = window, t.controllers(window, local), t.iis()
	}
	return more
}

// accountQuery is the part of an account's name that every log has, and the command
// that finds the account in Active Directory: -Identity takes no UPN.
func accountQuery(user string) (local, query string) {
	if name, _, upn := strings.Cut(user, "@"); upn {
		return name, `Get-ADUser -Filter "UserPrincipalName -eq '` + user + `'"`
	}
	if _, name, down := strings.Cut(user, `\`); down {
		user = name
	}
	return user, `Get-ADUser -Filter "SamAccountName -eq '` + user + `'"`
}

// controllers finds what domain controllers wrote down: 4771 for Kerberos, 4776 for
// NTLM.
func (t Trace) controllers(window, local string) string {
	events := "-FilterHashtable @{LogName='Security'; Id=4771,4776; " + window + "}"
	shown := " | Where-Object Message -Match '" + local + "' | Format-List MachineName,TimeCreated,Message"
	if t.Controller != "" {
		return "Get-WinEvent -ComputerName " + t.Controller + " " + events + shown
	}
	return "Get-ADDomainController -Filter * | ForEach-Object { Get-WinEvent -ComputerName $_.HostName " + events +
		" -ErrorAction SilentlyContinue }" + shown
}

// iis finds the lines of the IIS log, which is in UTC and has the date, the time,
// the method, the path and, further on, status, sub-status and Windows status.
func (t Trace) iis() string {
	const minute = "2006-01-02 15:04"
	minutes, days := []string{"DATE TIME"}, []string{"YYMMDD"}
	if !t.Begin.IsZero() {
		minutes, days = nil, nil
	}
	for at := t.Begin.Truncate(time.Minute); !t.Begin.IsZero() && !at.After(t.End) && len(minutes) < 30; at = at.Add(time.Minute) {
		minutes = append(minutes, at.Format(minute))
		if day := at.Format("060102"); !slices.Contains(days, day) {
			days = append(days, day)
		}
	}
	var files []string
	for _, day := range days {
		files = append(files, `'\\`+t.Server+`\C$\inetpub\logs\LogFiles\W3SVC1\u_ex`+day+`.log'`)
	}
	return "Select-String -Path " + strings.Join(files, ",") + " -Pattern '^(" + strings.Join(minutes, "|") + "):.* POST " +
		strings.ReplaceAll(t.Path, ".", `\.`) + " .* 401 '"
}

// Sample are names that stand for the reader's own.
func Sample() Names {
	n := Names{
		Server: "<SERVER>", Host: "mail.contoso.com", Site: "mail.contoso.com",
		User: "svc-crm@contoso.com", Mailbox: "anna@contoso.com",
	}
	n.More = Trace{Server: n.Server, User: n.User, Path: "/EWS/Exchange.asmx", Times: "see the attempts in the report"}.Placeholders()
	for name, value := range map[string]string{
		"upn": "user@domain", "primary": "PRIMARY-ADDRESS", "address": "IP", "longer": "90s",
		"whose": "anna@contoso.com", "backend": "<SERVER>", "discovery": "<HOST>", "trusted": "TENANT", "application": "APPLICATION-ID",
		"site": "mail.contoso.com", "resource": "https://mail.contoso.com",
	} {
		n.More[name] = value
	}
	return n
}
