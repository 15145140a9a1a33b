package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/siokit/sio/internal/testclient"
)

// How clients connect.
type transport int

const (
	webSocket transport = iota
	upgrade             // polls, and then moves to WebSocket
	polling
	transports
)

// A client does what the official one does: it shows its pid and the offset of the last
// event that it was told of, and when its connection breaks it connects again after a while,
// which is longer each time. It keeps a record.
type client struct {
	*fleet
	rec       *record
	transport transport
	random    *rand.Rand
	shared    *http.Transport

	pid, offset string
	buffered    []string        // events that came before it was told that it is connected, as the official one keeps them
	asked       string          // what its last packet with an ack was about: "" none, who, set, or a step
	room        string          // of that
	value, set  int             // that the server is known to have, and that it may have
	answeredAt  time.Time       // when value was known
	inside      map[string]bool // the rooms that it is in for all that it knows

	mu      sync.Mutex // protects rec.steps and the following
	server  string     // that it is on, while it is connected
	was     string     // the one before, if it is not
	lost    time.Time  // since when
	tries   int        // to connect since then
	err     error      // why its last connection has ended
	returns []comeback
}

// A comeback is what became of a client that was cut off.
type comeback struct {
	from, to  string // servers
	recovered bool
	away      time.Duration
	tries     int
}

func (c *client) note(s step) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.what != received {
		s.at = time.Now()
	}
	c.rec.steps = append(c.rec.steps, s)
}

// is tells whether something is true of the client.
func (c *client) is(what func(*client) bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return what(c)
}

// run connects, and connects again, until the context ends.
func (c *client) run(ctx context.Context) {
	for ctx.Err() == nil {
		c.gone(c.session(ctx))
		// As the official client: twice as long each time, more or less.
		wait := min(c.delay<<min(c.tries-1, 5), c.most)
		wait = time.Duration(float64(wait) * (0.5 + c.random.Float64()))
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// session is one connection, until it ends.
func (c *client) session(ctx context.Context) error {
	conn, err := testclient.Dial("http://"+c.door(c.random)+"/socket.io/", testclient.Options{
		WebSocket: c.transport == webSocket, Shared: c.shared, Patience: patience,
	})
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, conn.Close)
	defer stop()
	if c.transport == upgrade {
		if err := conn.Upgrade(); err != nil {
			return err
		}
	}
	auth := map[string]any{"name": c.rec.name, "rooms": c.rec.always}
	if c.pid != "" {
		auth["pid"] = c.pid
		if c.offset != "" {
			auth["offset"] = c.offset
		}
	}
	b, err := json.Marshal(auth)
	if err != nil {
		return err
	}
	if err := conn.Send("0" + string(b)); err != nil {
		return err
	}
	c.asked = ""
	connected, recovered := false, false
	for {
		text, err := conn.Next()
		if err != nil {
			return err
		}
		switch p := testclient.Parse(text); {
		case p.Type == '0':
			var answer struct{ SID, PID string }
			if err := json.Unmarshal([]byte(p.Data), &answer); err != nil {
				return err
			}
			connected, recovered = true, answer.PID != "" && answer.PID == c.pid
			if c.pid = answer.PID; !recovered {
				c.note(step{what: began})
				c.value, c.set = 0, 0
			}
			for _, text := range c.buffered {
				if err := c.event(text); err != nil {
					return err
				}
			}
			c.buffered = nil
			if err := c.ask(conn, "who", "", ""); err != nil {
				return err
			}
		case p.Type == '2' && !connected:
			c.buffered = append(c.buffered, p.Data)
		case p.Type == '2':
			if err := c.event(p.Data); err != nil {
				return err
			}
			if err := c.act(conn); err != nil {
				return err
			}
		case p.Type == '3':
			server, err := c.answered(p.Data)
			if err != nil {
				return err
			}
			if server != "" {
				c.there(server, recovered)
			}
		case p.Type == '1':
			return errors.New("disconnected by the server")
		case p.Type == '4':
			c.fail(fmt.Errorf("%s was refused: %s", c.rec.name, p.Data))
			return errors.New("refused")
		}
	}
}

// event takes one: ["e", origin, number, ...], and an offset if the last is a string.
func (c *client) event(data string) error {
	var args []any
	if err := json.Unmarshal([]byte(data), &args); err != nil {
		return err
	}
	if len(args) < 4 || args[0] != "e" {
		err := fmt.Errorf("%s has got %s", c.rec.name, data)
		c.fail(err)
		return err
	}
	origin, _ := args[1].(string)
	n, _ := args[2].(float64)
	s := step{what: received, event: number{origin, int(n)}}
	if offset, ok := args[len(args)-1].(string); ok && c.pid != "" {
		c.offset = offset
		var err error
		if s.pos, err = position(offset); err != nil {
			c.fail(err)
			return err
		}
	}
	c.note(s)
	return nil
}

// position makes of offsets numbers that can be compared: of Redis, 1700000000000-3, and of
// NATS, a number to the base of 36.
//
// One that is provisional may be that of the event before: it counts as none.
func position(offset string) (uint64, error) {
	if strings.Contains(offset, "~") {
		return 0, nil
	}
	ms, sequence, ok := strings.Cut(offset, "-")
	if !ok {
		return strconv.ParseUint(offset, 36, 64)
	}
	high, err := strconv.ParseUint(ms, 10, 64)
	low, e := strconv.ParseUint(sequence, 10, 20)
	return high<<20 | low, errors.Join(err, e)
}

// act has the client do something now and then, one thing after the other.
func (c *client) act(conn *testclient.Client) error {
	if c.asked != "" || !c.acting.Load() || c.random.IntN(c.every) != 0 {
		return nil
	}
	if c.random.IntN(3) == 0 {
		c.set++
		return c.ask(conn, "set", "", strconv.Itoa(c.set))
	}
	room := loose[c.random.IntN(len(loose))]
	if c.inside[room] {
		return c.ask(conn, "leave", room, room)
	}
	return c.ask(conn, "join", room, room)
}

func (c *client) ask(conn *testclient.Client, what, room, arg string) error {
	c.asked, c.room = what, room
	switch what {
	case "join":
		c.note(step{what: joining, room: room})
	case "leave":
		c.note(step{what: leaving, room: room})
	}
	return conn.Ask("/", what, arg)
}

// answered takes an ack: [server, rooms, value]. It returns the server that has told who it
// is.
func (c *client) answered(data string) (server string, err error) {
	var answer struct {
		Server string
		Rooms  []string
		Value  int
	}
	if err := json.Unmarshal([]byte(data), &[]any{&answer}); err != nil {
		return "", err
	}
	asked := c.asked
	c.asked = ""
	switch asked {
	case "join":
		c.note(step{what: joined, room: c.room})
		c.inside[c.room] = true
	case "leave":
		c.note(step{what: left, room: c.room})
		delete(c.inside, c.room)
	case "set":
		c.value, c.answeredAt = c.set, time.Now()
	case "who":
		c.present(answer.Rooms, answer.Value)
		return answer.Server, nil
	}
	return "", nil
}

func (c *client) present(all []string, value int) {
	clear(c.inside)
	var inside []string
	for _, room := range all {
		if slices.Contains(loose, room) {
			inside = append(inside, room)
			c.inside[room] = true
		}
	}
	for _, room := range c.rec.always {
		if room != everybody && room != own(c.rec.name) && !slices.Contains(all, room) {
			c.accuse(rooms, "%s is not in %s, where each session of it is", c.rec.name, room)
		}
	}
	c.note(step{what: present, rooms: inside})
	switch late := c.lastCut().Sub(c.answeredAt); {
	case value >= c.value && value <= c.set:
	case value < c.value && late < slackOf[c.engine].change:
		c.late(late)
	default:
		c.accuse(values, "%s has %d, and has set %d, which was answered, and then up to %d", c.rec.name, value, c.value, c.set)
	}
	c.value, c.set = value, value
}

// lastCut returns when its last connection ended.
func (c *client) lastCut() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lost
}
