package sio_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/siokit/sio"
	"github.com/siokit/sio/siotest"
	"github.com/siokit/sio/socketio/parser"
)

// An explosive can't be encoded as JSON, not even tried.
type explosive struct{}

func (explosive) MarshalJSON() ([]byte, error) { panic("encoding went wrong") }

var errInternal = errors.New("secret internal text")

// outcomes are what a handler can do, and what the client hears of it.
var outcomes = []struct {
	name   string
	h      sio.Handler
	answer string // as the body of a CONNECT_ERROR, and the "error" of an ack
}{
	{"Error", func(*sio.Context) error { return &sio.Error{Message: "no <entry>"} },
		`{"message":"no <entry>"}`},
	{"with data", func(*sio.Context) error {
		return &sio.Error{Message: "no", Data: map[string]any{"code": 401, "why": []string{"a"}}}
	},
		`{"message":"no","data":{"code":401,"why":["a"]}}`},
	{"with a cause", func(*sio.Context) error { return &sio.Error{Message: "no", Err: errInternal} },
		`{"message":"no"}`},
	{"wrapped", func(*sio.Context) error { return fmt.Errorf("%w: %w", errInternal, &sio.Error{Message: "no", Data: 1}) },
		`{"message":"no","data":1}`},
	{"any other error", func(*sio.Context) error { return errInternal },
		`{"message":"internal error"}`},
	{"panic", func(*sio.Context) error { panic(errInternal) },
		`{"message":"internal error"}`},
	{"panic of the runtime", func(c *sio.Context) error { return c.Ack(c.Args().Raw(99)[0]) },
		`{"message":"internal error"}`},
	{"data that can't be encoded", func(*sio.Context) error { return &sio.Error{Message: "no", Data: make(chan int)} },
		`{"message":"no"}`},
	{"nil *Error", func(*sio.Context) error { var e *sio.Error; return e },
		`{"message":"internal error"}`},
}

func TestErrorText(t *testing.T) {
	for want, err := range map[string]error{
		"no":                            &sio.Error{Message: "no", Data: 1},
		"no: " + errInternal.Error():    &sio.Error{Message: "no", Err: errInternal},
		"nil *sio.Error":                (*sio.Error)(nil),
		"panic: " + errInternal.Error(): &sio.PanicError{Value: errInternal},
	} {
		if err.Error() != want {
			t.Errorf("text %q, want %q", err, want)
		}
	}
	if !errors.Is(&sio.Error{Err: errInternal}, errInternal) || errors.Is((*sio.Error)(nil), errInternal) {
		t.Error("Unwrap is wrong")
	}
}

func TestRefusal(t *testing.T) {
	for _, tt := range outcomes {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t, nil)
			chat := h.Of("/chat")
			chat.OnConnect(func(c *sio.Context) error {
				if err := c.Join("room"); err != nil {
					t.Error(err)
				}
				if err := c.Emit("dropped"); err != nil {
					t.Error(err)
				}
				if err := c.Socket().Emit("dropped"); err != nil {
					t.Error(err)
				}
				return tt.h(c)
			})
			for _, not := range []func(sio.Handler, ...sio.Middleware){chat.OnDisconnecting, chat.OnDisconnect, chat.OnAny} {
				not(func(c *sio.Context) error {
					t.Errorf("%s of a client that was refused", c.Event())
					return nil
				})
			}
			h.On("x", func(c *sio.Context) error { return c.Ack() })
			c := h.join("/")
			for range 2 { // it may try again
				if data := c.refused("/chat", nil); data != tt.answer {
					t.Errorf("refused with %s, want %s", data, tt.answer)
				}
			}
			c.send(`21["x"]`)
			c.want(`31[]`) // nothing else came, and the session lives
			if n := chat.Len(); n != 0 {
				t.Errorf("%d sockets", n)
			}
		})
	}
}

// An event that a client sends without waiting for the answer to its CONNECT
// goes where the CONNECT goes.
func TestRefusalDropsEarlyEvents(t *testing.T) {
	h := newHost(t, nil)
	decide := make(chan error)
	h.Of("/chat").OnConnect(func(*sio.Context) error { return <-decide })
	h.Of("/chat").On("early", func(c *sio.Context) error { return c.Ack() })
	c := h.dial()
	c.send("0/chat", `2/chat,1["early"]`)
	decide <- errInternal
	c.want(`4/chat,{"message":"internal error"}`)
	c.send("0/chat", `2/chat,2["early"]`)
	decide <- nil
	if p, err := c.Next(); err != nil || !strings.HasPrefix(p, `0/chat,{"sid":`) {
		t.Fatalf("packet %q %v", p, err)
	}
	c.want(`3/chat,2[]`)
}

func TestHandlerFails(t *testing.T) {
	for _, tt := range outcomes {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t, nil)
			h.On("fail", tt.h)
			h.On("x", func(c *sio.Context) error { return c.Ack() })
			c := h.join("/")
			c.send(`2["fail"]`, `21["fail"]`, `22["x"]`)
			c.want(`31[{"error":`+tt.answer+`}]`, `32[]`)
		})
	}
}

// What nothing can be bound to is the server's fault: the log says so, the client hears
// nothing of its arguments, and whether it has sent any makes no difference.
func TestBindWithoutPointer(t *testing.T) {
	var log logBuffer
	srv := newServer(t, &sio.Options{Logger: log.logger()})
	srv.Of("/auth").OnConnect(func(c *sio.Context) error { return c.BindAuth(auth{}) })
	srv.On("value", func(c *sio.Context) error { return c.Bind(auth{}) })
	srv.On("nil", func(c *sio.Context) error { return c.Bind((*auth)(nil)) })
	srv.On("args", func(c *sio.Context) error { return c.Args().Bind(7) })
	c := siotest.Connect(t, srv)
	for event, want := range map[string]string{
		"value": "socketio: no pointer for argument 1, but a sio_test.auth",
		"nil":   "socketio: no pointer for argument 1, but a nil *sio_test.auth",
		"args":  "socketio: no pointer for argument 1, but a int",
	} {
		for _, args := range [][]any{{auth{}}, nil} {
			if err := c.CallError(event, args...); err.Message != "internal error" {
				t.Errorf("%s: the client hears %q", event, err.Message)
			}
		}
		lines := log.lines(t, "handler failed")
		for _, line := range lines[len(lines)-2:] {
			if line["error"] != want || line["level"] != "error" {
				t.Errorf("%s: logged %v", event, line)
			}
		}
	}
	for _, payload := range []any{nil, auth{}} {
		if err := siotest.Refused(t, srv, &siotest.Options{Namespace: "/auth", Auth: payload}); err.Message != "internal error" {
			t.Errorf("BindAuth: the client hears %q", err.Message)
		}
		lines := log.lines(t, "handler failed")
		if line := lines[len(lines)-1]; line["error"] != "socketio: no pointer for the auth payload, but a sio_test.auth" {
			t.Errorf("BindAuth: logged %v", line)
		}
	}
}

// A log counts arguments as the client does, once, and names the field.
func TestBindErrorInLog(t *testing.T) {
	var log logBuffer
	srv := newServer(t, &sio.Options{Logger: log.logger()})
	var got error
	srv.On("e", func(c *sio.Context) error {
		got = c.Bind(nil, new(auth))
		return got
	})
	c := siotest.Connect(t, srv)
	if err := c.CallError("e", 1, map[string]any{"n": "secret"}); err.Message != "argument 2 is invalid" {
		t.Errorf("the client hears %q", err.Message)
	}
	const want = "argument 2 is invalid: cannot decode into *sio_test.auth, field n: string where int is due"
	if line := log.only(t, "handler refused"); line["error"] != want {
		t.Errorf("logged %v, want %s", line, want)
	}
	if err := c.CallError("e", 1); err.Message != "argument 2 is missing" {
		t.Errorf("the client hears %q", err.Message)
	}
	var arg *parser.ArgError
	if !errors.As(got, &arg) || arg.Index != 1 || !errors.Is(got, parser.ErrMissing) || got.Error() != "argument 2 is missing: not sent" {
		t.Errorf("error %v", got)
	}
}

// OnError sees what handlers return, as it is.
func TestOnError(t *testing.T) {
	type seen struct {
		event string
		err   error
	}
	srv := newServer(t, nil)
	errs := make(chan seen, 1)
	srv.OnError(func(c *sio.Context, err error) { errs <- seen{c.Event(), err} })
	fail := func(*sio.Context) error { return errInternal }
	connects := 0
	srv.OnConnect(func(*sio.Context) error {
		if connects++; connects == 1 {
			return errInternal
		}
		return nil
	})
	srv.On("fail", fail)
	srv.On("panic", func(*sio.Context) error { panic(errInternal) })
	srv.On("panic with text", func(*sio.Context) error { panic("text") })
	srv.On("bind", func(c *sio.Context) error { return c.Bind(new(string)) })
	srv.OnAny(fail)
	srv.OnDisconnecting(fail)
	srv.OnDisconnect(fail)

	want := func(event string) error {
		t.Helper()
		got := receive(t, errs, event)
		if got.event != event {
			t.Errorf("error of %q, want %q", got.event, event)
		}
		return got.err
	}
	siotest.Refused(t, srv)
	if err := want("connect"); err != errInternal {
		t.Errorf("%v", err)
	}
	c := siotest.Connect(t, srv)
	c.Emit("fail")
	if err := want("fail"); err != errInternal {
		t.Errorf("%v", err)
	}
	c.Emit("panic")
	var panicked *sio.PanicError
	if err := want("panic"); !errors.As(err, &panicked) || !errors.Is(err, errInternal) || panicked.Value != errInternal {
		t.Errorf("%v", err)
	} else if !strings.Contains(string(panicked.Stack), "TestOnError") {
		t.Errorf("stack %s", panicked.Stack)
	}
	c.Emit("panic with text")
	if err := want("panic with text"); !errors.As(err, &panicked) || panicked.Value != "text" || err.Error() != "panic: text" {
		t.Errorf("%v", err)
	}
	c.Emit("bind")
	var known *sio.Error
	if err := want("bind"); !errors.As(err, &known) || known.Message != "argument 1 is missing" || known.Err == nil {
		t.Errorf("%v", err)
	}
	c.Emit("nobody's")
	if err := want("nobody's"); err != errInternal {
		t.Errorf("%v", err)
	}
	c.Close()
	for _, event := range []string{"disconnecting", "disconnect"} {
		if err := want(event); err != errInternal {
			t.Errorf("%v", err)
		}
	}
}

// OnError can answer in its own way, before the default answer is sent.
func TestOnErrorAnswers(t *testing.T) {
	srv := newServer(t, nil)
	srv.OnError(func(c *sio.Context, err error) {
		if err := c.Ack("sorry"); err != nil {
			t.Error(err)
		}
	})
	srv.On("fail", func(*sio.Context) error { return errInternal })
	c := siotest.Connect(t, srv)
	for range 2 {
		c.Call("fail").Is("sorry")
	}
}

// Whatever panics is contained: the socket lives on, OnError and the log are
// told, and the log has the stack.
func TestPanics(t *testing.T) {
	boom := func(*sio.Context) error { panic("boom") }
	for where, setup := range map[string]func(n *sio.Namespace){
		"event":         func(n *sio.Namespace) { n.On("x", boom) },
		"any":           func(n *sio.Namespace) { n.OnAny(boom) },
		"typed":         func(n *sio.Namespace) { sio.On(n, "x", func(*sio.Context, struct{}) error { panic("boom") }) },
		"ack":           func(n *sio.Namespace) { n.On("x", func(c *sio.Context) error { return c.Ack(explosive{}) }) },
		"disconnecting": func(n *sio.Namespace) { n.OnDisconnecting(boom) },
		"disconnect":    func(n *sio.Namespace) { n.OnDisconnect(boom) },
		"middleware": func(n *sio.Namespace) {
			n.On("x", func(*sio.Context) error { return nil }, func(sio.Handler) sio.Handler { return boom })
		},
		"bind": func(n *sio.Namespace) {
			n.On("x", func(c *sio.Context) error { return c.Bind(new(panicky)) })
		},
	} {
		t.Run(where, func(t *testing.T) {
			var log logBuffer
			srv := newServer(t, &sio.Options{Logger: log.logger()})
			n := srv.Of("/n")
			setup(n)
			errs := make(chan error, 2)
			n.OnError(func(_ *sio.Context, err error) { errs <- err })
			srv.On("alive", func(c *sio.Context) error { return c.Ack() })
			srv.Of("/n2")
			c := siotest.Connect(t, srv)
			inN := c.Of("/n", nil)
			if strings.HasPrefix(where, "disconnect") {
				inN.Disconnect()
			} else if err := inN.CallError("x", 1); err.Error() != "internal error" {
				t.Errorf("answer %v", err)
			}
			var panicked *sio.PanicError
			if err := receive(t, errs, "OnError"); !errors.As(err, &panicked) {
				t.Errorf("error %v", err)
			}
			line := log.only(t, "handler panicked")
			if stack, _ := line["stack"].(string); line["level"] != "error" || line["nsp"] != "/n" || !strings.Contains(stack, "errors_test.go") {
				t.Errorf("log line %v", line)
			}
			c.Call("alive").Is()
			c.Of("/n2", nil)
		})
	}
}

// panicky is a target that nothing can be decoded into.
type panicky struct{}

func (*panicky) UnmarshalJSON([]byte) error { panic("boom") }

// OnError itself may fail, and answers may be impossible to encode.
func TestPanicsOutsideHandlers(t *testing.T) {
	var log logBuffer
	h := newHost(t, &sio.Options{Logger: log.logger()})
	h.OnError(func(_ *sio.Context, err error) {
		if errors.Is(err, errInternal) {
			panic("in OnError")
		}
	})
	h.On("fail", func(*sio.Context) error { return errInternal })
	h.On("explode", func(*sio.Context) error { return &sio.Error{Message: "no", Data: explosive{}} })
	h.On("alive", func(c *sio.Context) error { return c.Ack() })
	c := h.join("/")
	c.send(`21["fail"]`)
	c.want(`31[{"error":{"message":"internal error"}}]`)
	if line := log.only(t, "OnError panicked"); line["event"] != "fail" {
		t.Errorf("log line %v", line)
	}
	c.send(`22["explode"]`, `23["alive"]`)
	p, err := c.Next()
	if p == `32[{"error":{"message":"no"}}]` { // or it stays unanswered
		p, err = c.Next()
	}
	if p != `33[]` || err != nil {
		t.Errorf("packet %q %v", p, err)
	}
	log.only(t, "cannot encode the error's data")
}

// That a client has left is nobody's error: nothing is logged above debug when
// a handler fails because of it.
func TestGoneClientIsNoError(t *testing.T) {
	for what, act := range map[string]func(c *sio.Context) error{
		"Emit":        func(c *sio.Context) error { return c.Emit("x") },
		"Ack":         func(c *sio.Context) error { return c.Ack() },
		"EmitWithAck": func(c *sio.Context) error { _, err := c.EmitWithAck(c.Context(), "x"); return err },
		"the context": func(c *sio.Context) error { <-c.Context().Done(); return c.Context().Err() },
		"its cause":   func(c *sio.Context) error { return fmt.Errorf("storing: %w", context.Cause(c.Context())) },
	} {
		t.Run(what, func(t *testing.T) {
			var log logBuffer
			srv := newServer(t, &sio.Options{Logger: log.logger()})
			entered, left := make(chan struct{}), make(chan struct{})
			srv.On("x", func(c *sio.Context) error {
				close(entered)
				<-c.Context().Done()
				return act(c)
			})
			srv.OnDisconnect(func(*sio.Context) error { close(left); return nil })
			c := siotest.Connect(t, srv)
			c.Go("x")
			receive(t, entered, "the event")
			c.Close()
			receive(t, left, "the disconnect")
			for _, line := range log.lines(t, "") {
				if !slices.Contains([]any{"debug", "info"}, line["level"]) {
					t.Errorf("log line %v", line)
				}
			}
			log.only(t, "handler failed: the client has left")
		})
	}
}
