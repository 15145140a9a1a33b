package redis

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/siokit/sio/cluster/redis/internal/redistest"
	"github.com/siokit/sio/internal/freeport"
)

// aclOf returns what the documentation says that a user needs.
func aclOf(t *testing.T, o *Options) []string {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(string(doc), "//	user sio on ")
	line, _, _ = strings.Cut(line, "\n")
	args := strings.Fields("acl setuser sio on " + line)
	if o.Sharded {
		args = append(args[:len(args)-4], "+spublish", "+ssubscribe", "+sunsubscribe", "+pubsub|shardnumsub")
	}
	return append(args, "+psubscribe", "+punsubscribe", "&socket.io#/x#*")
}

// A user may do what the documentation says, and no more is needed. What is refused is
// told, and does not keep from what is allowed.
func TestUserOfACL(t *testing.T) {
	kinds(t, func(t *testing.T, o *Options) {
		s := redistest.Start(t)
		s.Do(aclOf(t, o)...)
		c := at(s)
		c.Username, c.Password = "sio", "password"
		a, b := start(t, o, c), start(t, o, c)
		b.Subscribe("socket.io#/#", "other#/#", "socket.io#/#room#")
		if !o.Sharded {
			b.Subscribe("socket.io#/x#*", "socket.io#/y#*") // one of them is not allowed
		}
		b.settled()
		b.wait("the refusal", func() bool { return len(b.missed) == 1 })
		for reason := range b.now().missed {
			if !strings.Contains(reason, "NOPERM") || !strings.Contains(reason, "other#/#") && !strings.Contains(reason, "y#*") {
				t.Errorf("told %q", reason)
			}
		}
		a.send("socket.io#/#", "1")
		a.send("other#/#", "2")
		a.send("socket.io#/#room#", "3")
		want := []string{"socket.io#/# 1", "socket.io#/#room# 3"}
		if !o.Sharded {
			a.send("socket.io#/x#room#", "4")
			want = append(want, "socket.io#/x#room# by socket.io#/x#* 4")
		}
		b.has(want...)
		a.wait("the loss", func() bool { return a.lost == 1 })
		for reason := range a.now().reasons {
			if !strings.Contains(reason, "NOPERM") {
				t.Errorf("told %q", reason)
			}
		}
		b.Unsubscribe("socket.io#/#room#")
		if n, err := b.Count(t.Context(), "socket.io#/#room#"); n != 0 || err != nil {
			t.Errorf("counted %d, %v", n, err)
		}
		if n, err := b.Count(t.Context(), "socket.io#/#"); n != 1 || err != nil {
			t.Errorf("counted %d, %v", n, err)
		}
		if b.now().aways+a.now().aways != 0 {
			t.Error("an engine was away")
		}
	})
}

// What was refused works soon after it has been allowed.
func TestPermissionIsGranted(t *testing.T) {
	t.Parallel() // it waits
	s := redistest.Start(t)
	s.Do("acl", "setuser", "sio", "on", ">password", "resetchannels", "&a*", "allcommands")
	c := at(s)
	c.Username, c.Password = "sio", "password"
	a := start(t, &Options{}, c)
	a.Subscribe("all", "room", "left")
	a.settled()
	a.wait("the refusal", func() bool { return len(a.missed) > 0 })
	a.Unsubscribe("left")
	s.Do("acl", "setuser", "sio", "allchannels")
	for n := 0; n == 0; time.Sleep(10 * time.Millisecond) {
		var err error
		if n, err = a.Count(t.Context(), "room"); err != nil {
			t.Fatal(err)
		}
	}
	a.send("left", "1")
	a.send("room", "2")
	a.send("all", "3")
	a.has("room 2", "all 3")
	if a.now().aways != 0 {
		t.Error("the engine was away")
	}
}

func TestPassword(t *testing.T) {
	s := redistest.Start(t)
	s.Do("config", "set", "requirepass", "secret")
	c := at(s)
	if _, err := tryStart(t, &Options{}, c); err == nil {
		t.Error("joined without the password")
	}
	c.Password = "secret"
	a := start(t, &Options{}, c)
	a.Subscribe("all")
	a.send("all", "1")
	a.has("all 1")
}

func TestTLS(t *testing.T) {
	cert, key, pool := selfSigned(t)
	addr := freeport.Addr(t)
	_, port, _ := net.SplitHostPort(addr)
	s := redistest.StartAt(t, addr, "--port", "0", "--tls-port", port, "--bind", "127.0.0.1", "--save", "",
		"--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert, "--tls-auth-clients", "no")
	c := at(s)
	c.TLSConfig = &tls.Config{RootCAs: pool, ServerName: "localhost"}
	a := start(t, &Options{}, c)
	a.Subscribe("all")
	a.send("all", "1")
	a.has("all 1")
	s.Kill()
	a.wait("Away", func() bool { return a.aways == 1 })
	s.Restart()
	a.wait("Back", func() bool { return a.backs == 1 })
	a.send("all", "2")
	a.has("all 2")
}

// selfSigned returns files with a certificate for localhost and its key.
func selfSigned(t *testing.T) (cert, key string, pool *x509.CertPool) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = t.TempDir()+"/cert.pem", t.TempDir()+"/key.pem"
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	if err := errors.Join(os.WriteFile(cert, certPEM, 0o600), os.WriteFile(key, keyPEM, 0o600)); err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	return cert, key, pool
}

func TestRefusedByVersion(t *testing.T) {
	s := redistest.Start(t)
	c := at(s)
	c.AlwaysRESP2 = true
	if _, err := tryStart(t, &Options{}, c); !errors.Is(err, ErrRESP2) {
		t.Errorf("RESP2: %v", err)
	}
	if cl, err := Open(c, nil); !errors.Is(err, ErrRESP2) || cl != nil {
		t.Errorf("RESP2: %v", err)
	}
	// A server that does not know HELLO, as before version 6.
	old := redistest.Start(t, "--rename-command", "HELLO", "")
	if _, err := tryStart(t, &Options{}, at(old)); !errors.Is(err, ErrRESP2) {
		t.Errorf("an old server: %v", err)
	}
}

func TestReplicaIsRefused(t *testing.T) {
	master := redistest.Start(t)
	host, port, _ := net.SplitHostPort(master.Addr)
	replica := redistest.Start(t, "--replicaof", host+" "+port)
	if _, err := tryStart(t, &Options{}, at(replica)); !errors.Is(err, errReplica) {
		t.Errorf("joined by a replica: %v", err)
	}
}

func TestNoServer(t *testing.T) {
	c := rueidis.ClientOption{InitAddress: []string{freeport.Addr(t)}}
	if cl, err := Open(c, &Options{}); err == nil || cl != nil {
		t.Error("joined without a server")
	}
	if _, err := Open(c, &Options{QueueBytes: -1}); err == nil {
		t.Error("QueueBytes may be negative")
	}
}

// streamsACL returns what the documentation says that a user needs beside that for
// [Options.Streams].
func streamsACL(t *testing.T) []string {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, line, ok := strings.Cut(string(doc), "//	~socket.io ")
	if !ok {
		t.Fatal("nothing is said of streams")
	}
	line, _, _ = strings.Cut(line, "\n")
	return append([]string{"~socket.io"}, strings.Fields(line)...)
}
