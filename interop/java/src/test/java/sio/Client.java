package sio;

import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.socket.client.Ack;
import io.socket.client.IO;
import io.socket.client.Manager;
import io.socket.client.Socket;
import io.socket.engineio.client.Transport;
import java.lang.reflect.Field;
import java.net.URI;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A socket that puts what it hears into queues. */
final class Client {
    /** Bounds each wait, in seconds. */
    static final int WAIT = 20;

    final Socket socket;

    private Client(Socket socket) {
        this.socket = socket;
    }

    /** Makes a client with a connection of its own, not connected yet. */
    static Client of(URI uri, String nsp, Map<String, String> auth, boolean reconnects, String... transports) {
        IO.Options options = new IO.Options();
        options.forceNew = true;
        options.reconnection = reconnects;
        options.reconnectionDelay = 50;
        options.reconnectionDelayMax = 200;
        options.transports = transports;
        options.auth = auth;
        return new Client(IO.socket(uri.resolve(nsp), options));
    }

    /** Returns another socket on the same connection. */
    Client beside(String nsp) {
        return new Client(socket.io().socket(nsp));
    }

    Client connect() throws InterruptedException {
        BlockingQueue<Object[]> connected = hear(Socket.EVENT_CONNECT);
        socket.connect();
        take(connected);
        return this;
    }

    /** Returns a queue of the arguments of an event from now on. */
    BlockingQueue<Object[]> hear(String event) {
        BlockingQueue<Object[]> queue = new LinkedBlockingQueue<>();
        socket.on(event, queue::add);
        return queue;
    }

    /** Emits, and returns what the server answers. */
    Object[] call(String event, Object... args) throws InterruptedException {
        BlockingQueue<Object[]> answers = new LinkedBlockingQueue<>();
        socket.emit(event, args, (Ack) answers::add);
        return take(answers);
    }

    static <T> T take(BlockingQueue<T> queue) throws InterruptedException {
        T got = queue.poll(WAIT, TimeUnit.SECONDS);
        assertNotNull(got, "nothing came");
        return got;
    }

    /** Returns the name of the transport in use, which the client keeps to itself. */
    String transport() throws ReflectiveOperationException {
        Field engine = Manager.class.getDeclaredField("engine");
        engine.setAccessible(true);
        Field transport = io.socket.engineio.client.Socket.class.getDeclaredField("transport");
        transport.setAccessible(true);
        return ((Transport) transport.get(engine.get(socket.io()))).name;
    }
}
