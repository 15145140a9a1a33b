package nats

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/nats/internal/natstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TLS and a token come with Options.Connect.
func TestOpen(t *testing.T) {
	cert := natstest.NewCertificate(t)
	s := natstest.StartServer(t, `authorization { token: secret }
		tls { cert_file: "`+cert.CertFile+`", key_file: "`+cert.KeyFile+`", ca_file: "`+cert.CertFile+`", verify: true }`)
	options := func(name string, more ...nats.Option) *Options {
		return &Options{
			Options: cluster.Options{Name: name},
			Connect: append(more, nats.Secure(cert.Config(t))),
		}
	}
	if c, err := Open(s.URL(), options("nobody")); err == nil {
		c.Close()
		t.Error("opened without the token")
	}
	a, err := Open(s.URL(), options("a", nats.Token("secret")))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	nc, err := nats.Connect(s.URL(), nats.Secure(cert.Config(t)), nats.Token("secret"))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	b, err := New(nc, options("b"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*cluster.Cluster{a, b} {
		for deadline := time.Now().Add(time.Minute); len(c.Members()) == 0 || c.Stats().Lag == 0; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("the other server, or how far NATS is, is not known")
			}
		}
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if nc.IsClosed() {
		t.Error("the connection of the caller is closed")
	}
}

func TestOpenNobody(t *testing.T) {
	if c, err := Open("nats://127.0.0.1:1", nil); err == nil {
		c.Close()
		t.Error("opened")
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for want, o := range map[string]*Options{
		"Prefix":     {Prefix: "sio.>"},
		"QueueBytes": {QueueBytes: -1},
	} {
		if _, err := New(nil, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want an error about %s", o, err, want)
		}
	}
}
