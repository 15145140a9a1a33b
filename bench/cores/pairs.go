package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/siokit/sio/bench/internal/load"
	"github.com/siokit/sio/bench/internal/pairs"
	"github.com/siokit/sio/bench/internal/process"
)

// variants are values of GOMAXPROCS. The first is what the others are compared with.
var variants = []int{2, 16}

const crowd = 1000

var rows = []pairs.Row{
	{Title: "echo with ack, 50 clients", Do: func(c *load.Crowd, w load.Window) (*load.Sample, error) { return c.Echo(load.WithAck, 50, w) }},
	{Title: "echo with ack, 1,000 clients", Do: func(c *load.Crowd, w load.Window) (*load.Sample, error) { return c.Echo(load.WithAck, crowd, w) }},
	{Title: "broadcast to 1,000, single", Do: func(c *load.Crowd, w load.Window) (*load.Sample, error) { return c.Broadcast(1, w) }},
	{Title: "broadcast to 1,000, bursts of ten", Do: func(c *load.Crowd, w load.Window) (*load.Sample, error) { return c.Broadcast(10, w) }},
	{Title: "long-polling, 50 clients", Do: func(c *load.Crowd, w load.Window) (*load.Sample, error) { return c.Polling(50, w) }},
}

// command starts a server that uses so many cores.
func command(cores int, flags ...string) (process.Command, error) {
	self, err := os.Executable()
	return process.Command{Dir: "/", Run: append([]string{self, "-serve"}, flags...), Env: []string{"GOMAXPROCS=" + strconv.Itoa(cores)}}, err
}

func newPairs() (*pairs.Pairs, error) {
	p := &pairs.Pairs{Rows: rows, Clients: crowd}
	for _, cores := range variants {
		c, err := command(cores)
		if err != nil {
			return nil, err
		}
		p.Variants = append(p.Variants, pairs.Variant{Name: fmt.Sprintf("GOMAXPROCS=%d", cores), Command: c})
	}
	return p, nil
}

func reportPairs(b *strings.Builder, p *pairs.Pairs, sets, passes int) {
	fmt.Fprintf(b, "\n## GOMAXPROCS=%d beside GOMAXPROCS=%d\n\nCPU time of the server for each round trip, or delivery, and how much more that is: "+
		"median and quartiles of the ratios of neighbouring windows, %d of each with %d processes.\n\n", variants[1], variants[0], sets*passes, sets)
	fmt.Fprintf(b, "| | %d | %d | more |\n|---|---|---|---|\n", variants[0], variants[1])
	p.Report(b)
}
