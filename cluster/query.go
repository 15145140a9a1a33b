package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/siokit/sio/cluster/wire"
	"github.com/siokit/sio/socketio"
	"github.com/siokit/sio/socketio/parser"
)

// Sockets implements [socketio.Broker].
func (b *broker) Sockets(ctx context.Context, sel socketio.Selector) ([]socketio.RemoteSocket, error) {
	sockets, err := b.local.Sockets(ctx, sel)
	if sel.Local || err != nil {
		return sockets, err
	}
	return b.fetch(ctx, sel, sockets)
}

func (b *broker) fetch(ctx context.Context, sel socketio.Selector, sockets []socketio.RemoteSocket) ([]socketio.RemoteSocket, error) {
	var answers []*wire.Message
	err := b.ask(ctx, b.action(wire.TypeFetch, sel, nil), func(m *wire.Message) { answers = append(answers, m) })
	for _, m := range answers { // not in the goroutine of the engine, which others wait for
		more, bad := b.remoteSockets(m)
		if bad != nil {
			err = errors.Join(err, fmt.Errorf("cluster: answer of another server: %w", bad))
			b.c.counts.malformed.Add(1)
		}
		sockets = append(sockets, more...)
	}
	return sockets, err
}

// Count implements [socketio.Broker]. Servers written in JavaScript can't count: if there are
// any, all have to tell of their sockets. Which of them have a namespace, nobody knows, but
// all have the first.
func (b *broker) Count(ctx context.Context, sel socketio.Selector) (int, error) {
	n, err := b.local.Count(ctx, sel)
	if sel.Local || err != nil {
		return n, err
	}
	ctx, cancel := context.WithTimeout(ctx, b.c.opts.RequestsTimeout)
	defer cancel()
	servers, err := b.c.engine.Count(ctx, b.c.format.Counted("/"))
	if err == nil && servers-1 > b.c.members.len() {
		sockets, err := b.fetch(ctx, sel, nil)
		return n + len(sockets), err
	}
	err = b.ask(ctx, b.action(wire.TypeCount, sel, nil), func(m *wire.Message) { n += max(0, m.Count) })
	return n, err
}

// ServerSideEmitWithAck implements [socketio.Broker].
func (b *broker) ServerSideEmitWithAck(ctx context.Context, event string, args []any) ([]socketio.Answer, error) {
	m, err := b.serverEvent(event, args)
	if err != nil {
		return nil, err
	}
	var got []socketio.Answer
	err = b.ask(ctx, m, func(m *wire.Message) {
		if m.Err == errNobody.Error() {
			return // it has no such namespace
		}
		a := b.answered(m)
		a.ID = m.UID
		got = append(got, a)
	})
	return got, err
}

// answered returns what a server or a socket has answered.
func (b *broker) answered(m *wire.Message) socketio.Answer {
	a := socketio.Answer{ID: m.SID}
	if m.Err != "" {
		a.Err = remoteError(m.Err)
		return a
	}
	data := append(append([]byte{'['}, m.Data...), ']')
	a.Args = parser.NewArgs(b.codec, data, m.Attachments, 0)
	return a
}

// remoteError returns the error of another server of which it has told the text: one of those
// that say why there is no answer, if it reads like it.
func remoteError(text string) error {
	for _, known := range []error{socketio.ErrClosed, socketio.ErrConnecting, socketio.ErrDropped, socketio.ErrNoHandler} {
		rest, ok := strings.CutPrefix(text, known.Error())
		if !ok {
			continue
		}
		if reason, ok := strings.CutPrefix(rest, ": "); ok && known == socketio.ErrClosed {
			return fmt.Errorf("%w: %w", known, socketio.Reason(reason))
		}
		return fmt.Errorf("%w%s", known, rest)
	}
	return errors.New(text)
}
