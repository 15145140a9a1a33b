package parser_test

import (
	"fmt"

	"github.com/siokit/sio/engineio/parser"
)

// The body of a POST, or the answer to a GET, is a payload.
func ExamplePackets() {
	for p, err := range parser.Packets([]byte("4hello\x1ebAQID\x1e2")) {
		if err != nil {
			fmt.Println(err)
			break
		}
		fmt.Printf("%c %q %t\n", p.Type, p.Data, p.Binary)
	}
	// Output:
	// 4 "hello" false
	// 4 "\x01\x02\x03" true
	// 2 "" false
}

// A payload is packets with separators between them.
func ExampleAppend() {
	payload := parser.Append(nil, parser.TypeMessage, []byte("hello"))
	payload = append(payload, parser.Separator)
	payload = parser.AppendBase64(payload, []byte{1, 2, 3})
	fmt.Printf("%q\n", payload)
	// Output: "4hello\x1ebAQID"
}
