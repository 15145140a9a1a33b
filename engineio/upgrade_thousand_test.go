package engineio_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/siokit/sio/engineio"
)

// TestThousandUpgrades sends numbered messages both ways through a thousand
// upgrades, with random delays at every step: each arrives once, in order.
// The client goes through the states of the official one: it polls and posts,
// probes, pauses polling when the probe is answered, waits for the requests
// that are under way, sends the upgrade packet, and goes on over WebSocket.
func TestThousandUpgrades(t *testing.T) {
	const sessions, atOnce = 1000, 50
	var peers sync.Map // by id
	h := newHost(t, &engineio.Options{
		PingInterval: 20 * time.Millisecond, // so that heartbeats cross the upgrade too
		PingTimeout:  time.Minute,
		MaxPayload:   100, // so that responses are split
	}, func(p *peer) { peers.Store(p.ID(), p) }) // before its client has the id
	mine := func(sid string) *peer {
		v, _ := peers.Load(sid)
		p := v.(*peer)
		p.h = h
		return p
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	errs := make(chan error, sessions)
	turns := make(chan struct{}, atOnce)
	for i := range sessions {
		turns <- struct{}{}
		go func() { // one session; joined by errs
			defer func() { <-turns }()
			m := &migrant{h: h, rnd: rand.New(rand.NewPCG(seed, uint64(i)))}
			if err := m.run(mine); err != nil {
				err = fmt.Errorf("session %d: %w", i, err)
				errs <- err
				return
			}
			errs <- nil
		}()
	}
	for range sessions {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// each is how many messages go each way.
const each = 12

// A migrant is one client and the server's end of its session.
type migrant struct {
	h   *host
	sid string
	ws  *wsClient

	rndMu sync.Mutex
	rnd   *rand.Rand

	mu       sync.Mutex // protects the following
	queue    []string   // packets to be sent
	sent     int        // messages put into queue
	received int
	paused   bool // no new request
	down     chan struct{}
}

// dawdle waits for up to 4 ms, often not at all.
func (m *migrant) dawdle() {
	m.rndMu.Lock()
	d := time.Duration(m.rnd.IntN(8)-4) * time.Millisecond
	m.rndMu.Unlock()
	time.Sleep(d)
}

func (m *migrant) run(mine func(sid string) *peer) error {
	r := m.h.do("GET", polling, "")
	sid, _, ok := strings.Cut(strings.TrimPrefix(r.body, `0{"sid":"`), `"`)
	if r.err != nil || !ok {
		return fmt.Errorf("handshake: %d %q %v", r.status, r.body, r.err)
	}
	m.sid = sid
	m.down = make(chan struct{})
	p := mine(sid)

	served := make(chan error, 1)
	go func() { served <- m.serve(p) }() // until all is sent and received, or the session ends

	polled := make(chan error, 1)
	go func() { polled <- m.poll() }() // until paused
	posted := make(chan error, 1)
	go func() { posted <- m.post() }() // until paused

	m.dawdle()
	upgradeErr := m.upgrade(polled, posted)
	if upgradeErr != nil {
		p.Session.Close()
		if m.ws != nil {
			m.ws.conn.Close()
		}
		return errors.Join(upgradeErr, <-served)
	}
	err := m.talk()
	if err != nil {
		p.Session.Close()
	}
	err = errors.Join(err, <-served)
	m.leave()
	reason := <-p.closed
	if err == nil && reason != "transport close" {
		err = fmt.Errorf("session ended with %q", reason)
	}
	return err
}

// serve is the server's side.
func (m *migrant) serve(p *peer) error {
	sent := make(chan error, 1)
	go func() { // until all is sent
		for i := range each {
			m.dawdle()
			if err := p.Send(engineio.NewMessage([]byte(strconv.Itoa(i)))); err != nil {
				sent <- fmt.Errorf("Send %d: %w", i, err)
				return
			}
		}
		sent <- nil
	}()
	for i := range each {
		select {
		case msg := <-p.messages:
			if msg.data != strconv.Itoa(i) {
				return errors.Join(fmt.Errorf("the server got %q, want %d", msg.data, i), <-sent)
			}
		case r := <-p.closed:
			p.closed <- r
			return errors.Join(fmt.Errorf("the server got %d messages, then %q", i, r), <-sent)
		}
	}
	if err := <-sent; err != nil {
		return err
	}
	select {
	case <-m.down:
	case r := <-p.closed:
		p.closed <- r
		select {
		case <-m.down:
		default:
			return fmt.Errorf("the session ended with %q before all was received", r)
		}
	}
	select {
	case msg := <-p.messages:
		return fmt.Errorf("the server got %q too much", msg.data)
	default:
	}
	return nil
}

// take handles a packet from the server.
func (m *migrant) take(packet string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case packet == "2":
		m.queue = append(m.queue, "3")
	case packet == "6":
	case packet == "4"+strconv.Itoa(m.received) && m.received < each:
		if m.received++; m.received == each {
			close(m.down)
		}
	default:
		return fmt.Errorf("the client got %q after %d messages", packet, m.received)
	}
	return nil
}

// next returns what is to be sent now. More tells whether there may be more
// to send later.
func (m *migrant) next() (packets []string, more bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sent < each {
		m.queue = append(m.queue, "4"+strconv.Itoa(m.sent))
		m.sent++
	}
	packets, m.queue = m.queue, nil
	return packets, m.sent < each
}

func (m *migrant) isPaused() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.paused
}

func (m *migrant) poll() error {
	for !m.isPaused() {
		r := m.h.get(m.sid)
		if r.err != nil || r.status != 200 {
			return fmt.Errorf("GET: %d %q %v", r.status, r.body, r.err)
		}
		if packets := strings.Split(r.body, "\x1e"); len(packets) > 1 && len(r.body) > 100 {
			return fmt.Errorf("%d bytes in a response", len(r.body))
		}
		for p := range strings.SplitSeq(r.body, "\x1e") {
			if err := m.take(p); err != nil {
				return err
			}
		}
		m.dawdle()
	}
	return nil
}

func (m *migrant) post() error {
	for !m.isPaused() {
		if packets, _ := m.next(); len(packets) > 0 {
			r := m.h.post(m.sid, strings.Join(packets, "\x1e"))
			if r.err != nil || r.status != 200 || r.body != "ok" {
				return fmt.Errorf("POST: %d %q %v", r.status, r.body, r.err)
			}
		}
		time.Sleep(time.Millisecond) // when all is sent, the pongs are still to come
		m.dawdle()
	}
	return nil
}

// upgrade probes, pauses polling and sends the upgrade packet.
func (m *migrant) upgrade(polled, posted <-chan error) (err error) {
	pause := func() error {
		m.mu.Lock()
		m.paused = true
		m.mu.Unlock()
		return errors.Join(<-polled, <-posted)
	}
	conn, err := m.h.dial()
	if err != nil {
		return errors.Join(err, pause())
	}
	m.ws = newWSClient(m.h, conn)
	if err = m.probe(); err != nil {
		return errors.Join(err, pause())
	}
	m.dawdle()
	if err := pause(); err != nil {
		return err
	}
	m.dawdle()
	_, err = conn.Write(masked(opText, "5"))
	return err
}

func (m *migrant) probe() error {
	status, err := m.ws.handshake("EIO=4&transport=websocket&sid=" + m.sid)
	if err != nil || status != 101 {
		return fmt.Errorf("WebSocket: %d %v", status, err)
	}
	m.dawdle()
	if _, err := m.ws.conn.Write(masked(opText, "2probe")); err != nil {
		return err
	}
	f, err := m.ws.tryRead()
	if err != nil || f.payload != "3probe" {
		return fmt.Errorf("probe answered %q %v", f.payload, err)
	}
	return nil
}

// leave makes the closing handshake.
func (m *migrant) leave() {
	m.ws.conn.Write(masked(opClose, ""))
	for {
		if _, err := m.ws.tryRead(); err != nil {
			break
		}
	}
	m.ws.conn.Close()
}

// talk goes on over WebSocket until all is sent and received.
func (m *migrant) talk() error {
	wrote := make(chan error, 1)
	go func() { // until all is sent
		for more := true; more; {
			var packets []string
			packets, more = m.next()
			for _, p := range packets {
				if _, err := m.ws.conn.Write(masked(opText, p)); err != nil {
					wrote <- err
					return
				}
			}
			m.dawdle()
		}
		wrote <- nil
	}()
	for {
		select {
		case <-m.down:
			return <-wrote
		default:
		}
		f, err := m.ws.tryRead()
		if err == nil && f.b0 != opText {
			err = fmt.Errorf("frame %#x %q", f.b0, f.payload)
		}
		if err == nil {
			err = m.take(f.payload)
		}
		if err != nil {
			m.ws.conn.Close()
			return errors.Join(err, <-wrote)
		}
	}
}
