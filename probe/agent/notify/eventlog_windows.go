package notify

import (
	"context"
	"fmt"

	"golang.org/x/sys/windows/svc/eventlog"

	"github.com/ewsprobe/ewsprobe/probe/finding"
)

// eventSource is the name in the event log of Windows; that of the service, whose
// installation makes it known there.
const eventSource = "ewsprobe"

// mostEvent bounds an event: ReportEvent takes 31,839 characters.
const mostEvent = 30000

// eventLog writes to the event log of Windows, under the name of the service.
type eventLog struct{}

func (eventLog) send(_ context.Context, _ string, n Notification) error {
	log, err := eventlog.Open(eventSource)
	if err != nil {
		return fmt.Errorf("the event log cannot be opened: %w", err)
	}
	defer log.Close()
	text := n.subject() + "\r\n\r\n" + n.text()
	if len(text) > mostEvent {
		text = text[:mostEvent]
	}
	write := log.Warning
	switch {
	case n.Kind == Recovery:
		write = log.Info
	case n.Status == finding.Critical:
		write = log.Error
	}
	if err := write(n.eventID(), text); err != nil {
		return fmt.Errorf("the event cannot be written to the event log: %w", err)
	}
	return nil
}

// eventID tells the kinds apart in the event log of Windows, where one filters by
// it.
func (n Notification) eventID() uint32 {
	return map[Kind]uint32{Problem: 1, Recovery: 2, Reminder: 3, CredentialWithheld: 4}[n.Kind]
}
