package adminui

import (
	"net/http"
	"net/url"
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
		value := strings.Join(values, ", ")
		switch {
		case name == "Cookie":
			value = cookies(strings.Join(values, "; "))
		case name == "Authorization" || name == "Proxy-Authorization":
			value = scheme(value)
		case secret(name):
			value = hidden
		case isURL(value): // of the page that connects, or what a proxy was asked for
			_, value = query(value)
		}
		out[cut(strings.ToLower(name))] = text(value)
	}
	return out
}

// cookies leaves the names.
func cookies(header string) string {
	all := strings.Split(header, ";")
	for i, c := range all {
		name, _, _ := strings.Cut(strings.TrimSpace(c), "=")
		all[i] = name + "=" + hidden
	}
	return strings.Join(all, "; ")
}

// scheme leaves what there is in front of the credentials, if something is.
func scheme(value string) string {
	if s, _, ok := strings.Cut(value, " "); ok {
		return s + " " + hidden
	}
	return hidden
}

// query returns the parameters of a URL as Node has them, and the URL, without what is secret.
func query(raw string) (params map[string]any, shownURL string) {
	params = make(map[string]any)
	path, rest, found := strings.Cut(raw, "?")
	if !found {
		return params, cut(raw)
	}
	values, _ := url.ParseQuery(rest) // of what is malformed nothing is shown
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	for i, name := range names[:min(maxFields, len(names))] {
		list := slices.Clone(values[name][:min(maxFields, len(values[name]))])
		for j, v := range list {
			if list[j] = text(v); secret(name) {
				list[j] = hidden
			}
		}
		if params[cut(name)] = list; len(list) == 1 {
			params[cut(name)] = list[0]
		}
		for j, v := range list {
			if b.Len() > 4*maxValue {
				break
			}
			if i+j > 0 {
				b.WriteByte('&')
			}
			b.WriteString(url.QueryEscape(cut(name)) + "=" + url.QueryEscape(v))
		}
	}
	return params, cut(path) + "?" + b.String()
}

// isURL tells whether a value is a URL with a query.
func isURL(value string) bool {
	path, _, found := strings.Cut(value, "?")
	return found && (strings.HasPrefix(path, "/") || strings.Contains(path, "://"))
}

// text returns what is shown of a value: nothing of a JSON Web Token, whatever its name is.
func text(value string) string {
	if strings.HasPrefix(value, "eyJ") && strings.Count(value, ".") >= 2 {
		return hidden
	}
	return cut(value)
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
