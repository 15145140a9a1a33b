package sio;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static sio.Client.take;

import io.socket.client.Ack;
import io.socket.client.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.json.JSONArray;
import org.json.JSONObject;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The tests; a subclass names the transports. */
@Timeout(120)
abstract class Contract {
    /** Around the lines of 76 characters of the client's base64, the lengths of frames, and 1 MB. */
    private static final int[] SIZES = {1, 2, 3, 4, 56, 57, 58, 114, 125, 126, 1000, 65_535, 65_536, 300_000, 1_000_000};

    private final String[] transports;
    private final List<Client> clients = new ArrayList<>();
    private Server server;

    Contract(String... transports) {
        this.transports = transports;
    }

    @BeforeEach
    void start() throws Exception {
        server = new Server("--max-payload=2000000"); // 1 MB in base64 is more than one
    }

    @AfterEach
    void stop() throws Exception {
        for (Client client : clients) {
            client.socket.disconnect();
        }
        server.stop();
    }

    private Client client(String nsp, Map<String, String> auth) {
        Client client = Client.of(server.uri, nsp, auth, false, transports);
        clients.add(client);
        return client;
    }

    private Client client() throws InterruptedException {
        return client("/", null).connect();
    }

    /** Proves that the connection works, by the transport that it should have. */
    private void settle(Client client) throws Exception {
        do {
            assertArrayEquals(new Object[] {"settled"}, client.call("echo:ack", "settled"));
        } while (!client.transport().equals(transports[transports.length - 1]));
    }

    private static byte[] bytes(int n) {
        byte[] data = new byte[n];
        new Random(n).nextBytes(data);
        return data;
    }

    private static String text(int n) {
        return "wörd \uD83C\uDF89 ".repeat(n / 8 + 1).substring(0, n).replaceAll("\uD83C$", "x");
    }

    @Test
    void upgradesWhereItShould() throws Exception {
        settle(client());
    }

    @Test
    void text() throws Exception {
        Client client = client();
        BlockingQueue<Object[]> echoes = client.hear("echo");
        for (int n : SIZES) {
            String text = text(n);
            assertArrayEquals(new Object[] {text}, client.call("echo:ack", text), n + " characters, ack");
            client.socket.emit("echo", text, n);
            assertArrayEquals(new Object[] {text, n}, take(echoes), n + " characters");
        }
    }

    @Test
    void binary() throws Exception {
        Client client = client();
        BlockingQueue<Object[]> echoes = client.hear("echo");
        for (int n : SIZES) {
            byte[] data = bytes(n);
            assertArrayEquals(new Object[] {data}, client.call("echo:ack", (Object) data), n + " bytes, ack");
            client.socket.emit("echo", data, n);
            assertArrayEquals(new Object[] {data, n}, take(echoes), n + " bytes");
        }
    }

    @Test
    void binaryWithinOtherValues() throws Exception {
        Client client = client();
        byte[] large = bytes(70_000);
        JSONObject file = new JSONObject().put("name", "ü").put("parts", new JSONArray().put(bytes(5)).put(new JSONObject().put("deep", large)));
        for (int i = 0; i < 20; i++) { // one behind the other, across the upgrade
            Object[] answer = client.call("echo:ack", "before", file, bytes(i + 1), i);
            assertEquals("before", answer[0]);
            JSONArray parts = ((JSONObject) answer[1]).getJSONArray("parts");
            assertArrayEquals(bytes(5), (byte[]) parts.get(0));
            assertArrayEquals(large, (byte[]) parts.getJSONObject(1).get("deep"));
            assertArrayEquals(bytes(i + 1), (byte[]) answer[2]);
            assertEquals(i, answer[3]);
        }
    }

    @Test
    void order() throws Exception {
        Client client = client();
        BlockingQueue<Object[]> numbers = client.hear("number");
        BlockingQueue<Object[]> counts = client.hear("count");
        client.socket.emit("count", 0, 300);
        for (int i = 0; i < 300; i++) {
            client.socket.emit("number", i);
        }
        for (int i = 0; i < 300; i++) {
            assertArrayEquals(new Object[] {i}, take(numbers));
            assertArrayEquals(new Object[] {i}, take(counts));
        }
    }

    @Test
    void manyAcks() throws Exception {
        Client client = client();
        BlockingQueue<Object> answers = new LinkedBlockingQueue<>();
        for (int i = 0; i < 50; i++) {
            client.socket.emit("echo:ack", new Object[] {i}, (Ack) args -> answers.add(args[0]));
        }
        for (int i = 0; i < 50; i++) {
            assertEquals(i, take(answers));
        }
    }

    @Test
    void theServerAsks() throws Exception {
        Client client = client();
        for (int n : new int[] {1, 57, 1000, 100_000}) {
            client.socket.off("question").on("question", args -> ((Ack) args[1]).call((Object) bytes(n)));
            JSONObject answer = (JSONObject) client.call("ask", 15_000, "really?")[0];
            assertArrayEquals(bytes(n), (byte[]) answer.get("answer"));
        }
    }

    @Test
    void auth() throws Exception {
        Client client = client("/auth", Map.of("token", "good", "name", "Zoë")).connect();
        JSONObject who = (JSONObject) client.call("whoami")[0];
        assertEquals(client.socket.id(), who.getString("id"));
        assertEquals("Zoë", who.getJSONObject("auth").getString("name"));
    }

    @Test
    void refusalHasMessageAndData() throws Exception {
        Client client = client("/auth", Map.of("token", "wrong"));
        BlockingQueue<Object[]> refusals = client.hear(Socket.EVENT_CONNECT_ERROR);
        client.socket.connect();
        JSONObject refusal = (JSONObject) take(refusals)[0];
        assertEquals("not authorized", refusal.getString("message"));
        assertEquals(401, refusal.getJSONObject("data").getInt("code"));
    }

    @Test
    void namespacesSideBySide() throws Exception {
        Client root = client();
        Client chat = root.beside("/chat").connect();
        assertNotEquals(root.socket.id(), chat.socket.id());
        for (Client client : List.of(root, chat, root, chat)) {
            assertArrayEquals(new Object[] {bytes(100), "x"}, client.call("echo:ack", bytes(100), "x"));
        }
        BlockingQueue<Object[]> refusals = new LinkedBlockingQueue<>();
        Client unknown = root.beside("/unknown");
        unknown.socket.on(Socket.EVENT_CONNECT_ERROR, refusals::add);
        unknown.socket.connect();
        assertEquals("Invalid namespace", ((JSONObject) take(refusals)[0]).getString("message"));
        settle(root);
    }

    @Test
    void rooms() throws Exception {
        Client a = client();
        Client b = client();
        BlockingQueue<Object[]> news = b.hear("news");
        assertEquals("[\"x\"]", b.call("join", new JSONArray().put("x"))[0].toString());
        JSONObject how = new JSONObject().put("by", "socket").put("to", new JSONArray().put("x")).put("except", new JSONArray()).put("volatile", false);
        a.call("send", how, "news", bytes(1000));
        assertArrayEquals(new Object[] {bytes(1000)}, take(news));
    }

    @Test
    void theServerDisconnects() throws Exception {
        for (boolean close : new boolean[] {false, true}) {
            Client client = client();
            BlockingQueue<Object[]> gone = client.hear(Socket.EVENT_DISCONNECT);
            client.socket.emit("bye", close);
            assertEquals("io server disconnect", take(gone)[0]);
        }
    }

    @Test
    void theClientDisconnects() throws Exception {
        Client monitor = client("/monitor", null).connect();
        BlockingQueue<Object[]> left = monitor.hear("left");
        Client client = client();
        settle(client);
        String id = client.socket.id();
        client.socket.disconnect();
        JSONObject what = (JSONObject) take(left)[0];
        assertEquals(id, what.getString("id"));
        assertEquals("client namespace disconnect", what.getString("reason"));
    }

    /** Has the client leave by what drop does, and proves that it comes back by itself. */
    private void comesBack(Dropper drop) throws Exception {
        // Of a WebSocket that the reference server closes it learns by its ping timeout.
        assumeFalse(Server.REFERENCE && List.of(transports).contains("websocket"));
        Client client = Client.of(server.uri, "/auth", Map.of("token", "good"), true, transports);
        clients.add(client);
        client.connect();
        settle(client);
        String id = client.socket.id();
        BlockingQueue<Object[]> connected = client.hear(Socket.EVENT_CONNECT);
        BlockingQueue<Object[]> gone = client.hear(Socket.EVENT_DISCONNECT);
        drop.drop(client);
        // To this client, a WebSocket that ends behind a close frame is an error.
        assertTrue(Set.of("transport close", "transport error").contains(take(gone)[0]));
        take(connected);
        assertNotEquals(id, client.socket.id());
        settle(client);
    }

    private interface Dropper {
        void drop(Client client) throws Exception;
    }

    @Test
    void comesBackAfterARestart() throws Exception {
        comesBack(client -> {
            server.stop();
            server = server.again();
        });
    }

    @Test
    void comesBackWhenItsTokenHasEnded() throws Exception {
        comesBack(client -> client.socket.emit("expire"));
    }
}
