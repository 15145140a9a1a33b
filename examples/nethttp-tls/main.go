// Nethttp-tls has pages of other origins, over TLS, on net/http alone.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/siokit/sio"
)

//go:embed page.html
var page []byte

func main() {
	addr := flag.String("addr", "localhost:3000", "`address` to listen on")
	origins := flag.String("origins", "https://app.example.com", "comma-separated `list` of the other origins that are let in")
	flag.Parse()

	srv := sio.New(&sio.Options{CORS: &sio.CORS{
		Origins:     strings.Split(*origins, ","),
		Credentials: true,
	}})
	sio.OnWithAck(srv, "origin", func(c *sio.Context, _ struct{}) (string, error) {
		return c.Request().Header.Get("Origin"), nil
	})

	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(page)
	})

	cert, err := selfSigned()
	if err != nil {
		log.Fatal(err)
	}
	if err := serve(*addr, sio.Wrap(srv, mux), srv, cert); err != nil {
		log.Fatal(err)
	}
}

// serve serves h until Ctrl-C. Then it shuts down srv first: its connections are
// not the HTTP server's to close, and a pending poll would hold that up.
func serve(addr string, h http.Handler, srv *sio.Server, cert tls.Certificate) error {
	stop, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(stop, cancel) // a second signal ends the program at once
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Printf("https://%s\n", ln.Addr())
	// HTTP/1.1 and HTTP/2, as by default. A browser polls over HTTP/2, and opens a
	// connection of HTTP/1.1 for its WebSocket.
	hs := &http.Server{
		Handler:           h,
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12},
		ReadHeaderTimeout: 5 * time.Second,
		MaxHeaderBytes:    32 << 10,
	}
	served := make(chan error, 1)
	go func() { served <- hs.ServeTLS(ln, "", "") }() // ends with hs
	select {
	case err = <-served:
	case <-stop.Done():
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(err, srv.Shutdown(ctx), hs.Shutdown(ctx))
}

// selfSigned returns a certificate for this machine and this run. Browsers warn
// of it.
func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: "localhost"},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
