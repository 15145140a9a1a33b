package main

import (
	"embed"
	"html/template"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"

	"github.com/labstack/echo/v4"
)

const (
	clientFile = "socket.io.min.js"
	clientCDN  = "https://cdn.socket.io/4.8.3/" + clientFile

	// The page runs its own scripts and the client's; what users write is text.
	policy = "default-src 'self'; script-src 'self' https://cdn.socket.io; connect-src 'self' ws: wss:; " +
		"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

//go:embed web
var web embed.FS

var index = template.Must(template.ParseFS(web, "web/index.html"))

// servePage serves the page, which loads the official client from the URL script.
func servePage(e *echo.Echo, script string) {
	e.Renderer = renderer{}
	e.GET("/", func(c echo.Context) error {
		c.Response().Header().Set(echo.HeaderContentSecurityPolicy, policy)
		return c.Render(http.StatusOK, "index.html", map[string]string{"Client": script})
	})
	e.StaticFS("/static", echo.MustSubFS(web, "web/static"))
}

type renderer struct{}

func (renderer) Render(w io.Writer, name string, data any, _ echo.Context) error {
	return index.ExecuteTemplate(w, name, data)
}

// findClient returns the directory in which npm has put the official client:
// seen from the repository, from here, or beside this file. It returns "" if
// there is none.
func findClient() string {
	const dist = "node_modules/socket.io-client/dist"
	_, file, _, _ := runtime.Caller(0)
	for _, dir := range []string{"examples/chat", ".", filepath.Dir(file)} {
		if dir = filepath.Join(dir, dist); hasClient(dir) {
			return dir
		}
	}
	return ""
}

func hasClient(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, clientFile))
	return dir != "" && err == nil && info.Mode().IsRegular()
}
