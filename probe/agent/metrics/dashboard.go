package metrics

import (
	"encoding/json"
	"fmt"
	"strings"
)

// panel is a part of the dashboard: what it asks, and how the answer is drawn.
type panel struct {
	title string
	about string
	kind  string // of Grafana: stat, table, timeseries, state-timeline, bargauge
	unit  string // of Grafana
	wide  int    // of 24 columns
	high  int
	expr  string // a part of it in {} is filled in by selected
	by    string // the legend
}

// panels are the dashboard from the top: what is wrong, since when, why, and how
// the agent is.
func panels() []panel {
	return []panel{
		{"Targets", "", "stat", "", 6, 4, "count(" + targetStatus + "{})", "checked"},
		{"Critical", "", "stat", "", 6, 4, "count(" + targetStatus + "{} == 2) or vector(0)", "critical"},
		{"Unknown", "", "stat", "", 6, 4, "count(" + targetStatus + "{} == 3) or vector(0)", "unknown"},
		{"Credentials withheld", "Nothing is sent for these accounts until they are released.", "stat", "", 6, 4, "sum(" + withheld + "{}) or vector(0)", "withheld"},
		{
			"What is wrong now", "`ewsprobe explain CODE` says what to do.", "table", "", 24, 7,
			verdictInfo + "{} and on (target, instance) (" + targetStatus + "{} > 0)", "",
		},
		{"Status", "", "state-timeline", "status", 24, 7, targetStatus + "{}", "{{target}}"},
		{"Share of time without a fault", "over the range of the dashboard", "bargauge", "percentunit", 12, 7, "avg_over_time(" + probeSuccess + "{}[$__range])", "{{target}}"},
		{"Authentication schemes offered", "to an anonymous request", "state-timeline", "yes", 12, 7, schemeOffered + "{}", "{{target}} {{node}} {{scheme}}"},
		{"Duration of the last run", "", "timeseries", "s", 12, 7, probeDuration + "{}", "{{target}}"},
		{
			"Duration of runs, 95th percentile", "", "timeseries", "s", 12, 7,
			"histogram_quantile(0.95, sum by (le, target) (rate(" + runDuration + "_bucket{}[1h])))", "{{target}}",
		},
		{"Days until the first certificate expires", "", "bargauge", "d", 12, 7, "(" + probeCertificate + "{} - time()) / 86400", "{{target}}"},
		{"Logons left before the credential is withheld", "", "bargauge", "", 12, 7, logonsLeft + "{}", "{{target}}"},
		{"Findings", "", "table", "", 12, 7, findingPresent + "{}", ""},
		{"Causes of the 401 in Dynamics", "KB 3212785", "table", "", 12, 7, causeStatus + `{status=~"confirmed|likely"}`, ""},
		{"Logons in an hour", "", "timeseries", "", 12, 7, "increase(" + logonTotal + "{}[1h])", "{{target}} {{scheme}} {{result}}"},
		{"Mailboxes of the last batch", "", "timeseries", "", 12, 7, mailboxes + "{}", "{{target}} {{status}}"},
		{"HTTP status of the anonymous request", "401 is as it should be.", "timeseries", "", 8, 6, probeHTTPStatus + "{}", "{{target}}"},
		{"Clock of the server minus the agent's", "", "timeseries", "s", 8, 6, clockSkew + "{}", "{{target}}"},
		{"Time since the last run", "", "timeseries", "s", 8, 6, "time() - " + lastRun + "{}", "{{target}}"},
		{"Time since the target was last ok", "", "timeseries", "s", 8, 6, "time() - " + lastOK + "{}", "{{target}}"},
		{"Notifications in an hour", "", "timeseries", "", 8, 6, "increase(" + notificationTotal + "[1h])", "{{instance}} {{channel}} {{result}}"},
		{"Runs not stored in an hour", "", "timeseries", "", 8, 6, "increase(" + notStoredTotal + "[1h])", "{{instance}}"},
		{"Storage", "", "timeseries", "bytes", 12, 6, storageBytes, "{{instance}}"},
		{"Agents", "", "table", "", 12, 6, buildInfo, ""},
	}
}

// selected restricts a query to the targets that the reader has chosen.
func selected(expr string) string {
	expr = strings.ReplaceAll(expr, "{}", `{target=~"$target"}`)
	return strings.ReplaceAll(expr, "{status=~", `{target=~"$target",status=~`)
}

type object = map[string]any

// Dashboard is a dashboard for Grafana, as JSON to be imported.
func Dashboard() ([]byte, error) {
	source := object{"type": "prometheus", "uid": "${datasource}"}
	var list []object
	x, y, row := 0, 0, 0
	for i, p := range panels() {
		if x+p.wide > 24 {
			x, y = 0, y+row
		}
		row = p.high
		query := object{"refId": "A", "datasource": source, "expr": selected(p.expr), "legendFormat": p.by}
		if p.kind == "table" || p.kind == "stat" || p.kind == "bargauge" {
			query["instant"] = true
		}
		one := object{
			"id": i + 1, "title": p.title, "description": p.about, "type": p.kind, "datasource": source, "targets": []object{query},
			"gridPos":     object{"x": x, "y": y, "w": p.wide, "h": p.high},
			"fieldConfig": object{"defaults": p.look(), "overrides": []any{}},
		}
		if p.kind == "table" {
			query["format"] = "table"
			one["transformations"] = []object{{"id": "organize", "options": object{"excludeByName": object{"Time": true, "Value": true, "__name__": true, "job": true}}}}
		}
		list = append(list, one)
		x += p.wide
	}
	variable := func(name, label, kind string, more object) object {
		v := object{"name": name, "label": label, "type": kind}
		for k, value := range more {
			v[k] = value
		}
		return v
	}
	return json.MarshalIndent(object{
		"uid": "ewsprobe", "title": "Exchange Web Services for Dynamics", "tags": []string{"ewsprobe"}, "schemaVersion": 39, "editable": true,
		"refresh": "1m", "time": object{"from": "now-24h", "to": "now"}, "panels": list,
		"templating": object{"list": []object{
			variable("datasource", "Data source", "datasource", object{"query": "prometheus"}),
			variable("target", "Target", "query", object{
				"datasource": source, "query": fmt.Sprintf("label_values(%s, target)", targetStatus), "refresh": 2, "multi": true, "includeAll": true, "sort": 1,
			}),
		}},
	}, "", "  ")
}

// look is the unit of a panel, and where a value has a word, the word and its
// colour.
func (p panel) look() object {
	value := func(text, colour string) object { return object{"text": text, "color": colour} }
	words := func(options object) object {
		return object{"mappings": []object{{"type": "value", "options": options}}, "custom": object{"fillOpacity": 80}}
	}
	switch p.unit {
	case "status":
		return words(object{"0": value("ok", "green"), "1": value("warning", "yellow"), "2": value("critical", "red"), "3": value("unknown", "purple")})
	case "yes":
		return words(object{"0": value("no", "red"), "1": value("yes", "green")})
	case "":
		return object{}
	}
	return object{"unit": p.unit}
}
