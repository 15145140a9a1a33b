package main

import (
	"bytes"
	"compress/flate"
	"fmt"
	"strings"

	"github.com/siokit/sio/bench/internal/load"
)

// hello is what is said first, to the session sid or to none.
func (k *kind) hello(sid string) []byte {
	switch k.over {
	case raw:
		return nil
	case polling:
		return load.PostRequest(host, sid, "40")
	case probe:
		return load.UpgradeRequest(host, sid)
	}
	b := load.UpgradeRequest(host, "")
	switch k.over {
	case revision3: // it is in "/" already
		return bytes.Replace(b, []byte("EIO=4"), []byte("EIO=3"), 1)
	case deflating:
		b = bytes.Replace(b, []byte("\r\n\r\n"), []byte("\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"), 1)
	}
	switch begun, ok := strings.CutPrefix(k.first, "+"); {
	case k.first == "none":
		return b
	case ok: // the first fragment of a message
		f := text(begun)
		f[0] &^= 0x80
		return append(append(b, text("40")...), f...)
	}
	b = append(b, text("40")...)
	if k.first != "" {
		b = append(b, text(k.first)...)
	}
	return b
}

// appendBeat appends units of so many bytes in all, and a single one at least.
func (k *kind) appendBeat(b []byte, sid string, seq, bytes int) []byte {
	switch {
	case k.polls:
		return append(b, load.GetRequest(host, sid)...)
	case k.over == polling:
		var body []byte
		for len(body) == 0 || len(body) < bytes {
			if len(body) > 0 {
				body = append(body, 0x1e)
			}
			body = append(body, k.unit(seq)...)
			seq++
		}
		b = append(b, load.PostRequest(host, sid, string(body))...)
	default:
		start := len(b)
		for {
			b = append(b, k.unit(seq)...)
			seq++
			if len(b)-start >= bytes {
				break
			}
		}
	}
	if k.lacks {
		b = b[:len(b)-1]
	}
	return b
}

func frame(op byte, payload string) []byte { return load.AppendFrame(nil, op, []byte(payload)) }
func text(packet string) []byte            { return frame(1, packet) }

// deflated is a message that is compressed.
func deflated(packet string) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err == nil {
		_, _ = w.Write([]byte(packet)) // never fails into a buffer
		_ = w.Flush()
	}
	f := frame(1, strings.TrimSuffix(b.String(), "\x00\x00\xff\xff"))
	f[0] |= 0x40
	return f
}

func always(b []byte) func(int) []byte { return func(int) []byte { return b } }

// inTurn has one after the other.
func inTurn(units ...[]byte) func(int) []byte {
	return func(seq int) []byte { return units[seq%len(units)] }
}

// numbered has a number in its packets.
func numbered(formats ...string) func(seq int) []byte {
	return func(seq int) []byte {
		var b []byte
		for _, format := range formats {
			b = append(b, text(fmt.Sprintf(format, seq))...)
		}
		return b
	}
}

// inPieces makes a frame of each byte.
func inPieces(packet string) []byte {
	var all [][]byte
	for i := range len(packet) {
		f := frame(0, packet[i:i+1])
		if i == 0 {
			f[0] |= 1
		}
		if i < len(packet)-1 {
			f[0] &^= 0x80
		}
		all = append(all, f)
	}
	return bytes.Join(all, nil)
}
