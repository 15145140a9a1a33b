package main

import "encoding/base64"

// tagged returns a value that JSON can hold: bytes have a tag, as in values.mjs.
func tagged(v any) any {
	switch v := v.(type) {
	case []byte:
		return map[string]any{"$": "bytes", "value": base64.StdEncoding.EncodeToString(v)}
	case []any:
		all := make([]any, len(v))
		for i, e := range v {
			all[i] = tagged(e)
		}
		return all
	case map[string]any:
		all := make(map[string]any, len(v))
		for name, e := range v {
			all[name] = tagged(e)
		}
		return all
	}
	return v
}

// untagged returns a value as it is meant. Of the tags it knows that of bytes.
func untagged(v any) any {
	switch v := v.(type) {
	case []any:
		all := make([]any, len(v))
		for i, e := range v {
			all[i] = untagged(e)
		}
		return all
	case map[string]any:
		if v["$"] == "bytes" {
			text, _ := v["value"].(string)
			b, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				return nil
			}
			return b
		}
		all := make(map[string]any, len(v))
		for name, e := range v {
			all[name] = untagged(e)
		}
		return all
	}
	return v
}
