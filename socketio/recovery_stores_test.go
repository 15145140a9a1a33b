package socketio_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/siokit/sio/internal/timetest"
	"github.com/siokit/sio/socketio/recovery"
)

// storeUnderTest, if set, makes the stores of options that recovering returns.
var storeUnderTest func(nsp string) recovery.Store

// A jsonStore passes everything through encoding/json, and values through gob, and
// checks that it is used as a store may expect.
type jsonStore struct {
	t        *testing.T
	mu       sync.Mutex // never waited for
	last     uint64
	dropped  uint64
	events   map[uint64][]byte
	sessions map[string][2][]byte
}

func newJSONStore(t *testing.T) *jsonStore {
	return &jsonStore{t: t, events: make(map[uint64][]byte), sessions: make(map[string][2][]byte)}
}

// enter is called by each method, and what it returns at the end.
func (j *jsonStore) enter() func() {
	if !j.mu.TryLock() {
		j.t.Error("two methods of a store are called at the same time")
		j.mu.Lock()
	}
	return j.mu.Unlock
}

func (j *jsonStore) Append(e recovery.Event) (err error) {
	defer j.enter()()
	if e.Seq <= j.last {
		j.t.Errorf("event %d behind %d", e.Seq, j.last)
	}
	j.last = e.Seq
	j.events[e.Seq], err = json.Marshal(e)
	return err
}

func (j *jsonStore) Event(seq uint64) (e recovery.Event, err error) {
	defer j.enter()()
	b := j.events[seq]
	if b == nil {
		j.t.Errorf("event %d is asked for, which there is not", seq)
	}
	return e, json.Unmarshal(b, &e)
}

func (j *jsonStore) Drop(upTo uint64) error {
	defer j.enter()()
	for ; j.dropped < upTo; j.dropped++ {
		delete(j.events, j.dropped+1)
	}
	return nil
}

func (j *jsonStore) Save(s recovery.Session) error {
	defer j.enter()()
	if _, dup := j.sessions[s.PID]; dup {
		j.t.Error("a session is saved twice")
	}
	b, err := json.Marshal(s)
	var data bytes.Buffer
	err = errors.Join(err, gob.NewEncoder(&data).Encode(s.Data))
	j.sessions[s.PID] = [2][]byte{b, data.Bytes()}
	return err
}

func (j *jsonStore) Take(pid string) (s recovery.Session, err error) {
	defer j.enter()()
	kept, ok := j.sessions[pid]
	if !ok {
		j.t.Error("a session is asked for that there is not")
	}
	delete(j.sessions, pid)
	err = json.Unmarshal(kept[0], &s)
	return s, errors.Join(err, gob.NewDecoder(bytes.NewReader(kept[1])).Decode(&s.Data))
}

func (j *jsonStore) Remove(pid string) error {
	defer j.enter()()
	delete(j.sessions, pid)
	return nil
}

var errBroken = errors.New("disk on fire")

// brokenStore fails always.
type brokenStore struct{}

func (brokenStore) Append(recovery.Event) error { return errBroken }
func (brokenStore) Drop(uint64) error           { return errBroken }
func (brokenStore) Save(recovery.Session) error { return errBroken }
func (brokenStore) Remove(string) error         { return errBroken }

func (brokenStore) Event(uint64) (e recovery.Event, err error)  { return e, errBroken }
func (brokenStore) Take(string) (s recovery.Session, err error) { return s, errBroken }

// A failingStore fails at random: before it has done anything, or afterwards, or
// without saying so.
type failingStore struct {
	*jsonStore
	rand *rand.Rand
	off  atomic.Bool
}

// fails does what it is given, or not.
func (f *failingStore) fails(oneIn int, do func() error) error {
	if f.off.Load() || f.rand.IntN(oneIn) > 0 {
		return do()
	}
	switch f.rand.IntN(3) {
	case 0:
		return errBroken
	case 1:
		return nil
	}
	_ = do()
	return errBroken
}

func (f *failingStore) Append(e recovery.Event) error {
	return f.fails(200, func() error { return f.jsonStore.Append(e) })
}

func (f *failingStore) Event(seq uint64) (e recovery.Event, err error) {
	err = f.fails(500, func() error {
		if f.events[seq] == nil { // Append did not say that it had failed
			return errBroken
		}
		e, err = f.jsonStore.Event(seq)
		return err
	})
	return e, err
}

func (f *failingStore) Drop(upTo uint64) error {
	return f.fails(2, func() error { return f.jsonStore.Drop(upTo) })
}

func (f *failingStore) Save(s recovery.Session) error {
	return f.fails(10, func() error { return f.jsonStore.Save(s) })
}

func (f *failingStore) Take(pid string) (s recovery.Session, err error) {
	err = f.fails(10, func() error {
		if _, ok := f.sessions[pid]; !ok {
			return errBroken
		}
		s, err = f.jsonStore.Take(pid)
		return err
	})
	return s, err
}

func (f *failingStore) Remove(pid string) error {
	return f.fails(2, func() error { return f.jsonStore.Remove(pid) })
}

// A hookStore has things happen when another store is used. Each of them may be nil.
type hookStore struct {
	recovery.Store
	appends func(recovery.Event)
	reads   func(seq uint64)             // before Event
	event   func(*recovery.Event)        // changes what Event returns
	saves   func(recovery.Session) error // what Save is to fail with
	saved   chan recovery.Session        // gets what Save has kept, or has failed to
	takes   func(*recovery.Session)      // changes what Take returns
}

// hooked returns a store that can be waited for.
func hooked(s recovery.Store) *hookStore {
	return &hookStore{Store: s, saved: make(chan recovery.Session, 100)}
}

// make is for the option Store.
func (s *hookStore) make(string) recovery.Store { return s }

// has waits until the store has been given what is known of a client that is away.
func (s *hookStore) has(h *host) recovery.Session {
	h.t.Helper()
	return timetest.Receive(h.t, s.saved, h.limit, "a session to be saved")
}

func (s *hookStore) Append(e recovery.Event) error {
	if s.appends != nil {
		s.appends(e)
	}
	return s.Store.Append(e)
}

func (s *hookStore) Event(seq uint64) (recovery.Event, error) {
	if s.reads != nil {
		s.reads(seq)
	}
	e, err := s.Store.Event(seq)
	if s.event != nil {
		s.event(&e)
	}
	return e, err
}

func (s *hookStore) Save(r recovery.Session) (err error) {
	if s.saved != nil {
		defer func() { s.saved <- r }()
	}
	if s.saves != nil {
		err = s.saves(r)
	}
	if err != nil {
		return err
	}
	return s.Store.Save(r)
}

func (s *hookStore) Take(pid string) (recovery.Session, error) {
	r, err := s.Store.Take(pid)
	if s.takes != nil {
		s.takes(&r)
	}
	return r, err
}
