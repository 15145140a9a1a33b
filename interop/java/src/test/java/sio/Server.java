package sio;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The server of the contract in ../README.md, in a process of its own. */
final class Server {
    private static final Path INTEROP = Path.of("..").toAbsolutePath().normalize();
    static final boolean REFERENCE = "reference".equals(System.getenv("TARGET"));

    final URI uri;
    private final Process process;
    private final Thread reports;

    Server(String... flags) throws IOException {
        this(0, flags);
    }

    private Server(int port, String... flags) throws IOException {
        List<String> command = new ArrayList<>();
        if (REFERENCE) {
            command.addAll(List.of("node", INTEROP.resolve("reference.mjs").toString()));
        } else {
            String built = INTEROP.resolveSibling(".bin").resolve("interop-server").toString();
            command.add(System.getenv().getOrDefault("SERVER", built));
        }
        command.add("--addr=127.0.0.1:" + port);
        command.addAll(List.of(flags));
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().put("GORACE", "halt_on_error=1 atexit_sleep_ms=0");
        process = builder.start();
        BufferedReader out = process.inputReader();
        String line = out.readLine();
        if (line == null || !line.startsWith("listening on ")) {
            throw new IOException("the server says " + line);
        }
        uri = URI.create("http://" + line.substring("listening on ".length()));
        reports = new Thread(() -> out.lines().forEach(report -> {})); // until the server ends
        reports.start();
    }

    /** Ends the server gracefully, and proves that it ended well. */
    void stop() throws Exception {
        process.toHandle().destroy(); // the process's own destroy closes its output, too
        if (!process.waitFor(Client.WAIT, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError("the server did not end");
        }
        reports.join();
        if (process.exitValue() != 0) {
            throw new AssertionError("the server ended with " + process.exitValue());
        }
    }

    /** Returns another server at the same address. */
    Server again() {
        try {
            return new Server(uri.getPort());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
