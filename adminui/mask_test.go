package adminui

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	neturl "net/url"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestShownHeaders(t *testing.T) {
	got := shown(http.Header{
		"Cookie":              {"a=1; b=x=y", "c"},
		"Authorization":       {"Basic dXNlcjpwYXNz"},
		"Proxy-Authorization": {"opaque"},
		"X-Auth-Token":        {"t"},
		"X-Forwarded-For":     {"192.0.2.1", "192.0.2.2"},
		"User-Agent":          {strings.Repeat("é", maxValue)},
		"X-Odd":               {"\xff"},
		"Referer":             {"https://example.com/in?access_token=t&lang=en"},
		"X-Original-Uri":      {"/socket.io/?EIO=4&ticket=t"},
		"X-Identity":          {"eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."},
		"Sec-Ch-Ua-Mobile":    {"?0"},
	})
	want := map[string]string{
		"cookie":              "a=(hidden); b=(hidden); c=(hidden)",
		"authorization":       "Basic (hidden)",
		"proxy-authorization": "(hidden)",
		"x-auth-token":        "(hidden)",
		"x-forwarded-for":     "192.0.2.1, 192.0.2.2",
		"user-agent":          strings.Repeat("é", maxValue/2) + "…",
		"x-odd":               "\uFFFD",
		"referer":             "https://example.com/in?access_token=%28hidden%29&lang=en",
		"x-original-uri":      "/socket.io/?EIO=4&ticket=%28hidden%29",
		"x-identity":          hidden,
		"sec-ch-ua-mobile":    "?0",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	many := make(http.Header)
	for i := range 1000 {
		many.Set(fmt.Sprintf("X-%d", i), "v")
	}
	if n := len(shown(many)); n != maxFields {
		t.Errorf("%d headers are shown, want %d", n, maxFields)
	}
	if shown(nil) == nil {
		t.Error("no headers are null: the page wants an object")
	}
}

func TestShownQuery(t *testing.T) {
	for url, want := range map[string]struct {
		params map[string]any
		url    string
	}{
		"":                           {map[string]any{}, ""},
		"/socket.io/":                {map[string]any{}, "/socket.io/"},
		"/socket.io/?EIO=4&a=1&a=2":  {map[string]any{"EIO": "4", "a": []string{"1", "2"}}, "/socket.io/?EIO=4&a=1&a=2"},
		"/x?access_token=s&SID=s&b=": {map[string]any{"access_token": hidden, "SID": hidden, "b": ""}, "/x?SID=%28hidden%29&access_token=%28hidden%29&b="},
		"/x?code=1&u=eyJh.eyJz.c":    {map[string]any{"code": hidden, "u": hidden}, "/x?code=%28hidden%29&u=%28hidden%29"},
		"/x?ok=1&%zz=secret":         {map[string]any{"ok": "1"}, "/x?ok=1"},
	} {
		params, shownURL := query(url)
		if !reflect.DeepEqual(params, want.params) || shownURL != want.url {
			t.Errorf("%s: %v, %s; want %v, %s", url, params, shownURL, want.params, want.url)
		}
	}
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, "p%d=%s&", i, strings.Repeat("x", 1000))
	}
	if params, url := query("/x?" + b.String()); len(params) > maxFields || len(url) > 12*maxValue {
		t.Errorf("%d parameters are shown, of %d bytes", len(params), len(url))
	}
}

func TestPlainValues(t *testing.T) {
	type role string
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	got, err := json.Marshal(plain(map[string]any{
		"s": role("admin"), "i": int8(-1), "u": uint(1), "f": 0.5, "b": true, "n": nil, "nan": math.NaN(), "t": at,
		"m": map[string]int{"changed": 1}, "p": &at, "password": "x", "long": strings.Repeat("x", 2*maxValue),
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"b":true,"f":0.5,"i":-1,"long":"` + strings.Repeat("x", maxValue) + `…","m":"(map[string]int)","n":null,"nan":null,` +
		`"p":"(*time.Time)","password":"(hidden)","s":"admin","t":"2026-11-29T12:00:00.000Z","u":1}`
	if string(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Clients choose the URL of their handshake.
func FuzzQuery(f *testing.F) {
	f.Add("/socket.io/?EIO=4&transport=websocket&token=s3cr3t", "s3cr3t")
	f.Add("/x?%74oken=s3cr3t&a;b=c#token=d", "s3cr3t")
	f.Fuzz(func(t *testing.T, raw, value string) {
		params, url := query(raw)
		for name, v := range params {
			if secret(name) && strings.Trim(fmt.Sprint(v), "[] ") != strings.TrimSpace(strings.Repeat(hidden+" ", count(v))) {
				t.Errorf("%q: %q is %q", raw, name, v)
			}
		}
		if len(params) > maxFields || len(url) > 12*maxValue {
			t.Errorf("%d parameters, and a URL of %d bytes", len(params), len(url))
		}
		params, url = query("/x?token=" + neturl.QueryEscape(value))
		if params["token"] != hidden || url != "/x?token="+neturl.QueryEscape(hidden) {
			t.Errorf("%q: %q, %s", value, params, url)
		}
	})
}

func count(v any) int {
	if list, ok := v.([]string); ok {
		return len(list)
	}
	return 1
}
