//! A client of gRPC that sends whatever bytes it is told to.

use evenstep_grpc::{Message, framed, message};
use h2::client::SendRequest;
use http::{HeaderMap, Request};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

type Bytes = std::io::Cursor<Vec<u8>>;

/// A connection.
pub(crate) struct Caller {
    runtime: Runtime,
    send: SendRequest<Bytes>,
    address: String,
}

/// How a call ended.
pub(crate) struct Called {
    /// The status of HTTP.
    pub(crate) http: u16,
    /// The status of gRPC, and its text.
    pub(crate) code: Option<u16>,
    pub(crate) text: String,
    pub(crate) head: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Caller {
    pub(crate) fn connect(address: &str) -> Caller {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("threads");
        let send = runtime.block_on(async {
            let stream = TcpStream::connect(address).await.expect("it listens");
            let (send, connection) = h2::client::Builder::new().handshake(stream).await.expect("it speaks HTTP/2");
            tokio::spawn(connection);
            send
        });
        Caller { runtime, send, address: address.to_owned() }
    }

    /// Calls a method by a body.
    pub(crate) fn send(&self, path: &str, head: &[(&str, &str)], body: Vec<u8>) -> Called {
        self.exchange(path, head, Some(body))
    }

    /// Calls a method, and doesn't say what it wants.
    pub(crate) fn begin(&self, path: &str, head: &[(&str, &str)]) -> Called {
        self.exchange(path, head, None)
    }

    fn exchange(&self, path: &str, head: &[(&str, &str)], body: Option<Vec<u8>>) -> Called {
        self.runtime.block_on(async {
            let mut request = Request::post(format!("http://{}{path}", self.address)).header("te", "trailers");
            if head.iter().all(|(name, _)| *name != "content-type") {
                request = request.header("content-type", "application/grpc");
            }
            for (name, value) in head {
                request = request.header(*name, *value);
            }
            let mut send = self.send.clone().ready().await.expect("it takes calls");
            let request = request.body(()).expect("a request");
            let (answer, mut stream) = send.send_request(request, false).expect("it takes a call");
            if let Some(body) = body {
                // It may have answered before it has read all.
                let _ = stream.send_data(Bytes::new(body), true);
            }
            let (head, mut from) = answer.await.expect("it answers").into_parts();
            let mut body = Vec::new();
            while let Some(part) = from.data().await {
                let part = part.expect("an answer comes whole");
                from.flow_control().release_capacity(part.len()).expect("it was taken");
                body.extend_from_slice(&part);
            }
            let trailers = from.trailers().await.expect("an answer comes whole").unwrap_or_default();
            let said = |name: &str| trailers.get(name).or(head.headers.get(name)).and_then(|value| value.to_str().ok());
            Called {
                http: head.status.as_u16(),
                code: said("grpc-status").and_then(|code| code.parse().ok()),
                text: decoded(said("grpc-message").unwrap_or_default()),
                body,
                head: head.headers,
            }
        })
    }

    pub(crate) fn call(&self, method: &str, message: &impl Message) -> Called {
        self.send(&format!("/inference.GRPCInferenceService/{method}"), &[], framed(message))
    }
}

impl Called {
    /// The answer, if there is one.
    pub(crate) fn ok<M: Message + Default>(&self) -> M {
        assert_eq!((self.http, self.code), (200, Some(0)), "{}", self.text);
        message(&self.body).expect("an answer in its frame")
    }
}

/// A text whose bytes may stand in hex.
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (byte, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(byte, 16).expect("a byte in hex"));
        bytes.extend(rest.bytes());
    }
    String::from_utf8(bytes).expect("UTF-8")
}
