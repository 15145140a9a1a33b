// Package presence tells who is in a room, on whichever server of a cluster, with a small
// value for each.
//
//	users := presence.New[User](srv.Of("/"), nil)
//
//	sio.On(srv, "join", func(c *sio.Context, room string) error {
//		u := user.MustGet(c)
//		return users.Enter(c.Socket(), room, u.ID, u)
//	})
//
// A member has a key: two sockets with the same one are one member, such as a user with two
// tabs, which leaves when both have. [Presence.List] and [Presence.Count] answer from
// memory, the same on every server within a second of a change. [Presence.OnChange] and
// [Options].Event tell of members that join, change and leave, each server once, and its
// own clients.
//
// # Leaving
//
// A member leaves at once with [Presence.Leave], when its socket leaves the room, and when
// the client, or the server, ends its socket on purpose. When a connection breaks it stays
// for [Options].Grace, so that for others nothing happens if the client is back by then. A
// client that is recovered, here or on another server, is entered again by itself, into the
// rooms that it has kept.
//
// # A cluster
//
// Each server tells the others of its own members, by server-side events, which any broker
// carries: what has changed, at most twenty times a second and together, and each third of
// [Options].Timeout that it is there. Reports are numbered. Who misses one asks for it again,
// and gets all only if too much was missed, in parts of 48 KiB. A server that was silent for
// a Timeout is gone, and its members with it. One that ends by [sio.Server.Shutdown] says
// so: its members stay for a Grace, since they are on their way to other servers.
//
// After all that lists are right again within a Timeout and a second, whatever was lost.
// Until then servers may differ: presence is not for locks, or to count who may enter.
//
// # Cost
//
// Every server has all members in memory, with about 400 bytes for each and what is decoded
// of its value, and reads each change once: a join is a message of 200 bytes and the value.
// A room of 10,000 whose clients hear of all changes has each change sent
// 10,000 times, and its whole list to each who enters, twice a second at most; without
// [Options].Event nothing is sent to clients.
package presence
