package sio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static sio.Client.take;

import io.socket.client.Socket;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import org.junit.jupiter.api.Test;

final class PollingTest extends Contract {
    PollingTest() {
        super("polling");
    }

    @Test
    void reconnects() throws Exception {
        Client client = Client.of(server.uri, "/auth", Map.of("token", "good"), true, transports);
        clients.add(client);
        client.connect();
        settle(client);
        String id = client.socket.id();
        BlockingQueue<Object[]> connected = client.hear(Socket.EVENT_CONNECT);
        BlockingQueue<Object[]> gone = client.hear(Socket.EVENT_DISCONNECT);
        server.stop();
        assertEquals("transport close", take(gone)[0]);
        server = server.again();
        take(connected);
        assertNotEquals(id, client.socket.id());
        settle(client);
    }
}
