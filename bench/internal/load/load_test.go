package load

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/socketio/parser/msgpack"
)

var brief = Window{Warm: 10 * time.Millisecond, Measured: 100 * time.Millisecond}

func newTestCrowd(t *testing.T, addr net.Addr, d Dialect) *Crowd {
	t.Helper()
	runtime.LockOSThread() // until the end of the test
	s := Server{Addr: netip.MustParseAddrPort(addr.String()), PID: os.Getpid(), Dialect: d}
	c, err := NewCrowd(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	c.patience, c.roundLimit = 5*time.Second, 10*time.Second
	return c
}

func connect(t *testing.T, c *Crowd, n int) {
	t.Helper()
	s, err := c.Connect(n, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if c.Size() != n || s.Ops != n || s.Failures() > 0 {
		t.Fatalf("%d connected, want %d: %+v", c.Size(), n, s)
	}
}

// newServer serves what the bench asks of servers until the end of the test.
func newServer(t *testing.T, opts *sio.Options) net.Addr {
	t.Helper()
	srv := sio.New(opts)
	srv.OnConnect(func(c *sio.Context) error { return c.Join("room") })
	srv.OnError(func(c *sio.Context, err error) { t.Errorf("handler: %v", err) })
	srv.On("echo", func(c *sio.Context) error {
		var arg any
		if err := c.Bind(&arg); err != nil {
			return err
		}
		if c.WantsAck() {
			return c.Ack(arg)
		}
		return c.Emit("echo", arg)
	})
	sio.OnWithAck(srv, "binary", func(_ *sio.Context, data []byte) ([]byte, error) { return data, nil })
	sio.OnWithAck(srv, "text", func(_ *sio.Context, text string) (string, error) { return text, nil })
	srv.On("blast", func(c *sio.Context) error {
		var count int
		var payload string
		if err := c.Bind(&count, &payload); err != nil {
			return err
		}
		for range count {
			if err := srv.To("room").Emit("msg", payload); err != nil {
				return err
			}
		}
		return c.Ack()
	})
	web := httptest.NewServer(srv)
	t.Cleanup(web.Close)
	t.Cleanup(func() { srv.Shutdown(context.Background()) })
	return web.Listener.Addr()
}

// A scenario is a way to measure.
type scenario struct {
	name string
	do   func() (*Sample, error)
}

// runs has each scenario come through without a failure.
func runs(t *testing.T, c *Crowd, all []scenario) {
	t.Helper()
	for _, scenario := range all {
		s, err := scenario.do()
		if err != nil {
			t.Fatalf("%s: %v", scenario.name, err)
		}
		if s.Ops == 0 || s.Seconds <= 0 || s.ServerCPU <= 0 || s.Failures() > 0 || s.Reordered > 0 {
			t.Errorf("%s: %+v", scenario.name, s)
		}
	}
	if s := c.Between(); s.Failures() > 0 {
		t.Errorf("between: %+v", s)
	}
}

// TestScenarios runs all on a server that does everything right.
func TestScenarios(t *testing.T) {
	const n = 20
	c := newTestCrowd(t, newServer(t, nil), SocketIO)
	connect(t, c, n)
	runs(t, c, []scenario{
		{"echo", func() (*Sample, error) { return c.Echo(WithAck, n, brief) }},
		{"event", func() (*Sample, error) { return c.Echo(Event, n, brief) }},
		{"binary", func() (*Sample, error) { return c.Echo(Binary, n/2, brief) }},
		{"latency", func() (*Sample, error) { return c.Latency(n, 1000, brief) }},
		{"broadcast", func() (*Sample, error) { return c.Broadcast(1, brief) }},
		{"burst", func() (*Sample, error) { return c.Broadcast(10, brief) }},
		{"paced", func() (*Sample, error) { return c.Paced(100, 60<<10, brief, func() {}) }},
		{"polling", func() (*Sample, error) { return c.Polling(5, brief) }},
		{"churn", func() (*Sample, error) { return c.Churn(brief) }},
		{"arrivals", func() (*Sample, error) { return c.Arrivals(brief) }},
		{"connects", func() (*Sample, error) { return c.ConnectBeside(n, 5*time.Second) }},
		{"text", func() (*Sample, error) { return c.Echo(Text, n, brief) }},
		{"large", func() (*Sample, error) { return c.Echo(Large, n, brief) }},
		{"large broadcast", func() (*Sample, error) { return c.BroadcastOf(64_000, 1, brief) }},
	})
	c.HangUp()
	l, err := c.Listen(n, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	runs(t, c, []scenario{
		{"broadcast to listeners", func() (*Sample, error) { return l.Broadcast(brief) }},
	})
}

// TestDialects runs what there is of it in each dialect that a server of sio speaks.
func TestDialects(t *testing.T) {
	const n = 10
	for name, tt := range map[string]struct {
		options *sio.Options
		dialect Dialect
		deflate bool
	}{
		"msgpack": {&sio.Options{Parser: msgpack.Parser{}}, Msgpack, false},
		"deflate": {&sio.Options{Compression: &sio.Compression{}}, SocketIO, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := newTestCrowd(t, newServer(t, tt.options), tt.dialect)
			if c.server.Deflate = tt.deflate; tt.deflate {
				c.loop.inflate = newInflater()
			}
			connect(t, c, n)
			runs(t, c, []scenario{
				{"echo", func() (*Sample, error) { return c.Echo(WithAck, n, brief) }},
				{"event", func() (*Sample, error) { return c.Echo(Event, n, brief) }},
				{"binary", func() (*Sample, error) { return c.Echo(Binary, n, brief) }},
				{"text", func() (*Sample, error) { return c.Echo(Text, n, brief) }},
				{"page", func() (*Sample, error) { return c.Echo(Page, n, brief) }},
				{"latency", func() (*Sample, error) { return c.Latency(n, 500, brief) }},
				{"broadcast", func() (*Sample, error) { return c.Broadcast(3, brief) }},
				{"pages", func() (*Sample, error) { return c.BroadcastOf(4<<10, 1, brief) }},
			})
			c.HangUp()
		})
	}
}

// TestNotCompressed finds out a server that has agreed to compress, and does not.
func TestNotCompressed(t *testing.T) {
	c := newTestCrowd(t, newServer(t, &sio.Options{Compression: &sio.Compression{Threshold: 1 << 20}}), SocketIO)
	c.server.Deflate, c.loop.inflate = true, newInflater()
	connect(t, c, 1)
	if s, err := c.Echo(Page, 1, brief); err != nil || s.Ops > 0 || s.Closed != 1 || !strings.Contains(s.Error, "not compressed") {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestStalled has a client that reads again get what was sent meanwhile.
func TestStalled(t *testing.T) {
	f := newFake(t, nil)
	c := newTestCrowd(t, f.Addr(), Bare)
	connect(t, c, 1)
	stalled, err := c.Stall()
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Paced(100, 1000, brief, func() {})
	if err != nil || s.Failures() > 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	received, closed, err := stalled.Resume()
	if want := 11 * 1000; received != want || closed || err != nil {
		t.Errorf("received %d, want %d; closed %t, %v", received, want, closed, err)
	}
}

// TestFailures proves that whatever a server does wrong is counted.
func TestFailures(t *testing.T) {
	const victim = 20 // the number of the message that is not sent as it should be
	scenarios := map[string]func(c *Crowd) (*Sample, error){
		"echo":      func(c *Crowd) (*Sample, error) { return c.Echo(WithAck, 4, brief) },
		"binary":    func(c *Crowd) (*Sample, error) { return c.Echo(Binary, 4, brief) },
		"latency":   func(c *Crowd) (*Sample, error) { return c.Latency(4, 1000, brief) },
		"broadcast": func(c *Crowd) (*Sample, error) { return c.Broadcast(3, brief) },
		"paced":     func(c *Crowd) (*Sample, error) { return c.Paced(200, 500, brief, func() {}) },
	}
	faults := map[string]struct {
		fault fault
		found func(s, between *Sample) bool
	}{
		"dropped": {
			func(int, []byte) [][]byte { return nil },
			func(s, _ *Sample) bool { return s.Lost > 0 },
		},
		"twice": {
			func(_ int, frame []byte) [][]byte { return [][]byte{frame, frame} },
			func(s, between *Sample) bool { return s.Wrong+between.Wrong > 0 && s.Lost == 0 },
		},
		"altered": {
			func(_ int, frame []byte) [][]byte {
				frame = bytes.Clone(frame)
				frame[len(frame)-1] ^= 1
				return [][]byte{frame}
			},
			func(s, _ *Sample) bool { return s.Wrong > 0 },
		},
		"closed": {
			func(int, []byte) [][]byte { return [][]byte{{finBit | opClose, 0}} },
			func(s, _ *Sample) bool { return s.Closed == 1 && s.Lost > 0 },
		},
	}
	for name, scenario := range scenarios {
		for what, f := range faults {
			t.Run(name+"/"+what, func(t *testing.T) {
				server := newFake(t, func(n int, frame []byte) [][]byte {
					if n == victim {
						return f.fault(n, frame)
					}
					return [][]byte{frame}
				})
				c := newTestCrowd(t, server.Addr(), Bare)
				if what != "twice" { // something does not come at all
					c.patience, c.roundLimit = 100*time.Millisecond, 300*time.Millisecond
				}
				connect(t, c, 4)
				s, err := scenario(c)
				if err != nil {
					t.Fatal(err)
				}
				if err := c.Idle(20 * time.Millisecond); err != nil {
					t.Fatal(err)
				}
				if between := c.Between(); !f.found(s, &between) {
					t.Errorf("%+v, then %+v", s, between)
				}
			})
		}
	}
}

// TestReordered has two answers to one client swapped: nothing is lost.
func TestReordered(t *testing.T) {
	var held []byte
	server := newFake(t, func(n int, frame []byte) [][]byte {
		switch n {
		case 20:
			held = bytes.Clone(frame)
			return nil
		case 21:
			return [][]byte{frame, held}
		}
		return [][]byte{frame}
	})
	c := newTestCrowd(t, server.Addr(), Bare)
	connect(t, c, 1)
	s, err := c.Latency(1, 1000, brief)
	if err != nil || s.Failures() > 0 || s.Reordered != 1 {
		t.Errorf("%+v, %v", s, err)
	}
}

// A fault gets the frames that a server sends, numbered, and returns what it sends
// instead.
type fault func(n int, frame []byte) [][]byte

// A fake is a server as the floor is, that may have a fault.
type fake struct {
	net.Listener
	fault fault

	mu    sync.Mutex // protects the following
	conns []net.Conn
	sent  int
}

// newFake serves until the end of the test.
func newFake(t *testing.T, f fault) *fake {
	t.Helper()
	if f == nil {
		f = func(_ int, frame []byte) [][]byte { return [][]byte{frame} }
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &fake{Listener: l, fault: f}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, c)
			s.mu.Unlock()
			all.Go(func() { s.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		s.mu.Lock()
		for _, c := range s.conns {
			c.Close()
		}
		s.mu.Unlock()
		all.Wait()
	})
	return s
}

func (s *fake) serve(c net.Conn) {
	r := bufio.NewReader(c)
	if _, err := http.ReadRequest(r); err != nil {
		return
	}
	fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept)
	for {
		op, message, err := readMasked(r)
		if err != nil {
			return
		}
		if message[0] == 'e' {
			s.send(serverFrame(op, message), c)
			continue
		}
		s.mu.Lock()
		conns := s.conns
		s.mu.Unlock()
		for range 10*(message[1]-'0') + message[2] - '0' {
			s.send(serverFrame(op, message[3:]), conns...)
		}
		s.send(serverFrame(op, []byte("k")), c)
	}
}

func (s *fake) send(frame []byte, conns ...net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range conns {
		frames := [][]byte{frame}
		if len(frame) > 5 { // a message, not an answer to "b"
			frames = s.fault(s.sent, frame)
			s.sent++
		}
		for _, frame := range frames {
			c.Write(frame)
		}
	}
}

func serverFrame(op byte, message []byte) []byte {
	frame := []byte{finBit | op, byte(len(message))}
	if len(message) > 125 {
		frame = binary.BigEndian.AppendUint16([]byte{finBit | op, 126}, uint16(len(message)))
	}
	return append(frame, message...)
}

func readMasked(r io.Reader) (op byte, message []byte, err error) {
	header := make([]byte, 2)
	if _, err := io.ReadFull(r, header); err != nil {
		return 0, nil, err
	}
	size := uint16(header[1] &^ maskBit)
	if size == 126 {
		if err := binary.Read(r, binary.BigEndian, &size); err != nil {
			return 0, nil, err
		}
	}
	masked := make([]byte, 4+int(size))
	if _, err := io.ReadFull(r, masked); err != nil {
		return 0, nil, err
	}
	key, message := masked[:4], masked[4:]
	for i := range message {
		message[i] ^= key[i%4]
	}
	return header[0] & 0x0f, message, nil
}

// TestSendFrom has one server ask for what another one delivers, in namespaces.
func TestSendFrom(t *testing.T) {
	const namespaces = 3
	receiver, sender := sio.New(nil), sio.New(nil)
	for i := range namespaces {
		receiver.Of(fmt.Sprintf("/n%d", i))
	}
	sender.On("publish", func(c *sio.Context) error {
		var count int
		var payload string
		if err := c.Bind(&count, &payload); err != nil {
			return err
		}
		for range count {
			for i := range namespaces {
				if err := receiver.Of(fmt.Sprintf("/n%d", i)).Emit("msg", payload); err != nil {
					return err
				}
			}
		}
		return c.Ack()
	})
	from, to := httptest.NewServer(sender), httptest.NewServer(receiver)
	defer from.Close()
	defer to.Close()
	defer sender.Shutdown(t.Context())
	defer receiver.Shutdown(t.Context())

	c := newTestCrowd(t, to.Listener.Addr(), SocketIO)
	c.server.Namespaces = namespaces
	connect(t, c, 2*namespaces)
	other := Server{Addr: netip.MustParseAddrPort(from.Listener.Addr().String()), PID: os.Getpid()}
	if err := c.SendFrom(other, "publish", 5*time.Second); err != nil {
		t.Fatal(err)
	}
	for name, scenario := range map[string]func() (*Sample, error){
		"broadcast": func() (*Sample, error) { return c.Broadcast(10, brief) },
		"paced":     func() (*Sample, error) { return c.Paced(100, 200, brief, func() {}) },
	} {
		s, err := scenario()
		if err != nil || s.Failures() > 0 || s.Ops == 0 || s.Ops%(2*namespaces) != 0 {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	c.HangUp() // or Shutdown waits for those
	c.loop.hangUp(c.from)
}
