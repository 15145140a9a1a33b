package sio_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/internal/testclient"
	"github.com/siokit/sio/internal/timetest"
)

// TestComputing has as many handlers compute as there are cores, in a process where nothing
// else happens, and wants another client answered before they are done: Go's scheduler has to
// notice, and it sleeps where all is idle.
func TestComputing(t *testing.T) {
	const long = 300 * time.Millisecond
	if os.Getenv("SIO_COMPUTING") != "" {
		serveComputing(long)
		return
	}
	for _, cores := range []int{1, 2} {
		t.Run(strconv.Itoa(cores), func(t *testing.T) {
			addr := startComputing(t, cores)
			var computing []*client
			for range cores {
				computing = append(computing, dialComputing(t, addr))
			}
			other := dialComputing(t, addr)
			what := fmt.Sprintf("an answer beside handlers that compute for %v, the median of seven,", long)
			timetest.Prompt(t, long/2, what, func() time.Duration {
				var all []time.Duration
				for i := range 7 {
					time.Sleep(50 * time.Millisecond)
					if i%2 == 1 { // a message shortly before
						other.send(`21["echo"]`)
						other.want("31[]")
						time.Sleep(time.Duration(i) * time.Millisecond)
					}
					for _, c := range computing {
						c.send(`21["compute"]`)
					}
					time.Sleep(3 * time.Millisecond)
					began := time.Now()
					other.send(`21["echo"]`)
					other.want("31[]")
					all = append(all, time.Since(began))
					for _, c := range computing {
						c.want("31[]")
					}
				}
				slices.Sort(all)
				return all[len(all)/2]
			})
		})
	}
}

// serveComputing is what another process of the test does, until it is killed, or the one of
// the test ends without that, as after a timeout.
func serveComputing(long time.Duration) {
	srv := sio.New(&sio.Options{PingInterval: time.Hour})
	srv.On("compute", func(c *sio.Context) error {
		for began := time.Now(); time.Since(began) < long; {
		}
		return c.Ack()
	})
	srv.On("echo", func(c *sio.Context) error { return c.Ack() })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	fmt.Println(l.Addr())
	panic(http.Serve(l, srv))
}

func startComputing(t *testing.T, cores int) string {
	cmd := exec.Command(os.Args[0], "-test.run=^TestComputing$")
	cmd.Env = append(os.Environ(), "SIO_COMPUTING=1", "GOMAXPROCS="+strconv.Itoa(cores))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cmd.StdinPipe(); err != nil { // closed by Wait, or with the process
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the server's stderr: %s", &stderr)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

func dialComputing(t *testing.T, addr string) *client {
	c := dial(t, "http://"+addr+"/socket.io/", testclient.Options{WebSocket: true})
	c.connect("/", nil)
	return c
}
