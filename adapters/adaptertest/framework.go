// Package adaptertest has the checks that the adapter of a web framework must
// pass: nobody ever sees another connection's context, and the framework and
// its middlewares go on working as its users expect.
//
//	func TestFramework(t *testing.T) { adaptertest.Run(t, framework) }
package adaptertest

import (
	"net/http"
	"testing"

	"github.com/siokit/sio"
)

// A Framework is what the checks need to know of a framework and its adapter.
type Framework struct {
	// New returns an application that is set up as cfg says.
	New func(cfg Config) http.Handler
	// Facts reads what the framework's context has, in a handler of an event.
	Facts func(c *sio.Context) Facts
	// Has reports whether there is a context of the framework, as the adapter's
	// Lookup does. If there is none, Facts panics and says why. Has is nil for
	// adapters without a context of a framework.
	Has func(c *sio.Context) bool
	// Head returns the header of the framework's response, with what the
	// middlewares have set. It is nil where Has is.
	Head func(c *sio.Context) http.Header
	// Write tries to answer the request that opened the connection, in every
	// way that the detached context has, with [Leak]. It is nil for frameworks
	// whose context cannot be written to.
	Write func(c *sio.Context)
	// Auth are the usual middlewares that find out who a user is.
	Auth []Auth
}

// A Config describes an application. It answers [OtherPath] with [Other],
// [ReadyPath] and [LivePath] by the server's ServeReady and ServeLive, and has the framework's middlewares in this order: the access log, a request id,
// CORS, the guard.
type Config struct {
	Server *sio.Server
	Form   Form
	// Log, if set, is called by the framework's own access log.
	Log func(path string, status int)
	// Origin, if set, is allowed by the framework's usual CORS middleware, with
	// credentials.
	Origin string
	// Guard says where there is a middleware that stores [User] as "user", in the
	// framework's way, and answers with [Refuse] if there is none.
	Guard Guard
	// Capture is called by the function that is given to HandlerWith, with what the
	// guard has stored. It is set only with that form.
	Capture func(user string) (Captured, error)
}

// A Form is how a server is mounted.
type Form int

// The forms.
const (
	Register    Form = iota // Register in a group "/t/:tenant", at "/socket.io"
	Handler                 // Handler at "/socket.io/*"
	HandlerWith             // HandlerWith at "/socket.io/*"
	Middleware              // Middleware, or what wraps the other handlers
)

func (f Form) String() string {
	return [...]string{"Register", "Handler", "HandlerWith", "Middleware"}[f]
}

func (f Form) path() string {
	if f == Register {
		return "/t/acme/socket.io/"
	}
	return "/socket.io/"
}

// A Guard says for what requests the guarding middleware runs.
type Guard int

// The guards.
const (
	Unguarded  Guard = iota
	Always           // for all
	Handshakes       // wrapped in HandshakeOnly, in front of the whole application
)

// Facts are what a framework's context has of the request.
type Facts struct {
	User   string // stored by the guard
	Tenant string // the path parameter
	Query  string // parameter "q"
	Cookie string // of the name "session"
	Header string // "X-User"
	Value  string // of the request's context, under ContextKey{}
	Addr   string // RemoteAddr
}

// FactsOf returns the facts that r has by itself. User and Tenant are for the
// framework to add.
func FactsOf(r *http.Request) Facts {
	f := Facts{Query: r.URL.Query().Get("q"), Header: r.Header.Get(userHeader), Addr: r.RemoteAddr}
	if c, err := r.Cookie("session"); err == nil {
		f.Cookie = c.Value
	}
	f.Value, _ = r.Context().Value(ContextKey{}).(string)
	return f
}

// ContextKey is the key of the value that the checks put into each request's
// context.
type ContextKey struct{}

// Captured is what capture functions return.
type Captured struct{ User string }

const (
	// OtherPath is a path of the application that is not the server's.
	OtherPath = "/other"
	// Other is the answer there.
	Other = "other"
	// ReadyPath and LivePath are where load balancers and orchestrators ask.
	ReadyPath = "/ready"
	LivePath  = "/live"
	// Leak must never be seen by any client.
	Leak = "a detached context was written to"

	userHeader = "X-User"
	challenge  = `Bearer realm="adaptertest"`
	refusal    = "who are you?"
)

// User returns the user that r comes from, or "".
func User(r *http.Request) string { return r.Header.Get(userHeader) }

// Refuse answers a request that comes from no user.
func Refuse(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", challenge)
	w.Header().Set("Content-Type", "text/plain")
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = w.Write([]byte(refusal)) // a client that has left
}

// An Auth is a middleware that finds out who a user is.
type Auth struct {
	Name string
	// New returns an application with srv mounted behind the middleware, at
	// "/socket.io/".
	New func(srv *sio.Server) http.Handler
	// Credentials returns the header of the user's requests to the application
	// at url.
	Credentials func(t *testing.T, url, user string) http.Header
	// User reads, in a handler, what the middleware has found out.
	User func(c *sio.Context) string
}

// Cookies returns a header with the cookies that a GET of url sets: the
// credentials of those who log in there.
func Cookies(t *testing.T, url string) http.Header {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer res.Body.Close()
	if len(res.Cookies()) == 0 {
		t.Fatalf("%s: status %d, no cookie", url, res.StatusCode)
	}
	h := make(http.Header)
	for _, c := range res.Cookies() {
		h.Add("Cookie", c.Name+"="+c.Value)
	}
	return h
}

// Run makes all checks.
func Run(t *testing.T, f Framework) {
	for _, c := range []struct {
		name  string
		check func(*testing.T, Framework)
	}{
		{"forms", forms},
		{"own context", ownContext},
		{"concurrent readers", concurrentReaders},
		{"auth middlewares", authMiddlewares},
		{"header of the response", responseHeader},
		{"write to a detached context", detachedWrites},
		{"context ends with the connection", contextEnds},
		{"capture once", captureOnce},
		{"capture fails", captureFails},
		{"forget the request", forget},
		{"timeouts", timeouts},
		{"body limit", bodyLimit},
		{"head limit", headLimit},
		{"writer with Unwrap only", unwrapOnly},
		{"access log", accessLog},
		{"frame with the handshake", earlyFrame},
		{"no hijacking", noHijacking},
		{"handler returns", handlerReturns},
		{"aborted poll", abortedPoll},
		{"shutdown", shutdown},
		{"health", health},
		{"cross-site WebSocket", crossSite},
		{"CORS twice", corsTwice},
		{"401 of a middleware", unauthorized},
		{"handshake only", handshakeOnly},
		{"preflight of a handshake", preflight},
		{"client files", clientFiles},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, f) })
	}
}
