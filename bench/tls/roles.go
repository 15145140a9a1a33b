package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/bench/internal/load"
)

// What tells a server what it is to be.
const (
	roleVar = "TLS_ROLE" // server: this process is one
	portVar = "TLS_PORT" // where its clients are
	certVar = "TLS_CERT" // files; without, there is no TLS
	keyVar  = "TLS_KEY"

	certFile, keyFile = "cert.pem", "key.pem"
)

// actRole is the server, if this process has been started for that.
func actRole() bool {
	if os.Getenv(roleVar) == "" {
		return false
	}
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
	return true
}

type message struct {
	N    int    `json:"n"`
	Text string `json:"text"`
}

func serve() error {
	srv := sio.New(&sio.Options{ForgetRequest: true})
	srv.OnConnect(func(c *sio.Context) error { return c.Join("room") })
	sio.OnWithAck(srv, "echo", func(_ *sio.Context, m message) (message, error) { return m, nil })
	l, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv(portVar))
	if err != nil {
		return err
	}
	about, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		return err
	}
	failed := make(chan error, 2)
	go func() { failed <- http.Serve(about, http.HandlerFunc(mem)) }() // until the process ends
	go func() {                                                        // likewise
		if cert := os.Getenv(certVar); cert != "" {
			failed <- http.ServeTLS(l, srv, cert, os.Getenv(keyVar))
		} else {
			failed <- http.Serve(l, srv)
		}
	}()
	fmt.Println("ready")
	return <-failed
}

// mem collects the garbage, a second time for what finalizers and pools have kept from the
// first, and tells what is left.
func mem(w http.ResponseWriter, _ *http.Request) {
	debug.FreeOSMemory()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	_ = json.NewEncoder(w).Encode(map[string]uint64{"heap": m.HeapAlloc, "stack": m.StackInuse}) // fails if nobody listens
}

func writeCertificate(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	write := func(name, kind string, data []byte) error {
		return os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}), 0o600)
	}
	return errors.Join(write(certFile, "CERTIFICATE", cert), write(keyFile, "PRIVATE KEY", secret))
}

const patience = 30 * time.Second

var errClosed = errors.New("closed by the server")

// dial connects a client, and joins "/". It tells whether a TLS session was resumed.
func dial(addr netip.AddrPort, secure bool, config *tls.Config) (conn net.Conn, resumed bool, err error) {
	if conn, err = net.Dial("tcp", addr.String()); err != nil {
		return nil, false, err
	}
	defer func() {
		if err != nil {
			_ = conn.Close()
			conn = nil
		}
	}()
	_ = conn.(*net.TCPConn).SetLinger(0) // or ports are used up
	_ = conn.SetDeadline(time.Now().Add(patience))
	if secure {
		c := tls.Client(conn, config)
		conn = c
		if err = c.Handshake(); err != nil {
			return nil, false, err
		}
		resumed = c.ConnectionState().DidResume
	}
	if _, err = conn.Write(load.UpgradeRequest(load.Server{Addr: addr}, "")); err != nil {
		return nil, false, err
	}
	if _, err = await(conn, []byte(`"pingTimeout"`)); err == nil {
		if _, err = conn.Write(load.AppendFrame(nil, 1, []byte("40"))); err == nil {
			_, err = await(conn, []byte(`40{"sid":"`))
		}
	}
	return conn, resumed, err
}

// await reads until something has come that has all of want in it.
func await(conn net.Conn, want []byte) ([]byte, error) {
	var got []byte
	buf := make([]byte, 4<<10)
	for !bytes.Contains(got, want) {
		n, err := conn.Read(buf)
		if errors.Is(err, io.EOF) {
			err = errClosed
		}
		if err != nil {
			return nil, fmt.Errorf("%w; %.300q has come, %q is awaited", err, got, want)
		}
		got = append(got, buf[:n]...)
	}
	return got, nil
}

var (
	question = load.AppendFrame(nil, 1, []byte(`421000["echo",{"n":1000000,"text":"hello there"}]`))
	answer   = []byte(`431000[{"n":1000000,"text":"hello there"}]`)
)

func echo(conn net.Conn) error {
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write(question); err != nil {
		return err
	}
	_, err := await(conn, answer)
	return err
}
