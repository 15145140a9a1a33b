package socketio

import (
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/rs/zerolog"

	"github.com/siokit/sio/engineio"
	"github.com/siokit/sio/internal/logline"
	"github.com/siokit/sio/internal/share"
)

var (
	noNamespace       = &Refusal{Message: "Invalid namespace"}
	tooManyNamespaces = &Refusal{Message: "too many namespaces"}
)

// needs is what a client needs that enter refuses, for the log.
func (r *Refusal) needs() string {
	if r == tooManyNamespaces {
		return "a client that leaves some, or larger MaxDynamicNamespaces and MaxClientNamespaces"
	}
	return "a namespace of that name at the server, or a pattern that matches it; or another one at the client"
}

// enter returns the namespace of that name for a new socket of c, which
// releases it in the end, or says why there is none.
func (s *Server) enter(c *conn, name string) (n *Namespace, refusal *Refusal) {
	if n := s.namespace(name); n != nil {
		return n, nil
	}
	defer func() { // of match, and of what makes brokers
		if v := recover(); v != nil {
			c.sparse(zerolog.ErrorLevel, "panic").Str("nsp", loggable(name)).Str("panic", fmt.Sprintf("%T", v)).Bytes("stack", debug.Stack()).
				Msg("panic while a namespace was looked for")
			s.watch.refused(c.sess, name)
			n, refusal = nil, noNamespace
		}
	}()
	var parent *Namespace
	if speakable(name) { // with a Parser, it might be not
		parent = s.parent(name)
	}
	if parent == nil {
		s.watch.refused(c.sess, name)
		return nil, noNamespace
	}
	limit := engineio.LimitClientNamespaces
	if c.countDynamic() < s.opts.MaxClientNamespaces {
		limit = engineio.LimitDynamicNamespaces
		who := share.Of(c.sess.RemoteAddr())
		if n = parent.adopt(name, who); n == nil && (s.reclaim(who) || s.evict(who)) {
			n = parent.adopt(name, who)
		}
	}
	if n == nil {
		s.watch.limited(c.sess, limit)
		return nil, tooManyNamespaces
	}
	return n, nil
}

// countDynamic counts the dynamic namespaces that the client is in.
func (c *conn) countDynamic() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sockets.dynamic
}

// A leftName is the name of a namespace that the server has ended for a client.
type leftName struct {
	name    string
	dynamic bool
}

// leaveLocked adds a name to c.left. Of dynamic namespaces, which are as many as
// the client likes, it keeps as many as one may be in at a time.
func (c *conn) leaveLocked(n *Namespace) {
	c.left = append(c.left, leftName{n.name, n.parent != nil})
	sum, oldest := 0, 0
	for i, l := range slices.Backward(c.left) {
		if l.dynamic {
			sum, oldest = sum+1, i
		}
	}
	if sum > c.srv.opts.MaxClientNamespaces {
		c.left = slices.Delete(c.left, oldest, oldest+1)
	}
}

// loggable is a name for the log: the query behind it may be a credential.
func loggable(name string) string {
	name, _, _ = strings.Cut(name, "?")
	return logline.Text(name, logline.NameLimit)
}
