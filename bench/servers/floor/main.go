// Command floor is what the bench measures against: a bare WebSocket server on
// gobwas/ws with no protocol above it, as fast as one gets while it is simple.
//
// A message that begins with "e" is sent back. "b", two digits and a payload has the
// payload sent so many times to everybody, and is answered with "k". Writes block:
// here, unlike in a server to be used, one stalled client holds up all.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/gobwas/ws"

	"github.com/siokit/sio/bench/servers/internal/host"
)

const (
	readBuffer = 2 << 10   // one read for each message of the bench but the largest
	maxPayload = 1_000_000 // as the peers have it
)

func main() {
	s := server{conns: make(map[net.Conn]struct{})}
	http.HandleFunc("GET /ws", s.upgrade)
	host.Serve(http.DefaultServeMux)
}

type server struct {
	mu       sync.Mutex // protects the following
	conns    map[net.Conn]struct{}
	snapshot []net.Conn // of conns; nil if they have changed since; not written to
}

// upgrade leaves the connection to a goroutine of its own, which ends with it, so
// that nothing that net/http keeps for a request stays.
func (s *server) upgrade(w http.ResponseWriter, r *http.Request) {
	c, _, _, err := ws.UpgradeHTTP(r, w)
	if err != nil {
		return // the client has been told
	}
	s.mu.Lock()
	s.conns[c] = struct{}{}
	s.snapshot = nil
	s.mu.Unlock()
	go func() {
		_ = s.serve(c) // however it ends
		s.mu.Lock()
		delete(s.conns, c)
		s.snapshot = nil
		s.mu.Unlock()
		c.Close()
	}()
}

// everybody returns all connections.
func (s *server) everybody() []net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.snapshot == nil {
		s.snapshot = slices.Collect(maps.Keys(s.conns))
	}
	return s.snapshot
}

// serve answers the messages of c until it fails. Each frame goes out with one
// Write, and those of other goroutines do not come in between.
func (s *server) serve(c net.Conn) error {
	var (
		r       = bufio.NewReaderSize(c, readBuffer)
		scratch = make([]byte, ws.MaxHeaderSize)
		answer  bytes.Buffer // a frame: the message, under its new header
	)
	for {
		h, err := ws.ReadHeaderBuffer(r, scratch)
		if err != nil {
			return err
		}
		data := h.OpCode.IsData() && h.Fin && h.Masked && h.Length > 0 && h.Length <= maxPayload
		if !data {
			return fmt.Errorf("not a message: %+v", h) // a close, mostly
		}
		answer.Reset()
		if err := appendHeader(&answer, h.OpCode, h.Length, scratch); err != nil {
			return err
		}
		answer.Grow(int(h.Length))
		message := answer.AvailableBuffer()[:h.Length]
		if _, err := io.ReadFull(r, message); err != nil {
			return err
		}
		ws.Cipher(message, h.Mask, 0)

		switch message[0] {
		case 'e':
			answer.Write(message) // it is in its place already
			_, err = c.Write(answer.Bytes())
		case 'b':
			err = s.blast(c, message, scratch)
		default:
			err = fmt.Errorf("unknown message: %.20q", message)
		}
		if err != nil {
			return err
		}
	}
}

// blast carries out "b", for c.
func (s *server) blast(c net.Conn, message, scratch []byte) error {
	if len(message) < 3 {
		return io.ErrUnexpectedEOF
	}
	count, err := strconv.Atoi(string(message[1:3]))
	if err != nil {
		return err
	}
	payload := message[3:]
	var frame bytes.Buffer
	if err := appendHeader(&frame, ws.OpText, int64(len(payload)), scratch); err != nil {
		return err
	}
	frame.Write(payload)
	for range count {
		for _, each := range s.everybody() {
			_, _ = each.Write(frame.Bytes()) // its own reader sees that it has failed
		}
	}
	_, err = c.Write([]byte{0x81, 1, 'k'})
	return err
}

func appendHeader(dst *bytes.Buffer, op ws.OpCode, length int64, scratch []byte) error {
	return ws.WriteHeaderBuffer(dst, ws.Header{Fin: true, OpCode: op, Length: length}, scratch)
}
