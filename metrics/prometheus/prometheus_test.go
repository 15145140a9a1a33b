package sioprometheus

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/freeport"
	"github.com/siokit/sio/internal/testclient"
)

// A server is a Prometheus that scrapes a host, and has the rules of alerts.yml.
type server struct {
	t   *testing.T
	url string
}

// startPrometheus runs Debian's, or any other on the PATH: make prometheus.
func startPrometheus(t *testing.T, h *host) *server {
	t.Helper()
	dir := t.TempDir()
	rules, err := filepath.Abs("alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf(`
global: {scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 1s}
rule_files: [%q]
scrape_configs:
  - job_name: app
    static_configs: [{targets: [%q]}]
`, rules, h.web.Listener.Addr())
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := freeport.Addr(t)
	cmd := exec.Command("prometheus", "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr, "--log.level=warn")
	cmd.SysProcAttr = dieWithParent()
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { // until it ends
		defer close(ended)
		_ = cmd.Wait() // it is killed
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	p := &server{t, "http://" + addr}
	p.until("it is ready", func() bool {
		select {
		case <-ended:
			t.Fatalf("prometheus has ended:\n%s", &log)
		default:
		}
		res, err := http.Get(p.url + "/-/ready")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	return p
}

func (p *server) until(what string, is func() bool) {
	p.t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("waited in vain until %s", what)
		}
	}
}

// ask asks the API, and returns its data.
func (p *server) ask(path string, to any) error {
	res, err := http.Get(p.url + "/api/v1/" + path)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	answer := struct {
		Status, Error string
		Data          any
	}{Data: to}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("%w: %.200q", err, body)
	}
	if answer.Status != "success" {
		return fmt.Errorf("%s", answer.Error)
	}
	return nil
}

// query returns how many series a query has, and the value of the last.
func (p *server) query(expr string) (n int, value string, err error) {
	var data struct {
		Result []struct{ Value [2]any }
	}
	if err := p.ask("query?query="+url.QueryEscape(expr), &data); err != nil {
		return 0, "", err
	}
	for _, r := range data.Result {
		value = fmt.Sprint(r.Value[1])
	}
	return len(data.Result), value, nil
}

// TestPrometheus has a real Prometheus scrape a server, load the rules, and answer every query of
// the dashboard.
func TestPrometheus(t *testing.T) {
	h := newHost(t, sio.Options{Recovery: &sio.Recovery{}})
	app(h.Server)
	c := h.dial(testclient.Options{}, "/", "/tenant-1")
	if err := c.Upgrade(); err != nil {
		t.Fatal(err)
	}
	h.dial(testclient.Options{}, "/")
	for _, event := range []string{"echo", "panic", "join"} {
		if err := c.Emit("/", event); err != nil {
			t.Fatal(err)
		}
	}
	p := startPrometheus(t, h)
	wants := func(expr, want string) {
		t.Helper()
		p.until(expr+" is "+want, func() bool {
			_, got, err := p.query(expr)
			return err == nil && got == want
		})
	}
	wants(`up{job="app"}`, "1")
	wants(`sio_sessions{transport="websocket"}`, "1")
	wants(`sio_sessions{transport="polling"}`, "1")
	wants(`sio_sockets{nsp="/tenant-{id}"}`, "1")
	wants(`sio_rooms{nsp="/"}`, "2")
	wants(`sio_upgrades_total{outcome="done"}`, "1")
	wants(`sio_upgrade_duration_seconds_count`, "1")
	wants(`sio_handler_errors_total{event="panic",outcome="panicked"}`, "1")
	wants(`sio_received_events_total{nsp="/"}`, "3")
	wants(`sio_cluster_up`, "1")
	wants(`histogram_quantile(0.99, sum by (le) (sio_handler_duration_seconds_bucket{event="echo"})) < bool 10`, "1")

	// A counter that has not changed has a rate as well, once there are two scrapes.
	p.until("there are two scrapes", func() bool {
		n, _, err := p.query("rate(process_cpu_seconds_total[1m])")
		return err == nil && n > 0
	})
	for _, q := range dashboardQueries(t) {
		if _, _, err := p.query(q.expr); err != nil {
			t.Errorf("%s: %v", q.expr, err)
		}
	}

	var rules struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError string }
		}
	}
	p.until("the rules are evaluated", func() bool {
		if err := p.ask("rules", &rules); err != nil || len(rules.Groups) != 1 {
			t.Fatalf("rules: %v, %+v", err, rules)
		}
		for _, r := range rules.Groups[0].Rules {
			if r.Health == "err" {
				t.Fatalf("%s: %s", r.Name, r.LastError)
			}
			if r.Health != "ok" {
				return false
			}
		}
		return true
	})
	if n := len(rules.Groups[0].Rules); n != len(alertQueries(t)) {
		t.Errorf("Prometheus has %d rules, and the file %d", n, len(alertQueries(t)))
	}
}

// TestPromtool has the format of what is scraped, and what the rules do, checked by promtool.
func TestPromtool(t *testing.T) {
	h := newHost(t, sio.Options{})
	h.dial(webSocket, "/")
	res, err := http.Get(h.web.URL + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"check", "metrics"}, {"test", "rules", "alerts.test.yml"}} {
		cmd := exec.Command("promtool", args...)
		cmd.SysProcAttr = dieWithParent()
		cmd.Stdin = bytes.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}
