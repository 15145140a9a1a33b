package parser

import (
	"bytes"
	"encoding/base64"
	"iter"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzPayload decodes polling payloads. Whatever is accepted can be encoded
// again and then decodes to the same.
func FuzzPayload(f *testing.F) {
	for _, s := range []string{
		"", "\x1e", "\x1e\x1e", "4", "4hello", "4a\x1e4b", "4a\x1e", "\x1e4a", "1", "2", "2probe", "3", "3probe", "5", "6",
		"0{}", "7", "9", "abc", "b", "bA", "bAQ", "bAQ=", "bAQ==", "bAQI=", "bAQID", "bAQID=", "b====", "bAQ\nID", "bAQ==AQ==",
		"b-_-_", "b+/+/", "4a\x1ebAQID\x1e4b", "\ufeff4a", "d=42%5B%5D", "6:4hello", "4\xff", "4\u20ac", "4\x00", "40{\"sid\":1}",
		strings.Repeat("6\x1e", 100), strings.Repeat("\x1e", 100),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		before := bytes.Clone(payload)
		next, stop := iter.Pull2(Packets(payload))
		defer stop()
		bad := !utf8.Valid(payload)
		if bad {
			if p, err, _ := next(); err != errNotUTF8 {
				t.Fatalf("%q has a packet %v, %v", payload, p, err)
			}
		}
		for i, p := range bytes.Split(before, []byte{Separator}) {
			got, err := Decode(p, false)
			if !bad {
				listed, listedErr, ok := next()
				if !ok || err != listedErr || listed.Type != got.Type || listed.Binary != got.Binary || !bytes.Equal(listed.Data, got.Data) {
					t.Fatalf("packet %d is %v %v (%t), want %v %v", i, listed, listedErr, ok, got, err)
				}
				bad = err != nil
			}
			kind, data := got.Type, got.Data
			switch {
			case err != nil:
				continue
			case len(p) == 0 || len(data) >= len(p):
				t.Fatalf("packet %q: %d bytes of data", p, len(data))
			case got.Binary:
				if kind != TypeMessage || p[0] != binaryMark {
					t.Fatalf("packet %q is binary, type %c", p, kind)
				}
				// Either alphabet, up to the padding, in lines or not.
				b64, _, _ := strings.Cut(string(p[1:]), "=")
				b64 = strings.NewReplacer("-", "+", "_", "/", " ", "", "\t", "").Replace(b64)
				if want, err := base64.RawStdEncoding.DecodeString(b64); err != nil || !bytes.Equal(data, want) {
					t.Fatalf("packet %q decodes to %x, want %x %v", p, data, want, err)
				}
				encoded := AppendBase64(nil, data)
				again, err := Decode(encoded, false)
				if err != nil || !again.Binary || !bytes.Equal(again.Data, data) || len(encoded) != Base64Len(len(data)) {
					t.Fatalf("%x encodes and decodes to %x %t %v", data, again.Data, again.Binary, err)
				}
			case kind < TypeOpen || kind > TypeNoop || byte(kind) != p[0]:
				t.Fatalf("packet %q has type %c", p, kind)
			default:
				if again := Append(nil, kind, data); !bytes.Equal(again, p) {
					t.Fatalf("packet %q encodes to %q", p, again)
				}
			}
		}
		if !bad {
			if p, err, ok := next(); ok {
				t.Fatalf("one packet more: %v %v", p, err)
			}
		}
		if !bytes.Equal(payload, before) {
			t.Fatal("the payload has been written to")
		}
	})
}
