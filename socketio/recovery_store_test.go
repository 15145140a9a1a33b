package socketio_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/socketio"
	"github.com/siokit/sio/socketio/recovery"
)

// TestRecoveryWithJSONStore runs the tests of recovery on a store that shares nothing
// with the process but bytes. It is empty when the server has ended.
func TestRecoveryWithJSONStore(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"Restores":                 TestRecoveryRestores,
		"WireFormat":               TestRecoveryWireFormat,
		"Reasons":                  TestRecoveryReasons,
		"Window":                   TestRecoveryWindow,
		"IdleClients":              TestRecoveryOfIdleClients,
		"Rooms":                    TestRecoveryOfRooms,
		"ForgottenRooms":           TestRecoveryOfForgottenRooms,
		"EarlyEvents":              TestRecoveryOfEarlyEvents,
		"LostAgainMuchLater":       TestRecoveryLostAgainMuchLater,
		"Refuses":                  TestRecoveryRefuses,
		"PidAlone":                 TestRecoveryPidAlone,
		"PidAtTheSameTime":         TestRecoveryPidAtTheSameTime,
		"IsForTheLast":             TestRecoveryIsForTheLast,
		"TakesOver":                TestRecoveryTakesOver,
		"DoesNotWaitForHandlers":   TestRecoveryDoesNotWaitForHandlers,
		"LeavesTheLiving":          TestRecoveryLeavesTheLiving,
		"OfTheDead":                TestRecoveryOfTheDead,
		"ChangesNothingBefore":     TestRecoveryChangesNothingBeforeTheHandlerHasAccepted,
		"LostAgain":                TestRecoveryLostAgain,
		"StringsTakenForOffsets":   TestRecoveryOfStringsTakenForOffsets,
		"ForgetsStrings":           TestRecoveryForgetsStrings,
		"OffsetOfAnEarlierSession": TestRecoveryWithTheOffsetOfAnEarlierSession,
		"ForgedOffset":             TestRecoveryWithForgedOffset,
		"IsBounded":                TestRecoveryIsBounded,
		"StopsWithTheServer":       TestRecoveryStopsWithTheServer,
		"EvictedDirectEvents":      TestRecoveryOfEvictedDirectEvents,
		"RoomsLeftBefore":          TestRecoveryOfRoomsLeftBefore,
		"EventsBeforeTheAnswer":    TestRecoveryOfEventsBeforeTheAnswer,
		"LostAgainWhileOthersAge":  TestRecoveryLostAgainWhileOthersAge,
		"Model":                    TestRecoveryModel,
		"Order":                    TestRecoveryOrder,
	} {
		t.Run(name, func(t *testing.T) {
			var stores []*jsonStore
			storeUnderTest = func(string) recovery.Store {
				stores = append(stores, newJSONStore(t))
				return stores[len(stores)-1]
			}
			t.Cleanup(func() { // after the server's
				storeUnderTest = nil
				if len(stores) == 0 {
					t.Error("the store has not been used")
				}
				for _, j := range stores {
					if len(j.events)+len(j.sessions) > 0 {
						t.Errorf("%d events and %d sessions are left in a store", len(j.events), len(j.sessions))
					}
				}
			})
			test(t)
		})
	}
}

// Whose values the store can't encode begins anew.
func TestRecoveryOfValuesThatCannotBeStored(t *testing.T) {
	store := hooked(newJSONStore(t))
	h := newHost(t, recovering(socketio.Recovery{Store: store.make}))
	n := h.of("/", nil)
	for _, back := range []bool{true, false} {
		g := h.guest("/")
		n.wants("connect")
		s := n.socket()
		s.SetValue("k", 1)
		if !back {
			s.SetValue("f", func() {})
		}
		g.cut(n)
		store.has(h)
		if got := g.come(); got != back {
			t.Errorf("recovered %t", got)
		}
		n.wants("connect")
		if s := n.socket(); s.Value("k") != nil != back {
			t.Errorf("value %v", s.Value("k"))
		}
	}
}

// The records say what a store is to know.
func TestRecoveryRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := hooked(new(recovery.MemoryStore))
		var events []recovery.Event
		store.appends = func(e recovery.Event) { events = append(events, e) }
		start := time.Now()
		h := newPipeHost(t, recovering(socketio.Recovery{Window: time.Minute, Store: store.make}))
		n := h.of("/", nil)
		g := h.guest("/")
		n.wants("connect")
		s := n.socket()
		s.SetValue("k", "v")
		time.Sleep(time.Second)
		done(t, s.Join("a"), n.All().To("a", "b").Except("c").Emit("cast", []byte{1}), s.Emit("direct"))
		s.Leave("a")
		done(t, s.Join("d"))
		g.cut(n)
		synctest.Wait()
		s.SetValue("k", "changed")

		cast, direct := events[0], events[1]
		if cast.Seq != 1 || direct.Seq != 2 || cast.PID != "" || direct.PID != g.pid || len(direct.Rooms) != 0 ||
			!slices.Equal(cast.Rooms, []string{"a", "b"}) || !slices.Equal(cast.Except, []string{"c"}) || len(cast.Rest) != 1 {
			t.Errorf("events %+v", events)
		}
		if d := cast.Time.Sub(start); d < time.Second || d > time.Second+time.Millisecond {
			t.Errorf("the event is %v old", d)
		}
		r := store.has(h)
		rooms := []recovery.Room{{Name: "a", From: 0, To: 2}, {Name: "d", From: 2, To: 1<<64 - 1}}
		if r.PID != g.pid || r.ID != g.sid || r.Data["k"] != "v" || !slices.Equal(r.Rooms, rooms) {
			t.Errorf("session %+v", r)
		}
		if d := r.Expires.Sub(start); d < 61*time.Second || d > 61*time.Second+time.Millisecond {
			t.Errorf("the session expires after %v", d)
		}
	})
}

// A store may go on reading what it was given, as one does that writes behind.
func TestRecoveryDoesNotShareValues(t *testing.T) {
	store := hooked(new(recovery.MemoryStore))
	h := newHost(t, recovering(socketio.Recovery{Store: store.make}))
	n := h.of("/", nil)
	g := h.guest("/")
	n.wants("connect")
	s := n.socket()
	s.SetValue("k", 1)
	var saved []recovery.Session
	for range 2 {
		g.cut(n)
		saved = append(saved, store.has(h))
		if !g.come() {
			t.Fatal("not recovered")
		}
		n.wants("connect")
		s = n.socket()
		s.SetValue("k", 2)
	}
	if saved[0].Data["k"] != 1 {
		t.Error("a socket has changed a record")
	}
}

// Each namespace has its store, of a dynamic one each that comes.
func TestRecoveryStoreOfNamespaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var names []string
		var last *jsonStore
		h := newPipeHost(t, recovering(socketio.Recovery{Store: func(nsp string) recovery.Store {
			names = append(names, nsp)
			if nsp == "/none" {
				return nil
			}
			last = newJSONStore(t)
			return last
		}}))
		n := h.of("/", nil)
		h.OfFunc("dynamic", func(name string) bool { return strings.HasPrefix(name, "/d") }, n)
		for range 2 {
			g := h.guest("/d1")
			n.wants("connect")
			done(t, h.Dynamic("/d1").All().Emit("one"))
			g.hears("one")
			g.cut(n)
			done(t, h.Dynamic("/d1").All().Emit("two"))
			if !g.come() {
				t.Fatal("not recovered")
			}
			g.hears("two")
			n.wants("connect")
			g.send("41/d1,") // for good: the namespace goes
			n.leaves("client namespace disconnect")
			synctest.Wait()
			if h.Dynamics() != 0 || len(last.events)+len(last.sessions) != 0 {
				t.Errorf("%d namespaces; %d events and %d sessions in the store of the last one", h.Dynamics(), len(last.events), len(last.sessions))
			}
		}
		if !slices.Equal(names, []string{"/", "/d1", "/d1"}) {
			t.Errorf("stores of %q", names)
		}
		defer func() {
			if v := fmt.Sprint(recover()); v != "socketio: Recovery.Store has no store for the namespace /none" {
				t.Errorf("panic %v", v)
			}
		}()
		h.of("/none", nil)
	})
}

// What is not what was stored is not used.
func TestRecoveryWithLyingStore(t *testing.T) {
	type (
		session = recovery.Session
		event   = recovery.Event
	)
	for name, lie := range map[string]hookStore{
		"no session":     {takes: func(s *session) { *s = session{} }},
		"another pid":    {takes: func(s *session) { s.PID += "x" }},
		"another id":     {takes: func(s *session) { s.ID += "x" }},
		"an older one":   {takes: func(s *session) { s.Progress.Left-- }},
		"a room less":    {takes: func(s *session) { s.Rooms = s.Rooms[1:] }},
		"a room more":    {takes: func(s *session) { s.Rooms = append(slices.Clip(s.Rooms), s.Rooms[0]) }},
		"another room":   {takes: func(s *session) { s.Rooms = []recovery.Room{s.Rooms[0], {Name: "other"}} }},
		"no event":       {event: func(e *event) { *e = event{} }},
		"another event":  {event: func(e *event) { e.Seq++ }},
		"no message":     {event: func(e *event) { e.Message = nil }},
		"an empty one":   {event: func(e *event) { e.Message = new(engineio.Message) }},
		"no attachments": {event: func(e *event) { e.Rest = nil }},
		"empty ones":     {event: func(e *event) { e.Rest = []*engineio.Message{nil} }},
		"no rooms":       {event: func(e *event) { e.Rooms = nil }},
		"the truth":      {},
	} {
		t.Run(name, func(t *testing.T) {
			store := hooked(new(recovery.MemoryStore))
			store.takes, store.event = lie.takes, lie.event
			h := newHost(t, recovering(socketio.Recovery{Store: store.make}))
			n := h.of("/", nil)
			g := h.guest("/")
			n.wants("connect")
			done(t, n.socket().Join("room", "side"))
			g.cut(n)
			store.has(h)
			done(t, n.All().To("room").Emit("missed", []byte{1}))
			c := h.ws()
			c.send("40" + g.payload())
			p := c.read()
			if honest := lie.takes == nil && lie.event == nil; honest {
				if !strings.HasPrefix(p, `451-["missed"`) {
					t.Errorf("packet %s", p)
				}
				c.wantBinary("\x01")
				p = c.read()
				if !strings.Contains(p, g.sid) {
					t.Errorf("answer %s", p)
				}
			} else if !strings.HasPrefix(p, `40{"sid":`) || strings.Contains(p, g.sid) || strings.Contains(p, g.pid) {
				t.Errorf("packet %s", p)
			}
			n.wants("connect")
			c.conn.Close()
			n.breaks()
			if _, _, _, rooms := n.Remembered(); (lie.takes == nil) != (rooms == 2) { // what has been missed may be there for who shows another offset
				t.Errorf("%d rooms are remembered", rooms)
			}
		})
	}
}

// emitting is a log that is broadcast, as it may be to those who watch.
type emitting struct {
	n     *nsp
	lines []string
}

func (e *emitting) Write(line []byte) (int, error) {
	if strings.Contains(string(line), `"error"`) {
		e.lines = append(e.lines, string(line))
		_ = e.n.All().Emit("log")
	}
	return len(line), nil
}

func TestRecoveryWithBrokenStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log emitting
		logger := zerolog.New(&log)
		opts := recovering(socketio.Recovery{Store: func(string) recovery.Store { return brokenStore{} }})
		opts.Logger = &logger
		h := newPipeHost(t, opts)
		n := h.of("/", nil)
		log.n = n
		g := h.guest("/")
		n.wants("connect")
		done(t, n.All().Emit("one"))
		g.hears("one", "log")
		done(t, n.All().Emit("two"), n.All().To(g.sid).Emit("three"))
		g.hears("two", "three")
		time.Sleep(20 * time.Second)
		g.cut(n)
		done(t, n.All().Emit("missed"))
		if g.come() {
			t.Error("recovered")
		}
		n.wants("connect")
		done(t, n.All().Emit("four"))
		g.hears("four")
		g.cut(n)
		time.Sleep(time.Minute)
		g.come()
		done(t, n.All().Emit("five"))
		g.hears("five", "log")
		want := `{"level":"error","component":"socketio","nsp":"/","error":"Append: disk on fire","message":"recovery store failed"}` + "\n"
		if !slices.Equal(log.lines, []string{want, want}) {
			t.Errorf("log %q, want %q twice", log.lines, want)
		}
	})
}
