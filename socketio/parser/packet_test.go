package parser

import "testing"

func TestPacketTypeString(t *testing.T) {
	for typ, want := range map[PacketType]string{
		TypeConnect:      "CONNECT",
		TypeConnectError: "CONNECT_ERROR",
		TypeBinaryAck:    "BINARY_ACK",
		7:                "PacketType(7)",
		255:              "PacketType(255)",
	} {
		if got := typ.String(); got != want {
			t.Errorf("PacketType(%d).String() = %q, want %q", uint8(typ), got, want)
		}
	}
}

func TestIsReserved(t *testing.T) {
	for name, want := range map[string]bool{
		"connect": true, "connect_error": true, "disconnect": true,
		"disconnecting": true, "newListener": true, "removeListener": true,
		"": false, "error": false, "Connect": false, "__proto__": false, "connecting": false,
	} {
		if got := IsReserved(name); got != want {
			t.Errorf("IsReserved(%q) = %v, want %v", name, got, want)
		}
	}
}
