package engineio

import (
	"net/http"
	"strings"
)

// cookieTemplate fills in the defaults.
func cookieTemplate(c http.Cookie) *http.Cookie {
	if c.Name == "" {
		c.Name = "io"
	}
	if c.Path == "" {
		c.Path = "/"
	}
	if c.SameSite == 0 {
		c.SameSite = http.SameSiteLaxMode
	}
	c.HttpOnly = true
	return &c
}

// setCookie sends the cookie of a session, if there is to be one.
func (s *Server) setCookie(w http.ResponseWriter, r *http.Request, id string) {
	if s.opts.Cookie == nil {
		return
	}
	c := *s.opts.Cookie
	c.Value = id
	// Who lies about the proxy gets a cookie that his browser does not send back.
	proto, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Proto"), ",") // the first is the client's
	c.Secure = c.Secure || r.TLS != nil || strings.EqualFold(proto, "https")
	http.SetCookie(w, &c)
}
