package sio;

final class PollingTest extends Contract {
    PollingTest() {
        super("polling");
    }
}
