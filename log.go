package sio

import (
	"bytes"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
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
	l := zerolog.New(w).Level(zerolog.WarnLevel).With().Timestamp().Logger().Hook(&thinning{kinds: make(map[string]*lines)})
	return &l
}

// Of lines that say the same, stderrBurst are written in stderrPeriod: who can make
// handlers fail must not fill a disk. What happens once is seen beside them.
const (
	stderrBurst  = 10
	stderrPeriod = 10 * time.Second
)

// maxKinds bounds what is counted by itself. The messages are constants, fewer
// than that, but for those that handlers write to [Context.Logger]: beyond the
// bound they count together.
const maxKinds = 100

// A thinning is a hook that leaves lines out.
type thinning struct {
	mu    sync.Mutex        // protects the following
	kinds map[string]*lines // by message
}

// lines are those of one message, in the period that began at since.
type lines struct {
	since   time.Time
	written int
	leftOut int
}

// Run implements [zerolog.Hook]. The first line of a period says how many were left
// out before.
func (t *thinning) Run(e *zerolog.Event, _ zerolog.Level, message string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.kinds[message]
	if k == nil && len(t.kinds) >= maxKinds {
		message = ""
		k = t.kinds[message]
	}
	if k == nil {
		k = new(lines)
		t.kinds[message] = k
	}
	if now := time.Now(); now.Sub(k.since) >= stderrPeriod {
		if k.leftOut > 0 {
			e.Int("left_out", k.leftOut)
		}
		*k = lines{since: now}
	}
	if k.written == stderrBurst {
		k.leftOut++
		e.Discard()
		return
	}
	k.written++
}

// loggedEvent is the event's name for the log: a peer can choose one as long as
// a message.
func (c *Context) loggedEvent() string {
	const limit = 64
	if len(c.event) > limit {
		return strings.ToValidUTF8(c.event[:limit], "") + "…"
	}
	return c.event
}

// named adds to a line of the log whom and what it is about.
func (c *Context) named(e *zerolog.Event) *zerolog.Event {
	if e == nil { // below the logger's level
		return nil
	}
	e.Str("sid", c.socket.Session().LogID()).Str("nsp", c.loggedNamespace()).Str("socket", c.socket.LogID())
	if c.event != "" {
		e.Str("event", c.loggedEvent())
	}
	return e
}

// loggedNamespace is the namespace's name for the log: the query behind it may be
// a credential.
func (c *Context) loggedNamespace() string {
	name, _, _ := strings.Cut(c.Namespace(), "?")
	return name
}
