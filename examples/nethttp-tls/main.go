// Nethttp-tls has pages of other origins, over TLS, on net/http alone.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"flag"
	"log"
	"math/big"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/examples/internal/web"
)

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
	mux.Handle("/", web.Page("TLS, and other origins", "", script))
	mux.Handle(web.ClientPath, web.Client())

	cert, err := selfSigned()
	if err != nil {
		log.Fatal(err)
	}
	// HTTP/1.1 and HTTP/2, as by default. A browser polls over HTTP/2, and opens a
	// connection of HTTP/1.1 for its WebSocket.
	web.Run(&http.Server{
		Addr:      *addr,
		Handler:   sio.Wrap(srv, mux),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12},
	}, srv)
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

const script = `
const socket = io({ withCredentials: true });
socket.on("connect", async () => {
  say("connected over", socket.io.engine.transport.name);
  socket.io.engine.on("upgrade", ({ name }) => say("now over", name));
  say("the server saw the origin", (await socket.emitWithAck("origin")) || "of its own pages");
});
socket.on("connect_error", (err) => say("refused:", err.message));
`
