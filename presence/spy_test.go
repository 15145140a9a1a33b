package presence_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/siokit/sio/cluster/memory"
)

// A spy counts the reports on a hub.
type spy struct {
	*memory.Engine
	mu  sync.Mutex // protects the following
	n   int
	max int // bytes of one
}

func newSpy(t *testing.T, hub *memory.Hub) *spy {
	s := &spy{Engine: hub.Engine()}
	if err := s.Start(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	s.Subscribe("socket.io-request#/#")
	return s
}

func (s *spy) Receive(_, _ string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.Contains(string(data), "presence:/") {
		s.n++
		s.max = max(s.max, len(data))
	}
}
func (s *spy) Lost(int, error)   {}
func (s *spy) Missed(int, error) {}
func (s *spy) Away(error)        {}
func (s *spy) Back()             {}

func (s *spy) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

func (s *spy) largest() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.max
}
