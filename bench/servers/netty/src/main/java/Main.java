import com.corundumstudio.socketio.BroadcastOperations;
import com.corundumstudio.socketio.Configuration;
import com.corundumstudio.socketio.SocketIOChannelInitializer;
import com.corundumstudio.socketio.SocketIOServer;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import java.nio.charset.StandardCharsets;

/** The bench's contract on netty-socketio. */
public class Main {
    public static void main(String[] args) {
        Configuration config = new Configuration();
        config.setHostname("127.0.0.1");
        config.setPort(Integer.parseInt(System.getenv("PORT")));
        config.setUseLinuxNativeEpoll(true);
        config.setHttpCompression(false);
        config.setWebsocketCompression(false);
        config.setAllowCustomRequests(true); // for /mem

        SocketIOServer server = new SocketIOServer(config);
        server.setPipelineFactory(new Pipeline());
        server.addConnectListener(client -> client.joinRoom("room"));

        // There is no echo of binary data: that comes as base64 here, and goes out with a
        // byte in front that today's clients take for theirs, even where byte[].class is
        // asked for.
        server.addEventListener("echo", Message.class, (client, data, ack) -> {
            if (ack.isAckRequested()) {
                ack.sendAckData(data);
            } else {
                client.sendEvent("echo", data);
            }
        });

        server.addEventListener("text", String.class, (client, data, ack) -> ack.sendAckData(data));

        server.addMultiTypeEventListener("blast", (client, data, ack) -> {
            int count = data.first();
            String payload = data.second();
            BroadcastOperations room = server.getRoomOperations("room");
            for (int i = 0; i < count; i++) {
                room.sendEvent("msg", payload);
            }
            ack.sendAckData();
        }, Integer.class, String.class);

        server.start();
        System.out.println("ready");
    }

    /** What is echoed. */
    public static class Message {
        public int n;
        public String text;
    }

    /** The library's handlers, and one more for /mem. */
    static class Pipeline extends SocketIOChannelInitializer {
        @Override
        protected void addSocketioHandlers(ChannelPipeline pipeline) {
            super.addSocketioHandlers(pipeline);
            pipeline.addBefore(WRONG_URL_HANDLER, "mem", new Mem());
        }
    }

    @Sharable
    static class Mem extends SimpleChannelInboundHandler<FullHttpRequest> {
        @Override
        protected void channelRead0(ChannelHandlerContext ctx, FullHttpRequest request) {
            System.gc();
            Runtime runtime = Runtime.getRuntime();
            long heap = runtime.totalMemory() - runtime.freeMemory();
            var body = Unpooled.copiedBuffer("{\"heap\":" + heap + ",\"stack\":null}", StandardCharsets.UTF_8);
            var response = new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK, body);
            HttpUtil.setContentLength(response, body.readableBytes());
            ctx.writeAndFlush(response);
        }
    }
}
