package sio

import "net/http"

// HandlerWith returns a handler that serves srv on whatever path it is routed
// at. It calls capture once for each new connection, while the request that
// opens it is being served. What that returns is there in every handler, as
// [Captured].
//
// If capture fails, no connection is made. The answer is that of [RefusalOf]: 403, or
// the status of an error that has a method StatusCode() int; of the error's text, only
// the Message of an [Error] is sent.
func HandlerWith[T any](srv *Server, capture func(r *http.Request) (T, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := srv.ServeWith(w, r, func(*http.Request) (any, error) { return capture(r) }); err != nil {
			RefusalOf(err).ServeHTTP(w, r)
		}
	})
}

// HandshakeOnly returns a middleware that runs mw for every request but those of
// connections that are open already. A browser sets no header on a WebSocket:
// one that wants a token in a header would stop every upgrade. The preflight of a
// page of another origin, which never has a token, is answered before mw, if
// [Options].CORS is set, and [Options].Path is what the request's path ends in.
//
// Whoever knows the id of a connection acts for it, with or without mw. That
// goes for the path that the connection was opened at: in front of other
// handlers, mw runs always.
func HandshakeOnly(srv *Server, mw func(http.Handler) http.Handler) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		guarded := mw(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case !srv.IsHandshake(r):
				next.ServeHTTP(w, r)
			case !srv.Preflight(w, r):
				guarded.ServeHTTP(w, r)
			}
		})
	}
}
