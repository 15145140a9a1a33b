package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/siokit/sio"
)

// A world is a server and its clients: those in another process, over
// WebSocket, and idle ones in memory, over polling. The latter never poll, so
// that nothing can be written to them at once: a volatile emit does everything
// but the write.
type world struct {
	srv     *sio.Server
	addr    string
	sockets chan *sio.Socket // of the idle clients, as they connect
	admit   sio.Handler      // of the others
	present sync.WaitGroup   // all sockets

	web     *http.Server
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	answers *json.Decoder
}

// newWorld returns a world whose clients have not connected.
func newWorld(recovery *sio.Recovery) (*world, error) {
	w := &world{
		sockets: make(chan *sio.Socket, 1),
		admit:   func(c *sio.Context) error { return c.Join("all") },
	}
	w.srv = sio.New(&sio.Options{
		PingInterval:  time.Hour, // nobody answers
		ForgetRequest: true,
		MaxRooms:      2000, // see the axes
		Recovery:      recovery,
	})
	w.furnish("/")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w.addr = ln.Addr().String()
	w.web = &http.Server{Handler: w.srv}
	go func() { _ = w.web.Serve(ln) }() // until close
	return w, w.startClients()
}

func (w *world) startClients() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	w.cmd = exec.Command(self, "-clients")
	w.cmd.Stderr = os.Stderr
	w.stdin, err = w.cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	w.answers = json.NewDecoder(out)
	return w.cmd.Start()
}

// close ends the clients. The server ends with the process.
func (w *world) close() {
	_ = w.stdin.Close()
	_ = w.cmd.Wait()
	_ = w.web.Close()
}

// furnish gives a namespace its handlers.
func (w *world) furnish(name string) *sio.Namespace {
	nsp := w.srv.Of(name)
	nsp.OnConnect(w.connected)
	nsp.OnDisconnect(w.disconnected)
	nsp.On("echo", echo)
	return nsp
}

func (w *world) connected(c *sio.Context) error {
	w.present.Add(1)
	if c.Transport() == sio.TransportPolling {
		w.sockets <- c.Socket()
		return nil
	}
	return w.admit(c)
}

func (w *world) disconnected(*sio.Context) error {
	w.present.Done()
	return nil
}

// echo decodes its argument, and encodes it again.
func echo(c *sio.Context) error {
	var s string
	if err := c.Bind(&s); err != nil {
		return err
	}
	return c.Ack(s)
}

// tell has the clients do something.
func (w *world) tell(c command) error {
	c.Addr = w.addr
	if c.Namespace == "" {
		c.Namespace = "/"
	}
	if err := json.NewEncoder(w.stdin).Encode(c); err != nil {
		return err
	}
	return w.hear()
}

// hear waits for the next answer of the clients.
func (w *world) hear() error {
	var a answer
	if err := w.answers.Decode(&a); err != nil {
		return err
	}
	if a.Err != "" {
		return errors.New("clients: " + a.Err)
	}
	return nil
}

// connect connects n clients to a namespace.
func (w *world) connect(n int, nsp string) error {
	return w.tell(command{Do: "connect", N: n, Flight: min(n, 32), Namespace: nsp})
}

// disconnect cuts all connections to the clients, and waits until the handlers
// have heard of it.
func (w *world) disconnect() error {
	err := w.tell(command{Do: "close"})
	w.present.Wait()
	return err
}

// request serves a request in memory.
func (w *world) request(method, sid, body string) (string, error) {
	target := "/socket.io/?EIO=4&transport=polling"
	if sid != "" {
		target += "&sid=" + sid
	}
	res := httptest.NewRecorder()
	w.srv.ServeHTTP(res, httptest.NewRequest(method, target, strings.NewReader(body)))
	if res.Code != http.StatusOK {
		return "", fmt.Errorf("%s %.100q: %d %s", method, body, res.Code, res.Body)
	}
	return res.Body.String(), nil
}

// An idleClient is one in memory.
type idleClient struct {
	w   *world
	sid string
}

func (w *world) newIdle() (idleClient, error) {
	open, err := w.request("GET", "", "")
	if err != nil {
		return idleClient{}, err
	}
	var h struct{ SID string }
	if err := json.Unmarshal([]byte(open[1:]), &h); err != nil {
		return idleClient{}, err
	}
	return idleClient{w, h.SID}, nil
}

func (c idleClient) post(packets string) error {
	_, err := c.w.request("POST", c.sid, packets)
	return err
}

// idle connects n clients in memory, of which nothing waits to be sent, and
// returns their sockets.
func (w *world) idle(n int, nsp string) ([]*sio.Socket, []idleClient, error) {
	sockets, clients := make([]*sio.Socket, n), make([]idleClient, n)
	packet := "40"
	if nsp != "/" {
		packet += nsp + ","
	}
	for i := range sockets {
		c, err := w.newIdle()
		if err != nil {
			return nil, nil, err
		}
		if err := c.post(packet); err != nil {
			return nil, nil, err
		}
		sockets[i], clients[i] = <-w.sockets, c
		answer, err := w.request("GET", c.sid, "")
		if err != nil {
			return nil, nil, err
		}
		if !strings.HasPrefix(answer, packet) {
			return nil, nil, errors.New("answer to CONNECT: " + answer)
		}
		for !sockets[i].Connected() { // it will be in a moment
			runtime.Gosched()
		}
	}
	return sockets, clients, nil
}
