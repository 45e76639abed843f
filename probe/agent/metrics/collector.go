package metrics

import (
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/ewsprobe/ewsprobe/probe/agent"
	"github.com/ewsprobe/ewsprobe/probe/finding"
	"github.com/ewsprobe/ewsprobe/probe/rule"
)

// Source is what is read at a scrape. None of it may wait for anything.
type Source struct {
	Version   string
	Snapshot  func() []*agent.Target
	Bytes     func() int64             // of the storage
	NotStored func() (n int, _ string) // runs that could not be stored
}

// Metrics are those of one agent.
type Metrics struct {
	source        Source
	notifications *prometheus.CounterVec
	all           *prometheus.Registry
}

// New makes the metrics of an agent.
func New(s Source) *Metrics {
	d := Definitions()["ewsprobe_notifications_total"]
	m := &Metrics{source: s, all: prometheus.NewRegistry()}
	m.notifications = prometheus.NewCounterVec(prometheus.CounterOpts{Name: d.Name, Help: d.Help}, d.Labels)
	m.all.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), m.notifications,
		collector(m.own))
	return m
}

// Notified counts a notification by its channel and what came of it.
func (m *Metrics) Notified(channel, result string) {
	m.notifications.WithLabelValues(channel, result).Inc()
}

// All answers a scrape of the agent.
func (m *Metrics) All() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		targets := prometheus.NewRegistry()
		for _, t := range m.source.Snapshot() {
			register(targets, t, prometheus.Labels{"target": t.Name})
		}
		serve(prometheus.Gatherers{m.all, targets}).ServeHTTP(w, r)
	})
}

// One answers a scrape about one target, in the manner of blackbox_exporter: without
// the label target.
func (m *Metrics) One(t *agent.Target) http.Handler {
	r := prometheus.NewRegistry()
	register(r, t, prometheus.Labels{})
	return serve(r)
}

// register puts the metrics of a target, which all have its labels, into a registry.
func register(r prometheus.Registerer, t *agent.Target, labels prometheus.Labels) {
	for name, value := range t.Labels {
		labels[name] = strings.ToValidUTF8(value, "?")
	}
	prometheus.WrapRegistererWith(labels, r).MustRegister(collector(func(s samples) { s.target(t) }))
}

func serve(g prometheus.Gatherer) http.Handler {
	return promhttp.HandlerFor(g, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// own gives what is known of the agent itself.
func (m *Metrics) own(s samples) {
	n, _ := m.source.NotStored()
	s.add("ewsprobe_runs_not_stored_total", float64(n))
	s.add("ewsprobe_storage_bytes", float64(m.source.Bytes()))
	s.add("ewsprobe_build_info", 1, m.source.Version, runtime.Version())
}

// collector is a collector that a function is. It describes nothing, because each
// target has labels of its own: what there is to collect is known when it is collected.
type collector func(samples)

// Describe implements prometheus.Collector.
func (collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c collector) Collect(ch chan<- prometheus.Metric) { c(ch) }

// samples are given at a scrape.
type samples chan<- prometheus.Metric

func (s samples) add(name string, value float64, labels ...string) {
	d := Definitions()[name]
	kind := prometheus.GaugeValue
	if d.Type == "counter" {
		kind = prometheus.CounterValue
	}
	s <- prometheus.MustNewConstMetric(d.desc, kind, value, labels...)
}

// target gives the samples of a target; none before its first run.
func (s samples) target(t *agent.Target) {
	if t.LastRun == nil || t.Status == "" {
		return
	}
	s.add("ewsprobe_target_status", float64(t.Status.ExitCode()))
	s.add("probe_success", truth(t.Status == finding.OK || t.Status == finding.Warning))
	s.add("probe_duration_seconds", t.LastRun.Duration.Seconds())
	s.add("probe_http_status_code", float64(t.LastRun.HTTPStatus))
	s.add("ewsprobe_last_run_timestamp_seconds", unix(t.LastRun.Started))
	if !t.LastOK.IsZero() {
		s.add("ewsprobe_last_ok_timestamp_seconds", unix(t.LastOK))
	}
	s.add("ewsprobe_credential_withheld", truth(t.Withheld != nil))
	s.add("ewsprobe_logons_left", float64(t.LogonsLeft))
	for status, n := range t.Mailboxes {
		s.add("ewsprobe_mailboxes", float64(n), string(status))
	}
	for kind, n := range t.Logons {
		s.add("ewsprobe_logon_total", float64(n), scheme(kind.Scheme), kind.Result)
	}
	s.durations(t)
	s.seen(t)
}

func (s samples) durations(t *agent.Target) {
	buckets := map[float64]uint64{}
	var n uint64
	for i, count := range t.Durations.Counts {
		if n += count; i < len(agent.DurationBuckets) {
			buckets[agent.DurationBuckets[i]] = n
		}
	}
	s <- prometheus.MustNewConstHistogram(Definitions()["ewsprobe_run_duration_seconds"].desc, n, t.Durations.Sum.Seconds(), buckets)
}

// seen gives what the last runs have shown: the verdict of the run that made the
// status, and of each fact the newest.
func (s samples) seen(t *agent.Target) {
	if deciding := t.Deciding(); deciding != nil {
		v := deciding.Report.Verdict
		number := ""
		if v.Cause > 0 {
			number = strconv.Itoa(v.Cause)
		}
		s.add("ewsprobe_verdict_info", 1, string(v.Code), number, string(v.Confidence))
		codes := map[finding.Code]bool{}
		for _, f := range deciding.Report.Findings {
			if !codes[f.Code] { // the first is the worst
				codes[f.Code] = true
				s.add("ewsprobe_finding", 1, string(f.Code), string(f.Status))
			}
		}
		for _, c := range deciding.Report.Causes {
			s.add("ewsprobe_cause", 1, strconv.Itoa(c.Number), string(c.Status))
		}
	}
	newest := t.Newest()
	if expiry := t.Certificate(); !expiry.IsZero() {
		s.add("probe_ssl_earliest_cert_expiry", unix(expiry))
	}
	for _, one := range newest {
		if skew := one.Report.Server.ClockSkewMS; skew != nil {
			s.add("ewsprobe_clock_skew_seconds", float64(*skew)/1000)
			break
		}
	}
	if len(newest) > 0 {
		for _, n := range newest[0].Report.Nodes {
			s.schemes(n)
		}
	}
}

// schemes says which schemes a node offers. A node that offers none may not have
// answered at all: what is not known has no sample.
func (s samples) schemes(n rule.Node) {
	if len(n.Schemes) == 0 {
		return
	}
	offered := map[string]float64{"Basic": 0, "NTLM": 0, "Negotiate": 0, "Bearer": 0}
	for _, o := range n.Schemes {
		offered[scheme(o.Name)] = 1
	}
	for name, yes := range offered {
		s.add("ewsprobe_scheme_offered", yes, name, n.Address)
	}
}

// scheme is the name of a scheme as a label: a server may send any word.
func scheme(name string) string {
	for _, known := range []string{"Basic", "NTLM", "Negotiate", "Bearer", "Digest", "Kerberos"} {
		if strings.EqualFold(name, known) {
			return known
		}
	}
	return "other"
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
