package report

import (
	"fmt"

	"github.com/ewsprobe/ewsprobe/ews/evidence"
)

// lookedUp are the lines of the look-ups outside the network.
func lookedUp(r Report) [][2]string {
	var lines [][2]string
	for _, one := range steps {
		for _, item := range r.Evidence {
			if item.Step != one.step || item.Cloud == nil {
				continue
			}
			status := "-  "
			if item.Response != nil {
				status = fmt.Sprint(item.Response.Status)
			}
			lines = append(lines, [2]string{one.name, status + "  " + lookUp(item)})
		}
	}
	return lines
}

// lookUp is what a look-up brought, in a few words.
func lookUp(item evidence.Item) string {
	c := item.Cloud
	switch {
	case item.Error != nil:
		return c.Host + ": " + item.Error.Text
	case c.NoTenant:
		return c.Subject + " is in no tenant"
	case item.Step == evidence.StepCloudGraphSettings && c.Code != "":
		return "no mailbox that Graph can open: " + c.Code
	case c.Problem != "":
		return c.Host + ": " + c.Problem
	}
	switch item.Step {
	case evidence.StepCloudLocation:
		switch c.Location {
		case evidence.LocationOnline:
			return "has the mailbox " + c.Subject
		case evidence.LocationElsewhere:
			return fmt.Sprintf("has not the mailbox %s, points to %s", c.Subject, c.Redirect)
		}
		return "does not know " + c.Subject
	case evidence.StepCloudDomainTenant, evidence.StepCloudNamedTenant, evidence.StepCloudDynamics:
		words := fmt.Sprintf("%s is in the tenant %s", c.Subject, c.Tenant)
		if c.Region != "" {
			words += " (" + c.Region + ")"
		}
		return words
	case evidence.StepCloudToken:
		return "gave the application " + c.Subject + " a token for Graph"
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

func users(n int, which string) string {
	switch n {
	case 0:
		return "no user " + which
	case 1:
		return "1 user " + which
	}
	return fmt.Sprintf("%d users %s", n, which)
}
