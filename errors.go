package sio

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/socketio"
	"github.com/siokit/sio/socketio/parser"
)

// An Error is an error that a handler returns to tell the client something. It is the
// only error whose text reaches a client: in the CONNECT_ERROR of a refusal as
// {"message":…,"data":…}, and in the ack of an event as
// {"error":{"message":…,"data":…}}.
type Error struct {
	Message string // sent to the client
	Data    any    // sent to the client, left out if nil
	Err     error  // the cause: for logs and OnError, never sent
}

func (e *Error) Error() string {
	switch {
	case e == nil: // returned as an error, it is one
		return "nil *sio.Error"
	case e.Err != nil:
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

// Unwrap returns e.Err.
func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

// A PanicError is the error that stands for a handler's panic.
type PanicError struct {
	Value any    // what panic was called with
	Stack []byte // of the goroutine
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the value, if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

var (
	// ErrClosed is returned by methods that need the client, once it has left.
	ErrClosed = socketio.ErrClosed
	// ErrQueueFull is returned by Emit when too much waits to be sent to the client.
	// See [Options].QueueBytes.
	ErrQueueFull = engineio.ErrQueueFull
	// ErrTooManyRooms is returned by Join beyond [Options].MaxRooms. If a handler
	// returns it, the client is told "too many rooms".
	ErrTooManyRooms = socketio.ErrTooManyRooms
	// ErrRoomName is returned by Join for a name of more than 1,024 bytes. If a
	// handler returns it, the client is told "name of a room too long".
	ErrRoomName = socketio.ErrRoomName
	// ErrAckSent is returned by the second Ack of one event.
	ErrAckSent = socketio.ErrAckSent
	// ErrConnecting is returned by EmitWithAck while the connect handler runs: the
	// client is sent nothing before that has accepted it. Use EmitWithAck in
	// OnConnected.
	ErrConnecting = socketio.ErrConnecting
	// ErrAuthGone is returned by BindAuth when the connect handler has returned.
	ErrAuthGone = socketio.ErrAuthGone
	// ErrTooManyAttachments is returned by Emit and Ack if the arguments have more
	// []byte values than [Options].MaxAttachments.
	ErrTooManyAttachments = socketio.ErrTooManyAttachments
	// ErrDropped is returned by EmitWithAck for a volatile event that could not be
	// sent at once.
	ErrDropped = socketio.ErrDropped
	// ErrDraining and ErrShutdown are what [Server.Ready] returns once Drain, or
	// Shutdown, has been called.
	ErrDraining = engineio.ErrDraining
	ErrShutdown = engineio.ErrShutdown
	// ErrStuck is wrapped by what [Server.Live] returns.
	ErrStuck = engineio.ErrStuck
	// ErrNoHandler is the Err of an [Answer] of a server that has no handler for
	// the event, if the broker passes that on.
	ErrNoHandler = socketio.ErrNoHandler
	// ErrReservedEvent is returned by Emit for names such as "connect".
	ErrReservedEvent = parser.ErrReservedEvent
)

// generic is what a client hears of an error that is not for it.
const generic = "internal error"

// public returns what the client may know of err.
func public(err error) *Error {
	if _, ok := errors.AsType[*PanicError](err); ok {
		return &Error{Message: generic}
	}
	if e, ok := errors.AsType[*Error](err); ok && e != nil {
		return e
	}
	for _, tooMuch := range []error{ErrTooManyRooms, ErrRoomName} {
		if errors.Is(err, tooMuch) {
			return &Error{Message: strings.TrimPrefix(tooMuch.Error(), "socketio: ")}
		}
	}
	return &Error{Message: generic}
}

// isRefusal tells whether err is about what a client has asked for.
func isRefusal(err error) bool {
	var known *Error
	return errors.As(err, &known) && known != nil || errors.Is(err, ErrTooManyRooms) || errors.Is(err, ErrRoomName)
}

// isGone tells whether err is about a client that has left, or does not keep up.
func isGone(err error) bool {
	var reason Reason
	return errors.Is(err, ErrClosed) || errors.Is(err, ErrQueueFull) || errors.As(err, &reason)
}

// ackError is the answer to an event whose handler failed.
type ackError struct {
	Error ackErrorBody `json:"error"`
}

type ackErrorBody struct {
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

// badArgument is what the client hears of an argument that can't be bound.
func (c *Context) badArgument(err error, ptrs []any) error {
	var arg *parser.ArgError
	switch {
	case !errors.As(err, &arg):
		return err
	case errors.Is(err, parser.ErrMissing):
		return &Error{Message: fmt.Sprintf("argument %d is missing", arg.Index+1), Err: argCause{arg}}
	}
	e := &Error{Message: fmt.Sprintf("argument %d is invalid", arg.Index+1), Err: argCause{arg}}
	return c.located(e, c.Args(), arg.Index, ptrs[arg.Index])
}

// An argCause is an ArgError where it has been said which argument it is about.
type argCause struct{ *parser.ArgError }

func (e argCause) Error() string { return e.Err.Error() }

// Unwrap returns the ArgError.
func (e argCause) Unwrap() error { return e.ArgError }

// A Refusal is an error and the HTTP answer to a request for which no connection was
// made. Its body is {"code":4,"message":"Forbidden"}, as from the reference server,
// whichever framework answers.
type Refusal struct {
	Status  int
	Message string
	Err     error // never sent
}

// RefusalOf returns the refusal for an error of a capture function. Its status is 403,
// or that of an error with a method StatusCode() int. Its message is that of an
// [Error], and otherwise the text of the status.
func RefusalOf(err error) *Refusal {
	r := &Refusal{Status: http.StatusForbidden, Err: err}
	var coder interface{ StatusCode() int }
	if errors.As(err, &coder) {
		if status := coder.StatusCode(); status >= 400 && status <= 599 {
			r.Status = status
		}
	}
	r.Message = http.StatusText(r.Status)
	var known *Error
	if errors.As(err, &known) && known != nil {
		r.Message = known.Message
	}
	return r
}

// Error returns a text for logs.
func (r *Refusal) Error() string { return "refused: " + r.Err.Error() }

// Unwrap returns r.Err.
func (r *Refusal) Unwrap() error { return r.Err }

// StatusCode returns r.Status.
func (r *Refusal) StatusCode() int { return r.Status }

// codeForbidden is the reference server's for what an application refuses.
const codeForbidden = 4

// MarshalJSON returns the body of the HTTP answer.
func (r *Refusal) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}{codeForbidden, r.Message})
}

// ServeHTTP answers a request with the refusal.
func (r *Refusal) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	body, _ := r.MarshalJSON() // cannot fail
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(r.Status)
	_, _ = w.Write(body) // the client may go
}
