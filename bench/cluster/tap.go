package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
)

// A tap is on a line to Redis: it counts messages that come by it, by what their channel
// has in its name, and then passes them on.
type tap struct {
	listener net.Listener
	to       string
	wg       sync.WaitGroup // its goroutines, until close

	mu    sync.Mutex
	conns []net.Conn // of both sides
	seen  map[string]int
}

func newTap(names ...string) *tap {
	t := &tap{seen: make(map[string]int)}
	for _, name := range names {
		t.seen[name] = 0
	}
	return t
}

// listen returns the address at which Redis can be reached by way of the tap.
func (t *tap) listen(to string) (string, error) {
	var err error
	if t.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return "", err
	}
	t.to = to
	t.wg.Go(func() {
		for {
			conn, err := t.listener.Accept()
			if err != nil {
				return
			}
			t.connect(conn)
		}
	})
	return t.listener.Addr().String(), nil
}

func (t *tap) connect(client net.Conn) {
	redis, err := net.Dial("tcp", t.to)
	if err != nil {
		client.Close()
		return
	}
	t.mu.Lock()
	t.conns = append(t.conns, client, redis)
	t.mu.Unlock()
	t.wg.Go(func() {
		_, _ = io.Copy(redis, client) // ends with either
		redis.Close()
	})
	t.wg.Go(func() {
		defer client.Close()
		var said bytes.Buffer
		r := bufio.NewReader(io.TeeReader(redis, &said))
		for {
			if _, err := t.value(r); err != nil {
				return
			}
			if r.Buffered() > 0 { // of the next
				continue
			}
			if _, err := said.WriteTo(client); err != nil { // what has been counted
				return
			}
		}
	})
}

func (t *tap) close() {
	if t.listener != nil {
		t.listener.Close()
	}
	t.mu.Lock()
	for _, conn := range t.conns {
		conn.Close()
	}
	t.mu.Unlock()
	t.wg.Wait()
}

func (t *tap) count(name string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seen[name]
}

// value reads what Redis says, a value of RESP 2 or 3, and returns it if it is a string.
// It counts what is a message.
func (t *tap) value(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	line = bytes.TrimRight(line, "\r\n")
	if len(line) == 0 {
		return nil, fmt.Errorf("not of Redis: %q", line)
	}
	n, err := strconv.Atoi(string(line[1:]))
	switch line[0] {
	case '$', '=', '!':
		if err != nil || n < 0 {
			return nil, err
		}
		text := make([]byte, n+2)
		_, err := io.ReadFull(r, text)
		return text[:n], err
	case '*', '>', '~', '%', '|':
		if err != nil {
			return nil, err
		}
		if line[0] == '%' || line[0] == '|' {
			n *= 2
		}
		return nil, t.list(r, n)
	default:
		return line[1:], nil
	}
}

func (t *tap) list(r *bufio.Reader, n int) error {
	var before, last []byte // of the last
	var kind string
	for i := range n {
		v, err := t.value(r)
		if err != nil {
			return err
		}
		if i == 0 {
			kind = string(v)
		}
		before, last = last, v
	}
	if kind != "message" && kind != "pmessage" && kind != "smessage" || last == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for name := range t.seen {
		if bytes.Contains(before, []byte(name)) {
			t.seen[name]++
		}
	}
	return nil
}
