// Package metrics is what Prometheus reads of the agent, and what is made for
// Prometheus and Grafana: alerting rules, a dashboard, a scrape configuration.
// All are made of one table, so that a rule or a panel cannot name a metric that
// the agent does not have.
//
// A scrape reads the agent's snapshot. It causes no logon, sends nothing and
// reads nothing from the disk. No label holds a mailbox, an account or an address
// but the node's, and no text that a server chose.
package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
)

// Definition is a metric: its name, what it means, and its labels beside target
// and the target's own.
type Definition struct {
	Name   string
	Help   string
	Type   string // gauge, counter, histogram
	Labels []string
	Agent  bool // about the agent, not about one of its targets
}

// Names of the metrics that code and rules speak of.
const (
	probeSuccess      = "probe_success"
	probeDuration     = "probe_duration_seconds"
	probeCertificate  = "probe_ssl_earliest_cert_expiry"
	probeHTTPStatus   = "probe_http_status_code"
	targetStatus      = "ewsprobe_target_status"
	findingPresent    = "ewsprobe_finding"
	causeStatus       = "ewsprobe_cause"
	verdictInfo       = "ewsprobe_verdict_info"
	schemeOffered     = "ewsprobe_scheme_offered"
	logonTotal        = "ewsprobe_logon_total"
	withheld          = "ewsprobe_credential_withheld"
	logonsLeft        = "ewsprobe_logons_left"
	lastRun           = "ewsprobe_last_run_timestamp_seconds"
	lastOK            = "ewsprobe_last_ok_timestamp_seconds"
	runDuration       = "ewsprobe_run_duration_seconds"
	mailboxes         = "ewsprobe_mailboxes"
	clockSkew         = "ewsprobe_clock_skew_seconds"
	notificationTotal = "ewsprobe_notifications_total"
	notStoredTotal    = "ewsprobe_runs_not_stored_total"
	storageBytes      = "ewsprobe_storage_bytes"
	buildInfo         = "ewsprobe_build_info"
)

// Definitions are all metrics. To add one, add its line here and its samples in
// collector.go.
func Definitions() []Definition {
	return []Definition{
		{Name: probeSuccess, Type: "gauge", Help: "Whether the target is ok or has only warnings (1) or not (0)."},
		{Name: probeDuration, Type: "gauge", Help: "How long the last run took."},
		{Name: probeCertificate, Type: "gauge", Help: "When the first certificate of the target expires, in Unix time."},
		{Name: probeHTTPStatus, Type: "gauge", Help: "The HTTP status of the answer to the anonymous request; 401 is as it should be."},
		{Name: targetStatus, Type: "gauge", Help: "The status of the target: 0 ok, 1 warning, 2 critical, 3 unknown."},
		{Name: findingPresent, Type: "gauge", Help: "A finding of the last runs, by its code.", Labels: []string{"code", "status"}},
		{Name: causeStatus, Type: "gauge", Help: "The six causes of the 401 in Dynamics (KB 3212785), by number and status.", Labels: []string{"number", "status"}},
		{Name: verdictInfo, Type: "gauge", Help: "The verdict that the status rests on; the value is 1.", Labels: []string{"code", "cause", "confidence"}},
		{Name: schemeOffered, Type: "gauge", Help: "Whether a node offers an authentication scheme to an anonymous request (1) or not (0).", Labels: []string{"scheme", "node"}},
		{Name: logonTotal, Type: "counter", Help: "Logons since the agent started.", Labels: []string{"scheme", "result"}},
		{Name: withheld, Type: "gauge", Help: "Whether the credential is withheld (1), because the account might be locked out."},
		{Name: logonsLeft, Type: "gauge", Help: "How many more logons may be refused before the credential is withheld."},
		{Name: lastRun, Type: "gauge", Help: "When the last run began, in Unix time."},
		{Name: lastOK, Type: "gauge", Help: "When the target was last seen ok or with only warnings, in Unix time."},
		{Name: runDuration, Type: "histogram", Help: "How long runs took since the agent started."},
		{Name: mailboxes, Type: "gauge", Help: "Mailboxes of the last batch, by status.", Labels: []string{"status"}},
		{Name: clockSkew, Type: "gauge", Help: "The clock of the server minus the clock of the agent."},
		{Name: notificationTotal, Type: "counter", Agent: true, Help: "Notifications since the agent started.", Labels: []string{"channel", "result"}},
		{Name: notStoredTotal, Type: "counter", Agent: true, Help: "Runs since the agent started that could not be stored when they ended."},
		{Name: storageBytes, Type: "gauge", Agent: true, Help: "The size of the storage on disk."},
		{Name: buildInfo, Type: "gauge", Agent: true, Help: "The version of the agent; the value is 1.", Labels: []string{"version", "goversion"}},
	}
}

func (d Definition) kind() prometheus.ValueType {
	if d.Type == "counter" {
		return prometheus.CounterValue
	}
	return prometheus.GaugeValue
}
