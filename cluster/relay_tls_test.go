package cluster_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/internal/timetest"
)

// certified returns what servers use between them that have certificates of an authority.
func certified(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		RootCAs:      pool, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
		NextProtos: []string{"h2", "http/1.1"}, // as in a program's other servers
	}
}

// Servers may have certificates. Who has none is not talked to.
func TestRelayCertificates(t *testing.T) {
	config := certified(t)
	servers := startRelays(t, 2, sio.Options{}, func() *cluster.Relay {
		return &cluster.Relay{Listen: "127.0.0.1:0", TLS: config}
	}, nil)
	w := wander(t, servers)
	for i := range 4 {
		w.post(fmt.Sprintf(`42%d["echo",%d]`, i, i))
		if got, want := w.poll(), fmt.Sprintf("43%d[%d]", i, i); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	if n := servers[0].cluster.Stats().Relayed + servers[1].cluster.Stats().Relayed; n == 0 {
		t.Error("nothing was relayed")
	}
	before := servers[0].cluster.Stats().Answered
	for _, config := range []*tls.Config{{InsecureSkipVerify: true}, {InsecureSkipVerify: true, Certificates: certified(t).Certificates}} {
		conn, err := tls.Dial("tcp", servers[0].cluster.RelayAddr(), config)
		if err != nil {
			continue
		}
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		_, _ = fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		if got, _ := io.ReadAll(conn); len(got) > 0 {
			t.Errorf("a stranger gets %q", got)
		}
		_ = conn.Close()
	}
	if n := servers[0].cluster.Stats().Answered - before; n > 0 {
		t.Errorf("%d requests of strangers are answered", n)
	}
}

// A server that has stopped, whose kernel still takes connections, keeps nobody waiting for
// longer than it takes to give it up.
func TestRelayStopped(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	n := 0
	servers := startRelays(t, 2, sio.Options{}, func() *cluster.Relay {
		r := byTCP()
		if n++; n == 1 {
			r.Advertise = l.Addr().String()
		}
		return r
	}, nil)
	w := wander(t, servers[:1])
	w.servers = servers[1:]
	answer := make(chan string, 1)
	go func() {
		status, body, _ := w.do("GET", "")
		answer <- fmt.Sprint(status, " ", body)
	}()
	conn, err := l.Accept() // it begins to speak TLS
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = servers[0].cluster.Close() // the others give it up
	if got := timetest.Receive(t, answer, 15*time.Second, "the answer"); got != "400 "+unknownSID {
		t.Errorf("got %q", got)
	}
}
