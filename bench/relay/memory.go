package main

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// weigh measures what a WebSocket takes that waits at the server that has its session, and
// at another one: heap and stacks of both servers and of the client, which is the same in
// both cases.
func weigh(ctx context.Context, k kind, n int) (line string, err error) {
	all, err := start(k, 2)
	if err != nil {
		return "", err
	}
	defer stop(all)
	var bytes [2]float64
	for at := range 2 {
		before := inUse()
		conns, err := hold(ctx, all[0].addr, all[at].addr, n)
		if err == nil {
			bytes[at] = float64(inUse()-before) / float64(n)
		}
		for _, c := range conns {
			_ = c.Close()
		}
		if err != nil {
			return "", err
		}
		for all[0].sio.Connections() > 0 {
			time.Sleep(time.Millisecond)
		}
	}
	return fmt.Sprintf("| %s | %s | %.1f KB | %.1f KB | **%.1f KB** |", k.engine, k.way(), bytes[0]/1000, bytes[1]/1000, (bytes[1]-bytes[0])/1000), nil
}

func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// hold opens sessions at one server that move to WebSocket at another one.
func hold(ctx context.Context, owner, at string, n int) (conns []net.Conn, err error) {
	c := caller{addr: owner}
	defer c.close()
	for range n {
		sid, err := c.open()
		if err != nil {
			return conns, err
		}
		conn, _, _, err := ws.Dial(ctx, "ws://"+at+"/socket.io/?EIO=4&transport=websocket&sid="+sid)
		if err != nil {
			return conns, err
		}
		conns = append(conns, conn)
		for _, text := range []string{"2probe", "5"} {
			if err := wsutil.WriteClientText(conn, []byte(text)); err != nil {
				return conns, err
			}
		}
		for _, event := range []string{"3probe", `42["event",7]`} { // one through, so that buffers are as they are later
			if event != "3probe" {
				if err := wsutil.WriteClientText(conn, []byte(event)); err != nil {
					return conns, err
				}
			}
			if got, _, err := wsutil.ReadServerData(conn); err != nil || string(got) != event {
				return conns, fmt.Errorf("got %q, %v, want %q", got, err, event)
			}
		}
	}
	return conns, nil
}
