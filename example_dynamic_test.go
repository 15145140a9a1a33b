package sio_test

import (
	"fmt"
	"net/http/httptest"

	"github.com/siokit/sio"
)

// A namespace for each tenant: clients choose which, and the connect handler has
// its say. Their rooms have nothing to do with each other.
func ExampleContext_Param() {
	srv := sio.New(nil)
	tenants := srv.Of("/tenant-{id}")
	tenants.OnConnect(func(c *sio.Context) error {
		var auth struct{ Tenant string }
		if err := c.BindAuth(&auth); err != nil {
			return err
		}
		if auth.Tenant != c.Param("id") {
			return &sio.Error{Message: "not your tenant"}
		}
		return c.Join("lobby")
	})
	sio.OnWithAck(tenants, "whose", func(c *sio.Context, _ struct{}) (string, error) {
		return c.Param("id"), srv.Of("/tenant-acme").To("lobby").Emit("asked", c.Namespace())
	})
	web := httptest.NewServer(srv)
	defer web.Close()

	acme := connect(web, "/tenant-acme", map[string]string{"tenant": "acme"})
	defer acme.Close()
	zeta := connect(web, "/tenant-zeta", map[string]string{"tenant": "zeta"})
	defer zeta.Close()
	zeta.call("whose")
	zeta.print(1)
	acme.print(1)
	connect(web, "/tenant-zeta", map[string]string{"tenant": "acme"}).Close()
	fmt.Println(srv.Routes())
	// Output:
	// ack ["zeta"]
	// event ["asked","/tenant-zeta"]
	// connect_error {"message":"not your tenant"}
	// [{/tenant-{id} whose}]
}
