// Package siotest has a Socket.IO client for tests of applications that use package
// sio. It needs no port: client and server talk over pipes in memory.
//
//	func TestChat(t *testing.T) {
//		srv := chat.NewServer()
//		alice, bob := siotest.Connect(t, srv), siotest.Connect(t, srv)
//
//		alice.Emit("join", "lobby")
//		r := siotest.Call[Receipt](bob, "message", Message{Room: "lobby", Text: "hello"})
//		…
//		alice.Expect("message").Is(Message{Room: "lobby", Text: "hello"})
//		bob.ExpectNone()
//	}
//
// Everything that goes wrong fails the test at once, with what came and what was
// expected. Since a failure is a [testing.T.FailNow], call functions and methods that may
// fail on the test's own goroutine. A [Client] may be used by several goroutines at the same
// time.
//
// # Order
//
// Events are kept in the order in which they come, until the test asks for them.
// [Client.Expect] is strict: the next event must be the expected one, so that an event
// too many is found, too. [Client.Next] returns the next event, whatever it is. Answers
// are kept apart from events: [Client.Call] skips no events.
//
// The handlers of one client run one after the other, and what they emit to it arrives
// before the answer. So after a Call, everything is there that earlier events have
// caused for this client.
//
// # Time
//
// Every wait is bounded by [Options].Timeout. In a [testing/synctest] bubble that is
// fake time, and a test that fails takes no longer than one that passes. Make the
// server and the clients in the bubble. Clients answer pings, so that a test can let
// hours go by:
//
//	synctest.Test(t, func(t *testing.T) {
//		c := siotest.Connect(t, app.NewServer())
//		time.Sleep(time.Hour) // the token that it came with ends
//		c.ExpectDisconnect(siotest.TransportClose)
//	})
//
// # The end
//
// A client is closed when its test ends, and none of its goroutines is left. The
// server may still be calling OnDisconnect by then. [Cleanup] waits for that.
//
// # Limits
//
// Clients speak only the default format of packets, JSON.
package siotest
