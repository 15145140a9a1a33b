package main

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/siokit/sio/bench/internal/load"
)

// TestTap counts what Redis says to one that has subscribed, in both versions of its
// protocol.
func TestTap(t *testing.T) {
	const said = "+OK\r\n" +
		"*3\r\n$9\r\nsubscribe\r\n$6\r\nnobody\r\n:1\r\n" + // no message
		"*3\r\n$7\r\nmessage\r\n$10\r\n/#nobody#\r\r\n$2\r\n\r\n\r\n" +
		">3\r\n$8\r\nsmessage\r\n$7\r\n/#first\r\n$6\r\nnobody\r\n" + // that is what it says
		"*4\r\n$8\r\npmessage\r\n$3\r\n/#*\r\n$8\r\n/#nobody\r\n$0\r\n\r\n" +
		"%1\r\n$6\r\nserver\r\n*1\r\n$5\r\nfirst\r\n" +
		"$-1\r\n_\r\n:7\r\n"
	redis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer redis.Close()
	go func() { // until it has said all
		conn, err := redis.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = bufio.NewReader(conn).ReadString('\n')
		_, _ = io.WriteString(conn, said)
	}()

	tap := newTap("nobody", "first")
	defer tap.close()
	addr, err := tap.listen(redis.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "PING\r\n"); err != nil {
		t.Fatal(err)
	}
	heard, err := io.ReadAll(conn)
	if err != nil || string(heard) != said {
		t.Errorf("passed on %q, %v", heard, err)
	}
	if nobody, first := tap.count("nobody"), tap.count("first"); nobody != 2 || first != 1 {
		t.Errorf("%d to nobody, %d to the first, want 2 and 1", nobody, first)
	}
}

func TestTable(t *testing.T) {
	r := new(results)
	for turn, n := range []float64{3, 1, 7} {
		r.add(subject, turn, "publish", map[string]float64{"publish.sender": n * 100}, nil)
		r.add(reference, turn, "publish", map[string]float64{"publish.sender": 100}, &load.Sample{Lost: turn})
	}
	r.add(subject, 3, "publish", map[string]float64{"publish.sender": 1}, nil) // which the other has not taken
	r.add(subject, -1, "publish", map[string]float64{"publish.sender": 1}, nil)
	if each, ok := r.ratio("publish.sender", subject, reference); !ok || len(each) != 3 || each.Median() != 3 {
		t.Errorf("ratios %v", each)
	}
	var b strings.Builder
	r.table(&b)
	for _, want := range []string{
		"| **200** (1 – 700)<br>3.00 R | **100** ⚠ (100 – 100) |",
		"| ≥ 5 × the reference | 3.00 | 1.00 – 7.00 | **no** |",
		"| ≥ 20 × the reference | — | | not measured |",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, &b)
		}
	}
}
