// Package host is what the bench's servers in Go share: where they listen, and what
// they tell of themselves.
package host

import (
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	_ "net/http/pprof" // /debug/pprof/, in http.DefaultServeMux
	"os"
	"runtime"
	"runtime/debug"
)

func init() { http.HandleFunc("GET /mem", mem) }

// Serve serves h on 127.0.0.1:$PORT until the process is killed. It is for h to
// pass on /mem and /debug/pprof/ to http.DefaultServeMux.
func Serve(h http.Handler) {
	log.SetFlags(0)
	l, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("ready")
	log.Fatal(http.Serve(l, h))
}

// mem tells what is live once the garbage is collected, a second time for what
// finalizers and pools have kept from the first.
func mem(w http.ResponseWriter, _ *http.Request) {
	debug.FreeOSMemory()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	_ = json.NewEncoder(w).Encode(map[string]uint64{"heap": m.HeapAlloc, "stack": m.StackInuse}) // fails if nobody listens
}
