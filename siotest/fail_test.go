package siotest_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/siokit/sio"
	"github.com/siokit/sio/siotest"
)

// A recorder stands for a test that is to fail.
type recorder struct {
	testing.TB
	failure  string
	cleanups []func()
}

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

func (r *recorder) Errorf(format string, args ...any) { r.failure = fmt.Sprintf(format, args...) }

// failed is what Fatalf ends a test with, as the test's own goroutine.
type failed struct{}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	panic(failed{})
}

// failing runs a test that must fail, and returns how.
func failing(t *testing.T, test func(t testing.TB)) string {
	t.Helper()
	r := &recorder{TB: t}
	contained := func(f func()) {
		defer func() {
			if v := recover(); v != nil && v != (failed{}) {
				panic(v)
			}
		}()
		f()
	}
	contained(func() { test(r) })
	for i := range r.cleanups {
		contained(r.cleanups[len(r.cleanups)-1-i])
	}
	if r.failure == "" {
		t.Error("the test has not failed")
	}
	return r.failure
}

// Whatever fails says what has come instead of what, and takes no time.
func TestFailures(t *testing.T) {
	const gone = `siotest: the client is disconnected `
	for name, tt := range map[string]struct {
		test func(c *siotest.Client)
		want string
	}{
		"no event":      {func(c *siotest.Client) { c.Expect("x") }, `siotest: no event has come within 10s, want "x"`},
		"no next event": {func(c *siotest.Client) { c.Next() }, `siotest: no event has come within 10s, want an event`},
		"another event": {func(c *siotest.Client) { c.Emit("echo", "a", 1); c.Expect("x") }, `siotest: the next event is "echo" ["a",1], want "x"`},
		"an event":      {func(c *siotest.Client) { c.Emit("echo"); c.ExpectNone() }, `siotest: the next event is "echo" [], want none`},
		"more events":   {func(c *siotest.Client) { c.Emit("echo"); c.Emit("echo", 2); c.ExpectNone() }, `siotest: the next event is "echo" [], want none; behind it "echo"`},
		"other args":    {func(c *siotest.Client) { c.Emit("echo", 1); c.Expect("echo").Is("1") }, `siotest: the event is "echo" [1], want "echo" ["1"]`},
		"args too many": {func(c *siotest.Client) { c.Emit("echo", 1); c.Expect("echo").Is() }, `siotest: the event is "echo" [1], want "echo" []`},
		"other binary":  {func(c *siotest.Client) { c.Emit("echo", []byte{1}); c.Expect("echo").Is([]byte{2}) }, `siotest: the event is "echo" ["<1 bytes: 01>"], want "echo" ["<1 bytes: 02>"]`},
		"unencodable":   {func(c *siotest.Client) { c.Emit("echo", 1); c.Expect("echo").Is(make(chan int)) }, `siotest: the event "echo" [1]: what is wanted can't be encoded: `},
		"bind":          {func(c *siotest.Client) { c.Emit("echo", "a"); c.Expect("echo").Bind(new(int)) }, `siotest: the event "echo" ["a"]: `},
		"bind too many": {func(c *siotest.Client) { c.Emit("echo"); c.Expect("echo").Bind(new(int)) }, `siotest: the event "echo" []: `},
		"typed event":   {func(c *siotest.Client) { c.Emit("echo", "a"); siotest.Expect[int](c, "echo") }, `siotest: the event "echo" ["a"]: `},
		"no answer":     {func(c *siotest.Client) { c.Call("nobody's") }, `siotest: no answer to "nobody's" has come within 10s`},
		"event instead": {func(c *siotest.Client) { c.Call("ask") }, `siotest: no answer to "ask" has come within 10s, but the event "question" ["why?"]`},
		"error answer":  {func(c *siotest.Client) { c.Call("fail") }, `siotest: the answer to "fail" is an error: no (data [1])`},
		"no error":      {func(c *siotest.Client) { c.CallError("echo", 1) }, `siotest: the answer to "echo" is [1], want an error`},
		"error bound":   {func(c *siotest.Client) { c.Go("fail").Bind(new(any)) }, `siotest: the answer to "fail" is an error: no (data [1])`},
		"other answer":  {func(c *siotest.Client) { c.Call("echo", 1).Is(2) }, `siotest: the answer to "echo" is [1], want [2]`},
		"answer's want": {func(c *siotest.Client) { c.Call("echo", 1).Is(make(chan int)) }, `siotest: the answer to "echo": what is wanted can't be encoded: `},
		"answer's bind": {func(c *siotest.Client) { c.Call("echo", "a").Bind(new(int)) }, `siotest: the answer to "echo" is ["a"]: `},
		"typed answer":  {func(c *siotest.Client) { siotest.Call[int](c, "echo", "a") }, `siotest: the answer to "echo" is ["a"]: `},
		"reserved":      {func(c *siotest.Client) { c.Emit("connect") }, `siotest: Emit("connect"): the name is reserved`},
		"bad argument":  {func(c *siotest.Client) { c.Emit("x", make(chan int)) }, `siotest: Emit("x"): `},
		"ack unasked":   {func(c *siotest.Client) { c.Emit("echo"); c.Next().Ack() }, `siotest: Ack: the server does not wait for an answer to "echo"`},
		"ack twice":     {func(c *siotest.Client) { c.Emit("ask"); e := c.Next(); e.Ack(1); e.Ack(1) }, `siotest: Ack: the event "question" has been answered already`},
		"bad ack":       {func(c *siotest.Client) { c.Emit("ask"); c.Next().Ack(make(chan int)) }, `siotest: Ack of "question": `},
		"ack too late":  {func(c *siotest.Client) { c.Emit("ask"); e := c.Next(); c.Close(); e.Ack(1) }, `siotest: Ack of "question": the client is disconnected ("io client disconnect")`},
		"still there":   {func(c *siotest.Client) { c.ExpectDisconnect(siotest.TransportClose) }, `siotest: the client has not been disconnected within 10s, want "transport close"`},
		"event first":   {func(c *siotest.Client) { c.Emit("echo"); c.Emit("kick"); c.ExpectDisconnect(siotest.ServerDisconnect) }, `siotest: the next event is "echo" [], want the client disconnected`},
		"other reason":  {func(c *siotest.Client) { c.Emit("kick"); c.ExpectDisconnect(siotest.TransportClose) }, gone + `("io server disconnect"), want "transport close"`},
		"gone: expect":  {func(c *siotest.Client) { c.Emit("kick"); c.Expect("x") }, gone + `("io server disconnect"), want "x"`},
		"gone: none":    {func(c *siotest.Client) { c.Emit("kick"); c.ExpectNone() }, gone + `("io server disconnect"), want a connected client and no event`},
		"gone: call":    {func(c *siotest.Client) { c.Call("kick") }, gone + `("io server disconnect"), want an answer to "kick"`},
		"gone: close":   {func(c *siotest.Client) { c.Close(); c.Emit("x") }, `siotest: Emit("x"): the client is disconnected ("io client disconnect")`},
		"gone: of":      {func(c *siotest.Client) { c.Close(); c.Of("/chat", nil) }, `siotest: /chat: the client is disconnected ("io client disconnect"), instead of an answer to CONNECT`},
		"namespace":     {func(c *siotest.Client) { c.Of("/chat", nil).Expect("x") }, `siotest: /chat: no event has come within 10s, want "x"`},
		"there already": {func(c *siotest.Client) { c.Of("/", nil) }, `siotest: the connection has a client in this namespace already`},
		"refused":       {func(c *siotest.Client) { c.Of("/closed", nil) }, `siotest: /closed: the server refuses the client: closed`},
		"slow":          {func(c *siotest.Client) { c.Of("/slow", nil) }, `siotest: /slow: the connect handler has not returned within 10s`},
		"auth":          {func(c *siotest.Client) { c.Of("/chat", "no object") }, `siotest: /chat: Auth can't be sent: `},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				finish := make(chan struct{})
				srv := newServer(t, nil)
				srv.Of("/chat")
				srv.Of("/closed").OnConnect(func(*sio.Context) error { return &sio.Error{Message: "closed"} })
				srv.Of("/slow").OnConnect(func(c *sio.Context) error { <-finish; return nil })
				failure := failing(t, func(t testing.TB) { tt.test(siotest.Connect(t, srv)) })
				close(finish)
				// What ends with a space goes on with the words of others.
				if failure != tt.want && !(strings.HasSuffix(tt.want, ": ") && strings.HasPrefix(failure, tt.want)) {
					t.Errorf("failure %q\nwant    %q", failure, tt.want)
				}
			})
		})
	}
}
