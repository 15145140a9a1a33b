package wire

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestBuffers(t *testing.T) {
	for _, tt := range []struct {
		json, data  string
		attachments [][]byte
	}{
		{`["a"]`, `["a"]`, nil},
		{`{"type":"Buffer","data":[]}`, `{"_placeholder":true,"num":0}`, [][]byte{{}}},
		{`["a",{"type":"Buffer","data":[0,7,255]},{"b":{"type":"Buffer","data":[10]}},1]`,
			`["a",{"_placeholder":true,"num":0},{"b":{"_placeholder":true,"num":1}},1]`, [][]byte{{0, 7, 255}, {10}}},
		// What is no Buffer stays.
		{`[{"type":"Buffer","data":[256]}]`, `[{"type":"Buffer","data":[256]}]`, nil},
		{`[{"type":"Buffer","data":[-1]}]`, `[{"type":"Buffer","data":[-1]}]`, nil},
		{`[{"type":"Buffer","data":[1.5]}]`, `[{"type":"Buffer","data":[1.5]}]`, nil},
		{`[{"type":"Buffer","data":[1000]}]`, `[{"type":"Buffer","data":[1000]}]`, nil},
		{`[{"type":"Buffer","data":["1"]}]`, `[{"type":"Buffer","data":["1"]}]`, nil},
		{`[{"type":"Buffer","data":[1],"more":1}]`, `[{"type":"Buffer","data":[1],"more":1}]`, nil},
		{`["{\"type\":\"Buffer\",\"data\":[1]}"]`, `["{\"type\":\"Buffer\",\"data\":[1]}"]`, nil},
		{`[{"type":"Buffer","data":[{"type":"Buffer","data":[1]}]}]`, `[{"type":"Buffer","data":[{"_placeholder":true,"num":0}]}]`, [][]byte{{1}}},
		// So do Buffers beside what would be taken for one of theirs.
		{`[{"type":"Buffer","data":[1]},{"num":0,"_placeholder":true}]`, `[{"type":"Buffer","data":[1]},{"num":0,"_placeholder":true}]`, nil},
		{`[{"type":"Buffer","data":[1]},[{"\u005fplaceholder":true}]]`, `[{"type":"Buffer","data":[1]},[{"\u005fplaceholder":true}]]`, nil},
		{`[{"type":"Buffer","data":[1]},{"_placeholder":false},{"_placeholder":true,"_placeholder":0}]`,
			`[{"_placeholder":true,"num":0},{"_placeholder":false},{"_placeholder":true,"_placeholder":0}]`, [][]byte{{1}}},
	} {
		in := []byte(tt.json)
		data, attachments := cutBuffers(in)
		if string(data) != tt.data || !slices.EqualFunc(attachments, tt.attachments, bytes.Equal) {
			t.Errorf("%s becomes %s, %v, want %s, %v", tt.json, data, attachments, tt.data, tt.attachments)
		}
		for i, b := range attachments {
			if b == nil {
				t.Errorf("%s: attachment %d is nil", tt.json, i)
			}
		}
		if string(in) != tt.json {
			t.Errorf("%s has been changed to %s", tt.json, in)
		}
		if attachments == nil {
			continue
		}
		if back := appendBuffers(nil, data, attachments); string(back) != tt.json {
			t.Errorf("%s goes out as %s", tt.json, back)
		}
	}
}

// TestLookalikes has objects of users that look like placeholders go as they are where
// there are no attachments, or no such ones.
func TestLookalikes(t *testing.T) {
	for _, tt := range []struct {
		json        string
		attachments [][]byte
		want        string
	}{
		{`[{"_placeholder":true,"num":0}]`, nil, `[{"_placeholder":true,"num":0}]`},
		{`[{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]`, [][]byte{{1}}, `[{"_placeholder":true,"num":1},{"type":"Buffer","data":[1]}]`},
		{`[{"_placeholder":true,"num":0.5},{"_placeholder":true,"num":-0},{"_placeholder":true,"num":0,"a":1}]`, [][]byte{{1}},
			`[{"_placeholder":true,"num":0.5},{"_placeholder":true,"num":-0},{"_placeholder":true,"num":0,"a":1}]`},
	} {
		if got := appendBuffers(nil, []byte(tt.json), tt.attachments); string(got) != tt.want {
			t.Errorf("%s becomes %s, want %s", tt.json, got, tt.want)
		}
	}
}

// Buffers within Buffers take time in proportion to them.
func TestNestedBuffers(t *testing.T) {
	nested := strings.Repeat(buffer, 500) + strings.Repeat("]}", 500)
	all := []byte("[" + strings.Repeat(nested+",", 200) + "0]") // 2.7 MB
	if !json.Valid(all) {
		t.Fatal("not JSON")
	}
	start := time.Now()
	_, attachments := cutBuffers(all)
	if len(attachments) != 200 {
		t.Errorf("%d Buffers, want the innermost of each", len(attachments))
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}
