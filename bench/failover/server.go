package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/redis/rueidis"
	"github.com/rs/zerolog"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/nats"
	"github.com/siokit/sio/cluster/nats/embedded"
	"github.com/siokit/sio/cluster/redis"
)

// A server is told what to be in its environment:
const (
	roleVar   = "FAILOVER_ROLE"   // server: else this process is none
	nameVar   = "FAILOVER_NAME"   // what it is called, and how often it was started
	redisVar  = "FAILOVER_REDIS"  // host:port
	routeVar  = "FAILOVER_ROUTE"  // host:port where the NATS server in the process listens for others
	peersVar  = "FAILOVER_PEERS"  // these of all servers, separated by commas
	storeVar  = "FAILOVER_STORE"  // the folder of its files; "": what JetStream keeps is in memory
	relayVar  = "FAILOVER_RELAY"  // a secret, if requests for other servers go by TCP
	windowVar = "FAILOVER_WINDOW" // for how long clients may be away
)

// How a server drains.
const (
	notice = 300 * time.Millisecond
	period = 300 * time.Millisecond
)

// The rooms of clients. Each is in some of fixed all the time, and comes and goes in loose.
const fixedRooms = 10

var loose = []string{"loose0", "loose1", "loose2"}

// clientName is the name of a client, and of a room that it is in.
func clientName(i int) string { return fmt.Sprintf("client%d", i) }

// own stands for the socket of a client, to which the server that has it emits.
func own(name string) string { return "=" + name }

// direct is the origin of these events.
func direct(origin string) string { return origin + "=" }

func fixed(i int) string { return fmt.Sprintf("fixed%d", i%fixedRooms) }

// serve serves until SIGTERM. What it emits it tells on standard output, before and after, a
// line each:
//
//	begin ORIGIN NUMBER TIME TO
//	done ORIGIN NUMBER
//	failed ORIGIN NUMBER ERROR
//
// It is told by requests what to do: /emit?origin=NAME&rate=N&clients=N to begin to emit, and
// /stop to end with an event of each origin to everybody.
func serve() error {
	zerolog.SetGlobalLevel(zerolog.WarnLevel)
	logger := zerolog.New(os.Stderr).With().Str("server", os.Getenv(nameVar)).Timestamp().Logger()
	cl, err := join(&logger)
	if err != nil {
		return err
	}
	window, err := time.ParseDuration(os.Getenv(windowVar))
	if err != nil {
		return err
	}
	s := &server{name: os.Getenv(nameVar), sockets: make(map[string]*sio.Socket)}
	var recovery *sio.Recovery
	if window > 0 {
		recovery = &sio.Recovery{Window: window, MaxBytes: 64 << 20}
	}
	s.sio = sio.New(&sio.Options{
		Cluster: cl,
		// A client whose server hangs is not what this is about; one whose server has
		// died notices by itself.
		PingInterval: 5 * time.Second,
		Logger:       &logger,
		Recovery:     recovery,
	})
	s.handle()

	mux := http.NewServeMux()
	mux.Handle("/socket.io/", s.sio)
	mux.HandleFunc("/ready", s.sio.ServeReady)
	mux.HandleFunc("/emit", s.emit)
	mux.HandleFunc("/stop", s.stop)
	l, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		return err
	}
	h := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	terminated, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	served := make(chan error, 1)
	go func() { served <- h.Serve(l) }() // until Shutdown
	fmt.Println("ready")
	select {
	case err := <-served:
		return err
	case <-terminated.Done():
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	// The balancer checks more often than that, and the servers have few clients.
	err = s.sio.Drain(ctx, &sio.DrainOptions{Notice: notice, Period: period})
	s.halt()
	return errors.Join(err, h.Shutdown(ctx), cl.Close())
}

// join joins the cluster.
func join(logger *zerolog.Logger) (*cluster.Cluster, error) {
	opts := cluster.Options{Name: os.Getenv(nameVar), Heartbeat: time.Second, Logger: logger}
	if secret := os.Getenv(relayVar); secret != "" {
		opts.Relay = &cluster.Relay{Listen: "127.0.0.1:0", Secret: secret}
	}
	if addr := os.Getenv(redisVar); addr != "" {
		return redis.Open(rueidis.ClientOption{InitAddress: []string{addr}}, &redis.Options{Options: opts, Streams: true})
	}
	o := &embedded.Options{Listen: os.Getenv(routeVar), Peers: strings.Split(os.Getenv(peersVar), ",")}
	o.Options.Options = opts
	o.StoreDir = os.Getenv(storeVar)
	o.JetStream = &nats.JetStream{Files: o.StoreDir != ""}
	return embedded.Open(o)
}

type server struct {
	name string
	sio  *sio.Server

	mu      sync.Mutex // protects the following
	sockets map[string]*sio.Socket
	origin  string // of what is emitted, "" if nothing is
	ended   chan struct{}
	end     context.CancelFunc
}

// A state is what a client is told of itself.
type state struct {
	Server string   `json:"server"`
	Rooms  []string `json:"rooms"`
	Value  int      `json:"value"`
}

func (s *server) handle() {
	s.sio.OnConnect(func(c *sio.Context) error {
		var auth struct {
			Name  string
			Rooms []string
		}
		if err := c.BindAuth(&auth); err != nil {
			return err
		}
		if !c.Recovered() {
			c.Set("name", auth.Name)
			c.Set("value", "0")
			auth.Rooms = slices.DeleteFunc(auth.Rooms, func(r string) bool { return r == everybody || r == own(auth.Name) })
			if err := c.Join(auth.Rooms...); err != nil {
				return err
			}
		}
		return nil
	})
	s.sio.OnDisconnect(func(c *sio.Context) error {
		name, _ := c.Get("name").(string)
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.sockets[name] == c.Socket() {
			delete(s.sockets, name)
		}
		return nil
	})
	on := func(event string, do func(c *sio.Context, arg string) error) {
		s.sio.On(event, func(c *sio.Context) error {
			var arg string
			if err := c.Bind(&arg); err != nil {
				return err
			}
			if err := do(c, arg); err != nil {
				return err
			}
			text, _ := c.Get("value").(string)
			value, err := strconv.Atoi(text)
			if err != nil {
				value = -1
			}
			return c.Ack(state{s.name, c.Rooms(), value})
		})
	}
	// It is the first that a client says. Before, it may still be refused, with what was emitted to
	// it.
	on("who", func(c *sio.Context, _ string) error {
		name, _ := c.Get("name").(string)
		s.mu.Lock()
		defer s.mu.Unlock()
		if c.Reason() == "" {
			s.sockets[name] = c.Socket()
		}
		return nil
	})
	on("join", func(c *sio.Context, room string) error { return c.Join(room) })
	on("leave", func(c *sio.Context, room string) error { c.Leave(room); return nil })
	on("set", func(c *sio.Context, value string) error { c.Set("value", value); return nil })
}

// emit begins to emit, at a rate, until stop or the end.
func (s *server) emit(w http.ResponseWriter, r *http.Request) {
	rate, _ := strconv.Atoi(r.FormValue("rate"))
	clients, _ := strconv.Atoi(r.FormValue("clients"))
	ctx, cancel := context.WithCancel(context.Background())
	s.mu.Lock()
	defer s.mu.Unlock()
	if rate < 1 || clients < 1 || s.end != nil {
		cancel()
		http.Error(w, "not now", http.StatusBadRequest)
		return
	}
	s.origin, s.end, s.ended = r.FormValue("origin"), cancel, make(chan struct{})
	all, direct := &source{server: s, name: s.origin}, &source{server: s, name: direct(s.origin)}
	go s.run(ctx, all, direct, rate, clients, s.ended) // until halt
}

// stop answers when the last events are emitted.
func (s *server) stop(w http.ResponseWriter, _ *http.Request) {
	s.halt()
}

func (s *server) halt() {
	s.mu.Lock()
	end, ended := s.end, s.ended
	s.end = nil
	s.mu.Unlock()
	if end != nil {
		end()
		<-ended
	}
}

// run emits to rooms and clients in turn. What it emits follows from the origin.
func (s *server) run(ctx context.Context, all, direct *source, rate, clients int, ended chan<- struct{}) {
	defer close(ended)
	random := rand.New(rand.NewPCG(seedOf(all.name), 1))
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			direct.emitted(everybody, s.sio.All().Emit)
			all.emitted(everybody, s.sio.All().Emit)
			return
		case <-tick.C:
		}
		switch n := random.IntN(20); {
		case n == 0:
			all.emitted(everybody, s.sio.All().Emit)
		case n < 10:
			room := fixed(random.IntN(fixedRooms))
			all.emitted(room, s.sio.To(room).Emit)
		case n < 12:
			a, b := fixed(random.IntN(fixedRooms)), fixed(random.IntN(fixedRooms))
			all.emitted(a+"+"+b, s.sio.To(a, b).Emit)
		case n < 15:
			room := loose[random.IntN(len(loose))]
			all.emitted(room, s.sio.To(room).Emit)
		case n < 18:
			name := clientName(random.IntN(clients))
			all.emitted(name, s.sio.To(name).Emit)
		default:
			if name, socket := s.any(random); socket != nil {
				direct.emitted(own(name), socket.Emit)
			}
		}
	}
}

// any returns one of the sockets that are here.
func (s *server) any(random *rand.Rand) (string, *sio.Socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sockets) == 0 {
		return "", nil
	}
	names := make([]string, 0, len(s.sockets))
	for name := range s.sockets {
		names = append(names, name)
	}
	slices.Sort(names)
	name := names[random.IntN(len(names))]
	return name, s.sockets[name]
}

// A source numbers what it emits.
type source struct {
	*server
	name string
	n    int
}

// emitted emits, and tells of it. What was told has left the process, even if that is killed
// next.
func (s *source) emitted(to string, emit func(event string, args ...any) error) {
	s.n++
	say("begin", s.name, s.n, time.Now().UnixMicro(), to)
	if err := emit("e", s.name, s.n, struct{}{}); err != nil {
		say("failed", s.name, s.n, err)
		return
	}
	say("done", s.name, s.n)
}

func say(words ...any) {
	var b bytes.Buffer
	fmt.Fprintln(&b, words...)
	if _, err := os.Stdout.Write(b.Bytes()); err != nil {
		log.Fatal(err)
	}
}
