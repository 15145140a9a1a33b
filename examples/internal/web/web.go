// Package web has what the examples share, and is not about: a page with the
// official client, and serving until Ctrl-C.
package web

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/siokit/sio"
)

const cdn = "https://cdn.socket.io/4.8.3/socket.io.min.js"

// ClientPath is where pages expect [Client].
const ClientPath = "/socket.io.min.js"

var page = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{{.Title}}</title>
<style>body { font: 1rem/1.5 system-ui; max-width: 40rem; margin: 2rem auto; padding: 0 1rem } pre { background: #8882; padding: 1rem; white-space: pre-wrap }</style>
<h1>{{.Title}}</h1>
{{.Body}}
{{if .Script}}<pre id="log"></pre>
<script src="{{.Client}}"></script>
<script>
const say = (...words) => document.querySelector("#log").append(words.join(" ") + "\n");
{{.Script}}
</script>{{end}}
`))

// Page returns a page with some HTML, and a script that has the global io, and
// say(…) to show a line. Without a script, it is without the client too. Both
// must be the program's own text.
func Page(title, body, script string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		err := page.Execute(w, map[string]any{"Title": title, "Body": template.HTML(body), "Script": template.JS(script), "Client": ClientPath})
		if err != nil {
			log.Print(err)
		}
	})
}

// Client serves the official client: the one that npm has installed for the
// chat, or a redirect to its CDN.
func Client() http.Handler {
	_, file, _, _ := runtime.Caller(0)
	name := filepath.Join(filepath.Dir(file), "../../chat/node_modules/socket.io-client/dist/socket.io.min.js")
	if _, err := os.Stat(name); err != nil {
		return http.RedirectHandler(cdn, http.StatusFound)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, name) })
}

// Run serves hs until Ctrl-C. Then it shuts down srv first: its connections are
// not the HTTP server's to close, and a pending poll would hold that up.
func Run(hs *http.Server, srv *sio.Server) {
	if err := run(hs, srv); err != nil {
		log.Fatal(err)
	}
}

func run(hs *http.Server, srv *sio.Server) error {
	stop, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(stop, cancel) // a second signal ends the program at once
	ln, err := net.Listen("tcp", hs.Addr)
	if err != nil {
		return err
	}
	hs.ReadHeaderTimeout = 5 * time.Second
	hs.MaxHeaderBytes = 32 << 10
	served := make(chan error, 1)
	go func() { // ends with hs
		if hs.TLSConfig == nil {
			fmt.Printf("http://%s\n", ln.Addr())
			served <- hs.Serve(ln)
			return
		}
		fmt.Printf("https://%s\n", ln.Addr())
		served <- hs.ServeTLS(ln, "", "")
	}()
	select {
	case err = <-served:
	case <-stop.Done():
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(err, srv.Shutdown(ctx), hs.Shutdown(ctx))
}
