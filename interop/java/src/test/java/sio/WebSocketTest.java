package sio;

final class WebSocketTest extends Contract {
    WebSocketTest() {
        super("websocket");
    }
}
