package adminui

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// hidden stands for what is not shown.
const hidden = "(hidden)"

const (
	maxFields = 40  // of a handshake: headers, and parameters of the query
	maxValue  = 256 // bytes that are shown of one
)

// secretNames are parts of the names of headers, parameters and values that are credentials.
var secretNames = []string{
	"auth", "token", "secret", "passw", "passphrase", "pwd", "key", "cookie", "session", "credential", "signature", "jwt", "csrf", "xsrf", "otp",
	"assertion", "bearer", "ticket", "oidc",
}

// secretWords are such names.
var secretWords = []string{"sid", "pass", "pw", "pin", "sig", "sign", "code", "sec-websocket-protocol"}

// secret tells whether what has that name is better not shown.
func secret(name string) bool {
	name = strings.ToLower(name)
	return slices.Contains(secretWords, name) || slices.ContainsFunc(secretNames, func(part string) bool { return strings.Contains(name, part) })
}

// shown returns the headers of a request as Node has them, without what is secret.
func shown(h http.Header) map[string]string {
	out := make(map[string]string)
	for name, values := range h {
		if len(out) == maxFields {
			break
		}
		how := value
		switch {
		case name == "Cookie":
			how = cookies
		case name == "Authorization" || name == "Proxy-Authorization":
			how = scheme
		case secret(name):
			how = nothing
		}
		list := make([]string, min(maxFields, len(values)))
		for i := range list {
			list[i] = how(values[i])
		}
		separator := ", "
		if name == "Cookie" {
			separator = "; "
		}
		out[strings.ToLower(text(name))] = cut(strings.Join(list, separator))
	}
	return out
}

func nothing(string) string { return hidden }

// cookies leaves the names.
func cookies(header string) string {
	all := strings.Split(header, ";")
	for i, c := range all {
		name, _, _ := strings.Cut(strings.TrimSpace(c), "=")
		all[i] = text(name) + "=" + hidden
	}
	return strings.Join(all, "; ")
}

// aScheme is one of RFC 7235, section 2.1, in front of credentials. None that is registered is
// longer.
var aScheme = regexp.MustCompile("^[\\w!#$%&'*+.^`|~-]{1,20} ")

// scheme leaves what there is in front of the credentials, if something is.
func scheme(value string) string { return aScheme.FindString(value) + hidden }

// query returns the parameters of a URL as Node has them, and the URL, without what is secret.
func query(raw string) (params map[string]any, shownURL string) { return parameters(raw, 1) }

// parameters does so for a URL with others in its parameters, which may have such to that depth.
func parameters(raw string, depth int) (params map[string]any, shownURL string) {
	params = make(map[string]any)
	raw, _, fragment := strings.Cut(raw, "#")
	path, rest, found := strings.Cut(raw, "?")
	var b strings.Builder
	b.WriteString(text(path))
	if found {
		b.WriteByte('?')
	}
	start := b.Len()
	values, _ := url.ParseQuery(rest) // of what is malformed nothing is shown
	for _, name := range slices.Sorted(maps.Keys(values))[:min(maxFields, len(values))] {
		list := slices.Clone(values[name][:min(maxFields, len(values[name]))])
		shownName := text(name)
		for j, v := range list {
			if list[j] = hidden; !secret(name) {
				list[j] = nested(v, depth)
			}
			if b.Len()-start > 4*maxValue {
				continue
			}
			if b.Len() > start {
				b.WriteByte('&')
			}
			b.WriteString(url.QueryEscape(shownName) + "=" + url.QueryEscape(list[j]))
		}
		if params[shownName] = list; len(list) == 1 {
			params[shownName] = list[0]
		}
	}
	if fragment {
		b.WriteString("#" + hidden) // some have a token there
	}
	return params, b.String()
}

// value returns what is shown of a value, which may be a URL: of the page that connects, or what
// a proxy was asked for.
func value(v string) string { return nested(v, 1) }

// nested does so for one in a URL, if depth is 0.
func nested(v string, depth int) string {
	if decoded, err := url.PathUnescape(v); err == nil && !isURL(v) && isURL(decoded) {
		v = decoded
	}
	switch {
	case !isURL(v):
		return text(v)
	case depth == 0:
		return text(v[:strings.IndexAny(v, "?#")]) + hidden
	}
	_, v = parameters(v, depth-1)
	return cut(v)
}

// isURL tells whether a value is a URL with a query or a fragment.
func isURL(value string) bool {
	return strings.ContainsAny(value, "?#") && (strings.HasPrefix(value, "/") || strings.Contains(value, "://"))
}

var (
	// aToken is a JSON Web Token, or anything else that begins as JSON does in base64.
	aToken = regexp.MustCompile(`(^|[^A-Za-z0-9]|%[0-9A-Fa-f]{2})eyJ[\w.+/=~-]*`)
	// aUser is the user, and the password, of a URL.
	aUser = regexp.MustCompile(`(^|:)//[^/?#\s]*@`)
)

// text returns what is shown of a text, whatever its name is.
func text(value string) string {
	value = aToken.ReplaceAllString(value, "${1}"+hidden)
	return cut(aUser.ReplaceAllString(value, "${1}//"+hidden+"@"))
}

// cut shortens a text.
func cut(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= maxValue {
		return text
	}
	end := maxValue
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}
