package adminui_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/siokit/sio"
	"github.com/siokit/sio/adminui"
	"github.com/siokit/sio/siotest"
)

// Clients choose how much there is to tell of them. A page gets no more of it at a time.
func TestLargeHandshakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := mount(t, nil, adminui.Options{Unprotected: true, Mode: adminui.Development})
		header := make(http.Header)
		for i := range 40 {
			header.Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", 256))
		}
		p := open(t, srv, nil)
		features(t, p)
		p.Expect("all_sockets")
		const clients = 80
		for range clients {
			siotest.Connect(t, srv, &siotest.Options{Header: header})
		}
		times := make(map[string]int)
		for range clients {
			var at string
			p.until("socket_connected", func(e *siotest.Event) bool { return strings.Contains(e.String(), `"nsp":"/"`) }).Bind(nil, &at)
			times[at]++
		}
		for at, n := range times {
			if n > clients/2 {
				t.Errorf("%d sockets of 11 KB each are told of at %s", n, at)
			}
		}
	})
}

// Data is called where nobody else catches its panics.
func TestDataPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := mount(t, nil, adminui.Options{Unprotected: true, Mode: adminui.Development, Data: func(s *sio.Socket) any {
			return map[string]string{"name": s.Value("name").(string)}
		}})
		p := open(t, srv, nil)
		features(t, p)
		list := bind[[]socket](t, p.Expect("all_sockets"))
		if len(list) != 1 || !strings.HasPrefix(fmt.Sprint(list[0].Data["(error)"]), "panic: interface conversion") {
			t.Errorf("%+v", list)
		}
	})
}

// Namespaces that clients name are shown by those names.
func TestDynamicNamespaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := mount(t, nil, adminui.Options{Unprotected: true, Mode: adminui.Development})
		srv.Of("/tenant-{id}")
		srv.OfFunc(func(name string) bool { return name == "/func" })
		want := []string{"/func", "/tenant-7"}
		for _, nsp := range want {
			siotest.Connect(t, srv, &siotest.Options{Namespace: nsp})
		}
		p := open(t, srv, nil)
		features(t, p)
		var got []string
		for _, s := range bind[[]socket](t, p.Expect("all_sockets")) {
			got = append(got, s.Nsp)
		}
		slices.Sort(got)
		if !slices.Equal(got, append([]string{"/admin"}, want...)) {
			t.Errorf("sockets of %q are listed, want the page's and those of %q", got, want)
		}
	})
}
