package siotest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/siokit/sio/socketio/parser"
)

// An Event is an event that the server has sent.
type Event struct {
	c       *Client
	name    string
	args    args
	id      uint64
	wantAck bool
	acked   bool // protected by c.conn.mu
}

// Name returns the event's name.
func (e *Event) Name() string { return e.name }

// Bind decodes the arguments, one into each pointer. A nil in place of a pointer skips
// an argument. An argument that is missing or does not fit fails the test.
func (e *Event) Bind(ptrs ...any) {
	e.c.t.Helper()
	if err := e.args.bind(ptrs); err != nil {
		e.c.fatalf("the event %v: %v", e, err)
	}
}

// Is checks that the event has exactly these arguments, compared as JSON: the order of
// an object's members, and the Go types on both sides, do not matter. It returns the
// event. Behind them there may be the offset that events have with Options.Recovery.
func (e *Event) Is(args ...any) *Event {
	e.c.t.Helper()
	if want, ok, err := e.args.equal(args, e.c.offsets); err != nil {
		e.c.fatalf("the event %v: what is wanted can't be encoded: %v", e, err)
	} else if !ok {
		e.c.fatalf("the event is %v, want %q %s", e, e.name, want)
	}
	return e
}

// WantsAck reports whether the server waits for an answer.
func (e *Event) WantsAck() bool { return e.wantAck }

// Ack answers the event, once. It fails the test if the server does not wait for an
// answer.
func (e *Event) Ack(args ...any) {
	e.c.t.Helper()
	c := e.c
	c.conn.mu.Lock()
	again := e.acked
	e.acked = true
	c.conn.mu.Unlock()
	switch {
	case !e.wantAck:
		c.fatalf("Ack: the server does not wait for an answer to %q", e.name)
	case again:
		c.fatalf("Ack: the event %q has been answered already", e.name)
	}
	text, attachments, err := parser.EncodeAck(nil, nil, c.nsp, e.id, args)
	if err != nil {
		c.fatalf("Ack of %q: %v", e.name, err)
	}
	c.send(fmt.Sprintf("Ack of %q", e.name), text, attachments)
}

// String returns the name and the arguments as JSON, for messages.
func (e *Event) String() string { return fmt.Sprintf("%q %s", e.name, e.args) }

// An Answer is the server's answer to an event. Its methods wait until it is there.
type Answer struct {
	c     *Client
	event string
	done  bool // protected by c.conn.mu, as the following until then
	args  args
}

// wait returns when the answer is there.
func (a *Answer) wait() {
	a.c.t.Helper()
	c := a.c
	var gone string
	if !c.conn.wait(func() bool {
		if !a.done && c.reason != "" {
			gone = c.goneLocked()
		}
		return a.done || gone != ""
	}) {
		c.conn.mu.Lock()
		defer c.conn.mu.Unlock()
		if len(c.events) > 0 {
			c.fatalf("no answer to %q has come %s, but the event %v%s", a.event, c.conn.waited(), c.events[0], more(c.events))
		}
		c.fatalf("no answer to %q has come %s", a.event, c.conn.waited())
	}
	if gone != "" {
		c.fatalf("%s, want an answer to %q", gone, a.event)
	}
}

func (a *Answer) succeeds() *Answer {
	a.c.t.Helper()
	if err := a.Err(); err != nil {
		a.c.fatalf("the answer to %q is an error: %v", a.event, err)
	}
	return a
}

// Err returns the error if the answer is one, as that of a handler that fails: the
// object {"error":{"message":…,"data":…}} and nothing else. Otherwise it returns nil.
func (a *Answer) Err() *Error {
	a.c.t.Helper()
	a.wait()
	return a.args.err()
}

// Bind decodes the arguments of the answer, one into each pointer. A nil in place of a
// pointer skips an argument. An answer that is an error fails the test.
func (a *Answer) Bind(ptrs ...any) {
	a.c.t.Helper()
	a.succeeds()
	if err := a.args.bind(ptrs); err != nil {
		a.c.fatalf("the answer to %q is %v: %v", a.event, a.args, err)
	}
}

// Is checks the arguments of the answer, as [Event.Is] does.
func (a *Answer) Is(args ...any) {
	a.c.t.Helper()
	a.wait()
	if want, ok, err := a.args.equal(args, false); err != nil {
		a.c.fatalf("the answer to %q: what is wanted can't be encoded: %v", a.event, err)
	} else if !ok {
		a.c.fatalf("the answer to %q is %v, want %s", a.event, a.args, want)
	}
}

// String returns the arguments as JSON, for messages.
func (a *Answer) String() string {
	a.c.t.Helper()
	a.wait()
	return a.args.String()
}

// args are those of an event or answer, as they came.
type args struct {
	data        []byte // a JSON array
	attachments [][]byte
	skip        int // 1 for an event, whose first element is its name
}

func (a args) bind(ptrs []any) error {
	return parser.NewArgs(nil, a.data, a.attachments, a.skip).Bind(ptrs...)
}

// values returns the arguments with numbers as they are written, and with
// attachments as []byte.
func (a args) values() []any {
	d := json.NewDecoder(bytes.NewReader(a.data))
	d.UseNumber()
	var all []any
	_ = d.Decode(&all) // what the codec has accepted, or made
	for i, v := range all {
		all[i] = fill(v, a.attachments)
	}
	return all[min(a.skip, len(all)):]
}

// fill puts attachments in the places of their placeholders.
func fill(v any, attachments [][]byte) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = fill(v[i], attachments)
		}
	case map[string]any:
		if n, ok := v["num"].(json.Number); ok && v["_placeholder"] == true {
			if i, err := n.Int64(); err == nil && 0 <= i && i < int64(len(attachments)) {
				return attachments[i]
			}
		}
		for k := range v {
			v[k] = fill(v[k], attachments)
		}
	}
	return v
}

// equal compares a with what is wanted, behind which there may be an offset. It returns that
// as text.
func (a args) equal(want []any, offset bool) (text string, ok bool, err error) {
	if want == nil {
		want = []any{}
	}
	var w args
	if w.data, w.attachments, err = (parser.JSON{}).Append(nil, want, nil); err != nil {
		return "", false, err
	}
	got, wanted := a.values(), w.values()
	if n := len(wanted); offset && len(got) == n+1 {
		if _, is := got[n].(string); is {
			got = got[:n]
		}
	}
	return w.String(), reflect.DeepEqual(got, wanted), nil
}

func (a args) err() *Error {
	values := a.values()
	if len(values) != 1 || len(a.attachments) > 0 {
		return nil
	}
	var answer struct {
		Error *struct {
			Message *string
			Data    json.RawMessage
		}
	}
	d := json.NewDecoder(bytes.NewReader(parser.NewArgs(nil, a.data, nil, a.skip).Raw(0)))
	d.DisallowUnknownFields() // what has more to say is the application's own
	if err := d.Decode(&answer); err != nil || answer.Error == nil || answer.Error.Message == nil {
		return nil
	}
	return &Error{Message: *answer.Error.Message, Data: answer.Error.Data}
}

// String returns the arguments as JSON, with as much of attachments as a person
// looks at.
func (a args) String() string {
	values := a.values()
	for i, v := range values {
		values[i] = readable(v)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(append([]any{}, values...)) // what has been decoded
	return string(bytes.TrimSpace(b.Bytes()))
}

func readable(v any) any {
	const most = 32
	switch v := v.(type) {
	case []byte:
		if len(v) > most {
			return fmt.Sprintf("<%d bytes: %x…>", len(v), v[:most])
		}
		return fmt.Sprintf("<%d bytes: %x>", len(v), v)
	case []any:
		for i := range v {
			v[i] = readable(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = readable(v[k])
		}
	}
	return v
}
