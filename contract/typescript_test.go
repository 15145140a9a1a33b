package contract_test

import (
	"flag"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/siokit/sio"
	"github.com/siokit/sio/contract"
	"github.com/siokit/sio/contract/internal/shop"
)

var update = flag.Bool("update", false, "write the golden files")

func TestTypeScript(t *testing.T) {
	o := &contract.Options{Overrides: map[string]contract.Override{
		"github.com/siokit/sio/contract_test.Decimal": {TypeScript: "`${number}`"},
	}}
	validated := newServer().Contract()
	validated.Validated, validated.RuleTag = true, "validate"
	for golden, c := range map[string]sio.Contract{
		"testdata/contract.ts":  newServer().Contract(),
		"testdata/validated.ts": validated,
	} {
		got, err := contract.TypeScript(c, o)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := contract.Check(golden, got); err != nil {
			t.Error(err)
		}
	}
}

// TestNamespaceNames looks at names that are hard to write.
func TestNamespaceNames(t *testing.T) {
	var c sio.Contract
	for _, name := range []string{"/", "/a-b", "/a_b", "/7", "/`${x}\\", "/💬", "/x/{id}-{part}/`"} {
		c.Namespaces = append(c.Namespaces, sio.NamespaceContract{Name: name})
	}
	got, err := contract.TypeScript(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"export interface ABClientToServerEvents", "export interface AB2ClientToServerEvents",
		"export interface Namespace7Client", "export interface NamespaceClient", "export interface XIdPartClient",
		"| `/x/${string}-${string}/\\``", `"/` + "`${x}" + `\\": {`,
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("there is no %s in\n%s", want, got)
		}
	}
}

// TestUnsendable names the event and the field of a type that has no JSON.
func TestUnsendable(t *testing.T) {
	srv := sio.New(nil)
	srv.Of("/chat").Declare(sio.NewEvent[struct{ Done chan bool }]("done"))
	_, err := contract.TypeScript(srv.Contract(), nil)
	const want = `contract: namespace /chat, argument of "done": struct { Done chan bool }.Done: chan bool has no JSON`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// TestWarn tells of sources that are not found.
func TestWarn(t *testing.T) {
	c := sio.Contract{Namespaces: []sio.NamespaceContract{{Name: "/", Auth: reflect.TypeFor[User]()}}}
	var told []string
	o := &contract.Options{Dir: t.TempDir(), Warn: func(text string) { told = append(told, text) }}
	if _, err := contract.TypeScript(c, o); err != nil {
		t.Fatal(err)
	}
	if len(told) != 1 || !strings.Contains(told[0], "contract_test") {
		t.Errorf("told %q", told)
	}
}

// ownRules is a type with a method Validate.
type ownRules struct{ N int }

func (*ownRules) Validate() error { return &sio.InvalidError{} }

// TestInvalidByItself has in the data of an error what a type's own Validate tells.
func TestInvalidByItself(t *testing.T) {
	srv := sio.New(nil)
	sio.OnConnect(srv, func(*sio.Context, *ownRules) error { return nil })
	sio.OnWithAck(srv, "checked", func(*sio.Context, ownRules) (int, error) { return 0, nil })
	sio.OnWithAck(srv, "free", func(*sio.Context, int) (int, error) { return 0, nil })
	srv.Declare(sio.AckError[string]{}, sio.ConnectError[bool]{})
	wantTypes(t, srv.Contract(),
		"checked: (arg: OwnRules, ack: (answer: number | AckError<string | InvalidData>) => void) => void;",
		"free: (arg: number, ack: (answer: number | AckError<string>) => void) => void;",
		"export type ConnectErrorData = boolean | InvalidData;",
		"export interface InvalidData {",
	)
}

// wantTypes looks for lines in the file.
func wantTypes(t *testing.T, c sio.Contract, want ...string) string {
	t.Helper()
	got, err := contract.TypeScript(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range want {
		if !strings.Contains(string(got), line) {
			t.Errorf("there is no %s in\n%s", line, got)
		}
	}
	return string(got)
}

// TestReservedTwice has types by the names that the root namespace has for what is not
// quite the same: what clients send, and what may be null.
func TestReservedTwice(t *testing.T) {
	type (
		Auth             struct{ Token *string }
		ConnectErrorData struct{ Why string }
	)
	srv := sio.New(nil)
	sio.OnConnect(srv, func(*sio.Context, Auth) error { return nil })
	srv.Declare(sio.NewEvent[Auth]("auth"), sio.NewEvent[ConnectErrorData]("refused"), sio.ConnectError[*ConnectErrorData]{})
	got := wantTypes(t, srv.Contract(),
		"export type Auth = ContractTestAuthInput;",
		"export type ConnectErrorData = ContractTestConnectErrorData | null;",
	)
	for _, name := range []string{"Auth", "ConnectErrorData"} {
		if n := len(regexp.MustCompile(`(?m)^export (type|interface) `+name+`\b`).FindAllString(got, -1)); n != 1 {
			t.Errorf("%s is declared %d times", name, n)
		}
	}
}

// TestOverlappingPatterns has names that several patterns match, in the types and on
// the server.
func TestOverlappingPatterns(t *testing.T) {
	srv := sio.New(nil)
	for _, name := range []string{"/t-{id}-z", "/t-{id}", "/t-{id}/{room}", "/t-{id}-admin"} {
		srv.Of(name)
	}
	wantTypes(t, srv.Contract(), ""+
		"Namespaces[N]\n"+
		"  : N extends `/t-${string}/${string}` ? Namespaces[\"/t-{id}/{room}\"]\n"+ // parts have no slash
		"  : N extends `/t-${string}-z` ? Namespaces[\"/t-{id}-z\"]\n"+ // the first one counts
		"  : N extends `/t-${string}` ? Namespaces[\"/t-{id}\"]\n"+
		"  : N extends `/t-${string}-admin` ? Namespaces[\"/t-{id}-admin\"]\n")
}

// TestNumberedNames has the same names in whatever order types are met.
func TestNumberedNames(t *testing.T) {
	for _, names := range [][2]string{{"a", "b"}, {"b", "a"}} {
		srv := sio.New(nil)
		srv.Declare(sio.NewEvent[Page[shop.User]](names[0]), sio.NewEvent[Page[User]](names[1]))
		wantTypes(t, srv.Contract(), names[0]+": (arg: PageOfUser) => void;", names[1]+": (arg: PageOfUser2) => void;")
	}
}
