package contract

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/siokit/sio"
	"github.com/siokit/sio/contract/internal/model"
)

// namespaces writes how to go from the name of a namespace to its types.
func (w *tsWriter) namespaces() {
	names := []string{"keyof Namespaces"}
	choices := []string{"N extends keyof Namespaces ? Namespaces[N]"}
	w.printf("\n/** The types of each namespace; of those by a pattern, too. */\nexport interface Namespaces {\n")
	for _, n := range w.m.Namespaces {
		p := w.prefixes[n.Name]
		none := ""
		if n.Auth == nil || n.Auth.Nullable {
			none = " | undefined"
		}
		w.printf("  %s: {\n    receive: %sServerToClientEvents;\n    send: %sClientToServerEvents;\n", tsProperty(n.Name), p, p)
		w.printf("    auth: %sAuth%s;\n    refusal: %sConnectErrorData;\n  };\n", p, none, p)
	}
	for _, name := range w.patterns() {
		names = append(names, tsTemplate(name))
		choices = append(choices, fmt.Sprintf("N extends %s ? Namespaces[%s]", tsTemplate(name), tsQuote(name)))
	}
	w.printf("}\n")
	w.printf(tsNamespaces, strings.Join(names, " | "), strings.Join(choices, "\n  : "))
}

// patterns returns the names that are patterns, so that the first one that matches a
// name is the server's. What stands for a part has no slash there, but may have one in
// TypeScript: so those with more slashes come first.
func (w *tsWriter) patterns() []string {
	all := slices.DeleteFunc(slices.Clone(w.m.Namespaces), func(n model.Namespace) bool {
		return !n.Pattern || strings.HasPrefix(n.Name, "{func ")
	})
	slices.SortStableFunc(all, func(a, b model.Namespace) int {
		return cmp.Or(strings.Count(b.Name, "/")-strings.Count(a.Name, "/"), a.Rank-b.Rank)
	})
	names := make([]string, len(all))
	for i, n := range all {
		names[i] = n.Name
	}
	return names
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

/** The official function io as one that knows the namespaces: const connect = io as Connect. A pattern is no name. */
export type Connect = <N extends NamespaceName>(
  name: N extends ` + "`" + `${string}{${string}` + "`" + ` ? never : N,
  ...options: undefined extends NamespaceOf<N>["auth"] ? [options?: ConnectOptions<N>] : [options: ConnectOptions<N>]
) => SocketOf<N>;

/** The options of io, with the auth that the server wants. */
export type ConnectOptions<N extends NamespaceName> = Omit<Partial<ManagerOptions & SocketOptions>, "auth"> &
  (undefined extends NamespaceOf<N>["auth"]
    ? { auth?: AuthOption<NonNullable<NamespaceOf<N>["auth"]>> }
    : { auth: AuthOption<NamespaceOf<N>["auth"]> });

/** An auth payload, or what calls a function with one. */
export type AuthOption<Auth> = Auth | ((send: (auth: Auth) => void) => void);
`

// helperNames are those that the TypeScript has beside types and namespaces.
var helperNames = []string{
	"AckError", "InvalidData", "Binary", "BinaryInput",
	"Namespaces", "NamespaceName", "NamespaceOf", "SocketOf", "Connect", "ConnectOptions", "AuthOption",
	"Socket", "ManagerOptions", "SocketOptions", "ArrayBuffer", "ArrayBufferView", "Record", "Omit", "Partial", "NonNullable",
}

// reserved returns the names that the output has for other things than types. A Go type
// that is what a name stands for may have it.
func reserved(c sio.Contract) []string {
	names := slices.Clone(helperNames)
	all := prefixes(c)
	for _, n := range c.Namespaces {
		prefix := all[n.Name]
		names = append(names, prefix+"ClientToServerEvents", prefix+"ServerToClientEvents")
		if name := prefix + "Auth"; !isNamed(n.Auth, name) {
			names = append(names, name)
		}
		if name := prefix + "ConnectErrorData"; !isNamed(n.Refusal, name) {
			names = append(names, name)
		}
	}
	return names
}

// taken returns the names of types that reserved did leave to them, though the output
// has something else of these names: a type may turn out to be another one for what clients
// send, or the data of an error to be null, too.
func taken(m *model.Model, c sio.Contract) (names []string) {
	is := make(map[string]bool, len(m.Types))
	for _, t := range m.Types {
		is[t.Name] = true
	}
	w := &tsWriter{m: m, prefixes: prefixes(c)}
	for _, n := range m.Namespaces {
		prefix := w.prefixes[n.Name]
		if name := prefix + "Auth"; is[name] && w.auth(n) != name {
			names = append(names, name)
		}
		if name := prefix + "ConnectErrorData"; is[name] && w.data(n.Refusal, n.Auth) != name {
			names = append(names, name)
		}
	}
	return names
}

// isNamed reports whether a type, or what it points to, has a name, but for its first letter.
func isNamed(t reflect.Type, name string) bool {
	if t == nil {
		return false
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return strings.EqualFold(t.Name(), name) && t.Name()[1:] == name[1:]
}

// prefixes returns what is in front of the types of each namespace: "" of "/", Chat of
// "/chat", TenantId of "/tenant-{id}".
func prefixes(c sio.Contract) map[string]string {
	all := make(map[string]string)
	taken := make(map[string]bool)
	for _, n := range c.Namespaces {
		prefix := ""
		if n.Name != "/" {
			prefix = tsWords(n.Name)
		}
		for i := 2; taken[prefix]; i++ {
			prefix = fmt.Sprint(tsWords(n.Name), i)
		}
		taken[prefix] = true
		all[n.Name] = prefix
	}
	return all
}

// tsWords returns the words of a name as an identifier.
func tsWords(name string) string {
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

// tsTemplate returns the names that a pattern stands for as a type.
func tsTemplate(pattern string) string {
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

// tsIdentifier matches names that need no quotes.
var tsIdentifier = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$]*$`)

// tsProperty returns the name of a member as it is written.
func tsProperty(name string) string {
	if tsIdentifier.MatchString(name) {
		return name
	}
	return tsQuote(name)
}

// tsQuote returns a string as it is written.
func tsQuote(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // of a string
	return strings.TrimSuffix(b.String(), "\n")
}

// tsLiteral returns a constant in JSON as it is written.
func tsLiteral(text string) string {
	var s string
	if json.Unmarshal([]byte(text), &s) == nil {
		return tsQuote(s)
	}
	return text
}
