package contract

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	htmltemplate "html/template"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/siokit/sio"
)

// Page returns a contract as a page in HTML for the people who write clients, the same for
// the same contract. It is one file without scripts, and loads nothing.
func Page(c sio.Contract, o *Options) ([]byte, error) { return page(c, o, "") }

// Handler serves [Page], with a link to the document that [AsyncAPI] returns, which it
// serves, too. Both are made at once. It can be mounted at any path:
//
//	docs, err := contract.Handler(srv.Contract(), nil)
//	…
//	mux.Handle("GET /contract", docs)                    // net/http
//	e.GET("/contract", echo.WrapHandler(docs))           // Echo
//	r.GET("/contract", gin.WrapH(docs))                  // Gin
//
// Whoever can load the page learns all events and types: it is for the application to say
// who may.
func Handler(c sio.Contract, o *Options) (http.Handler, error) {
	doc, err := AsyncAPI(c, o)
	if err != nil {
		return nil, err
	}
	html, err := page(c, o, "?asyncapi.json")
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
			return
		}
		h, content := w.Header(), html
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		if r.URL.RawQuery == "asyncapi.json" {
			h.Set("Content-Type", "application/json")
			content = doc
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}), nil
}

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string

	pageTemplate = htmltemplate.Must(htmltemplate.New("page").Parse(pageHTML))
	policy       = contentPolicy()
)

// contentPolicy lets the page use its own style and nothing else.
func contentPolicy() string {
	sum := sha256.Sum256([]byte(pageCSS))
	return "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// page returns the page, with a link to the AsyncAPI document if it is not "".
func page(c sio.Contract, o *Options, link string) ([]byte, error) {
	cat, err := newCatalog(c, o, typeRef)
	if err != nil {
		return nil, err
	}
	v := pageView{
		Info: o.info(), Link: link,
		Style: htmltemplate.CSS(pageCSS), Policy: policy, //nolint:gosec // it is our own
	}
	taken := ids{}
	for _, n := range cat.namespaces {
		v.Namespaces = append(v.Namespaces, viewNamespace(n, taken))
	}
	for _, name := range slices.Sorted(maps.Keys(cat.defs)) {
		v.Types = append(v.Types, viewType(name, cat.defs[name]))
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, v); err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	return b.Bytes(), nil
}

// The page as its template has it.
type (
	pageView struct {
		Info
		Link, Policy string
		Style        htmltemplate.CSS
		Namespaces   []namespaceView
		Types        []typeView
	}
	namespaceView struct {
		ID, Name, Note string
		Auth, Refusal  *valueView
		Columns        [2]columnView
	}
	columnView struct {
		Title, Empty string
		Events       []eventView
	}
	eventView struct {
		ID, Name, Note    string
		Other             bool
		None              bool // no argument
		Arg, Ack, Failure *valueView
	}
	typeView struct {
		ID, Name, Doc string
		Value         *valueView // nil for one with fields
		Fields        []fieldView
	}
	fieldView struct {
		Name, Doc string
		Optional  bool
		valueView
	}
	valueView struct {
		Pieces []piece
		Rules  []string
	}
)

func viewNamespace(n namespace, taken ids) namespaceView {
	id := taken.unique("ns." + clean(n.name))
	v := namespaceView{ID: id, Name: n.name, Note: n.note(), Auth: viewValue(n.auth), Refusal: viewValue(n.refusal)}
	v.Columns[0] = columnView{Title: "Clients send", Empty: "Nothing that has a handler.", Events: viewEvents(n.receive, id+".send", taken)}
	v.Columns[1] = columnView{Title: "Clients get", Empty: "Nothing that is declared.", Events: viewEvents(n.send, id+".get", taken)}
	return v
}

func viewEvents(events []event, prefix string, taken ids) []eventView {
	all := make([]eventView, 0, len(events))
	for _, e := range events {
		v := eventView{
			ID: taken.unique(prefix + "." + clean(e.name)), Name: e.title(), Note: e.note(), Other: e.other,
			None: e.typed && e.arg == nil, Arg: viewValue(e.arg), Ack: viewValue(e.ack),
		}
		if e.ack != nil && !e.sent {
			v.Failure = viewValue(e.failure)
		}
		all = append(all, v)
	}
	return all
}

func viewType(name string, s *jsonschema.Schema) typeView {
	v := typeView{ID: strings.TrimPrefix(typeRef+name, "#"), Name: shown(name), Doc: s.Description}
	if s.Properties == nil {
		v.Value = viewValue(s)
		return v
	}
	for _, name := range s.PropertyOrder {
		p := s.Properties[name]
		v.Fields = append(v.Fields, fieldView{
			Name: name, Doc: strings.TrimPrefix(p.Description, anyJSON), Optional: !slices.Contains(s.Required, name), valueView: *viewValue(p),
		})
	}
	return v
}

func viewValue(s *jsonschema.Schema) *valueView {
	if s == nil {
		return nil
	}
	return &valueView{notation(s), conditions(s)}
}
