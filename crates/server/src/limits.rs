//! What one client, and all together, may take of the host. A limit that nobody reaches by honest use costs nothing;
//! without it, a single slow or broken client takes the server from all others.

use std::time::Duration;

/// The largest request body that is read, in bytes; also of what it is once it is decompressed.
pub(crate) const BODY_BYTES_MAX: usize = 16 << 20;
/// What the starts of all bodies, of `SMALL_BODY_BYTES` each, may take together until they are answered, in KiB; and what the
/// rest of large bodies may, apart, so that no large body, sent slowly, takes the room of small ones. As JSON values rows
/// take about ten times as much; what takes far more is refused while it is read.
pub(crate) const BODIES_KIB_MAX: usize = 64 << 10;
/// What large answers may take together until their clients have read them, in KiB.
pub(crate) const ANSWERS_KIB_MAX: usize = 256 << 10;
/// An answer is not compressed if it is smaller: a packet takes it as it is.
pub(crate) const ENCODED_BYTES_MIN: usize = 1 << 10;
/// Memory that a Zstandard frame may ask for: two to the power of it.
pub(crate) const WINDOW_LOG_MAX: u32 = 24;
/// A line of a body that is answered line by line.
pub(crate) const LINE_BYTES_MAX: usize = 1 << 20;
/// A body is read within this time. One that is answered while it comes may take longer, but neither may the next of its lines,
/// nor a line from its first byte to its last; nor may its client take longer to read a part of the answer.
pub(crate) const BODY_TIME: Duration = Duration::from_secs(30);
/// An answer of which fewer bytes a second are read is broken off where others need its room.
pub(crate) const ANSWER_PACE_MIN: f64 = 131_072.0;
/// How often it is looked at how a body comes: while room is short, so many bytes of it have to come meanwhile, and such a part of
/// what it has, or its end.
pub(crate) const HURRY_EVERY: Duration = Duration::from_secs(1);
pub(crate) const HURRIED_BYTES_MIN: usize = 16 << 10;
pub(crate) const HURRIED_PART: usize = 8;
/// So long a client that is refused may go on to send.
pub(crate) const REFUSED_TIME: Duration = Duration::from_secs(2);

/// Connections that are open at once; and requests over HTTP/2, of which a connection may have many.
pub(crate) const CONNECTIONS_MAX: u32 = 4096;
/// The same from one address. A proxy in front is one address, so it may have many.
pub(crate) const CONNECTIONS_FROM_ONE_MAX: usize = 3072;
/// Connections to the admin listener, of which there are places apart.
pub(crate) const ADMIN_CONNECTIONS_MAX: usize = 128;
/// Files that the process may have open besides connections. With fewer than are wanted for all, there are fewer connections.
pub(crate) const FILES_ASIDE: usize = 128;
/// A new connection asks within this time; so long may the head of any request take.
pub(crate) const HEAD_TIME: Duration = Duration::from_secs(10);
/// A connection on which nothing was asked for so long is closed.
pub(crate) const IDLE_TIME: Duration = Duration::from_secs(75);
/// Of a larger answer so many bytes are handed on at a time: a client that reads slowly, but on and on, is not idle.
pub(crate) const PART_BYTES: usize = 64 << 10;
/// Connections of which a thread learns in one go that something came.
pub(crate) const CONNECTIONS_AT_ONCE: usize = 16;
/// How often a connection is looked at, and how fast an answer is read.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The head of a request, in bytes; over HTTP/2, where unpacking one takes three times as much.
pub(crate) const HEAD_BYTES_MAX: usize = 64 << 10;
pub(crate) const STREAM_HEAD_BYTES_MAX: u32 = 16 << 10;
/// Requests at once on one connection of HTTP/2.
pub(crate) const STREAMS_MAX: u32 = 128;
/// The same of one that was opened beside many others: even a request that is refused takes 2 KiB until it is.
pub(crate) const STREAMS_OF_MANY_MAX: u32 = 8;
/// What may come of a body over HTTP/2 before it is read, and of all on one connection: some that aren't read keep no others.
pub(crate) const STREAM_UNREAD_BYTES_MAX: u32 = 128 << 10;
pub(crate) const UNREAD_BYTES_MAX: u32 = 1 << 20;
/// Requests that a client of HTTP/2 has begun and taken back before they were looked at.
pub(crate) const RESETS_MAX: usize = 100;
/// Requests that a connection may give up before they are answered, if those are most of what it asks.
pub(crate) const GIVEN_UP_MAX: usize = 50;
/// So long a connection is left alone that gave up more, or on which no HTTP was spoken, and then closed.
pub(crate) const PENALTY_TIME: Duration = Duration::from_secs(5);

/// A body of so many bytes is answered along with others, and has room of its own.
pub(crate) const SMALL_BODY_BYTES: usize = 16 << 10;
/// A body of so many bytes is answered where it was read, which takes a part of a millisecond; a larger one on a thread of its
/// own, so that others don't wait.
pub(crate) const ANSWERED_HERE_BYTES: usize = 64 << 10;
/// And so many cells, those of absent columns and of features included: a short body may have more rows than a long one.
pub(crate) const CELLS_HERE_MAX: usize = 1 << 15;
/// Bodies that may wait for a thread, each kind apart, however long that takes; who comes then is told at once to come back.
pub(crate) const WAITING_SURELY: usize = 256;
/// Of bodies that take no thread of their own more may wait, as long as each is answered within this time, by what those before it
/// take: who is sent away comes back no sooner, and to send a client away costs from a tenth of an answer to all of one.
pub(crate) const WAIT_TIME: Duration = Duration::from_millis(750);
/// How many of those: as many as there may be connections. What they hold is bounded apart.
pub(crate) const WAITING_MAX: usize = CONNECTIONS_MAX as usize;
/// So many small bodies in JSON are answered together at most, and of so many bytes together: the first waits for the last.
pub(crate) const TOGETHER_MAX: usize = 64;
pub(crate) const TOGETHER_BYTES_MAX: usize = 64 << 10;
/// A body waits so long for a thread, if those before it are so large; then its client is told to come back.
pub(crate) const TURN_TIME: Duration = Duration::from_secs(2);
/// When a client that was sent away should try again.
pub(crate) const RETRY_AFTER_SECONDS: u64 = 1;

/// After being told to stop, requests under way, and a bundle that is being loaded, are waited for so long: a client that never
/// ends its request must not keep the server.
pub(crate) const DRAIN_TIME: Duration = Duration::from_secs(10);
/// So long before that ends, connections of HTTP/2 are told that nothing more is begun on them.
pub(crate) const LAST_TIME: Duration = Duration::from_secs(1);

/// At the end, what is still under way is cut off and told, which takes so long at most.
pub(crate) const CUT_OFF_TIME: Duration = Duration::from_millis(200);

/// After being told to stop, a connection of HTTP/1.1 may ask once more for so long, and is told with the answer that it ends; one of
/// HTTP/2 is told so long after the last answer to what it had asked. Closed at once, it would lose what is on its way.
pub(crate) const LINGER_TIME: Duration = Duration::from_millis(500);

/// A bundle that is sent to be served, in bytes.
pub(crate) const BUNDLE_BYTES_MAX: usize = 1 << 30;
/// The signatures that come with one, as a file of them may have.
pub(crate) const SIGNATURES_BYTES_MAX: usize = 1 << 20;
/// A line of the file of what administrators did, in bytes.
pub(crate) const ACT_BYTES_MAX: u64 = 64 << 10;
/// Models that are served at once, versions and aliases of each, and how many earlier versions an alias remembers.
pub(crate) const MODELS_MAX: usize = 256;
/// The file that lists them has room for as many, with all their versions.
pub(crate) const LIST_MIB_MAX: u64 = 16;
pub(crate) const VERSIONS_MAX: usize = 64;
pub(crate) const ALIASES_MAX: usize = 64;
pub(crate) const EARLIER_MAX: usize = 32;
/// How often files that say what to serve, certificates and keys are looked at.
pub(crate) const WATCH_EVERY: Duration = Duration::from_secs(1);
/// Of requests that the admin listener refuses one is told in this time at most, and of connections that the host refuses.
pub(crate) const REFUSED_EVERY: Duration = Duration::from_secs(1);
pub(crate) const UNACCEPTED_EVERY: Duration = Duration::from_secs(10);
/// Of spans that are lost on their way to a collector it is told how many in this time, once at most.
#[cfg(feature = "otel")]
pub(crate) const LOST_EVERY: Duration = Duration::from_secs(60);
/// Lines of the log that wait to be written; what comes then is counted only.
pub(crate) const LOG_LINES_MAX: usize = 8192;
