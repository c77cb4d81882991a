//! A hostile fleet for `bench/strain`: clients that are slow, that take back what they ask for over HTTP/2, and that send garbage.
//! Whoever is closed comes back. Tells as JSON how often.
//!
//! ```sh
//! cargo run --release -p evenstep-server --example hostile -- ADDRESS SECONDS SLOW RESETS GARBAGE
//! ```

use std::cell::Cell;
use std::io::{ErrorKind, Result};
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use serde_json::json;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::LocalSet;
use tokio::time::{sleep, timeout};

/// Who was closed is back so soon.
const BACK_AFTER: Duration = Duration::from_millis(100);
/// Between two bytes of who is slow.
const SLOW: Duration = Duration::from_secs(1);
/// Between two volleys of requests that are taken back.
const VOLLEY_EVERY: Duration = Duration::from_millis(20);
const VOLLEY: u32 = 10;

/// What a client does.
#[derive(Clone, Copy)]
enum Kind {
    Silent,
    SlowHead,
    SlowBody,
    /// Takes requests back in the same breath.
    Reset,
    /// Takes them back when they are being answered.
    LateReset,
    Garbage,
}

struct Fleet {
    address: SocketAddr,
    /// Connections so far, of who is slow, takes back, sends garbage.
    opened: [Cell<u64>; 3],
    taken_back: Cell<u64>,
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [address, seconds, slow, resets, garbage] = &args[..] else {
        panic!("ADDRESS SECONDS SLOW RESETS GARBAGE");
    };
    let number = |text: &str| text.parse::<u64>().unwrap_or_else(|_| panic!("`{text}` is no number"));
    let fleet = Rc::new(Fleet {
        address: address.parse().expect("an address"),
        opened: Default::default(),
        taken_back: Cell::new(0),
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a thread");
    LocalSet::new().block_on(&runtime, async {
        let kinds = [
            (number(slow), vec![Kind::Silent, Kind::SlowHead, Kind::SlowBody]),
            (number(resets), vec![Kind::Reset, Kind::LateReset]),
            (number(garbage), vec![Kind::Garbage]),
        ];
        for (count, kinds) in kinds {
            for kind in kinds.into_iter().cycle().take(count as usize) {
                tokio::task::spawn_local(again_and_again(Rc::clone(&fleet), kind));
            }
        }
        sleep(Duration::from_secs(number(seconds))).await;
    });
    let [slow, resets, garbage] = fleet.opened.each_ref().map(Cell::get);
    tell(&json!({ "slow": slow, "resets": resets, "garbage": garbage, "taken_back": fleet.taken_back.get() }));
}

#[expect(clippy::print_stdout, reason = "it is a program")]
fn tell(told: &serde_json::Value) {
    println!("{told}");
}

async fn again_and_again(fleet: Rc<Fleet>, kind: Kind) {
    loop {
        // How it ends is nothing to whoever is hostile.
        let _ = fleet.attack(kind).await;
        sleep(BACK_AFTER).await;
    }
}

impl Fleet {
    async fn attack(&self, kind: Kind) -> Result<()> {
        let socket = TcpSocket::new_v4()?;
        // From an address of its own, as elsewhere: what the server does to it, it doesn't do to the good ones.
        socket.bind((Ipv4Addr::new(127, 0, 0, 2), 0).into())?;
        let stream = socket.connect(self.address).await?;
        let opened = &self.opened[match kind {
            Kind::Silent | Kind::SlowHead | Kind::SlowBody => 0,
            Kind::Reset | Kind::LateReset => 1,
            Kind::Garbage => 2,
        }];
        opened.set(opened.get() + 1);
        match kind {
            Kind::Silent => closed(&stream).await,
            Kind::SlowHead => slowly(&stream, b"POST /predict HTTP/1.1\r\nHost: localhost\r\nX-Slow: ").await,
            Kind::SlowBody => {
                let head = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n";
                slowly(&stream, head).await
            }
            Kind::Reset => self.take_back(&stream, None).await,
            Kind::LateReset => self.take_back(&stream, Some(Duration::from_millis(1))).await,
            Kind::Garbage => {
                let mut garbage = [0; 1024];
                getrandom::fill(&mut garbage).map_err(std::io::Error::other)?;
                write(&stream, &garbage).await?;
                closed(&stream).await
            }
        }
    }

    /// Asks over HTTP/2, and takes back (RFC 9113, 6.2 and 6.4): at once, or after a while.
    async fn take_back(&self, stream: &TcpStream, after: Option<Duration>) -> Result<()> {
        write(stream, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await?;
        let mut next = 1_u32;
        loop {
            let ids: Vec<u32> = (0..VOLLEY).map(|at| next + 2 * at).collect();
            next += 2 * VOLLEY;
            let reset = |id: u32| frame(3, 0, id, &[0, 0, 0, 8]);
            match after {
                None => {
                    let volley: Vec<u8> = ids.iter().flat_map(|id| [headers(*id), reset(*id)].concat()).collect();
                    write(stream, &volley).await?;
                }
                Some(after) => {
                    write(stream, &ids.iter().flat_map(|id| headers(*id)).collect::<Vec<_>>()).await?;
                    sleep(after).await;
                    write(stream, &ids.iter().flat_map(|id| reset(*id)).collect::<Vec<_>>()).await?;
                }
            }
            self.taken_back.set(self.taken_back.get() + u64::from(VOLLEY));
            // What the server says is read, or it would wait to say it.
            if let Ok(ended) = timeout(VOLLEY_EVERY, closed(stream)).await {
                return ended;
            }
        }
    }
}

/// The head of a request for predictions, whose body would follow.
fn headers(stream: u32) -> Vec<u8> {
    // RFC 7541: `:method: POST`, `:scheme: http`, `:path`, `:authority` and `content-type` by their places in the static table.
    let mut block = vec![0x83, 0x86];
    for (place, text) in [(4, "/predict"), (1, "localhost")] {
        block.extend([place, text.len() as u8]);
        block.extend(text.bytes());
    }
    let kind = "application/json";
    block.extend([0x0f, 31 - 15, kind.len() as u8]);
    block.extend(kind.bytes());
    // The end of its headers, not of the stream.
    frame(1, 4, stream, &block)
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Sends some bytes, and then one a second, until it is closed.
async fn slowly(stream: &TcpStream, begin: &[u8]) -> Result<()> {
    write(stream, begin).await?;
    while timeout(SLOW, closed(stream)).await.is_err() {
        write(stream, b" ").await?;
    }
    Ok(())
}

async fn write(stream: &TcpStream, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        match stream.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => stream.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Waits until the server ends it; what it says is read, and forgotten.
async fn closed(stream: &TcpStream) -> Result<()> {
    let mut some = [0; 4096];
    loop {
        stream.readable().await?;
        match stream.try_read(&mut some) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}
