package wire

import (
	"slices"
	"strings"
	"testing"
)

func TestChannels(t *testing.T) {
	for _, tt := range []struct {
		f    Format
		want []string
	}{
		{formats["classic"], []string{"socket.io#/chat#", "socket.io-request#/chat#", "socket.io-response#/chat#", "socket.io-response#/chat#0SROC2#"}},
		{formats["classic specific"], []string{"app#/chat#", "app-request#/chat#", "app-response#/chat#", "app-response#/chat#0SROC2#"}},
		{formats["classic pattern"], []string{"socket.io#/chat#*", "socket.io-request#/chat#", "socket.io-response#/chat#", "socket.io-response#/chat#0SROC2#"}},
		{formats["sharded"], []string{"socket.io#/chat#", "socket.io#/chat#0SROC2#"}},
		{formats["sharded private"], []string{"app#/chat#", "app#/chat#0SROC2#"}},
		{formats["subjects"], []string{"sio.v1.L2NoYXQ.b.all", "sio.v1.L2NoYXQ.q.all", "sio.v1.L2NoYXQ.n.MFNST0My"}},
		{Subjects("test"), []string{"test.L2NoYXQ.b.all", "test.L2NoYXQ.q.all", "test.L2NoYXQ.n.MFNST0My"}},
	} {
		got := tt.f.Channels(nsp, uid)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%v, want %v", got, tt.want)
		}
		if !slices.Contains(got, tt.f.Counted(nsp)) {
			t.Errorf("%s is counted, which nobody subscribes to", tt.f.Counted(nsp))
		}
		if slices.Contains(got, tt.f.Servers()) {
			t.Errorf("%s is for servers, too", tt.f.Servers())
		}
	}
	if got := Classic("a*", ClassicOptions{Pattern: true}).Channels(`/[b?]\`, uid)[0]; got != `a\*#/\[b\?\]\\#*` {
		t.Errorf("the pattern is %s", got)
	}
}

// TestMessageChannels has each message on one of the channels that those subscribe to whom
// it is for.
func TestMessageChannels(t *testing.T) {
	const other = "other1"
	for of, f := range formats {
		channels := f.Channels(nsp, other)
		channels[0] = strings.TrimSuffix(channels[0], "*")
		for name, m := range messages() {
			for _, to := range []string{"", other} {
				m.To = to
				got := f.Channel(&m)
				switch {
				case m.isMember():
					if got != f.Servers() {
						t.Errorf("%s: %s goes to %s", of, name, got)
					}
				case m.isRoom() && f.Room(nsp, m.Rooms[0]) != "" && got == f.Room(nsp, m.Rooms[0]):
				case m.isRoom() && of == "classic pattern" && strings.HasPrefix(got, channels[0]):
				case of == "subjects" && m.Request != "" && !m.isAnswer() && got == f.Servers(): // those without the namespace answer, too
				case !slices.Contains(channels, got):
					t.Errorf("%s: %s goes to %s, which is none of %q", of, name, got, channels)
				}
			}
		}
	}
}

func TestRoomChannels(t *testing.T) {
	const id, public = "AAAAAAAAAAAAAAAAAAAB", "room1"
	long := strings.Repeat("r", 64)
	for of, want := range map[string][3]string{
		"classic":         {"socket.io#/chat#room1#", "socket.io#/chat#" + id + "#", "socket.io#/chat##"},
		"classic pattern": {"", "", ""},
		"sharded":         {"socket.io#/chat#room1#", "", "socket.io#/chat##"},
		"sharded private": {"app#/chat#room1#", "app#/chat#" + id + "#", "app#/chat##"},
		"sharded static":  {"", "", ""},
		"subjects":        {"sio.v1.L2NoYXQ.b.r.cm9vbTE", "sio.v1.L2NoYXQ.b.r.QUFBQUFBQUFBQUFBQUFBQUFBQUI", "sio.v1.L2NoYXQ.b.r._"},
	} {
		f := formats[of]
		for i, room := range []string{public, id, ""} {
			got := f.Room(nsp, room)
			if got != want[i] {
				t.Errorf("%s: the channel of %q is %q, want %q", of, room, got, want[i])
			}
			m := Message{Type: TypeBroadcast, Nsp: nsp, Rooms: []string{room}}
			if of != "classic pattern" && got != "" && f.Channel(&m) != got {
				t.Errorf("%s: an event for %q goes to %q", of, room, f.Channel(&m))
			}
			general := f.Channel(&Message{Type: TypeBroadcast, Nsp: nsp})
			for _, change := range []func(*Message){
				func(m *Message) { m.All = true },
				func(m *Message) { m.Rooms = []string{room, "b"} },
			} {
				m := m
				if change(&m); f.Channel(&m) != general {
					t.Errorf("%s: %+v goes to %q, want %q", of, m, f.Channel(&m), general)
				}
			}
		}
	}
	// 20 characters, as JavaScript counts them.
	for _, room := range []string{strings.Repeat("ü", 20), strings.Repeat("語", 20), strings.Repeat("🎉", 10), strings.Repeat("\xff", 20)} {
		if got := formats["sharded"].Room(nsp, room); got != "" {
			t.Errorf("%q has the channel %q", room, got)
		}
	}
	for _, room := range []string{strings.Repeat("ü", 10), strings.Repeat("🎉", 20), strings.Repeat("🎉", 5), strings.Repeat("a", 19), strings.Repeat("a", 21)} {
		if formats["sharded"].Room(nsp, room) == "" {
			t.Errorf("%q has no channel", room)
		}
	}
	// No two names have the same subject.
	seen := make(map[string]string)
	for _, room := range []string{"", "_", "a", "A", long, long[:63], long + "r", string([]byte{0}), "a.b", "a*", ">", "a b"} {
		got := formats["subjects"].Room(nsp, room)
		if other, ok := seen[got]; ok {
			t.Errorf("%q and %q have the subject %s", room, other, got)
		}
		seen[got] = room
		last := got[strings.LastIndexByte(got, '.')+1:]
		if len(last) == 0 || len(last) > 86 || strings.ContainsAny(last, ".*> ") {
			t.Errorf("the subject of %q ends in %q", room, last)
		}
	}
}
