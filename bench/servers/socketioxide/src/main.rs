//! The bench's contract on socketioxide, on axum.

use std::{convert::Infallible, env, io, sync::Arc};

use axum::{
    Router,
    routing::get,
    serve::{ListenerExt, serve},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use socketioxide::{
    ParserConfig, SocketIo,
    adapter::Adapter,
    extract::{AckSender, Data, SocketRef},
    handler::FromMessageParts,
    socket::Socket,
};
use tokio::net::TcpListener;

/// Whether the client asked for an ack, which no extractor of the library tells.
struct WantsAck(bool);

impl<A: Adapter> FromMessageParts<A> for WantsAck {
    type Error = Infallible;
    fn from_message_parts(
        _: &Arc<Socket<A>>,
        _: &mut socketioxide_core::Value,
        ack_id: &Option<i64>,
    ) -> Result<Self, Infallible> {
        Ok(WantsAck(ack_id.is_some()))
    }
}

#[derive(Serialize, Deserialize)]
struct Message {
    n: u64,
    text: String,
}

async fn on_connect(socket: SocketRef) {
    socket.join("room");

    socket.on(
        "echo",
        async |socket: SocketRef, Data::<Message>(data), WantsAck(wants_ack), ack: AckSender| {
            if wants_ack {
                ack.send(&data).ok();
            } else {
                socket.emit("echo", &data).ok();
            }
        },
    );

    socket.on("binary", async |Data::<Bytes>(data), ack: AckSender| {
        ack.send(&data).ok();
    });

    socket.on("text", async |Data::<String>(data), ack: AckSender| {
        ack.send(&data).ok();
    });

    socket.on(
        "blast",
        async |io: SocketIo, Data::<(usize, String)>((count, payload)), ack: AckSender| {
            for _ in 0..count {
                io.to("room").emit("msg", &payload).await.ok();
            }
            ack.send::<[(); 0]>(&[]).ok();
        },
    );
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let mut builder = SocketIo::builder();
    if env::args().any(|arg| arg == "-msgpack") {
        builder = builder.with_parser(ParserConfig::msgpack());
    }
    let (layer, io) = builder.build_layer();
    io.ns("/", on_connect);
    let app = Router::new()
        .route("/mem", get(async || r#"{"heap":null,"stack":null}"#))
        .layer(layer);

    rlimit::increase_nofile_limit(u64::MAX)?;
    let port = env::var("PORT").expect("PORT is not set");
    // Without Nagle's algorithm, as all the other servers are by default.
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))
        .await?
        .tap_io(|tcp| {
            tcp.set_nodelay(true).ok();
        });
    println!("ready");
    serve(listener, app).await
}
