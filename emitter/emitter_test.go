package emitter_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/siokit/sio"
	"github.com/siokit/sio/cluster"
	"github.com/siokit/sio/cluster/memory"
	"github.com/siokit/sio/cluster/wire"
	"github.com/siokit/sio/emitter"
	"github.com/siokit/sio/siotest"
	"github.com/siokit/sio/socketio/parser"
)

// A published is a message on its channel.
type published struct {
	channel string
	data    []byte
}

// listen returns an Emitter, and what it publishes.
func listen(f wire.Format) (emitter.Emitter, *[]published) {
	var all []published
	return emitter.New(f, func(channel string, data []byte) error {
		all = append(all, published{channel, data})
		return nil
	}, nil), &all
}

func decode(t *testing.T, f wire.Format, p published) (m wire.Message) {
	t.Helper()
	if err := f.Decode(p.channel, p.data, &m); err != nil {
		t.Fatalf("%s: %v of %q", p.channel, err, p.data)
	}
	return m
}

// TestAsOfficial has the same published as @socket.io/redis-emitter does.
func TestAsOfficial(t *testing.T) {
	file, err := os.ReadFile("../cluster/wire/testdata/official.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct{ Format, Name, Channel, Hex string }
	if err := json.Unmarshal(file, &vectors); err != nil {
		t.Fatal(err)
	}
	f := wire.Classic("", wire.ClassicOptions{})
	root, all := listen(f)
	e := root.Of("/chat")
	some := e.To("a", "b").Except("c")
	calls := map[string]func() error{
		"event": func() error {
			return e.Emit("ev", map[string]any{"a": 1, "when": time.UnixMilli(0).UTC().Format("2006-01-02T15:04:05.000Z")}, nil, nil, -1.5, int64(1<<40), "ü🎉\x00", [][]int{{}})
		},
		"binary event to a room": func() error {
			return e.To("room1").Emit("ev", map[string]any{"deep": [][]byte{{1, 2, 255}}}, []byte{})
		},
		"event with flags": func() error { return some.Volatile().Compress(false).Emit("ev") },
		"join":             func() error { return some.Join("d", "e") },
		"leave":            func() error { return e.Leave("d") },
		"disconnect":       func() error { return e.In("a").Disconnect(true) },
		"server event":     func() error { return some.ServerSideEmit("ev", 1) },
	}
	for _, v := range vectors {
		if v.Format != "emitter" {
			continue
		}
		call := calls[v.Name]
		if call == nil {
			t.Fatalf("no call for %s", v.Name)
		}
		delete(calls, v.Name)
		data, err := hex.DecodeString(v.Hex)
		if err != nil {
			t.Fatal(err)
		}
		*all = nil
		if err := call(); err != nil || len(*all) != 1 {
			t.Fatalf("%s: %v, %d messages", v.Name, err, len(*all))
		}
		got, want := (*all)[0], published{v.Channel, data}
		if got.channel != want.channel || (got.data[0] == '{') != (data[0] == '{') || !reflect.DeepEqual(decode(t, f, got), decode(t, f, want)) {
			t.Errorf("%s: %s %q, want\n%s %q", v.Name, got.channel, got.data, want.channel, want.data)
		}
	}
	for name := range calls {
		t.Errorf("the official emitter has no %s", name)
	}
}

// TestFormats has servers understand it in each format.
func TestFormats(t *testing.T) {
	for name, f := range map[string]wire.Format{"sharded": wire.Sharded("app", wire.Dynamic), "subjects": wire.Subjects("")} {
		e, all := listen(f)
		if err := errors.Join(e.To("room").Emit("ev", []byte{7}), e.Disconnect(), e.ServerSideEmit("ev")); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if channel := (*all)[0].channel; channel != f.Room("/", "room") {
			t.Errorf("%s: on %s", name, channel)
		}
		for i, want := range []wire.Message{
			{Type: wire.TypeBroadcast, Rooms: []string{"room"}, Data: []byte(`["ev",{"_placeholder":true,"num":0}]`), Attachments: [][]byte{{7}}},
			{Type: wire.TypeDisconnect},
			{Type: wire.TypeServerEvent, Data: []byte(`["ev"]`)},
		} {
			want.UID, want.Nsp = wire.EmitterUID, "/"
			if got := decode(t, f, (*all)[i]); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %+v, want %+v", name, got, want)
			}
		}
	}
}

// TestAppend has what servers keep appended, and the rest published.
func TestAppend(t *testing.T) {
	var all []wire.Message
	add := func(e wire.Entry) error {
		var m wire.Message
		err := e.Message(&m)
		all = append(all, m)
		return err
	}
	f := wire.Streams("")
	publish := func(channel string, data []byte) error {
		all = append(all, wire.Message{})
		return f.Decode(channel, data, &all[len(all)-1])
	}
	e := emitter.New(f, publish, &emitter.Options{Append: add}).Of("/chat").To("room")
	if err := errors.Join(e.Emit("ev", 1), e.Emit("ev", []byte{7}), e.Join("more"), e.Leave("more"), e.Disconnect(),
		e.Volatile().Emit("ev"), e.ServerSideEmit("ev")); err != nil {
		t.Fatal(err)
	}
	to := []string{"room"}
	want := []wire.Message{
		{Type: wire.TypeBroadcast, Rooms: to, Data: []byte(`["ev",1]`)},
		{Type: wire.TypeBroadcast, Rooms: to, Data: []byte(`["ev",{"_placeholder":true,"num":0}]`), Attachments: [][]byte{{7}}},
		{Type: wire.TypeJoin, Rooms: to, Names: []string{"more"}},
		{Type: wire.TypeLeave, Rooms: to, Names: []string{"more"}},
		{Type: wire.TypeDisconnect, Rooms: to},
		{Type: wire.TypeBroadcast, Rooms: to, Data: []byte(`["ev"]`), Flags: wire.Flags{Volatile: true}},
		{Type: wire.TypeServerEvent, Data: []byte(`["ev"]`)},
	}
	for i := range want {
		want[i].UID, want[i].Nsp = wire.EmitterUID, "/chat"
	}
	if !reflect.DeepEqual(all, want) {
		t.Errorf("%+v, want\n%+v", all, want)
	}
	if err := emitter.New(f, publish, &emitter.Options{Append: func(wire.Entry) error { return errRefused }}).Emit("ev"); err != errRefused {
		t.Errorf("no error of what appends: %v", err)
	}
}

var errRefused = errors.New("refused")

type deaf struct{ cluster.Receiver }

func (deaf) Receive(_, _ string, _ []byte) {}

// TestJoinAndEmit has an event reach those who are told to join its room just before, though
// their server has not subscribed to that.
func TestJoinAndEmit(t *testing.T) {
	for name, f := range map[string]wire.Format{"classic": wire.Classic("", wire.ClassicOptions{}), "sharded": wire.Sharded("", wire.Dynamic), "subjects": wire.Subjects("")} {
		hub := memory.NewHub()
		in, out := hub.Engine(), hub.Engine()
		c, err := cluster.New(t.Context(), in, f, nil)
		if err != nil {
			t.Fatal(err)
		}
		srv := sio.New(&sio.Options{Broker: c.Broker})
		t.Cleanup(func() {
			if err := errors.Join(srv.Shutdown(context.Background()), c.Close(), out.Close()); err != nil {
				t.Error(err)
			}
		})
		client := siotest.Connect(t, srv, nil)
		if err := out.Start(t.Context(), deaf{}); err != nil {
			t.Fatal(err)
		}
		e := emitter.New(f, func(channel string, data []byte) error {
			out.Publish(channel, data, false)
			return nil
		}, nil)
		in.Freeze()
		if err := errors.Join(e.To(client.ID()).Join("new", "newer"), e.To("new").Emit("new", name), e.To("newer").Emit("newer", name)); err != nil {
			t.Fatal(err)
		}
		in.Thaw()
		client.Expect("new").Is(name)
		client.Expect("newer").Is(name)
	}
}

func TestImmutable(t *testing.T) {
	f := wire.Classic("", wire.ClassicOptions{})
	e, all := listen(f)
	base := e.To("a", "b", "c").Except("x", "y", "z").Volatile()
	left, right := base.To("left").Except("l").Compress(false), base.To("right").Except("r").Of("/other").To("r2")
	if err := errors.Join(base.Emit("ev"), left.Emit("ev"), right.Emit("ev"), left.Compress(true).Emit("ev"), e.Emit("ev")); err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		rooms, except   string
		volatile, plain bool
	}{{"a b c", "x y z", true, false}, {"a b c left", "x y z l", true, true}, {"r2", "", false, false}, {"a b c left", "x y z l", true, false}, {}} {
		m := decode(t, f, (*all)[i])
		if strings.Join(m.Rooms, " ") != want.rooms || strings.Join(m.Except, " ") != want.except || m.Flags.Volatile != want.volatile || m.Flags.Plain != want.plain {
			t.Errorf("message %d: %+v, want %+v", i, m, want)
		}
	}
}

func TestNobody(t *testing.T) {
	e, all := listen(wire.Subjects(""))
	none := e.To().Except("a")
	if err := errors.Join(none.Emit("ev"), none.Join("a"), none.Leave("a"), none.Disconnect()); err != nil || len(*all) > 0 {
		t.Errorf("%v, %v", err, *all)
	}
	if err := none.Emit("connect"); err != parser.ErrReservedEvent {
		t.Errorf("a reserved event to nobody: %v", err)
	}
	if err := errors.Join(none.To("b").Emit("ev"), none.ServerSideEmit("ev")); err != nil || len(*all) != 2 {
		t.Errorf("%v, %v", err, *all)
	}
}

func TestErrors(t *testing.T) {
	broken := errors.New("broken")
	e := emitter.New(wire.Subjects(""), func(string, []byte) error { return broken }, nil)
	for name, err := range map[string]error{
		"Emit": e.Emit("ev"), "Join": e.Join("a"), "Leave": e.Leave("a"), "Disconnect": e.Disconnect(), "ServerSideEmit": e.ServerSideEmit("ev"),
	} {
		if err != broken {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := e.ServerSideEmit("connect"); err != parser.ErrReservedEvent {
		t.Errorf("a reserved event: %v", err)
	}
	var arg *parser.ArgError
	if err := e.Emit("ev", 1, func() {}); !errors.As(err, &arg) || arg.Index != 1 {
		t.Errorf("a function: %v", err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a namespace without a slash")
		}
	}()
	e.Of("chat")
}

// A shouting codec has its own form of strings.
type shouting struct{ parser.JSON }

func (c shouting) Append(dst []byte, v any, attachments [][]byte) ([]byte, [][]byte, error) {
	if s, ok := v.(string); ok {
		v = strings.ToUpper(s)
	}
	return c.JSON.Append(dst, v, attachments)
}

func TestCodec(t *testing.T) {
	f := wire.Subjects("")
	var data []byte
	e := emitter.New(f, func(_ string, b []byte) error { data = b; return nil }, &emitter.Options{Codec: shouting{}})
	if err := e.Of("/a").To("b").Emit("ev", "hello"); err != nil || !strings.Contains(string(data), `["ev","HELLO"]`) {
		t.Errorf("%s, %v", data, err)
	}
}

// TestLinks has a program that only sends link neither HTTP nor sessions, nor a network.
func TestLinks(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	deps := strings.Fields(string(out))
	if !slices.Contains(deps, "github.com/siokit/sio/cluster/wire") {
		t.Fatalf("not the dependencies: %v", deps)
	}
	for _, d := range deps {
		if d == "net" || d == "net/http" || d == "crypto/tls" || strings.HasPrefix(d, "github.com/siokit/sio/engineio") || d == "github.com/siokit/sio/socketio" || d == "github.com/rs/zerolog" {
			t.Errorf("links %s", d)
		}
	}
}
