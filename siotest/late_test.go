package siotest_test

import (
	"testing"
	"testing/synctest"

	"github.com/siokit/sio"
	"github.com/siokit/sio/siotest"
)

// What the server sends before it reads that a client has left is not for the one
// that has come instead.
func TestLateForWhoLeft(t *testing.T) {
	for name, late := range map[string]func(srv *sio.Server) error{
		"event":      func(srv *sio.Server) error { return srv.Emit("late") },
		"disconnect": func(srv *sio.Server) error { return srv.All().Disconnect() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := newServer(t, &sio.Options{EventQueue: 1})
				goOn := make(chan struct{})
				srv.On("block", func(*sio.Context) error { <-goOn; return nil })
				c := siotest.Connect(t, srv)
				c.Emit("block")
				c.Emit("block") // waits: nothing behind it is read
				c.Disconnect()
				go func() {
					synctest.Wait() // until the CONNECT waits to be read
					if err := late(srv); err != nil {
						t.Error(err)
					}
					synctest.Wait()
					close(goOn)
				}()
				again := c.Of("/", nil)
				again.ExpectNone()
				again.Call("echo", 1).Is(1)
			})
		})
	}
}
