package main

import (
	"context"
	"errors"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ewsprobe/ewsprobe/ews/standin"
)

// curl is a client that nobody here wrote. What the stand-in accepts from it, it
// must accept from the program, and what it refuses it must refuse, for the same
// reason. Where curl spends the password although the server does not ask for it
// by that scheme, the program must not.
func TestCurlAgrees(t *testing.T) {
	slow(t)
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is not installed")
	}
	about, err := exec.CommandContext(t.Context(), curl, "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range standin.Scenarios() {
		for _, profile := range []string{"basic", "ntlm"} {
			if why := notForCurl(s, profile); why != "" {
				t.Logf("%s, %s: not compared, %s", s.Name, profile, why)
				continue
			}
			t.Run(s.Name+"/"+profile, func(t *testing.T) {
				if profile == "ntlm" && !strings.Contains(string(about), "NTLM") {
					t.Skip("this curl was built without NTLM")
				}
				t.Parallel()
				second := begin(t, s.Behaviour, standin.Options{})
				patience := "20" // in seconds, for a busy machine
				if s.Behaviour.Hazard == standin.HazardHang {
					patience = "5" // it waits as long for no answer
				}
				askWithCurl(t, curl, patience, "--"+profile, second, s.Check)
				opinion := ending(second.View(), profile)

				check := s.Check
				check.ProfileAuth, check.EachNode = profile, false
				server := begin(t, s.Behaviour, standin.Options{})
				got := program{}.run(t, lineTo(server, check).args(t, asJSON)...)
				outcome := ending(server.View(), profile)

				decided := []string{
					standin.OutcomeAccepted, standin.OutcomeWrongPassword, standin.OutcomeLocked,
					standin.OutcomeUnknownUser, standin.OutcomeConfiguration,
				}
				switch {
				case slices.Contains(decided, opinion) && outcome != opinion:
					t.Errorf("from curl the logon is %q, from ewsprobe %q: %s", opinion, outcome, got.report(t).Verdict.Summary)
				case !slices.Contains(decided, opinion) && slices.Contains(decided, outcome):
					t.Errorf("from curl the logon is %q, but from ewsprobe %q", opinion, outcome)
				case opinion == standin.OutcomeNotOffered && outcome != "":
					t.Errorf("%s is not offered, and ewsprobe sent it: %q", profile, outcome)
				}
			})
		}
	}
}

// notForCurl says why a scenario has no second opinion.
func notForCurl(s standin.Scenario, profile string) string {
	b := s.Behaviour
	switch {
	case b.ExtendedProtection != "":
		return "curl sends no channel binding"
	case s.Check.User == "":
		return "no account"
	case s.Check.Autodiscover:
		return "the first logon may be the one at Autodiscover"
	case b.Transport != "":
		return "curl cannot connect, or would send the password in clear"
	case b.Hazard != "" && !b.HazardOnLogon:
		return "no answer"
	case b.Handshake != "" && profile == "ntlm":
		return "the handshake cannot be finished"
	case b.Headers == standin.HeadersJoined && profile == "ntlm":
		return "curl looks for its challenge only at the beginning of a line"
	}
	return ""
}

// ending is the outcome of the logon by the scheme of a profile: the first one,
// which is the one that curl makes. "" if there was none.
func ending(v standin.View, profile string) string {
	message := map[string]string{"basic": standin.MessageBasic, "ntlm": standin.MessageType3}[profile]
	for _, q := range v.Requests {
		if q.Message == message {
			return q.Outcome
		}
	}
	return ""
}

const findInbox = `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"><s:Header><t:RequestServerVersion Version="Exchange2010"/></s:Header><s:Body><m:FindFolder Traversal="Shallow"><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:ParentFolderIds><t:DistinguishedFolderId Id="inbox"/></m:ParentFolderIds></m:FindFolder></s:Body></s:Envelope>`

// askWithCurl makes one request, under the user agent of Dynamics, as the
// password's owner. What becomes of it is in the server's view.
func askWithCurl(t *testing.T, curl, patience, option string, s *standin.Server, c standin.Check) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	args := []string{
		"--silent", "--disable", "--noproxy", "*", "--config", "-", "--max-time", patience, "--max-filesize", "1000000",
		"--connect-to", "::" + s.Addresses()[0], option, "--user-agent", "ExchangeServicesClient/15.00.1076.004",
		"--header", "Content-Type: text/xml; charset=utf-8", "--data-binary", findInbox,
	}
	switch {
	case c.Insecure:
		args = append(args, "--insecure")
	case !c.NoCA:
		args = append(args, "--cacert", save(t, "ca.pem", s.CA()))
	}
	command := exec.CommandContext(ctx, curl, append(args, s.URL())...)
	command.Stdin = strings.NewReader("user = " + strconv.Quote(c.User+":"+c.Password) + "\n")
	var failed *exec.ExitError // by TLS, or by what the server does to it
	if err := command.Run(); err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
}
