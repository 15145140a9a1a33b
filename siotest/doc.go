// Package siotest has a Socket.IO client for the tests of those who use package
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
// Everything that goes wrong fails the test at once, and says what has come
// instead of what was expected. As with [testing.T.FailNow], the functions and
// methods are to be called by the test's own goroutine, though any goroutine
// may use a [Client] otherwise.
//
// # Order
//
// Events are kept in the order in which they come until the test asks for them.
// [Client.Expect] is strict: the very next event must be the one expected. An
// event too many is found that way, too. A test that does not care can look at
// each with [Client.Next]. Answers are kept apart from events: [Client.Call]
// passes none over.
//
// The handlers of one client run one after the other, and what they emit to it
// arrives before the answer. So, behind a Call, all that the events before it
// have caused for this client is there.
//
// # Time
//
// A wait is bounded by [Options].Timeout. In a [testing/synctest] bubble that is
// fake time, and a test that fails does not take longer than one that passes.
// Server and clients are to be made in the bubble. Clients answer pings, so that
// a test can let hours go by:
//
//	synctest.Test(t, func(t *testing.T) {
//		c := siotest.Connect(t, app.NewServer())
//		time.Sleep(time.Hour) // the token that it came with ends
//		c.ExpectDisconnect(siotest.TransportClose)
//	})
//
// # The end
//
// A client is closed when its test ends, and none of its goroutines stays. The
// server may still be calling OnDisconnect then: [Cleanup] waits for that.
//
// # Limits
//
// Clients speak the default encoding of packets, JSON.
package siotest
