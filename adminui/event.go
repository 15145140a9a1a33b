package adminui

import (
	"encoding/json"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/socketio"
)

const (
	// flushes are so many in a second.
	flushes = int(time.Second / flushEvery)
	// maxEvents and maxEventBytes are how many events are shown between two flushes: 200, and
	// a megabyte, in a second.
	maxEvents     = 200 / flushes
	maxEventBytes = 1 << 20 / flushes
	// maxArgument is how many bytes of an argument are shown.
	maxArgument = 2 << 10
	maxArgs     = 10
)

// notShown is the name of an event that tells of those that are not shown.
const notShown = "(not shown)"

// events are what is to be shown of events, and how many are not. Those who emit find out by
// two counters whether theirs is shown: there may be many more than can be.
type events struct {
	left  atomic.Int64 // how many may be shown until the next flush
	bytes atomic.Int64 // likewise
	more  atomic.Int64 // how many have not been

	flushed int             // how often; of the goroutine
	seen    map[string]bool // namespaces of events that were shown since it was told of others; likewise

	mu   sync.Mutex
	list []event // protected by mu
}

type event struct {
	kind     string
	nsp, id  string
	args     json.RawMessage // the name first
	happened time.Time
}

func (v *events) begin() {
	v.flushed, v.seen = 0, make(map[string]bool)
	v.refill()
}

func (v *events) refill() {
	v.bytes.Store(int64(maxEventBytes))
	v.left.Store(int64(maxEvents))
}

func (v *events) clear() {
	v.left.Store(0)
	v.more.Store(0)
	v.mu.Lock()
	v.list = nil
	v.mu.Unlock()
}

// room tells whether another event is shown.
func (v *events) room() bool {
	if v.left.Load() > 0 && v.bytes.Load() > 0 && v.left.Add(-1) >= 0 {
		return true
	}
	v.more.Add(1)
	return false
}

func (v *events) add(kind, nsp, id string, args []byte) {
	v.bytes.Add(-int64(len(args)))
	e := event{kind, nsp, id, args, time.Now()}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.list) >= 2*maxEvents { // the goroutine is far behind
		v.more.Add(1)
		return
	}
	v.list = append(v.list, e)
}

// flush shows them. A page that is not ready for one does not get it.
func (v *events) flush(u *ui, now time.Time) {
	v.mu.Lock()
	list := v.list
	v.list = nil
	v.mu.Unlock()
	v.refill()
	to := u.nsp.Volatile()
	for _, e := range list {
		_ = to.Emit(e.kind, e.nsp, e.id, e.args, iso(e.happened))
		v.seen[e.nsp] = true
	}
	if v.flushed++; v.flushed%flushes != 0 {
		return
	}
	if more := v.more.Swap(0); more > 0 {
		for nsp := range v.seen {
			_ = to.Emit("event_sent", nsp, "-", []any{notShown, map[string]any{"events": more, "server": u.opts.ServerID}}, iso(now))
		}
	}
	clear(v.seen)
}

// received is the tap's Received.
func (f *feed) received(s *sio.Socket, e *socketio.Event) {
	if s.Namespace().Name() == f.u.opts.Namespace || !f.events.room() {
		return
	}
	b := appendString([]byte{'['}, e.Name())
	args := e.Args()
	for i := range min(args.Len(), maxArgs) {
		b = append(b, ',')
		if raw := args.Raw(i); len(raw) <= maxArgument {
			b = append(b, raw...)
		} else {
			b = appendSize(b, len(raw))
		}
	}
	f.events.add("event_received", f.u.namespace(s), f.u.id(s), append(b, ']'))
}

// sent is the tap's Sent.
func (f *feed) sent(s *sio.Socket, name string, args []any) {
	if s.Namespace().Name() == f.u.opts.Namespace || !f.events.room() {
		return
	}
	defer func() {
		if recover() != nil { // in a method of an argument's
			f.events.more.Add(1)
		}
	}()
	b := appendString([]byte{'['}, name)
	for _, arg := range args[:min(len(args), maxArgs)] {
		b = append(b, ',')
		switch v := arg.(type) {
		case []byte:
			b = appendSize(b, len(v))
			continue
		case string:
			if len(v) > maxArgument {
				b = appendSize(b, len(v))
				continue
			}
		}
		text, err := json.Marshal(arg)
		f.events.bytes.Add(-int64(len(text))) // it takes as long, shown or not
		switch {
		case err != nil:
			b = appendString(b, "(not JSON)")
		case len(text) > maxArgument:
			b = appendSize(b, len(text))
		default:
			b = append(b, text...)
		}
	}
	f.events.add("event_sent", f.u.namespace(s), f.u.id(s), append(b, ']'))
}

func appendString(b []byte, s string) []byte {
	text, _ := json.Marshal(cut(s)) // never fails
	return append(b, text...)
}

func appendSize(b []byte, n int) []byte { return appendString(b, "("+strconv.Itoa(n)+" bytes)") }
