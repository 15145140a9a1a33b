package load

import (
	"bufio"
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestFrame(t *testing.T) {
	for _, size := range []int{0, 1, 125, 126, 65535, 65536, 100_000} {
		payload := bytes.Repeat([]byte("x"), size)
		frame := AppendFrame(nil, opText, payload)
		if size < 65536 {
			op, message, err := readMasked(bytes.NewReader(frame))
			if op != opText || !bytes.Equal(message, payload) || err != nil {
				t.Errorf("%d bytes: read as %d bytes, opcode %d, %v", size, len(message), op, err)
			}
		}
		// As a server would send it: without the mask.
		header := len(frame) - size - 4
		unmasked := bytes.Clone(frame[:header])
		unmasked[1] &^= maskBit
		unmasked = append(unmasked, payload...)
		for _, end := range []int{0, 1, header - 1, len(unmasked) - 1} {
			if _, _, n, err := parseFrame(unmasked[:max(end, 0)]); n != 0 || err != nil {
				t.Errorf("%d bytes, of which there are %d: parsed as %d, %v", size, end, n, err)
			}
		}
		op, message, n, err := parseFrame(append(unmasked, "more"...))
		if op != finBit|opText || !bytes.Equal(message, payload) || n != len(unmasked) || err != nil {
			t.Errorf("%d bytes: parsed as %d bytes, opcode %d, %v", size, len(message), op, err)
		}
	}
	for _, header := range []string{"\xa1\x00", "\x91\x00", "\x81\x80"} {
		if _, _, _, err := parseFrame([]byte(header)); err == nil {
			t.Errorf("% x: no error", header)
		}
	}
}

// The floor has to be measured with messages of the same size.
func TestDialectsAreEquallyLong(t *testing.T) {
	lengths := func(d Dialect) (all []int) {
		for _, kind := range []Kind{WithAck, Event, Binary} {
			all = append(all, len(d.echo(kind).frames(7)))
		}
		for _, size := range []int{100, frameSize, 60 << 10} {
			all = append(all, len(d.blast("blast", 1, size).message.fill(7)))
		}
		return all
	}
	bare, full := lengths(Bare), lengths(SocketIO)
	for i := range full {
		if bare[i] != full[i] {
			t.Errorf("%v bytes, %v without Socket.IO", full, bare)
			break
		}
	}
}

func TestBlastSize(t *testing.T) {
	for _, size := range []int{100, frameSize, 60 << 10, 80 << 10} {
		message := SocketIO.blast("blast", 1, size).message.fill(0)
		frame := AppendFrame(nil, opText, message)
		if got := len(frame) - len(maskKey); got != size {
			t.Errorf("a frame of %d bytes, want %d", got, size)
		}
		if !json.Valid(message[2:]) {
			t.Errorf("not JSON: %s", message)
		}
	}
}

func TestResponse(t *testing.T) {
	for _, tt := range []struct {
		name, response, body string
		closes               bool
	}{
		{"length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", false},
		{"chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n", "abc0123456789", false},
		{"close", "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n", "", true},
	} {
		w := &web{r: bufio.NewReader(strings.NewReader(tt.response))}
		body, err := w.response()
		if string(body) != tt.body || w.closes != tt.closes || err != nil {
			t.Errorf("%s: %q, closes %t, %v", tt.name, body, w.closes, err)
		}
	}
	for _, response := range []string{
		"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.1 200 OK\r\n\r\nok",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok0\r\n\r\n",
		"",
	} {
		w := &web{r: bufio.NewReader(strings.NewReader(response))}
		if body, err := w.response(); err == nil {
			t.Errorf("%q: read as %q", response, body)
		}
	}
}

func TestWithoutPing(t *testing.T) {
	for _, tt := range []struct {
		payload, rest string
		pinged        bool
	}{
		{"2", "", true},
		{"2\x1e40{}", "40{}", true},
		{"40{}\x1e2", "40{}", true},
		{"40{}", "40{}", false},
		{"422", "422", false},
	} {
		if rest, pinged := withoutPing([]byte(tt.payload)); string(rest) != tt.rest || pinged != tt.pinged {
			t.Errorf("%q: %q, %t", tt.payload, rest, pinged)
		}
	}
}

func TestWithoutOffset(t *testing.T) {
	const event = `42["msg","a"]`
	for message, want := range map[string]string{
		event:                  event,
		`42["msg","a","17-0"]`: event,
		`42["msg","abcdef"]`:   `42["msg","abcdef"]`, // another one
		`42["msg","a",17]`:     `42["msg","a",17]`,
	} {
		if got := string(withoutOffset([]byte(message), len(event))); got != want {
			t.Errorf("%s: %s, want %s", message, got, want)
		}
	}
}
