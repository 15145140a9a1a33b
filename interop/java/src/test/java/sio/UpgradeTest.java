package sio;

final class UpgradeTest extends Contract {
    UpgradeTest() {
        super("polling", "websocket");
    }
}
