package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/siokit/sio"
)

// register makes the namespaces of the contract.
func register(srv *sio.Server) {
	srv.Use(sio.Recover())
	targets(srv.Of("/targets"))
	monitor := srv.Of("/monitor")
	for name, admit := range map[string]sio.Handler{
		"/":     func(*sio.Context) error { return nil },
		"/chat": func(*sio.Context) error { return nil },
		"/auth": authenticate,
		"/gate": gate(monitor),
	} {
		n := srv.Of(name)
		n.OnConnect(func(c *sio.Context) error {
			if err := admit(c); err != nil {
				return err
			}
			return welcome(c)
		})
		watch(n, monitor)
		events(n)
		recovery(n)
	}
	dynamic(srv, monitor, regexp.MustCompile(`^/dyn-\d+$`).MatchString)
}

var auth = sio.NewKey[map[string]any]("auth")

// bindAuth keeps the auth payload for whoami.
func bindAuth(c *sio.Context) error {
	payload := map[string]any{}
	if err := c.BindAuth(&payload); err != nil {
		return err
	}
	return auth.Set(c, payload)
}

func authenticate(c *sio.Context) error {
	var auth struct{ Token string }
	if err := c.BindAuth(&auth); err != nil {
		return err
	}
	switch auth.Token {
	case "good":
		return nil
	case "internal":
		return errors.New("the database at 10.0.0.7 is down")
	case "bare":
		return &sio.Error{Message: "not today"}
	}
	return &sio.Error{
		Message: "not authorized",
		Data:    map[string]any{"code": 401, "hint": []any{"token", nil}},
	}
}

// gate lets a client in once a monitor opens the gate for its name.
func gate(monitor *sio.Namespace) sio.Handler {
	var gates sync.Map // name → chan struct{}, closed when open
	sio.On(monitor, "open", func(_ *sio.Context, name string) error {
		if open, ok := gates.LoadAndDelete(name); ok {
			close(open.(chan struct{}))
		}
		return nil
	})
	return func(c *sio.Context) error {
		var auth struct{ Name string }
		if err := c.BindAuth(&auth); err != nil {
			return err
		}
		open := make(chan struct{})
		gates.Store(auth.Name, open)
		if err := monitor.Emit("waiting", auth.Name); err != nil {
			return err
		}
		select {
		case <-open:
			return nil
		case <-c.Context().Done():
			return context.Cause(c.Context())
		}
	}
}

// rooms returns the rooms that c is in, sorted.
func rooms(c *sio.Context) []string {
	rooms := slices.DeleteFunc(c.Rooms(), func(r string) bool { return r == c.ID() })
	slices.Sort(rooms)
	return append([]string{}, rooms...) // [] rather than null
}

// values returns all arguments.
func values(c *sio.Context) ([]any, error) {
	values := make([]any, c.Args().Len())
	ptrs := make([]any, len(values))
	for i := range values {
		ptrs[i] = &values[i]
	}
	return values, c.Bind(ptrs...)
}

// none is for events whose arguments don't matter.
type none = struct{}

func events(n *sio.Namespace) {
	sio.OnWithAck(n, "whoami", func(c *sio.Context, _ none) (map[string]any, error) {
		return map[string]any{"id": c.ID(), "auth": auth.MustGet(c), "query": c.Request().URL.Query().Get("who")}, nil
	})
	n.On("echo", func(c *sio.Context) error {
		args, err := values(c)
		if err != nil {
			return err
		}
		return c.Emit("echo", args...)
	})
	echo := func(c *sio.Context) error {
		args, err := values(c)
		if err != nil {
			return err
		}
		return c.Ack(args...)
	}
	n.On("echo:ack", echo)
	n.On("7", echo)
	sio.OnWithAck(n, "size", func(_ *sio.Context, data any) (int, error) {
		switch data := data.(type) {
		case string:
			return len(data), nil
		case []byte:
			return len(data), nil
		}
		return 0, &sio.Error{Message: fmt.Sprintf("size of %T", data)}
	})
	sio.On(n, "large", func(c *sio.Context, n int) error {
		return c.Emit("large", strings.Repeat("x", n))
	})
	sio.On(n, "number", func(c *sio.Context, i any) error {
		return c.Emit("number", i)
	})
	n.On("count", count)
	n.On("farewell", func(c *sio.Context) error {
		self, err := os.FindProcess(os.Getpid())
		if err != nil {
			return err
		}
		return errors.Join(count(c), self.Signal(syscall.SIGTERM))
	})
	sio.On(n, "burst", func(c *sio.Context, n int) error {
		for i := range n {
			if err := c.Volatile().Emit("burst", i); err != nil {
				return err
			}
		}
		return c.Emit("burst:end")
	})
	n.On("ask", ask)
	n.On("storm", func(c *sio.Context) error { return storm(c, n) })
	sio.OnWithAck(n, "join", func(c *sio.Context, names []string) ([]string, error) {
		err := c.Join(names...)
		return rooms(c), err
	})
	sio.OnWithAck(n, "leave", func(c *sio.Context, name string) ([]string, error) {
		c.Leave(name)
		return rooms(c), nil
	})
	n.On("send", func(c *sio.Context) error { return send(c, n) })
	n.On("expire", func(c *sio.Context) error {
		c.ExpireAt(time.Now())
		return nil
	})
	sio.On(n, "bye", func(c *sio.Context, closeConn bool) error {
		c.Disconnect(closeConn)
		return nil
	})
	sio.On(n, "fail", func(_ *sio.Context, how string) error {
		switch how {
		case "error":
			return &sio.Error{Message: "no such thing", Data: map[string]any{"thing": []byte{1, 2}}}
		case "panic":
			panic("the secret is 42")
		}
		return errors.New("the secret is 42")
	})
}

func count(c *sio.Context) error {
	var from, n int
	err := c.Bind(&from, &n)
	for i := from; i < from+n && err == nil; i++ {
		err = c.Emit("count", i)
	}
	return err
}

// ask asks the client within the time that it names.
func ask(c *sio.Context) error {
	var ms int
	var question string
	if err := c.Bind(&ms, &question); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Context(), time.Duration(ms)*time.Millisecond)
	defer cancel()
	args, err := c.EmitWithAck(ctx, "question", question)
	if errors.Is(err, context.DeadlineExceeded) {
		return c.Ack(map[string]any{"error": "timeout"})
	}
	if err != nil {
		return err
	}
	var answer any
	if err := args.Bind(&answer); err != nil {
		return err
	}
	return c.Ack(map[string]any{"answer": answer})
}

// storm emits many binary events to a room, from several goroutines.
func storm(c *sio.Context, n *sio.Namespace) error {
	var room string
	var count int
	if err := c.Bind(&room, &count); err != nil {
		return err
	}
	const emitters = 4
	errs := make([]error, emitters)
	var wg sync.WaitGroup
	for e := range emitters {
		wg.Go(func() {
			for i := e; i < count; i += emitters {
				first := map[string]any{"i": i, "tag": fmt.Appendf(nil, "a%d", i)}
				last := [][]byte{fmt.Appendf(nil, "b%d", i)}
				errs[e] = errors.Join(errs[e], n.To(room).Emit("storm", first, fmt.Sprint("text ", i), last))
			}
		})
	}
	wg.Wait()
	return errors.Join(append(errs, c.Ack(count))...)
}

func send(c *sio.Context, n *sio.Namespace) error {
	var how struct {
		By         string
		To, Except []string
		Volatile   bool
	}
	var event string
	var data any
	if err := c.Bind(&how, &event, &data); err != nil {
		return err
	}
	target := n.All()
	if how.By != "server" {
		target = c.Broadcast()
	}
	if len(how.To) > 0 { // to no room would be to nobody
		target = target.To(how.To...)
	}
	target = target.Except(how.Except...)
	if how.Volatile {
		target = target.Volatile()
	}
	return errors.Join(target.Emit(event, data), c.Ack())
}
