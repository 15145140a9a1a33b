package engineio

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"strings"
	"testing"
)

// A message that comes back from elsewhere goes out as the one that it was.
func TestMessageMarshal(t *testing.T) {
	type record struct{ Messages []*Message }
	large := strings.Repeat("é", 40_000)
	was := record{[]*Message{
		NewMessage([]byte(`2["a"]`)), NewMessage(nil), NewMessage([]byte(large)), NewMessage([]byte("plain")).Plain(),
		NewBinaryMessage([]byte{0, 0xff}), NewBinaryMessage(nil), NewBinaryMessage([]byte(large)).Plain(),
	}}
	for name, pass := range map[string]func(*record) error{
		"json": func(now *record) error {
			b, err := json.Marshal(was)
			if err != nil {
				return err
			}
			return json.Unmarshal(b, now)
		},
		"gob": func(now *record) error {
			var b bytes.Buffer
			if err := gob.NewEncoder(&b).Encode(was); err != nil {
				return err
			}
			return gob.NewDecoder(&b).Decode(now)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var now record
			if err := pass(&now); err != nil {
				t.Fatal(err)
			}
			if len(now.Messages) != len(was.Messages) {
				t.Fatalf("%d messages", len(now.Messages))
			}
			for i, m := range now.Messages {
				w := was.Messages[i]
				if !bytes.Equal(m.frame, w.frame) || m.body != w.body || m.binary != w.binary || m.plain != w.plain {
					t.Errorf("message %d: %.50q %d %t %t, want %.50q %d %t %t", i, m.frame, m.body, m.binary, m.plain, w.frame, w.body, w.binary, w.plain)
				}
				if !bytes.Equal(m.packet(), w.packet()) {
					t.Errorf("message %d: %.50q, want %.50q", i, m.packet(), w.packet())
				}
			}
		})
	}
}

func TestMessageUnmarshalRefuses(t *testing.T) {
	for _, bad := range []string{"", "\x04text", "\xfftext", "\x00\xff", "\x02\xff"} {
		var m Message
		if err := m.UnmarshalBinary([]byte(bad)); err == nil || m.frame != nil {
			t.Errorf("%q: %v, frame %q", bad, err, m.frame)
		}
	}
	if err := new(Message).UnmarshalText([]byte("AA=")); err == nil {
		t.Error("bad base64 is taken")
	}
	if _, err := new(Message).MarshalText(); err == nil {
		t.Error("the zero value is taken for a message")
	}
}

func FuzzMessageUnmarshal(f *testing.F) {
	f.Add([]byte("\x00text"))
	f.Add([]byte("\x03\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var m Message
		if m.UnmarshalBinary(b) != nil {
			return
		}
		if again, err := m.MarshalBinary(); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%q becomes %q, %v", b, again, err)
		}
	})
}
