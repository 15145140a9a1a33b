package wire

import (
	"bytes"
	"encoding/base64"
	"runtime"
	"strings"
	"testing"

	"github.com/siokit/sio/socketio/parser"
)

// TestEntryRoundTrip has each message that is kept come out as it went in; others fail.
func TestEntryRoundTrip(t *testing.T) {
	kept := 0
	for name, m := range messages() {
		e, err := m.Entry()
		if !m.Kept() {
			if err == nil {
				t.Errorf("%s is an entry", name)
			}
			continue
		}
		kept++
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if binary := len(m.Attachments) > 0; binary == strings.HasPrefix(e.Data, "{") {
			t.Errorf("%s: data is %s", name, e.Data)
		}
		var got Message
		if err := e.Message(&got); err != nil || !same(&got, &m) {
			t.Errorf("%s: %+v, %v\nfrom %+v, want\n%+v", name, got, err, e, m)
		}
	}
	if kept < 6 {
		t.Errorf("only %d messages are kept", kept)
	}
}

// hostileEntries are what no server writes.
func hostileEntries() map[string]Entry {
	ok := `{"opts":{"rooms":[],"except":[],"flags":{}},"packet":{"type":2,"data":["ev"]}}`
	pack := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	return map[string]Entry{
		"nothing":                {},
		"no type":                {UID: uid, Nsp: nsp, Data: ok},
		"a type that is no text": {UID: uid, Nsp: nsp, Type: `"3"`, Data: ok},
		"a negative type":        {UID: uid, Nsp: nsp, Type: "-3", Data: ok},
		"a large type":           {UID: uid, Nsp: nsp, Type: "259", Data: ok},
		"another type":           {UID: uid, Nsp: nsp, Type: "7", Data: `{"requestId":"x","opts":{"rooms":[],"except":[]}}`},
		"no namespace":           {UID: uid, Type: "3", Data: ok},
		"no data":                {UID: uid, Nsp: nsp, Type: "3"},
		"half of the data":       {UID: uid, Nsp: nsp, Type: "3", Data: ok[:len(ok)-1]},
		"something behind it":    {UID: uid, Nsp: nsp, Type: "3", Data: ok + "x"},
		"an array":               {UID: uid, Nsp: nsp, Type: "3", Data: "[]"},
		"no base64":              {UID: uid, Nsp: nsp, Type: "3", Data: "ä"},
		"JSON in base64":         {UID: uid, Nsp: nsp, Type: "3", Data: pack(ok)},
		"half of msgpack":        {UID: uid, Nsp: nsp, Type: "3", Data: pack("\x82\xa4opts")},
		"a number in msgpack":    {UID: uid, Nsp: nsp, Type: "3", Data: pack("\x01")},
		"a request":              {UID: uid, Nsp: nsp, Type: "3", Data: `{"requestId":"x",` + ok[1:]},
		"no packet":              {UID: uid, Nsp: nsp, Type: "3", Data: `{"opts":{"rooms":[]}}`},
		"no opts":                {UID: uid, Nsp: nsp, Type: "3", Data: `{"packet":{"type":2,"data":["ev"]}}`},
		"a reserved event":       {UID: uid, Nsp: nsp, Type: "3", Data: strings.Replace(ok, `"ev"`, `"disconnect"`, 1)},
		"an ack":                 {UID: uid, Nsp: nsp, Type: "3", Data: strings.Replace(ok, "2", "3", 1)},
		"rooms that are none":    {UID: uid, Nsp: nsp, Type: "4", Data: `{"opts":{"rooms":[]},"rooms":[{}]}`},
		"join without opts":      {UID: uid, Nsp: nsp, Type: "4", Data: `{"rooms":["a"]}`},
	}
}

func TestHostileEntries(t *testing.T) {
	for name, e := range hostileEntries() {
		var m Message
		if err := e.Message(&m); err == nil {
			t.Errorf("%s is %+v", name, m)
		}
	}
}

func FuzzEntry(f *testing.F) {
	for _, m := range messages() {
		if e, err := m.Entry(); err == nil {
			f.Add(e.UID, e.Nsp, e.Type, e.Data)
		}
	}
	for _, e := range hostileEntries() {
		f.Add(e.UID, e.Nsp, e.Type, e.Data)
	}
	for _, v := range vectors(f) {
		if e := v.Entry; e != nil {
			f.Add(e.UID, e.Nsp, e.Type, e.Data)
		}
	}
	f.Fuzz(func(t *testing.T, uid, nsp, kind, data string) {
		e := Entry{UID: uid, Nsp: nsp, Type: kind, Data: data}
		var m Message
		if !bounded(t, len(data), func() error { return e.Message(&m) }) {
			return
		}
		checkMessage(t, &m)
		if m.Flags.Volatile {
			m.Flags.Volatile = false // as only Node keeps it
		}
		again, err := m.Entry()
		if err != nil {
			t.Fatalf("%+v can't be kept: %v", m, err)
		}
		var m2 Message
		if err := again.Message(&m2); err != nil || !same(&m, &m2) {
			t.Fatalf("%+v was kept as\n%+v, which is\n%+v, %v", m, again, m2, err)
		}
	})
}

// bounded runs what decodes so many bytes, and reports whether it succeeds. It must not take
// much memory, or quote the input.
func bounded(t *testing.T, size int, decode func() error) bool {
	var before, after runtime.MemStats
	if size > 1<<10 {
		runtime.ReadMemStats(&before)
	}
	err := decode()
	if size > 1<<10 {
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > uint64(100*size)+1<<20 {
			t.Errorf("%d bytes for %d", took, size)
		}
	}
	if err != nil {
		if _, ok := err.(parser.Error); !ok && err != parser.ErrInvalidUTF8 {
			t.Fatalf("the error may quote what was decoded: %v", err)
		}
	}
	return err == nil
}

const lease = "abcdefghijklmnopqr"

func sessions() map[string]Session {
	return map[string]Session{
		"full":    {Lease: lease, SID: "sid", PID: "pid", Rooms: []string{"sid", "room ü", ""}, Data: []byte(`{"a":[1,2.5,null,"x"]}`), Extra: []byte(`{"b":"\"","c":1.0}`)},
		"bare":    {Lease: lease, SID: "sid", PID: "pid", Data: []byte(`{}`)},
		"large":   {Lease: lease, SID: "sid", PID: "pid", Rooms: []string{strings.Repeat("r", 70000)}, Data: []byte(`{"a":"` + strings.Repeat("v", 70000) + `"}`)},
		"similar": {Lease: lease, SID: "sid", PID: "pid", Data: []byte(`{"a":{"_placeholder":true,"num":0},"b":{"type":"Buffer","data":[1,2]}}`)},
	}
}

func TestSessionRoundTrip(t *testing.T) {
	begin := ""
	for name, s := range sessions() {
		record, err := AppendSession([]byte("before"), &s)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		record = record[len("before"):]
		if begin == "" {
			begin = string(record[:LeaseLen])
		}
		if string(record[:LeaseLen]) != begin {
			t.Errorf("%s begins with %s, others with %s", name, record[:LeaseLen], begin)
		}
		got, err := DecodeSession(record)
		if err != nil || !sameSession(&got, &s) {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, s)
		}
	}
	s := sessions()["full"]
	s.Lease = "abcdefghijklmnopqs"
	if record, err := AppendSession(nil, &s); err != nil || string(record[:LeaseLen]) == begin {
		t.Errorf("another lease begins so, too: %v", err)
	}
}

func sameSession(a, b *Session) bool {
	return a.Lease == b.Lease && a.SID == b.SID && a.PID == b.PID && strings.Join(a.Rooms, "\x00") == strings.Join(b.Rooms, "\x00") &&
		bytes.Equal(a.Data, b.Data) && bytes.Equal(a.Extra, b.Extra)
}

func TestSessionsThatAreNone(t *testing.T) {
	for name, s := range map[string]Session{
		"short lease":   {Lease: "short", SID: "sid", PID: "pid"},
		"no lease":      {SID: "sid", PID: "pid"},
		"lease in UTF8": {Lease: "äbcdefghijklmnopq", SID: "sid", PID: "pid"},
		"a quote":       {Lease: "\x00bcdefghijklmnopqr", SID: "sid", PID: "pid"},
		"values":        {Lease: lease, SID: "sid", PID: "pid", Data: []byte(`[]`)},
		"no JSON":       {Lease: lease, SID: "sid", PID: "pid", Data: []byte(`{`)},
		"two values":    {Lease: lease, SID: "sid", PID: "pid", Data: []byte(`{},"sid":"x"`)},
		"a room":        {Lease: lease, SID: "sid", PID: "pid", Rooms: []string{"\xff"}},
		"extra":         {Lease: lease, SID: "sid", PID: "pid", Extra: []byte("\xff")},
	} {
		if record, err := AppendSession(nil, &s); err == nil || len(record) > 0 {
			t.Errorf("%s: %s", name, record)
		}
	}
	pack := func(s string) []byte { return base64.StdEncoding.AppendEncode(nil, []byte(s)) }
	for name, record := range map[string][]byte{
		"nothing":       nil,
		"no base64":     []byte("{}"),
		"no msgpack":    pack("\x84"),
		"a number":      pack("\x01"),
		"an array":      pack("\x90"),
		"no members":    pack("\x80"),
		"sid is one":    pack("\x83\xa3sid\x01\xa3pid\xa1p\xa4data\x80"),
		"no pid":        pack("\x82\xa3sid\xa1s\xa4data\x80"),
		"data is one":   pack("\x83\xa3sid\xa1s\xa3pid\xa1p\xa4data\x01"),
		"rooms are one": pack("\x84\xa3sid\xa1s\xa3pid\xa1p\xa4data\x80\xa5rooms\x01"),
	} {
		if s, err := DecodeSession(record); err == nil {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func FuzzSession(f *testing.F) {
	for _, s := range sessions() {
		if record, err := AppendSession(nil, &s); err == nil {
			f.Add(record)
		}
	}
	for _, v := range vectors(f) {
		f.Add([]byte(v.Record))
	}
	f.Fuzz(func(t *testing.T, record []byte) {
		var s Session
		ok := bounded(t, len(record), func() (err error) {
			s, err = DecodeSession(record)
			return err
		})
		if !ok {
			return
		}
		if len(s.Lease) != LeaseSize || !isASCII(s.Lease) {
			s.Lease = lease
		}
		again, err := AppendSession(nil, &s)
		if err != nil {
			t.Fatalf("%+v can't be kept: %v", s, err)
		}
		if s2, err := DecodeSession(again); err != nil || !sameSession(&s, &s2) {
			t.Fatalf("%+v was kept as %+v, %v", s, s2, err)
		}
	})
}
