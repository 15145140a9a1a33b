package websocket

import (
	"strings"
	"testing"
	"time"
)

const acceptedDeflate = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

func TestAcceptDeflate(t *testing.T) {
	const window = acceptedDeflate + "; server_max_window_bits=15"
	for offers, want := range map[string]string{
		"":                   "",
		"permessage-deflate": acceptedDeflate,
		"permessage-deflate; client_max_window_bits":                                                                                  acceptedDeflate, // browsers, ws
		"permessage-deflate; client_max_window_bits, permessage-deflate":                                                              acceptedDeflate,
		"permessage-deflate; server_max_window_bits=15; client_max_window_bits":                                                       window,
		"permessage-deflate;server_no_context_takeover;client_no_context_takeover;server_max_window_bits=15;client_max_window_bits=8": window,
		"permessage-deflate; client_max_window_bits=15":                                                                               acceptedDeflate,
		` , permessage-deflate ; client_max_window_bits = "1\5" ,, `:                                                                  acceptedDeflate,
		"\tpermessage-deflate\t;\tclient_max_window_bits\t":                                                                           acceptedDeflate,

		"foo, bar; a=1; a=2; b, permessage-deflate":                             acceptedDeflate,
		"x-webkit-deflate-frame, permessage-deflate":                            acceptedDeflate,
		"permessage-deflate; foo, permessage-deflate":                           acceptedDeflate,
		"permessage-deflate; server_max_window_bits=10, permessage-deflate":     acceptedDeflate,
		"permessage-deflate, permessage-deflate; server_max_window_bits=15":     acceptedDeflate,
		"permessage-deflate; server_max_window_bits=15; x, permessage-deflate":  acceptedDeflate,
		"permessage-deflate; server_max_window_bits=15, permessage-deflate":     window,
		"foo; x=\"y\", permessage-deflate; server_max_window_bits=\"15\"; junk": "",

		// Declined.
		"permessage-deflatex":                                                        "",
		"Permessage-Deflate":                                                         "",
		"foo":                                                                        "",
		"permessage-deflate; x":                                                      "",
		"permessage-deflate; x=1":                                                    "",
		"permessage-deflate; =":                                                      "",
		"permessage-deflate; foo=\"b\\ar\"":                                          "",
		"permessage-deflate; server_max_window_bits":                                 "",
		"permessage-deflate; server_max_window_bits=8":                               "",
		"permessage-deflate; server_max_window_bits=14":                              "",
		"permessage-deflate; server_max_window_bits=16":                              "",
		"permessage-deflate; server_max_window_bits=015":                             "",
		"permessage-deflate; client_max_window_bits=7":                               "",
		"permessage-deflate; client_max_window_bits=16":                              "",
		"permessage-deflate; client_max_window_bits=08":                              "",
		"permessage-deflate; client_max_window_bits=x":                               "",
		"permessage-deflate; server_no_context_takeover=1":                           "",
		"permessage-deflate; client_no_context_takeover=true":                        "",
		"permessage-deflate; client_max_window_bits; client_max_window_bits":         "",
		"permessage-deflate; client_no_context_takeover; client_no_context_takeover": "",
		"permessage-deflate; server_max_window_bits=15; server_max_window_bits=15":   "",

		// Malformed, which takes the good ones with it.
		"permessage-deflate;":                                "",
		"permessage-deflate; ;":                              "",
		"permessage-deflate; client_max_window_bits=":        "",
		"permessage-deflate; client_max_window_bits=\"\"":    "",
		"permessage-deflate; client_max_window_bits=\"15":    "",
		"permessage-deflate; client_max_window_bits=\" 15\"": "",
		"permessage-deflate; client_max_window_bits=\"15 \"": "",
		"permessage-deflate; client_max_window_bits=\"15\"x": "",
		"permessage-deflate; client_max_window_bits=\"15\\":  "",
		"permessage-deflate; client_max_window_bits=15 15":   "",
		"permessage-deflate client_max_window_bits":          "",
		"permessage-deflate, a b":                            "",
		"permessage-deflate, /":                              "",
		"permessage-deflate, (foo)":                          "",
		"permessage-deflate, foo; a=@":                       "",
		"permessage-deflate, foo; a=\"b c\"":                 "",
		"permessage-deflate, foo;":                           "",
		"permessage-deflate, \"foo\"":                        "",
		"permessage-deflate, f\x00oo":                        "",
		"permessage-deflate, f\xc3\xb6o":                     "",
		"=":                                                  "",
	} {
		if got := AcceptDeflate([]string{offers}); got != want {
			t.Errorf("%q is answered by %q, want %q", offers, got, want)
		}
	}
	if got := AcceptDeflate([]string{"foo", "permessage-deflate; x", "permessage-deflate"}); got != acceptedDeflate {
		t.Errorf("three headers are answered by %q", got)
	}
	if got := AcceptDeflate(nil); got != "" {
		t.Errorf("no header is answered by %q", got)
	}
}

// A header of a megabyte is parsed in a time that grows with its size only.
func TestAcceptDeflateLong(t *testing.T) {
	const n = 1 << 20
	start := time.Now()
	for _, long := range []string{
		`foo; a="` + strings.Repeat("x", n) + `"`,
		strings.Repeat(",", n),
		strings.Repeat("permessage-deflate;x,", n/21),
		"foo" + strings.Repeat(";a", n/2),
	} {
		if got := AcceptDeflate([]string{long, "permessage-deflate"}); got != acceptedDeflate {
			t.Errorf("%.30s… is answered by %q", long, got)
		}
	}
	if d := time.Since(start); d > 30*time.Second {
		t.Errorf("parsing took %v", d)
	}
}

func FuzzAcceptDeflate(f *testing.F) {
	f.Add(`foo; a="b\c", permessage-deflate; client_max_window_bits="15"`)
	f.Add(`permessage-deflate; server_max_window_bits=15; server_no_context_takeover, x;`)
	f.Fuzz(func(t *testing.T, offers string) {
		switch got := AcceptDeflate([]string{offers}); got {
		case "", acceptedDeflate, acceptedDeflate + "; server_max_window_bits=15":
			if got != "" && !strings.Contains(offers, "permessage-deflate") {
				t.Errorf("%q is answered by %q", offers, got)
			}
		default:
			t.Errorf("%q is answered by %q", offers, got)
		}
	})
}
