package wire

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/siokit/sio/socketio/parser/msgpack"
)

// A vector is what an official server or emitter has published, or put into a stream, and the
// Message that it is, as interop/cluster/wire-vectors.mjs has printed it. One with a Record is
// a Session.
type vector struct {
	Format, Name, Channel, Hex string
	Entry                      *Entry
	Message                    struct {
		Message
		Data        string
		Attachments []string
	}
	Record  string
	Session struct {
		Session
		Data string
	}
}

func vectors(t testing.TB) []vector {
	t.Helper()
	file, err := os.ReadFile("testdata/official.json")
	if err != nil {
		t.Fatal(err)
	}
	var vs []vector
	if err := json.Unmarshal(file, &vs); err != nil {
		t.Fatal(err)
	}
	return vs
}

// format is what v is in.
func (v *vector) format() Format {
	switch v.Format {
	case "sharded", "streams":
		return formats[v.Format]
	case "emitter":
		return formats["classic"]
	}
	if strings.HasSuffix(v.Channel, "#other1#") {
		return Classic("", ClassicOptions{SpecificResponses: true})
	}
	return formats["classic"]
}

func (v *vector) data(t testing.TB) []byte { return unhex(t, v.Hex) }

// message is what v stands for.
func (v *vector) message(t testing.TB) Message {
	m := v.Message.Message
	if v.Message.Data != "" {
		m.Data = []byte(v.Message.Data)
	}
	for _, b := range v.Message.Attachments {
		m.Attachments = append(m.Attachments, unhex(t, b))
	}
	return m
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDecodeOfficial(t *testing.T) {
	for _, v := range vectors(t) {
		want := v.message(t)
		var got Message
		if v.Record != "" {
			continue
		}
		if v.Entry != nil {
			if err := v.Entry.Message(&got); err != nil || !same(&got, &want) {
				t.Errorf("%s, %s: %v\n%+v, want\n%+v", v.Format, v.Name, err, got, want)
			}
			continue
		}
		if err := v.format().Decode(v.Channel, v.data(t), &got); err != nil {
			t.Errorf("%s, %s: %v", v.Format, v.Name, err)
		} else if !same(&got, &want) {
			t.Errorf("%s, %s:\n%+v, want\n%+v", v.Format, v.Name, got, want)
		}
	}
}

// TestAppendAsOfficial has each member that the official message has, and the channel.
func TestAppendAsOfficial(t *testing.T) {
	for _, v := range vectors(t) {
		if strings.Contains(v.Name, "number") || v.Record != "" { // ours have strings
			continue
		}
		if v.Entry != nil {
			v.isEntryOf(t)
			continue
		}
		f, m := v.format(), v.message(t)
		m.Nsp, m.To = "/chat", "other1"
		if m.UID == "" && v.Format == "emitter" {
			m.UID = EmitterUID
		}
		if channel := f.Channel(&m); channel != v.Channel {
			t.Errorf("%s, %s: on %s, want %s", v.Format, v.Name, channel, v.Channel)
		}
		got, err := f.Append(nil, &m)
		if err != nil {
			t.Errorf("%s, %s: %v", v.Format, v.Name, err)
			continue
		}
		if want := v.data(t); (got[0] == '{') != (want[0] == '{') || !includes(generic(t, got), generic(t, want)) {
			t.Errorf("%s, %s:\n%s, want\n%s", v.Format, v.Name, got, want)
		}
	}
}

// isEntryOf fails unless the message of v makes the entry of v, if it is one that is kept.
func (v *vector) isEntryOf(t *testing.T) {
	m := v.message(t)
	if !m.Kept() {
		if !m.Flags.Volatile {
			t.Errorf("%s is not kept", v.Name)
		}
		return
	}
	got, err := m.Entry()
	if err != nil {
		t.Errorf("%s: %v", v.Name, err)
		return
	}
	data := func(e *Entry) any {
		if strings.HasPrefix(e.Data, "{") {
			return generic(t, []byte(e.Data))
		}
		packed, err := base64.StdEncoding.DecodeString(e.Data)
		if err != nil {
			t.Fatal(err)
		}
		return generic(t, packed)
	}
	want := *v.Entry
	if (got.Data[0] == '{') != (want.Data[0] == '{') || !includes(data(&got), data(&want)) {
		t.Errorf("%s:\n%s, want\n%s", v.Name, got.Data, want.Data)
	}
	if got.Data, want.Data = "", ""; got != want {
		t.Errorf("%s: %+v, want %+v", v.Name, got, want)
	}
}

func TestDecodeOfficialSessions(t *testing.T) {
	n := 0
	for _, v := range vectors(t) {
		if v.Record == "" {
			continue
		}
		n++
		want := v.Session.Session
		want.Data = []byte(v.Session.Data)
		got, err := DecodeSession([]byte(v.Record))
		if err != nil || !sameSession(&got, &want) {
			t.Errorf("%s: %+v, %v, want %+v", v.Name, got, err, want)
		}
	}
	if n != 2 {
		t.Errorf("%d sessions", n)
	}
}

// generic decodes JSON or msgpack.
func generic(t *testing.T, data []byte) (v any) {
	t.Helper()
	if data[0] != '{' {
		text, bins, err := msgpack.ReadValue(data)
		if err != nil {
			t.Fatal(err)
		}
		data = appendBuffers(nil, text, bins)
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// includes reports whether a is b, but for members of objects that b has not.
func includes(a, b any) bool {
	switch b := b.(type) {
	case map[string]any:
		a, ok := a.(map[string]any)
		for name, value := range b {
			ok = ok && includes(a[name], value)
		}
		return ok
	case []any:
		a, ok := a.([]any)
		ok = ok && len(a) == len(b)
		for i := range b {
			ok = ok && includes(a[i], b[i])
		}
		return ok
	}
	return reflect.DeepEqual(a, b)
}
