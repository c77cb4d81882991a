//! A client of gRPC that sends whatever bytes it is told to.

use std::future::poll_fn;
use std::time::Duration;

use evenstep_grpc::{Message, framed, message};
use h2::SendStream;
use h2::client::{ResponseFuture, SendRequest};
use http::{HeaderMap, Request};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

type Bytes = std::io::Cursor<Vec<u8>>;

/// A connection.
pub(crate) struct Caller {
    runtime: Runtime,
    send: SendRequest<Bytes>,
    address: String,
}

/// A request whose body doesn't come.
pub(crate) struct Open {
    answer: ResponseFuture,
    _unsent: SendStream<Bytes>,
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

    /// Begins requests whose bodies it never sends, as many as it may have at once. They are under way until they are dropped.
    pub(crate) fn leave_open(&self, path: &str, head: &[(&str, &str)], count: usize) -> Vec<Open> {
        let begin = async |_| {
            let mut request = Request::post(format!("http://{}{path}", self.address));
            for (name, value) in head {
                request = request.header(*name, *value);
            }
            let mut send = self.send.clone().ready().await.expect("it takes requests");
            let (answer, unsent) = send.send_request(request.body(()).expect("a request"), false).expect("it is taken");
            Open { answer, _unsent: unsent }
        };
        self.runtime.block_on(async {
            let mut open = Vec::new();
            for at in 0..count {
                open.push(begin(at).await);
            }
            open
        })
    }

    /// The status of a request that was answered by now.
    pub(crate) fn status_of(&self, open: &mut Open) -> Option<u16> {
        let answered = async { timeout(Duration::ZERO, &mut open.answer).await };
        let answered = self.runtime.block_on(answered).ok()?;
        Some(answered.expect("it is answered").status().as_u16())
    }

    /// Sends what is left of a body after the answer came; whether all of it is taken, or the rest isn't wanted.
    pub(crate) fn send_late(&self, path: &str, head: &[(&str, &str)], body: Vec<u8>) -> (u16, Option<h2::Reason>) {
        self.runtime.block_on(async {
            let mut request = Request::post(format!("http://{}{path}", self.address));
            for (name, value) in head {
                request = request.header(*name, *value);
            }
            let mut send = self.send.clone().ready().await.expect("it takes requests");
            let (answer, mut stream) =
                send.send_request(request.body(()).expect("a request"), false).expect("it is taken");
            let status = answer.await.expect("it answers").status().as_u16();
            let sent = stream.send_data(Bytes::new(body), true);
            let ended = poll_fn(|context| stream.poll_reset(context));
            let reason = match sent {
                Err(_) => ended.await.ok(),
                Ok(()) => timeout(Duration::from_millis(500), ended).await.ok().and_then(Result::ok),
            };
            (status, reason)
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
