package metrics

import (
	"bytes"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ewsprobe/ewsprobe/probe/finding"
)

type ruleFile struct {
	Groups []ruleGroup `yaml:"groups"`
}

type ruleGroup struct {
	Name  string  `yaml:"name"`
	Rules []alert `yaml:"rules"`
}

type alert struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for,omitempty"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// severity is made of the value of the alert's expression, which is the status of
// the target: the same code can be critical here and a warning there.
const severity = `{{ if eq $value 2.0 }}critical{{ else }}warning{{ end }}`

// Rules are alerting rules for Prometheus: one for each code of the catalogue that
// is not ok, and those about the agent itself.
func Rules() ([]byte, error) {
	verdicts := ruleGroup{Name: "ewsprobe-verdicts"}
	for _, e := range finding.Catalogue() {
		if e.Status == finding.OK {
			continue
		}
		verdicts.Rules = append(verdicts.Rules, alert{
			Alert:  "Ews" + camel(string(e.Code)),
			Expr:   fmt.Sprintf("%s > 0 and ignoring (code, cause, confidence) %s{code=%q}", targetStatus, verdictInfo, e.Code),
			For:    "2m",
			Labels: map[string]string{"severity": severity, "code": string(e.Code)},
			Annotations: map[string]string{
				"summary":     "{{ $labels.target }}: " + e.Title,
				"description": e.Meaning + " Run `ewsprobe explain " + string(e.Code) + "`, or open the page of the target on the agent.",
			},
		})
	}
	file := ruleFile{Groups: []ruleGroup{verdicts, agentRules()}}
	var b bytes.Buffer
	b.WriteString("# Alerting rules for the metrics of ewsprobe agent. Made by `ewsprobe agent rules`.\n")
	y := yaml.NewEncoder(&b)
	y.SetIndent(2)
	if err := y.Encode(file); err != nil {
		return nil, err
	}
	return b.Bytes(), y.Close()
}

func agentRules() ruleGroup {
	about := func(name, expr, wait, how, summary, description string) alert {
		return alert{
			Alert: name, Expr: expr, For: wait, Labels: map[string]string{"severity": how},
			Annotations: map[string]string{"summary": summary, "description": description},
		}
	}
	return ruleGroup{Name: "ewsprobe-agent", Rules: []alert{
		about("EwsprobeAgentDown", `up{job="`+job+`"} == 0`, "5m", "warning",
			"The agent at {{ $labels.instance }} does not answer",
			"Prometheus cannot read the metrics of the agent, so nothing is known about its targets. Run `ewsprobe agent status` there."),
		about("EwsprobeTargetNotChecked", "time() - "+lastRun+" > 3600", "5m", "warning",
			"{{ $labels.target }} was not checked for an hour",
			"The agent answers, but no run of this target ended within the last hour. Look at the page and the log of the agent."),
		about("EwsprobeCredentialWithheld", withheld+" == 1", "", "critical",
			"{{ $labels.target }}: the credential is withheld",
			"So many logons were refused that one more could lock the account. Nothing is sent for it until its password changes or "+
				"`ewsprobe agent release {{ $labels.target }} --config FILE` is run."),
		about("EwsprobeSchemeGone", fmt.Sprintf("%s == 0 and (%s offset 1h) == 1", schemeOffered, schemeOffered), "5m", "warning",
			"{{ $labels.target }}: {{ $labels.node }} no longer offers {{ $labels.scheme }}",
			"An hour ago this node offered the authentication scheme. Compare the runs on the page of the target."),
		about("EwsprobeCertificateExpires", probeCertificate+" - time() < 14 * 86400", "15m", "warning",
			"{{ $labels.target }}: a certificate expires in {{ $value | humanizeDuration }}",
			"When the certificate has expired, no client that verifies it reaches EWS. Renew it on every server and on the load balancer."),
		about("EwsprobeClockSkew", "abs("+clockSkew+") > 300", "15m", "warning",
			"{{ $labels.target }}: the clocks differ by {{ $value | humanizeDuration }}",
			"Kerberos refuses a difference of more than five minutes. Compare both clocks with the time server of the domain."),
		about("EwsprobeMailboxesFail", "sum without (status) ("+mailboxes+`{status=~"critical|unknown"}) > 0`, "", "warning",
			"{{ $labels.target }}: {{ $value }} mailboxes cannot be synchronized",
			"The last batch over the mailboxes of the target found these. The page of the target lists why."),
		about("EwsprobeRunsNotStored", "increase("+notStoredTotal+"[15m]) > 0", "", "warning",
			"The agent at {{ $labels.instance }} cannot store its runs",
			"The disk may be full, or the storage damaged. Nobody is notified by the agent, and no credential is sent where its count of refusals cannot be "+
				"written."),
		about("EwsprobeNotificationsFail", "sum without (result) (increase("+notificationTotal+`{result=~"failed|dropped"}[1h])) > 0`, "15m", "warning",
			"The agent at {{ $labels.instance }} cannot deliver to {{ $labels.channel }}",
			"Notifications of this channel are tried again for a day. The log of the agent says why they fail."),
	}}
}

// camel is a code as part of the name of an alert: basic-disabled, BasicDisabled.
func camel(code string) string {
	var b strings.Builder
	for _, word := range strings.Split(code, "-") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}
