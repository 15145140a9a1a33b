package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/siokit/sio"
)

// namespaces writes how to go from the name of a namespace to its types.
func (w *tsWriter) namespaces() {
	names := "keyof Namespaces"
	choice := "N extends keyof Namespaces ? Namespaces[N]"
	w.printf("\n/** The types of each namespace; of those by a pattern, too. */\nexport interface Namespaces {\n")
	for _, n := range w.m.Namespaces {
		p := w.prefixes[n.Name]
		optional := ""
		if n.Auth == nil || n.Auth.Nullable {
			optional = "?"
		}
		w.printf("  %s: {\n    receive: %sServerToClientEvents;\n    send: %sClientToServerEvents;\n", property(n.Name), p, p)
		w.printf("    options: { auth%s: %sAuth | ((send: (auth: %sAuth) => void) => void) };\n    refusal: %sConnectErrorData;\n  };\n", optional, p, p, p)
		if n.Pattern && !strings.HasPrefix(n.Name, "{func ") {
			names += " | " + template(n.Name)
			choice += fmt.Sprintf("\n  : N extends %s ? Namespaces[%s]", template(n.Name), quote(n.Name))
		}
	}
	w.printf("}\n")
	w.printf(tsNamespaces, names, choice)
}

const tsNamespaces = `
/** The names of namespaces. */
export type NamespaceName = %s;

/** The types of a namespace. */
export type NamespaceOf<N extends NamespaceName> = %s
  : never;

declare const namespace: unique symbol;

/** A socket in a namespace, such as SocketOf<"/chat">. One in another namespace is no such socket. */
export type SocketOf<N extends NamespaceName> = Socket<NamespaceOf<N>["receive"], NamespaceOf<N>["send"]> & {
  readonly [namespace]?: N;
};

/** The official function io as one that knows the namespaces: const connect = io as Connect. */
export type Connect = <N extends NamespaceName>(
  name: N,
  ...options: {} extends NamespaceOf<N>["options"] ? [options?: ConnectOptions<N>] : [options: ConnectOptions<N>]
) => SocketOf<N>;

/** The options of a client in a namespace. */
export type ConnectOptions<N extends NamespaceName> = Omit<Partial<ManagerOptions & SocketOptions>, "auth"> &
  NamespaceOf<N>["options"];
`

// helperNames are those that the TypeScript has beside types and namespaces.
var helperNames = []string{
	"AckError", "InvalidData", "Binary", "BinaryInput",
	"Namespaces", "NamespaceName", "NamespaceOf", "SocketOf", "Connect", "ConnectOptions",
	"Socket", "ManagerOptions", "SocketOptions", "ArrayBuffer", "ArrayBufferView", "Record", "Omit", "Partial",
}

// reserved returns the names that the output has for other things than types.
func reserved(c sio.Contract) []string {
	names := slices.Clone(helperNames)
	for _, prefix := range prefixes(c) {
		for _, name := range []string{"ClientToServerEvents", "ServerToClientEvents", "Auth", "ConnectErrorData"} {
			names = append(names, prefix+name)
		}
	}
	return names
}

// prefixes returns what is in front of the types of each namespace: "" of "/", Chat of
// "/chat", TenantId of "/tenant-{id}".
func prefixes(c sio.Contract) map[string]string {
	all := make(map[string]string)
	taken := make(map[string]bool)
	for _, n := range c.Namespaces {
		prefix := ""
		if n.Name != "/" {
			prefix = words(n.Name)
		}
		for i := 2; taken[prefix]; i++ {
			prefix = fmt.Sprint(words(n.Name), i)
		}
		taken[prefix] = true
		all[n.Name] = prefix
	}
	return all
}

// words returns the words of a name as an identifier.
func words(name string) string {
	var b strings.Builder
	for word := range strings.FieldsFuncSeq(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		r := []rune(word)
		b.WriteRune(unicode.ToUpper(r[0]))
		b.WriteString(string(r[1:]))
	}
	if b.Len() == 0 || unicode.IsDigit([]rune(b.String())[0]) {
		return "Namespace" + b.String()
	}
	return b.String()
}

// template returns the names that a pattern stands for as a type.
func template(pattern string) string {
	var b strings.Builder
	b.WriteByte('`')
	for rest := pattern; rest != ""; {
		fixed, behind, found := strings.Cut(rest, "{")
		b.WriteString(strings.NewReplacer("\\", "\\\\", "`", "\\`", "$", "\\$").Replace(fixed))
		if found {
			b.WriteString("${string}")
			_, behind, _ = strings.Cut(behind, "}")
		}
		rest = behind
	}
	b.WriteByte('`')
	return b.String()
}

// identifier matches names that need no quotes.
var identifier = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$]*$`)

// property returns the name of a member as it is written.
func property(name string) string {
	if identifier.MatchString(name) {
		return name
	}
	return quote(name)
}

// quote returns a string as it is written.
func quote(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // of a string
	return strings.TrimSuffix(b.String(), "\n")
}

// literal returns a constant in JSON as it is written.
func literal(text string) string {
	var s string
	if json.Unmarshal([]byte(text), &s) == nil {
		return quote(s)
	}
	return text
}
