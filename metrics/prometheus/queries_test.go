package sioprometheus

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/siokit/sio"
	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/socketio"
)

// A query is one of the dashboard or of an alert, with the text that names labels of what it finds.
type query struct{ expr, text string }

// dashboardQueries returns those of dashboard.json, for the job of the tests.
func dashboardQueries(t *testing.T) (queries []query) {
	t.Helper()
	text, err := os.ReadFile("dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Panels []struct {
			Title, Type string
			Targets     []struct{ Expr, LegendFormat string }
		}
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	variables := strings.NewReplacer("$__rate_interval", "1m", "$job", "app", "$instance", ".*")
	for _, p := range d.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("the panel %q shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			queries = append(queries, query{variables.Replace(target.Expr), target.LegendFormat})
		}
	}
	return queries
}

var alertExpr = regexp.MustCompile(`(?m)^ +expr: (\|(?:\n {10}.*)+|.*)$`)

// alertQueries returns those of alerts.yml.
func alertQueries(t *testing.T) (queries []query) {
	t.Helper()
	text, err := os.ReadFile("alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	for i, alert := range strings.Split(string(text), "- alert:") {
		if i == 0 {
			continue
		}
		m := alertExpr.FindStringSubmatch(alert)
		if m == nil {
			t.Fatalf("an alert without a query: %s", alert)
		}
		queries = append(queries, query{m[1], alert})
	}
	return queries
}

var (
	selector  = regexp.MustCompile(`\b((?:sio|go|process)_[a-z_]+)(?:\{([^}]*)\})?`)
	matcher   = regexp.MustCompile(`(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"`)
	suffix    = regexp.MustCompile(`_(?:bucket|count|sum)$`)
	sumBy     = regexp.MustCompile(`\bby \(([^)]*)\) \(`)
	matchOn   = regexp.MustCompile(`\bon \(([^)]*)\)`)
	textLabel = regexp.MustCompile(`\{\{\s*(?:\$labels\.)?([a-z]+)\s*\}\}`)
	fqName    = regexp.MustCompile(`fqName: "([^"]+)".* variableLabels: \{([^}]*)\}`)
)

// described returns the labels of each metric of collectors.
func described(all ...prometheus.Collector) map[string][]string {
	descs := make(chan *prometheus.Desc)
	go func() {
		defer close(descs)
		for _, c := range all {
			c.Describe(descs)
		}
	}()
	labels := make(map[string][]string)
	for d := range descs {
		m := fqName.FindStringSubmatch(d.String())
		labels[m[1]] = fields(m[2])
	}
	return labels
}

// fields splits a list at its commas.
func fields(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

func texts[T ~string](all ...T) (s []string) {
	for _, v := range all {
		s = append(s, string(v))
	}
	return s
}

// words are what labels may be that queries look for.
var words = map[string][]string{
	"sio_handler_errors_total outcome": texts(sio.OutcomeRefused, sio.OutcomeGone, sio.OutcomeFailed, sio.OutcomePanicked, sio.OutcomeNoOne),
	"sio_limits_reached_total limit": texts(engineio.LimitPacketRate, engineio.LimitPayload, engineio.LimitQueue, engineio.LimitTotalBytes,
		engineio.LimitWriteTimeout, engineio.LimitUnpolled, engineio.LimitEventQueue, engineio.LimitRooms, engineio.LimitClientNamespaces,
		engineio.LimitDynamicNamespaces, engineio.LimitConnectTimeout),
	"sio_requests_refused_total reason": texts(engineio.RefusedTransport, engineio.RefusedSession, engineio.RefusedMethod, engineio.RefusedRequest,
		engineio.RefusedOrigin, engineio.RefusedRevision, engineio.RefusedHead, engineio.RefusedBody, engineio.RefusedSlow, engineio.RefusedBusy,
		engineio.RefusedShutdown, engineio.RefusedByCapture),
	"sio_sessions_closed_total reason": texts(append(reasons, "other")...),
	"sio_upgrades_total outcome": texts(engineio.UpgradeDone, engineio.UpgradeTimeout, engineio.UpgradeFailed, engineio.UpgradeRefused,
		engineio.UpgradeOutlived),
	"sio_recoveries_total result": texts(socketio.RecoveryDone, socketio.RecoveryUnknown, socketio.RecoveryPresent, socketio.RecoveryMissed,
		socketio.RecoveryRefused, socketio.RecoveryFailed),
	"sio_held_bytes direction": {"in", "out"},
}

// A checker knows the labels that queries may name.
type checker struct {
	*testing.T
	labels     map[string][]string // of metrics
	histograms map[string][]string
	shown      map[string]bool // metrics that a query has named
}

// metric returns the metric of a series, and the labels that it has, with those of what is scraped.
func (c *checker) metric(q query, series string) (name string, labels []string) {
	c.Helper()
	name, labels = series, []string{"job", "instance"}
	if base := suffix.ReplaceAllString(series, ""); c.histograms[base] != nil {
		if name = base; base == series {
			c.Errorf("%s: %s is a histogram, whose series have a suffix", q.expr, series)
		}
		if strings.HasSuffix(series, "_bucket") {
			labels = append(labels, "le")
		}
	}
	if name == "sio_cluster_members" {
		labels = append(labels, "namespace") // that of Kubernetes
	}
	own, ok := c.labels[name]
	if c.shown[name] = true; !ok {
		c.Errorf("%s: there is no %s", q.expr, series)
	}
	return name, append(labels, own...)
}

// has checks that the series of an expression have labels.
func (c *checker) has(q query, expr string, wanted []string) {
	c.Helper()
	for _, s := range selector.FindAllStringSubmatch(expr, -1) {
		_, labels := c.metric(q, s[1])
		for _, l := range wanted {
			if !slices.Contains(labels, l) {
				c.Errorf("%s: %s has no label %q", q.expr, s[1], l)
			}
		}
	}
}

// bracket returns s up to the bracket that closes what is open.
func bracket(s string) string {
	depth := 1
	for i, r := range s {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 {
			return s[:i]
		}
	}
	return s
}

func (c *checker) check(q query) {
	c.Helper()
	found := selector.FindAllStringSubmatch(q.expr, -1)
	if len(found) == 0 {
		c.Errorf("%s names no metric", q.expr)
		return
	}
	for _, s := range found {
		name, labels := c.metric(q, s[1])
		for _, m := range matcher.FindAllStringSubmatch(s[2], -1) {
			switch label, values := m[1], words[name+" "+m[1]]; {
			case !slices.Contains(labels, label):
				c.Errorf("%s: %s has no label %q", q.expr, s[1], label)
			case label == "job" || label == "instance":
			default:
				for value := range strings.SplitSeq(m[2], "|") {
					if !slices.Contains(values, value) {
						c.Errorf("%s: no %s of %s is %q", q.expr, label, name, value)
					}
				}
			}
		}
	}
	_, result := c.metric(q, found[0][1])
	before, _, _ := strings.Cut(q.expr, found[0][0])
	if strings.Contains(before, "sum(") {
		result = nil
	}
	for _, at := range sumBy.FindAllStringSubmatchIndex(q.expr, -1) {
		by := fields(q.expr[at[2]:at[3]])
		c.has(q, bracket(q.expr[at[1]:]), by)
		if at[0] < len(before) {
			result = by
		}
	}
	for _, on := range matchOn.FindAllStringSubmatch(q.expr, -1) {
		c.has(q, q.expr, fields(on[1]))
	}
	for _, m := range textLabel.FindAllStringSubmatch(q.text, -1) {
		if !slices.Contains(result, m[1]) {
			c.Errorf("%s: the text names the label %q, which what is found has not", q.expr, m[1])
		}
	}
}

// TestQueriesNameWhatExists is about the metrics, labels and their values in the dashboard and the
// alerts, and about the list in the docs, which has all.
func TestQueriesNameWhatExists(t *testing.T) {
	m := newMetrics(nil)
	c := &checker{
		T: t, labels: described(newHost(t, sio.Options{}).reg), histograms: described(m.upgradeTime, m.pingTime, m.handlerTime),
		shown: make(map[string]bool),
	}
	for _, q := range slices.Concat(dashboardQueries(t), alertQueries(t)) {
		c.check(q)
	}
	docs, err := os.ReadFile("../../docs/observability.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]bool)
	for row := range strings.Lines(string(docs)) {
		if !strings.HasPrefix(row, "| `sio_") {
			continue
		}
		for _, m := range regexp.MustCompile("`(sio_[a-z_]+)(?:\\{([a-z,]+)\\})?`").FindAllStringSubmatch(row, -1) {
			listed[m[1]] = true
			if has, ok := c.labels[m[1]]; !ok || !slices.Equal(has, fields(m[2])) {
				t.Errorf("docs/observability.md: %s, of which there are the labels %v: %t", m[0], has, ok)
			}
		}
	}
	for name := range c.labels {
		if !strings.HasPrefix(name, "sio_") {
			continue
		}
		if !listed[name] {
			t.Errorf("docs/observability.md does not list %s", name)
		}
		if !c.shown[name] {
			t.Errorf("neither the dashboard nor the alerts show %s", name)
		}
	}
}
