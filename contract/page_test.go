package contract_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/siokit/sio"
	"github.com/siokit/sio/contract"
)

func pageOf(t *testing.T, c sio.Contract, o *contract.Options) string {
	t.Helper()
	page, err := contract.Page(c, o)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// TestPageEscapes gives everything that can have a text one that would be markup.
func TestPageEscapes(t *testing.T) {
	const evil = `<img src=x onerror=alert(1)>"'&{{.}}</style></script>`
	srv := sio.New(nil)
	n := srv.Of("/" + strings.NewReplacer("{", "", "}", "").Replace(evil))
	n.On(evil, func(*sio.Context) error { return nil })
	sio.OnWithAck(n, evil+"2", func(*sio.Context, struct {
		F string `json:"<img>,omitempty"`
	},
	) (bool, error) {
		return true, nil
	})
	n.Declare(sio.NewEvent[map[string]string](evil))
	page := pageOf(t, srv.Contract(), &contract.Options{
		Info:      contract.Info{Title: evil, Version: evil, Description: evil},
		Overrides: map[string]contract.Override{"string": {Schema: []byte(`{"type":"string","enum":["<img>"],"pattern":"<img>","description":"<img>"}`)}},
	})
	for _, bad := range []string{"<img", "<script", `"'&`, "onerror=alert(1)>"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	if n := strings.Count(page, "</style>"); n != 1 {
		t.Errorf("</style> is there %d times", n)
	}
	for _, in := range []string{"&lt;img src=x onerror=alert(1)&gt;", "{{.}}"} {
		if !strings.Contains(page, in) {
			t.Errorf("the page has no %s", in)
		}
	}
}

// TestPageLoadsNothing holds the page to its own policy.
func TestPageLoadsNothing(t *testing.T) {
	page := pageOf(t, newServer().Contract(), decimals)
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(page)
	if style == nil {
		t.Fatal("no style")
	}
	sum := sha256.Sum256([]byte(style[1]))
	hash := base64.StdEncoding.EncodeToString(sum[:])
	if policy := regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(page); policy == nil || !strings.Contains(strings.NewReplacer("&#43;", "+", "&#39;", "'").Replace(policy[1]), "'sha256-"+hash+"'") {
		t.Errorf("the policy %q does not let the style in, whose hash is %s", policy, hash)
	}
	for _, bad := range []string{"<script", " style=", " src=", "url(", "@import", "http://", "https://", "ZgotmplZ"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	for _, link := range regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if !strings.Contains(page, `id="`+link[1]+`"`) {
			t.Errorf("a link goes to #%s, which is not there", link[1])
		}
	}
	ids := map[string]bool{}
	for _, id := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if ids[id[1]] {
			t.Errorf("two have the id %s", id[1])
		}
		ids[id[1]] = true
	}
}

func TestPageIsTheSameEachTime(t *testing.T) {
	first := pageOf(t, newServer().Contract(), decimals)
	for range 10 {
		if pageOf(t, newServer().Contract(), decimals) != first {
			t.Fatal("another page")
		}
	}
}

func TestHandler(t *testing.T) {
	c := served()
	h, err := contract.Handler(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := contract.AsyncAPI(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		method, path string
		status       int
		typ          string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8"},
		{"GET", "/any/where", 200, "text/html; charset=utf-8"},
		{"HEAD", "/x", 200, "text/html; charset=utf-8"},
		{"GET", "/x?asyncapi.json", 200, "application/json"},
		{"POST", "/x", 405, "text/plain; charset=utf-8"},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(test.method, test.path, http.NoBody))
		if w.Code != test.status || w.Header().Get("Content-Type") != test.typ {
			t.Errorf("%s %s: %d %s, want %d %s", test.method, test.path, w.Code, w.Header().Get("Content-Type"), test.status, test.typ)
		}
		if test.status != 200 {
			continue
		}
		if p := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(p, "default-src 'none'") {
			t.Errorf("%s %s: the policy is %q", test.method, test.path, p)
		}
		if test.typ == "application/json" {
			if !bytes.Equal(w.Body.Bytes(), doc) || !json.Valid(doc) {
				t.Errorf("%s is not the document", test.path)
			}
		} else if test.method == "GET" && !strings.Contains(w.Body.String(), `href="?asyncapi.json"`) {
			t.Errorf("%s has no link to the document", test.path)
		}
	}
}
