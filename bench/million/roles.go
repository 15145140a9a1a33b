package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/bench/internal/load"
)

// What tells a process what it is to be, if it is not the one that measures.
const (
	roleVar   = "MILLION_ROLE"   // server or clients
	serverVar = "MILLION_SERVER" // of clients: address and process, as JSON
	pingVar   = "MILLION_PING"   // of a server: the interval of its heartbeat
)

// actRole plays the role that this process has been started for, if any.
func actRole() bool {
	var err error
	switch os.Getenv(roleVar) {
	case "server":
		err = serve()
	case "clients":
		err = beClients(os.Stdin, os.Stdout)
	default:
		return false
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", os.Getenv(roleVar), err)
		os.Exit(1)
	}
	return true
}

// serve is a server, until it is killed.
func serve() error {
	ping, err := time.ParseDuration(os.Getenv(pingVar))
	if err != nil {
		return err
	}
	srv := sio.New(&sio.Options{PingInterval: ping, ForgetRequest: true})
	srv.OnConnect(func(c *sio.Context) error { return c.Join("room") })
	srv.On("blast", func(c *sio.Context) error {
		var count int
		var text string
		if err := c.Bind(&count, &text); err != nil {
			return err
		}
		for range count {
			if err := srv.To("room").Emit("msg", text); err != nil {
				return err
			}
		}
		return c.Ack()
	})
	l, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", srv)
	mux.HandleFunc("GET /mem", mem)
	fmt.Println("ready")
	return http.Serve(l, mux)
}

// mem collects the garbage, a second time for what finalizers and pools have kept from the
// first, and tells what is left.
func mem(w http.ResponseWriter, _ *http.Request) {
	debug.FreeOSMemory()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	_ = json.NewEncoder(w).Encode(map[string]uint64{"heap": m.HeapAlloc, "stack": m.StackInuse}) // fails if nobody listens
}

// An order is what clients are to do next. Meanwhile, and until the next, they answer pings.
type order struct {
	Do    string        // connect, broadcast, count, or leave
	N     int           // of connect: how many there are to be
	Limit time.Duration // of connect and broadcast
}

// An answer follows an order.
type answer struct {
	Connected int
	Pings     int         // answered so far
	Sample    load.Sample // of connect and broadcast
	Between   load.Sample // what has gone wrong while nothing was done
}

// beClients is the clients of a server, until there are no more orders.
func beClients(in io.Reader, out io.Writer) error {
	var s struct {
		Addr netip.AddrPort
		PID  int
	}
	if err := json.Unmarshal([]byte(os.Getenv(serverVar)), &s); err != nil {
		return err
	}
	crowd, err := load.NewCrowd(context.Background(), load.Server{Addr: s.Addr, PID: s.PID})
	if err != nil {
		return err
	}
	defer crowd.Close()
	orders := make(chan order)
	go func() { // until there are no more
		defer close(orders)
		for d := json.NewDecoder(in); ; {
			var o order
			if d.Decode(&o) != nil {
				return
			}
			orders <- o
		}
	}()
	for answers := json.NewEncoder(out); ; {
		var o order
		var ok bool
		err := crowd.IdleUntil(func() bool {
			select {
			case o, ok = <-orders:
				return true
			default:
				return false
			}
		})
		if err != nil || !ok {
			return err
		}
		var did *load.Sample
		switch o.Do {
		case "connect":
			did, err = crowd.Connect(o.N, o.Limit)
		case "broadcast":
			crowd.SetRoundLimit(o.Limit)
			did, err = crowd.Broadcast(1, load.Window{})
		case "leave":
			crowd.HangUp()
		}
		if err != nil {
			return err
		}
		a := answer{Connected: crowd.Size(), Pings: crowd.Pings(), Between: crowd.Between()}
		if did != nil {
			a.Sample = *did
		}
		if err := answers.Encode(a); err != nil {
			return err
		}
	}
}

// clients are a process that takes orders.
type clients struct {
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	orders  *json.Encoder
	answers *json.Decoder
}

// startClients starts the clients of a server. They end with the thread that calls this.
func startClients(addr netip.AddrPort, pid int) (*clients, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	server := fmt.Sprintf(`{"Addr":%s,"PID":%d}`, strconv.Quote(addr.String()), pid)
	c := &clients{cmd: exec.Command(self)}
	c.cmd.Env = append(os.Environ(), roleVar+"=clients", serverVar+"="+server)
	c.cmd.Stderr = os.Stderr
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.orders, c.answers = json.NewEncoder(c.stdin), json.NewDecoder(stdout)
	return c, c.cmd.Start()
}

func (c *clients) hear() (a answer, err error) {
	if err = c.answers.Decode(&a); errors.Is(err, io.EOF) {
		err = errors.New("the clients have ended")
	}
	return a, err
}

// stop waits until they have ended.
func (c *clients) stop() {
	_ = c.stdin.Close()
	_ = c.cmd.Process.Kill() // it may have ended
	_ = c.cmd.Wait()         // killed, mostly
}
