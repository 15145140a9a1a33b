package sio

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"strings"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/internal/logline"
)

// stderrLogger is the logger of a server without [Options].Logger. It writes
// warnings and errors to standard error, as net/http does, in the form of the
// standard library's log.
func stderrLogger() *zerolog.Logger {
	w := zerolog.ConsoleWriter{
		Out:           os.Stderr,
		NoColor:       true,
		TimeFormat:    "2006/01/02 15:04:05",
		PartsOrder:    []string{zerolog.TimestampFieldName, zerolog.LevelFieldName, "component", zerolog.MessageFieldName},
		FieldsExclude: []string{"component", "stack"},
		FormatExtra: func(line map[string]any, b *bytes.Buffer) error {
			if stack, ok := line["stack"].(string); ok {
				b.WriteString("\n" + stack)
			}
			return nil
		},
	}
	l := zerolog.New(w).Level(zerolog.WarnLevel).With().Timestamp().Logger()
	return &l
}

// named adds to a line of the log whom and what it is about.
func (c *Context) named(e *zerolog.Event) *zerolog.Event {
	if e == nil { // below the logger's level
		return nil
	}
	sess := c.socket.Session()
	e.Str("sid", sess.LogID()).Str("nsp", c.loggedNamespace()).Str("socket", c.socket.LogID()).Str("addr", sess.LogAddr())
	if c.event != "" {
		e.Str("event", logline.Text(c.event, logline.NameLimit))
	}
	return e
}

// loggedNamespace is the namespace's name for the log: the query behind it may be
// a credential.
func (c *Context) loggedNamespace() string {
	name, _, _ := strings.Cut(c.Namespace(), "?")
	return logline.Text(name, logline.NameLimit)
}

// logStray tells of a client that looks for the server at another path. Others that do
// are no clients.
func (s *Server) logStray(r *http.Request) {
	if !strings.Contains(r.URL.RawQuery, "EIO=") {
		return
	}
	s.log.Sparse(zerolog.WarnLevel, r.RemoteAddr, "path").Str("addr", logline.Text(r.RemoteAddr, logline.AddrLimit)).
		Str("path", logline.Text(r.URL.Path, logline.PathLimit)).
		Str("needs", "the client's option path, or Options.Path, so that both are the same: it is "+s.path+"/ here").Msg("request for another path")
}

// logUncaptured tells of a connection that is refused by a capture function.
func (s *Server) logUncaptured(r *http.Request, err error) {
	level := zerolog.WarnLevel // it may be a database that is down
	switch {
	case isRefusal(err):
		level = zerolog.InfoLevel
	case errors.Is(r.Context().Err(), context.Canceled): // the client has not waited for it
		level = zerolog.DebugLevel
	}
	s.log.Sparse(level, r.RemoteAddr, "capture").Str("addr", logline.Text(r.RemoteAddr, logline.AddrLimit)).Int("status", RefusalOf(err).Status).
		Err(logline.Error(err)).Msg("connection refused by capture")
}

// sparse begins a line of the log about c, which its client can cause as often as it
// likes. What is said of each handler counts by itself.
func (c *Context) sparse(level zerolog.Level, message string) *zerolog.Event {
	event := c.event
	if c.in != nil && c.n.table.Load().events[event] == nil {
		event = "" // the client has made it up
	}
	return c.named(c.n.srv.log.Sparse(level, c.socket.Session().RemoteAddr(), message, c.n.name, event))
}
