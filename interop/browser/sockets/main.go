// Sockets is a crowd of clients that do nothing, each with a WebSocket of its own. It says when
// all are connected, and ends with its standard input.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"sync"
	"time"

	"github.com/siokit/sio/internal/testclient"
)

// dialers is how many connect at a time.
const dialers = 16

func main() {
	url := flag.String("url", "", "`URL` of the server, without a path")
	n := flag.Int("n", 10_000, "`number` of clients")
	flag.Parse()
	go func() { // to the end of the process
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	var wg sync.WaitGroup
	for i := range dialers {
		wg.Go(func() { // until its part is connected
			for range (*n + i) / dialers {
				connect(*url)
			}
		})
	}
	wg.Wait()
	fmt.Printf("%d are connected\n", *n)
	select {}
}

// connect has another client come, and stay.
func connect(url string) {
	c, err := testclient.Dial(url+"/socket.io/", testclient.Options{WebSocket: true, Patience: time.Hour})
	if err == nil {
		_, err = c.Connect("/", nil)
	}
	if err != nil {
		log.Fatal(err)
	}
	go func() { // until the server ends
		for err == nil {
			_, err = c.Next() // it answers pings
		}
	}()
}
