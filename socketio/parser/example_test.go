package parser_test

import (
	"fmt"

	"github.com/siokit/sio/socketio/parser"
)

// An event with an attachment comes in two messages.
func ExampleTextDecoder() {
	var d parser.TextDecoder
	p, done, err := d.Text([]byte(`51-/chat,7["upload","cat.png",{"_placeholder":true,"num":0}]`))
	if err == nil && !done {
		p, done, err = d.Binary([]byte("\x89PNG"))
	}
	if err != nil || !done {
		fmt.Println("no packet:", err)
		return
	}
	event, err := parser.EventName(p.Data)
	if err != nil {
		fmt.Println(err)
		return
	}
	var file string
	var content []byte
	if err := parser.NewArgs(nil, p.Data, p.Attachments, 1).Bind(&file, &content); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Type, p.Namespace, p.ID, string(event), file, len(content))
	// Output:
	// BINARY_EVENT /chat 7 upload cat.png 4
}

// A []byte anywhere in the arguments becomes an attachment.
func ExampleEncodeEvent() {
	file := struct {
		Name string `json:"name"`
		Data []byte `json:"data"`
	}{"cat.png", []byte("\x89PNG")}
	text, attachments, err := parser.EncodeEvent(nil, nil, "/chat", "upload", []any{file}, 7, true)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", text)
	for _, a := range attachments {
		fmt.Printf("%q\n", a)
	}
	// Output:
	// 51-/chat,7["upload",{"name":"cat.png","data":{"_placeholder":true,"num":0}}]
	// "\x89PNG"
}
