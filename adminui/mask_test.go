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

// jwt is a JSON Web Token.
const jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."

// No part of what is in front of credentials is one, also if there are several.
func TestSchemes(t *testing.T) {
	for value, want := range map[string]string{
		"Bearer s3cr3t": "Bearer (hidden)", "AWS4-HMAC-SHA256 Credential=s3cr3t": "AWS4-HMAC-SHA256 (hidden)",
		"s3cr3t": hidden, "s3cr3t, Basic x": hidden, "a,s3cr3t x": hidden, "s3cr3t\tx": hidden, "": hidden,
		"s3cr3t-of-21-characters x": hidden, `"s3cr3t" x`: hidden,
	} {
		if got := scheme(value); got != want {
			t.Errorf("%s: %s, want %s", value, got, want)
		}
	}
	got := shown(http.Header{"Authorization": {"s3cr3t", "Basic s3cr3t"}})["authorization"]
	if want := "(hidden), Basic (hidden)"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

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
		"X-Bearer":            {"t"},
		"X-User":              {"Bearer " + jwt},
		"X-Two":               {"a, " + jwt, "b=" + jwt + ";c", "x-" + jwt},
		"X-Three":             {"a", "/in?token=t"},
		"X-" + jwt:            {"v"},
		"X-Back":              {"https://ada:pw@example.com/", "see http://ada@example.com:80/a@b"},
		"Origin":              {"https://example.com"},
		"X-Page":              {"https://example.com/#access_token=t"},
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
		"x-bearer":            hidden,
		"x-user":              "Bearer (hidden)",
		"x-two":               "a, (hidden), b=(hidden);c, x-(hidden)",
		"x-three":             "a, /in?token=%28hidden%29",
		"x-(hidden)":          "v",
		"x-back":              "https://(hidden)@example.com/, see http://(hidden)@example.com:80/a@b",
		"origin":              "https://example.com",
		"x-page":              "https://example.com/#(hidden)",
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
		"/x?" + jwt + "=1":           {map[string]any{hidden: "1"}, "/x?%28hidden%29=1"},
		"/x/" + jwt + "?a=1#b":       {map[string]any{"a": "1"}, "/x/(hidden)?a=1#(hidden)"},
		"/x?next=%2Fcb%3Faccess_token%3Ds%26a%3D1": {
			map[string]any{"next": "/cb?a=1&access_token=%28hidden%29"},
			"/x?next=%2Fcb%3Fa%3D1%26access_token%3D%2528hidden%2529",
		},
		"/x?n=http%3A%2F%2Fa%3Apw%40b%2F":                       {map[string]any{"n": "http://(hidden)@b/"}, "/x?n=http%3A%2F%2F%28hidden%29%40b%2F"},
		"/x?n=http%253A%252F%252Fb%252F%2523access_token%253Ds": {map[string]any{"n": "http://b/#(hidden)"}, "/x?n=http%3A%2F%2Fb%2F%23%28hidden%29"},
		"/x?n=%2Fa%3Fn%3D%252Fb%253Ftoken%253Ds":                {map[string]any{"n": "/a?n=%2Fb%28hidden%29"}, "/x?n=%2Fa%3Fn%3D%252Fb%2528hidden%2529"},
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
		"id": "Bearer " + jwt, "url": "/x?token=t", jwt: 1,
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"(hidden)":1,"b":true,"f":0.5,"i":-1,"id":"Bearer (hidden)","long":"` + strings.Repeat("x", maxValue) + `…","m":"(map[string]int)","n":null,"nan":null,` +
		`"p":"(*time.Time)","password":"(hidden)","s":"admin","t":"2026-11-29T12:00:00.000Z","u":1,"url":"/x?token=%28hidden%29"}`
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
		params, url = query("/x?a=" + neturl.QueryEscape(value+" "+jwt))
		if text := fmt.Sprint(params, url, shown(http.Header{"A": {value + " " + jwt}})); strings.Contains(text, jwt[3:20]) {
			t.Errorf("%q: %s", value, text)
		}
	})
}

func count(v any) int {
	if list, ok := v.([]string); ok {
		return len(list)
	}
	return 1
}
