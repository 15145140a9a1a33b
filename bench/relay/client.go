package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// A caller sends one request after the other on a connection.
type caller struct {
	addr string
	conn net.Conn
	in   *bufio.Reader
}

func (c *caller) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

// send sends a request.
func (c *caller) send(method, sid, body string) error {
	if c.conn == nil {
		conn, err := net.Dial("tcp", c.addr)
		if err != nil {
			return err
		}
		c.conn, c.in = conn, bufio.NewReader(conn)
	}
	_ = c.conn.SetDeadline(time.Now().Add(time.Minute))
	_, err := fmt.Fprintf(c.conn, "%s /socket.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", method, sid, len(body), body)
	return err
}

// A refusal is an answer other than 200.
type refusal struct{ text string }

func (r refusal) Error() string { return r.text }

// receive returns the body of the answer.
func (c *caller) receive() (string, error) {
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.close()
		return "", err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.Close {
		c.close()
	}
	if err == nil && resp.StatusCode != http.StatusOK {
		err = refusal{fmt.Sprint(resp.Status, " ", string(body))}
	}
	return string(body), err
}

func (c *caller) do(method, sid, body string) (string, error) {
	if err := c.send(method, sid, body); err != nil {
		return "", err
	}
	return c.receive()
}

// open begins a session.
func (c *caller) open() (sid string, err error) {
	body, err := c.do("GET", "", "")
	if err != nil {
		return "", err
	}
	var open struct{ SID string }
	if err := json.Unmarshal([]byte(body[1:]), &open); err != nil {
		return "", err
	}
	if _, err := c.do("POST", open.SID, "40"); err != nil {
		return "", err
	}
	body, err = c.do("GET", open.SID, "")
	if err == nil && !strings.HasPrefix(body, "40{") {
		err = fmt.Errorf("%q instead of a CONNECT", body)
	}
	return open.SID, err
}

// timePolls measures polls at the server that has a session and at another one.
func timePolls(_ context.Context, k kind, n int) (line string, err error) {
	all, err := start(k, 2)
	if err != nil {
		return "", err
	}
	defer stop(all)
	at := []*caller{{addr: all[0].addr}, {addr: all[1].addr}}
	defer at[0].close()
	defer at[1].close()
	sid, err := at[0].open()
	if err != nil {
		return "", err
	}
	took := make([][]time.Duration, 2)
	for i := range 2*n + 200 {
		if _, err := at[0].do("POST", sid, fmt.Sprintf(`42["event",%d]`, i)); err != nil {
			return "", err
		}
		time.Sleep(500 * time.Microsecond) // it is handled meanwhile
		begin := time.Now()
		got, err := at[i%2].do("GET", sid, "")
		d := time.Since(begin)
		switch {
		case err != nil:
			return "", err
		case got == "2": // a ping, and the event with the next poll
			if _, err := at[0].do("POST", sid, "3"); err != nil {
				return "", err
			}
			if _, err := at[0].do("GET", sid, ""); err != nil {
				return "", err
			}
			continue
		case !strings.Contains(got, fmt.Sprintf(`42["event",%d]`, i)):
			return "", fmt.Errorf("got %q", got)
		}
		if i >= 200 {
			took[i%2] = append(took[i%2], d)
		}
	}
	_, _ = at[0].do("POST", sid, "1")
	at3 := func(s int, q float64) time.Duration {
		slices.Sort(took[s])
		return took[s][int(q*float64(len(took[s])-1))].Round(time.Microsecond)
	}
	return fmt.Sprintf("| %s | %s | %v | %v | **%v** | %v | %v |", k.engine, k.way(),
		at3(0, .5), at3(1, .5), at3(1, .5)-at3(0, .5), at3(0, .99), at3(1, .99)), nil
}

const (
	rounds   = 4 // POSTs of a session
	wsEvents = 4 // of a session that moves to WebSocket
)

// A count is what sessions have seen.
type count struct {
	sessions, requests, refused, wrong int64
	relayed                            uint64
	seconds                            float64
	mu                                 sync.Mutex
	failures                           []string
}

func (c *count) line(k kind) string {
	return fmt.Sprintf("| %s | %s | %d | %d | %d | **%d** | **%d** | %.0f |", k.engine, k.way(), c.sessions, c.requests, c.relayed, c.refused, c.wrong, c.seconds)
}

func (c *count) fail(at *int64, err error) {
	atomic.AddInt64(at, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.failures) < 20 {
		c.failures = append(c.failures, err.Error())
	}
}

// crowd has sessions talk through a balancer.
func crowd(ctx context.Context, k kind, sessions, atOnce int) (*count, error) {
	all, err := start(k, 3)
	if err != nil {
		return nil, err
	}
	defer stop(all)
	addr, end, err := balance(ctx, all)
	if err != nil {
		return nil, err
	}
	defer end()
	c := new(count)
	begin := time.Now()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range atOnce {
		wg.Go(func() {
			s := session{count: c, poll: caller{addr: addr}, post: caller{addr: addr}}
			defer s.poll.close()
			defer s.post.close()
			for ctx.Err() == nil {
				i := next.Add(1)
				if i > int64(sessions) {
					return
				}
				err := s.talk(i%2 == 0)
				if _, ok := err.(refusal); ok {
					c.fail(&c.refused, err)
				} else if err != nil {
					c.fail(&c.wrong, err)
				}
				if n := atomic.AddInt64(&c.sessions, 1); n%10_000 == 0 {
					fmt.Printf("%d sessions, %v\n", n, time.Since(begin).Round(time.Second))
				}
			}
		})
	}
	wg.Wait()
	c.seconds = time.Since(begin).Seconds()
	for _, s := range all {
		stats := s.cluster.Stats()
		c.relayed += stats.Relayed
		if stats.Unrelayed > 0 {
			c.failures = append(c.failures, fmt.Sprintf("%+v", stats))
		}
	}
	return c, ctx.Err()
}

// A session is one client after the other, with two connections.
type session struct {
	*count
	poll, post caller
	got        int // events
}

func (s *session) talk(upgrade bool) error {
	s.got = 0
	sid, err := s.post.open()
	atomic.AddInt64(&s.requests, 3)
	if err != nil {
		return err
	}
	for i := range rounds {
		if err := s.poll.send("GET", sid, ""); err != nil {
			return err
		}
		body, err := s.post.do("POST", sid, fmt.Sprintf("42[\"event\",%d]\x1e42[\"event\",%d]", 2*i, 2*i+1))
		atomic.AddInt64(&s.requests, 2)
		if err == nil && body != "ok" {
			err = fmt.Errorf("POST: %q", body)
		}
		if err != nil {
			s.poll.close()
			return err
		}
		for {
			body, err := s.poll.receive()
			if err != nil {
				return err
			}
			if err := s.take(body); err != nil || s.got >= 2*i+2 {
				if err != nil {
					return err
				}
				break
			}
			atomic.AddInt64(&s.requests, 1)
			if err := s.poll.send("GET", sid, ""); err != nil {
				return err
			}
		}
	}
	if upgrade {
		return s.upgrade(sid)
	}
	_, err = s.post.do("POST", sid, "1")
	return err
}

// take checks the events of a payload.
func (s *session) take(payload string) error {
	for p := range strings.SplitSeq(payload, "\x1e") {
		switch {
		case p == "6" || p == "2":
		case p == `42["event",`+strconv.Itoa(s.got)+`]`:
			s.got++
		default:
			return fmt.Errorf("%q instead of event %d", p, s.got)
		}
	}
	return nil
}

// upgrade moves the session to WebSocket.
func (s *session) upgrade(sid string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.poll.send("GET", sid, ""); err != nil {
		return err
	}
	atomic.AddInt64(&s.requests, 2)
	conn, early, _, err := ws.Dial(ctx, "ws://"+s.poll.addr+"/socket.io/?EIO=4&transport=websocket&sid="+sid)
	if err != nil {
		return refusal{"upgrade: " + err.Error()}
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	in := io.Reader(conn)
	if early != nil {
		in = io.MultiReader(bytes.NewReader(must(early.Peek(early.Buffered()))), conn)
	}
	rw := struct {
		io.Reader
		io.Writer
	}{in, conn}
	say := func(text string) error { return wsutil.WriteClientText(conn, []byte(text)) }
	if err := say("2probe"); err != nil {
		return err
	}
	if got, _, err := wsutil.ReadServerData(rw); err != nil || string(got) != "3probe" {
		return fmt.Errorf("probe: %q %v", got, err)
	}
	body, err := s.poll.receive()
	if err != nil {
		return err
	}
	if err := s.take(body); err != nil {
		return err
	}
	if err := say("5"); err != nil {
		return err
	}
	for i := range wsEvents {
		if err := say(fmt.Sprintf(`42["event",%d]`, 2*rounds+i)); err != nil {
			return err
		}
	}
	for s.got < 2*rounds+wsEvents {
		got, _, err := wsutil.ReadServerData(rw)
		if err != nil {
			return err
		}
		if err := s.take(string(got)); err != nil {
			return err
		}
	}
	return say("1")
}

func must(b []byte, _ error) []byte { return b }
