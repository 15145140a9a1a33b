// Command cluster is a Go server of a cluster of Node servers: what server.mjs is in Node.
// It obeys the lines of JSON that come on standard input, and answers and reports on
// standard output. See README.md.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"regexp"
	"time"

	"github.com/redis/rueidis"

	"github.com/siokit/sio"
	"github.com/siokit/sio/adminui"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/redis"
)

var subscriptions = map[string]redis.Subscriptions{
	"dynamic":         redis.Dynamic,
	"dynamic-private": redis.DynamicPrivate,
	"static":          redis.Static,
}

func main() {
	log.SetFlags(0)
	addr := flag.String("redis", "", "`host:port`")
	name := flag.String("name", "", "what others call it")
	format := flag.String("format", "classic", "or sharded, or streams")
	sharded := flag.Bool("sharded", false, "with streams, the rest goes by sharded channels")
	mode := flag.String("subscriptions", "dynamic", "or dynamic-private, or static")
	specific := flag.Bool("specific", false, "answer to who asks only")
	prefix := flag.String("prefix", "socket.io", "of all channels")
	relay := flag.Bool("relay", false, "take requests of one's own clients from other servers by TCP")
	timeout := flag.Int("requests-timeout", 5000, "in `milliseconds`")
	listen := flag.String("listen", "127.0.0.1:0", "`address` to serve clients at")
	recovery := flag.Bool("recovery", false, "clients may come back")
	admin := flag.Bool("admin", false, "the Admin UI may look on")
	sends := flag.Bool("emitter", false, "only send")
	flag.Parse()

	opts := &redis.Options{
		Prefix:                           *prefix,
		Sharded:                          *format == "sharded" || *sharded,
		Streams:                          *format == "streams",
		StreamName:                       *prefix,
		Subscriptions:                    subscriptions[*mode],
		PublishOnSpecificResponseChannel: *specific,
	}
	opts.Name = *name
	if *relay {
		opts.Relay = &cluster.Relay{Listen: "127.0.0.1:0"}
	}
	opts.RequestsTimeout = time.Duration(*timeout) * time.Millisecond
	client := rueidis.ClientOption{InitAddress: []string{*addr}}
	console := &console{out: json.NewEncoder(os.Stdout)}
	var err error
	if *sends {
		err = emit(client, opts, console)
	} else {
		var r *sio.Recovery
		if *recovery {
			r = new(sio.Recovery)
		}
		err = serve(client, opts, *listen, r, *admin, console)
	}
	if err != nil {
		log.Fatal(err)
	}
}

type server struct {
	*console
	name    string
	sio     *sio.Server
	cluster *cluster.Cluster
}

// serve is a server until standard input ends.
func serve(client rueidis.ClientOption, opts *redis.Options, addr string, recovery *sio.Recovery, admin bool, console *console) error {
	cl, err := redis.Open(client, opts)
	if err != nil {
		return err
	}
	srv := sio.New(&sio.Options{
		Cluster:     cl,
		Ready:       cl.Ready,
		Recovery:    recovery,
		Compression: &sio.Compression{Threshold: 1},
		CORS:        &sio.CORS{Origins: []string{"https://a.example"}},
	})
	s := &server{console: console, name: opts.Name, sio: srv, cluster: cl}
	for _, nsp := range []string{"/", "/other", "/go"} {
		s.handle(srv.Of(nsp))
	}
	srv.OfFunc(regexp.MustCompile(`^/dyn-\d+$`).MatchString).OnConnect(admit)
	if admin {
		adminui.Mount(srv, &adminui.Options{Unprotected: true, Mode: adminui.Development, ServerID: opts.Name})
	}
	return errors.Join(s.run(addr), cl.Close())
}

// run serves clients and obeys until standard input ends.
func (s *server) run(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/", s.sio)
	mux.HandleFunc("GET /ready", s.sio.ServeReady)
	h := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- h.Serve(l) }() // ends with the Shutdown below
	s.report("listening", "", []any{l.Addr().(*net.TCPAddr).Port})
	err = s.obey(os.Stdin, s.do)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err = errors.Join(err, s.sio.Shutdown(ctx), h.Shutdown(ctx))
	if e := <-served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}

// admit lets a client in, with the rooms and the data that it asks for.
func admit(c *sio.Context) error {
	var auth struct {
		Rooms []string
		Data  map[string]any
	}
	if err := c.BindAuth(&auth); err != nil {
		return err
	}
	for name, v := range auth.Data {
		c.Set(name, untagged(v))
	}
	return c.Join(auth.Rooms...)
}

func (s *server) handle(n *sio.Namespace) {
	n.OnConnect(admit)
	n.On("work", func(c *sio.Context) error { // for so many milliseconds
		var ms int
		if err := c.Bind(&ms); err != nil {
			return err
		}
		time.Sleep(time.Duration(ms) * time.Millisecond)
		return c.Ack(s.name)
	})
	n.OnServerEvent("note", func(_ context.Context, n *sio.Namespace, args sio.Args) (any, error) {
		s.report("note", n.Name(), values(args))
		return nil, nil
	})
	n.OnServerEvent("who", func(context.Context, *sio.Namespace, sio.Args) (any, error) { return s.name, nil })
	n.OnServerEvent("echo", func(_ context.Context, _ *sio.Namespace, args sio.Args) (any, error) {
		return values(args)[0], nil
	})
	n.OnServerEvent("silent unless", func(ctx context.Context, _ *sio.Namespace, args sio.Args) (any, error) {
		if values(args)[0] == s.name {
			return s.name, nil
		}
		<-ctx.Done()
		return nil, nil
	})
}

// values returns all arguments as they are.
func values(args sio.Args) []any {
	all := make([]any, args.Len())
	ptrs := make([]any, len(all))
	for i := range all {
		ptrs[i] = &all[i]
	}
	if err := args.Bind(ptrs...); err != nil {
		return []any{fmt.Sprint("bad: ", err)}
	}
	return all
}
