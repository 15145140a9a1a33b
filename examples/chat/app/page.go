package app

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

// ClientFile is the official client.
const ClientFile = "socket.io.min.js"

const (
	clientCDN = "https://cdn.socket.io/4.8.3/" + ClientFile

	// The page runs its own scripts and the client's; what users write is text.
	policy = "default-src 'self'; script-src 'self' https://cdn.socket.io; connect-src 'self' ws: wss:; " +
		"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

//go:embed web/index.html web/static
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

// FindClient returns the directory in which npm has put the official client: seen
// from the repository, from examples/chat, or from this file. It returns "" if there
// is none.
func FindClient() string {
	const dist = "node_modules/socket.io-client/dist"
	_, file, _, _ := runtime.Caller(0)
	for _, dir := range []string{"examples/chat", ".", filepath.Join(filepath.Dir(file), "..")} {
		if dir = filepath.Join(dir, dist); hasClient(dir) {
			return dir
		}
	}
	return ""
}

func hasClient(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, ClientFile))
	return dir != "" && err == nil && info.Mode().IsRegular()
}
