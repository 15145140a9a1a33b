// Package logline has what is common to the lines of a log that peers can cause: how
// many there are, and what they may quote.
package logline

import (
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/internal/share"
)

// Of the lines of one kind, Burst are written in a Period, and half of these for one
// address: a peer can neither fill a disk nor hide what others cause.
const (
	Burst  = 20
	Period = 10 * time.Second
)

// maxKinds bounds what is counted by itself. Kinds are made of messages and of what an
// application has registered: in a server with more, the others share one for each level.
const maxKinds = 1000

// A Logger is a [zerolog.Logger] that can be sparing.
type Logger struct {
	zerolog.Logger

	mu    sync.Mutex // protects the following
	kinds map[string]*lines
}

// lines are those of one kind, in the period that began at since.
type lines struct {
	since   time.Time
	written []netip.Prefix // whom for
	leftOut int            // since one was written
}

// New returns a Logger whose lines name the component.
func New(l *zerolog.Logger, component string) *Logger {
	return &Logger{Logger: l.With().Str("component", component).Logger(), kinds: make(map[string]*lines)}
}

// Sparse begins a line of which a peer at addr can cause as many as it likes. Those that
// are beyond what its kind may have are of level debug. The next one says how many that
// were. Levels count by themselves: lines that nobody sees must not hide others.
func (l *Logger) Sparse(level zerolog.Level, addr string, kind ...string) *zerolog.Event {
	if level < max(l.GetLevel(), zerolog.GlobalLevel()) {
		return nil
	}
	ok, leftOut := l.grant(share.Of(addr), level, strings.Join(kind, "\x00"))
	if !ok {
		return l.Debug()
	}
	e := l.WithLevel(level)
	if leftOut > 0 {
		e.Int("left_out", leftOut)
	}
	return e
}

func (l *Logger) grant(who netip.Prefix, level zerolog.Level, kind string) (ok bool, leftOut int) {
	kind = level.String() + "\x00" + kind
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.kinds[kind]
	if k == nil && len(l.kinds) >= maxKinds {
		kind = level.String()
		k = l.kinds[kind]
	}
	if k == nil {
		k = new(lines)
		l.kinds[kind] = k
	}
	if now := time.Now(); now.Sub(k.since) >= Period {
		k.since, k.written = now, k.written[:0]
	}
	own := 0
	for _, w := range k.written {
		if w == who {
			own++
		}
	}
	if len(k.written) == Burst || own == Burst/2 {
		k.leftOut++
		return false, 0
	}
	k.written = append(k.written, who)
	leftOut, k.leftOut = k.leftOut, 0
	return true, leftOut
}
