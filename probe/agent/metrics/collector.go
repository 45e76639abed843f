package metrics

import (
	"maps"
	"net/http"
	"runtime"
	"slices"
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
	m.all.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), m.notifications, m)
	return m
}

// Notified counts a notification by its channel and what came of it.
func (m *Metrics) Notified(channel, result string) {
	m.notifications.WithLabelValues(channel, result).Inc()
}

// All answers a scrape of the agent.
func (m *Metrics) All() http.Handler { return serve(m.all) }

// One answers a scrape about one target, in the manner of blackbox_exporter: without
// the label target.
func (m *Metrics) One(t *agent.Target) http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(collector(func(s *samples) { s.target(t, false) }))
	return serve(r)
}

func serve(g prometheus.Gatherer) http.Handler {
	return promhttp.HandlerFor(g, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// Describe describes nothing: each target has labels of its own, so that what there
// is to collect is known only when it is collected.
func (m *Metrics) Describe(chan<- *prometheus.Desc) {}

// Collect gives a sample of all that is known now.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	s := newSamples(ch)
	n, _ := m.source.NotStored()
	s.add("ewsprobe_runs_not_stored_total", float64(n), nil)
	s.add("ewsprobe_storage_bytes", float64(m.source.Bytes()), nil)
	s.add("ewsprobe_build_info", 1, nil, m.source.Version, runtime.Version())
	for _, t := range m.source.Snapshot() {
		s.target(t, true)
	}
}

// collector is an unchecked collector that a function is.
type collector func(*samples)

func (collector) Describe(chan<- *prometheus.Desc) {}

func (c collector) Collect(ch chan<- prometheus.Metric) { c(newSamples(ch)) }

// samples are made for one scrape.
type samples struct {
	to    chan<- prometheus.Metric
	descs map[string]*prometheus.Desc // by the names of metric and labels
}

func newSamples(to chan<- prometheus.Metric) *samples {
	return &samples{to: to, descs: map[string]*prometheus.Desc{}}
}

// labels are those that all samples of a target have.
type labels struct{ names, values []string }

func labelsOf(t *agent.Target, named bool) *labels {
	l := &labels{}
	if named {
		l.names, l.values = []string{"target"}, []string{t.Name}
	}
	for _, name := range slices.Sorted(maps.Keys(t.Labels)) {
		l.names, l.values = append(l.names, name), append(l.values, strings.ToValidUTF8(t.Labels[name], "?"))
	}
	return l
}

func (s *samples) desc(name string, l *labels) *prometheus.Desc {
	d := Definitions()[name]
	names := d.Labels
	if l != nil {
		names = slices.Concat(l.names, names)
	}
	key := name + "\x00" + strings.Join(names, "\x00")
	if s.descs[key] == nil {
		s.descs[key] = prometheus.NewDesc(d.Name, d.Help, names, nil)
	}
	return s.descs[key]
}

func (s *samples) add(name string, value float64, l *labels, more ...string) {
	if l != nil {
		more = slices.Concat(l.values, more)
	}
	kind := prometheus.GaugeValue
	if Definitions()[name].Type == "counter" {
		kind = prometheus.CounterValue
	}
	s.to <- prometheus.MustNewConstMetric(s.desc(name, l), kind, value, more...)
}

// target gives the samples of a target; none before its first run.
func (s *samples) target(t *agent.Target, named bool) {
	if t.LastRun == nil || t.Status == "" {
		return
	}
	l := labelsOf(t, named)
	s.add("ewsprobe_target_status", float64(t.Status.ExitCode()), l)
	s.add("probe_success", truth(t.Status == finding.OK || t.Status == finding.Warning), l)
	s.add("probe_duration_seconds", t.LastRun.Duration.Seconds(), l)
	s.add("probe_http_status_code", float64(t.LastRun.HTTPStatus), l)
	s.add("ewsprobe_last_run_timestamp_seconds", unix(t.LastRun.Started), l)
	if !t.LastOK.IsZero() {
		s.add("ewsprobe_last_ok_timestamp_seconds", unix(t.LastOK), l)
	}
	s.add("ewsprobe_credential_withheld", truth(t.Withheld != nil), l)
	s.add("ewsprobe_logons_left", float64(t.LogonsLeft), l)
	for status, n := range t.Mailboxes {
		s.add("ewsprobe_mailboxes", float64(n), l, string(status))
	}
	for kind, n := range t.Logons {
		s.add("ewsprobe_logon_total", float64(n), l, scheme(kind.Scheme), kind.Result)
	}
	s.durations(t, l)
	s.seen(t, l)
}

func (s *samples) durations(t *agent.Target, l *labels) {
	buckets := map[float64]uint64{}
	var n uint64
	for i, count := range t.Durations.Counts {
		if n += count; i < len(agent.DurationBuckets) {
			buckets[agent.DurationBuckets[i]] = n
		}
	}
	s.to <- prometheus.MustNewConstHistogram(s.desc("ewsprobe_run_duration_seconds", l), n, t.Durations.Sum.Seconds(), buckets, l.values...)
}

// seen gives what the last runs have shown: the verdict of the run that made the
// status, and of each fact the newest.
func (s *samples) seen(t *agent.Target, l *labels) {
	if deciding := t.Deciding(); deciding != nil {
		v := deciding.Report.Verdict
		number := ""
		if v.Cause > 0 {
			number = strconv.Itoa(v.Cause)
		}
		s.add("ewsprobe_verdict_info", 1, l, string(v.Code), number, string(v.Confidence))
		codes := map[finding.Code]bool{}
		for _, f := range deciding.Report.Findings {
			if !codes[f.Code] { // the first is the worst
				codes[f.Code] = true
				s.add("ewsprobe_finding", 1, l, string(f.Code), string(f.Status))
			}
		}
		for _, c := range deciding.Report.Causes {
			s.add("ewsprobe_cause", 1, l, strconv.Itoa(c.Number), string(c.Status))
		}
	}
	newest := t.Newest()
	if expiry := t.Certificate(); !expiry.IsZero() {
		s.add("probe_ssl_earliest_cert_expiry", unix(expiry), l)
	}
	for _, one := range newest {
		if skew := one.Report.Server.ClockSkewMS; skew != nil {
			s.add("ewsprobe_clock_skew_seconds", float64(*skew)/1000, l)
			break
		}
	}
	if len(newest) > 0 {
		for _, n := range newest[0].Report.Nodes {
			s.schemes(n, l)
		}
	}
}

// schemes says which schemes a node offers. A node that offers none may not have
// answered at all: what is not known has no sample.
func (s *samples) schemes(n rule.Node, l *labels) {
	if len(n.Schemes) == 0 {
		return
	}
	offered := map[string]float64{"Basic": 0, "NTLM": 0, "Negotiate": 0, "Bearer": 0}
	for _, o := range n.Schemes {
		offered[scheme(o.Name)] = 1
	}
	for name, yes := range offered {
		s.add("ewsprobe_scheme_offered", yes, l, name, n.Address)
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
