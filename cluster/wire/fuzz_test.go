package wire

import (
	"bytes"
	"encoding/json"
	"runtime"
	"testing"

	"github.com/siokit/sio/socketio/parser"
)

// fuzzDecode has a format decode whatever comes: it must not panic, change its input or
// take much memory, and what it takes for a message must be the same once it has been sent
// on.
func fuzzDecode(f *testing.F, of string, channels ...string) {
	format := formats[of]
	for i, channel := range channels {
		for _, all := range []map[string]Message{messages(), legacy} {
			for _, m := range all {
				if data, err := format.Append(nil, &m); err == nil && format.Channel(&m) == channel {
					f.Add(uint8(i), data)
				}
			}
		}
		for _, h := range hostiles(f) {
			if h.format == of && h.channel == channel {
				f.Add(uint8(i), []byte(h.data))
			}
		}
		for _, v := range vectors(f) {
			if v.Hex != "" && v.Channel == channel {
				f.Add(uint8(i), v.data(f))
			}
		}
	}
	f.Fuzz(func(t *testing.T, i uint8, data []byte) {
		channel := channels[int(i)%len(channels)]
		kept := bytes.Clone(data)
		var m Message
		var before, after runtime.MemStats
		if len(data) > 1<<10 {
			runtime.ReadMemStats(&before)
		}
		err := format.Decode(channel, data, &m)
		if len(data) > 1<<10 {
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; took > uint64(100*len(data))+1<<20 {
				t.Errorf("%d bytes for a message of %d", took, len(data))
			}
		}
		if !bytes.Equal(data, kept) {
			t.Fatal("the message has been changed")
		}
		if err != nil {
			if _, ok := err.(parser.Error); !ok && err != parser.ErrInvalidUTF8 {
				t.Fatalf("the error may quote the message: %v", err)
			}
			return
		}
		checkMessage(t, &m)
		if m.Nsp == "" {
			m.Nsp = nsp // of the channel
		}
		again, err := format.Append(nil, &m)
		if err != nil {
			t.Fatalf("%+v can't be sent: %v", m, err)
		}
		var m2 Message
		if err := format.Decode(format.Channel(&m), again, &m2); err != nil {
			t.Fatalf("%+v was sent as %q: %v", m, again, err)
		}
		if m2.Nsp == "" {
			m2.Nsp = nsp
		}
		if !same(&m, &m2) && !m.isOld() {
			t.Fatalf("%+v was sent as\n%q, which is\n%+v", m, again, m2)
		}
	})
}

// isOld reports whether m is a kind that is read, but not written in the same way.
func (m *Message) isOld() bool {
	return m.UID == EmitterUID || m.Type == TypeIDList && len(m.Names) == 0
}

// checkMessage fails unless m is what those who get it rely on.
func checkMessage(t *testing.T, m *Message) {
	switch m.Type {
	case TypeBroadcast, TypeServerEvent:
		if _, err := parser.EventName(m.Data); err != nil {
			t.Fatalf("%+v: %v", m, err)
		}
	case TypeFetched:
		if m.Data[0] != '[' {
			t.Fatalf("%+v is no array", m)
		}
	case TypeServerAnswer, TypeClientAnswer:
		if (m.Data == nil) != (m.Err != "") {
			t.Fatalf("%+v has neither an answer nor an error, or both", m)
		}
	default:
		if m.Data != nil || m.Attachments != nil {
			t.Fatalf("%+v has Data", m)
		}
		return
	}
	if m.Data != nil && !json.Valid(m.Data) {
		t.Fatalf("%q is not JSON", m.Data)
	}
	for i, b := range m.Attachments {
		if b == nil {
			t.Fatalf("attachment %d is nil", i)
		}
	}
	if n := bytes.Count(m.Data, []byte(parser.Placeholder)); len(m.Attachments) > 0 && n != len(m.Attachments) {
		t.Fatalf("%d attachments, %d placeholders in %s", len(m.Attachments), n, m.Data)
	}
	if len(m.Attachments) > 0 {
		var v any
		if err := (parser.JSON{}).Unmarshal(m.Data, m.Attachments, &v); err != nil {
			t.Fatalf("%s: %v", m.Data, err)
		}
	}
}

func FuzzClassic(f *testing.F) {
	fuzzDecode(f, "classic", onEvents, onRequests, onAnswers, onServers, onEvents+"room1#")
}
func FuzzSharded(f *testing.F) {
	fuzzDecode(f, "sharded", onEvents, onEvents+"room1#", onEvents+"other1#", onServers)
}
func FuzzSubjects(f *testing.F) {
	s := formats["subjects"]
	fuzzDecode(f, "subjects", append(s.Channels(nsp, uid), s.Servers())...)
}
func FuzzStreams(f *testing.F) {
	fuzzDecode(f, "streams", onEvents, onEvents+"other1#", onServers)
}
