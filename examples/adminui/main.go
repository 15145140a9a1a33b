// Adminui has the official Admin UI look at a server.
package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/siokit/sio"
	"github.com/siokit/sio/adminui"
)

//go:embed page.html
var page []byte

func main() {
	addr := flag.String("addr", "localhost:3000", "`address` to listen on")
	ui := flag.String("ui", "node_modules/@socket.io/admin-ui/ui/dist", "`directory` of the Admin UI's page, from npm")
	production := flag.Bool("production", false, "show numbers alone")
	readOnly := flag.Bool("readonly", false, "refuse commands")
	flag.Parse()

	hash, password, err := credentials()
	if err != nil {
		log.Fatal(err)
	}
	srv := sio.New(nil)
	serveRooms(srv)
	opts := &adminui.Options{Username: "admin", PasswordHash: hash, ReadOnly: *readOnly}
	if !*production {
		opts.Mode = adminui.Development
	}
	adminui.Mount(srv, opts)

	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(page)
	})
	mux.Handle("GET /admin/", http.StripPrefix("/admin/", http.FileServer(http.Dir(*ui))))
	if err := serve(*addr, sio.Wrap(srv, mux), srv, password); err != nil {
		log.Fatal(err)
	}
}

// credentials returns the hash of the administrator's password. Unless it is in the
// environment, the password is made up.
func credentials() (hash, password string, err error) {
	if hash = os.Getenv("ADMIN_PASSWORD_HASH"); hash != "" {
		return hash, "", nil
	}
	password = rand.Text()
	b, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	return string(b), password, err
}

// serveRooms is the application: who enters a room hears what is said in it.
func serveRooms(srv *sio.Server) {
	sio.OnWithAck(srv, "enter", func(c *sio.Context, room string) (string, error) {
		if err := c.Set("last room", room); err != nil {
			return "", err
		}
		return room, c.Join(room)
	})
	sio.On(srv, "say", func(c *sio.Context, text string) error {
		return c.In(c.Rooms()...).Emit("said", text)
	})
}

// serve serves h until Ctrl-C.
func serve(addr string, h http.Handler, srv *sio.Server, password string) error {
	stop, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(stop, cancel) // a second signal ends the program at once
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", ln.Addr())
	fmt.Printf("the Admin UI is at http://%s/admin/, for that server and the user admin\n", ln.Addr())
	if password != "" {
		fmt.Printf("password: %s\n", password)
	}
	hs := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 32 << 10}
	served := make(chan error, 1)
	go func() { served <- hs.Serve(ln) }() // ends with hs
	select {
	case err = <-served:
	case <-stop.Done():
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(err, srv.Shutdown(ctx), hs.Shutdown(ctx))
}
