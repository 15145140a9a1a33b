package siogin_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/gin-gonic/gin"

	"github.com/siokit/sio"
	siogin "github.com/siokit/sio/adapters/gin"
	"github.com/siokit/sio/internal/testclient"
)

// authenticate stands for a middleware that finds out who the user is.
func authenticate(c *gin.Context) {
	user := c.GetHeader("X-User")
	if user == "" {
		c.AbortWithStatusJSON(http.StatusUnauthorized, gin.H{"message": "Unauthorized"})
		return
	}
	c.Set("user", user)
}

// The server is a route of a Gin application, behind its middlewares. What they
// have set is there in every handler, for as long as the client stays.
func Example() {
	srv := sio.New(nil)
	srv.OnConnect(func(c *sio.Context) error {
		return c.Join("tenant:" + siogin.Context(c).Param("tenant"))
	})
	srv.On("whoami", func(c *sio.Context) error {
		return c.Ack(siogin.Context(c).GetString("user"), c.Rooms())
	})

	e := gin.New()
	e.Use(gin.Recovery())
	tenants := e.Group("/t/:tenant", authenticate)
	siogin.Register(tenants, "/socket.io", srv)

	web := httptest.NewServer(e) // or e.Run(addr)
	defer web.Close()

	// const socket = io(origin, {path: "/t/acme/socket.io", extraHeaders: {"X-User": "Ada"}})
	// console.log(await socket.emitWithAck("whoami"))
	fmt.Println(ask(web.URL+"/t/acme/socket.io/", http.Header{"X-User": {"Ada"}}, "whoami"))
	fmt.Println(ask(web.URL+"/t/acme/socket.io/", nil, "whoami"))
	// Output:
	// 31["Ada",["tenant:acme"]] <nil>
	//  status 401: {"message":"Unauthorized"}
}

// ask connects, emits an event, and returns the packet that comes.
func ask(url string, header http.Header, event string) (string, error) {
	c, err := testclient.Dial(url, testclient.Options{Header: header})
	if err != nil {
		return "", err
	}
	defer c.Close()
	if _, err := c.Connect("/", nil); err != nil {
		log.Fatal(err)
	}
	if err := c.Ask("/", event); err != nil {
		log.Fatal(err)
	}
	return c.Next()
}
