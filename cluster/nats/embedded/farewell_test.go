package embedded

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// TestFarewell has servers close to which others send: what they send last is heard. A
// connection that is closed with something unread is reset, and with it goes what the other
// side has not read.
func TestFarewell(t *testing.T) {
	for i := range 20 {
		a := startNode(t, &Options{})
		b := startNode(t, &Options{Peers: []string{a.addr()}})
		c := startNode(t, &Options{Peers: []string{a.addr(), b.addr()}})
		mesh(t, a, b, c)
		done := make(chan struct{})
		var wg sync.WaitGroup
		for _, n := range []*node{a, c} {
			wg.Go(func() {
				for {
					select {
					case <-done:
						return
					case <-time.After(time.Millisecond / 10):
						n.publish("noise")
					}
				}
			})
		}
		last := fmt.Sprint("the last of ", i)
		b.publish(last)
		_ = b.engine.Close()
		for _, n := range []*node{a, c} {
			for end := time.Now().Add(5 * time.Second); !n.heard(last); time.Sleep(time.Millisecond) {
				if time.Now().After(end) {
					t.Fatal("a server has not heard what another had sent before it closed")
				}
			}
		}
		close(done)
		wg.Wait()
		_ = a.engine.Close()
		_ = c.engine.Close()
	}
}
