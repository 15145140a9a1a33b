// Package adminui lets the official Admin UI look at a server: it speaks the protocol of
// @socket.io/admin-ui 0.5.
//
//	srv := sio.New(&sio.Options{CORS: &sio.CORS{Origins: []string{"https://admin.socket.io"}, Credentials: true}})
//	adminui.Mount(srv, &adminui.Options{
//		Username:     "admin",
//		PasswordHash: os.Getenv("ADMIN_PASSWORD_HASH"), // of bcrypt: htpasswd -nbBC 10 "" … | tr -d ':\n'
//	})
//
// The page is at https://admin.socket.io, or in the folder ui/dist of the npm package, for a
// server of one's own.
//
// # What is shown
//
// In [Production] the page shows numbers: of servers, connections, transports, namespaces,
// packets and bytes. In [Development] it also shows sockets, clients, rooms and events, and
// can have sockets join and leave rooms, or disconnect them. The commands work in both modes,
// unless Options.ReadOnly is set.
//
// The page gets slower with the square of the sockets that it lists. It is sent
// Options.MaxSockets of them, and another one when one of those leaves; the numbers count all.
// A socket that is listed no more, since another server has come, leaves it as "(not shown)".
// The rooms of their own that sockets are in, by their ids, are not listed. Of events it is
// sent 200 a second, and how many there were besides, as an event "(not shown)".
//
// Of the headers and the query of a handshake, credentials are hidden: cookies keep their
// names, an Authorization header its scheme, and of whatever has a name like token, key or
// password nothing is left, in URLs such as the Referer's, too, and of JSON Web Tokens
// wherever they stand. The auth payload is never shown. Of the values that SetValue has
// stored under strings, those are shown that are plain, such as strings and numbers, and not
// named like that; Options.Data shows what else there is. Events are shown as they are.
//
// # What it costs
//
// While no page is open, nothing but the traffic is counted. While one is, there is one
// goroutine, which tells all pages, every two seconds in production and every quarter of a
// second in development. Pages are never waited for: what one does not take is dropped, or its
// connection is closed as that of any slow client, with Options.KeepSlow, too.
//
// # Passwords
//
// To check a password costs what bcrypt was told to cost, for unknown users as well. One is
// checked at a time, and all together take a tenth of a core. An address has five attempts,
// and then one every ten seconds. Beyond that, an attempt is refused at once with "too many
// attempts". An address that somebody has logged in from in the last 24 hours has attempts of
// its own, whoever else tries. Behind a proxy all have the proxy's, unless Request.RemoteAddr is
// set to what that says: any stranger could use up its attempts. Who is logged in has a session,
// which lasts for Options.SessionAge and is no attempt. It is kept nowhere: its id is signed with
// the hash of the password, so that it is valid on all servers that have the same one, and for
// none after that has changed.
//
// Logins and commands are in the server's log, as warnings, and commands that fail as errors.
//
// # Clusters
//
// A page that is connected to one server shows all of them; no sticky sessions are needed. All
// servers Mount with the same options, but for ServerID. They tell each other that a page is
// open, and send nothing while none is. Commands reach the sockets of all servers. Servers in
// Node that have the Admin UI are shown, too, with the sockets that come while the page is
// open; a page that is connected to one of them does not see the servers in Go.
//
// # Files
//
// adminui.go (Mount, what a page is told when it connects), login.go, door.go, session.go (who
// is let in), command.go (what a page asks for), audience.go (who looks on, here and at other
// servers), show.go (the goroutine), stats.go (numbers), feed.go, entry.go (sockets), event.go
// (events), mask.go (what is hidden).
package adminui
