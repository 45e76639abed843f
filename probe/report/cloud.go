package report

import (
	"fmt"
	"strings"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// lookedUp are the lines of the look-ups outside the network.
func lookedUp(r Report) [][2]string {
	var lines [][2]string
	for step, name := range steps {
		for _, item := range r.Evidence {
			if item.Step != step || item.Cloud == nil && item.Step != evidence.StepHMAToken {
				continue
			}
			status := "-  "
			if item.Response != nil {
				status = fmt.Sprint(item.Response.Status)
			}
			lines = append(lines, [2]string{name, status + "  " + lookUp(item)})
		}
	}
	return lines
}

// lookUp is what a look-up brought, in a few words.
func lookUp(item evidence.Item) string {
	if item.Step == evidence.StepHMAToken {
		return tokenOf(item)
	}
	c := item.Cloud
	switch {
	case item.Error != nil:
		return c.Host + ": " + item.Error.Text
	case c.NoTenant:
		return c.Subject + " belongs to no tenant"
	case item.Step == evidence.StepCloudGraphSettings && c.Code != "":
		return "no mailbox that Graph can open: " + c.Code
	case c.Problem != "":
		return c.Host + ": " + c.Problem
	case item.Dataverse != nil:
		return readOf(*item.Dataverse)
	}
	switch item.Step {
	case evidence.StepCloudLocation:
		switch c.Location {
		case evidence.LocationOnline:
			return "has the mailbox " + c.Subject
		case evidence.LocationElsewhere:
			return fmt.Sprintf("does not have the mailbox %s, points to %s", c.Subject, c.Redirect)
		}
		return "does not know " + c.Subject
	case evidence.StepCloudDomainTenant, evidence.StepCloudNamedTenant, evidence.StepCloudDynamics:
		words := fmt.Sprintf("%s is in the tenant %s", c.Subject, c.Tenant)
		if c.Region != "" {
			words += " (" + c.Region + ")"
		}
		return words
	case evidence.StepCloudToken:
		return "issued a token for Graph to the application " + c.Subject
	case evidence.StepCloudGraphUser:
		return users(len(c.Users), "with the address "+c.Subject)
	case evidence.StepCloudGraphDeleted:
		words := users(len(c.Users), "that had the address")
		if len(c.Users) > 0 && c.Users[0].Deleted != nil {
			words += ", deleted " + c.Users[0].Deleted.UTC().Format("2006-01-02")
		}
		return words
	case evidence.StepCloudGraphSettings:
		return "the user has a mailbox"
	}
	return "answered"
}

// tokenOf is what Entra gave, or what a token says that was brought.
func tokenOf(item evidence.Item) string {
	t := item.Token
	switch {
	case item.Error != nil:
		return t.Host + ": " + item.Error.Text
	case t.Claims == nil:
		return t.Host + ": " + t.Problem
	}
	c := t.Claims
	words := "a token for " + c.Audience + ", tenant " + c.Tenant + ", roles "
	if len(c.Roles) == 0 {
		words += "none"
	}
	words += strings.Join(c.Roles, " ")
	if c.Expires != nil {
		words += ", until " + c.Expires.UTC().Format("15:04 UTC")
	}
	return words
}

// readOf is what Dynamics has, in a few words.
func readOf(d evidence.Dataverse) string {
	switch m := d.Mailbox; {
	case m != nil:
		words := "has the mailbox " + m.Address
		for _, s := range []struct {
			name   string
			status *evidence.Option
		}{{"status", m.Status}, {"incoming", m.Incoming}, {"outgoing", m.Outgoing}, {"appointments", m.Sync}} {
			if s.status != nil {
				words += fmt.Sprintf(", %s %s", s.name, s.status.Name())
			}
		}
		if m.Tested != "" {
			words += ", tested " + m.Tested
		}
		return words
	case d.User != nil:
		return "the user of the mailbox has the address " + d.User.Address
	case d.Organization != nil:
		return fmt.Sprintf("%s, version %s", d.Organization.Name, d.Organization.Version)
	case len(d.Alerts) > 0:
		return count(len(d.Alerts), "kind of alert", "kinds of alerts") + ", the last: " + Clean(d.Alerts[0].Text, sawLimit)
	}
	return count(d.Rows, "record", "records")
}

func users(n int, which string) string {
	switch n {
	case 0:
		return "no user " + which
	case 1:
		return "1 user " + which
	}
	return fmt.Sprintf("%d users %s", n, which)
}
