//! Who may come in: connections, and of those over HTTP/2 requests, of which each may have many at once; all together, and those
//! of one address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::places::Places;

/// Nobody is told to leave before only such a part of the places is left, less than one address leaves to others.
const LEFT: usize = 8;
/// Connections are many if they have such a part of the places.
const MANY: usize = 4;
/// Requests without a place whose bodies are read, so that their clients see the answer: such a part of the places.
const REFUSED: usize = 8;

/// The places of one listener.
pub(crate) struct Gate {
    of_connections: Places,
    of_streams: Places,
    connections: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    refused: Arc<Semaphore>,
    addresses: Mutex<HashMap<IpAddr, OfAddress>>,
}

/// What an address has open. It is there as long as something of it is.
struct OfAddress {
    connections: usize,
    streams: Arc<Semaphore>,
    refused: Arc<Semaphore>,
}

/// A connection that has a place; dropped when it ends.
pub(crate) struct Entered {
    gate: Arc<Gate>,
    address: IpAddr,
    streams: Arc<Semaphore>,
    refused: Arc<Semaphore>,
    ages: Arc<Mutex<Ages>>,
    _place: OwnedSemaphorePermit,
}

/// How many requests of a connection are under way: all, and those that began in this turn and the one before.
#[derive(Default)]
struct Ages {
    turn: u64,
    all: usize,
    young: [usize; 2],
}

/// A request over HTTP/2 that has a place, until its head, its body and its answer are dropped.
#[derive(Clone)]
pub(crate) struct Stream {
    _begun: Arc<Begun>,
}

struct Begun {
    ages: Arc<Mutex<Ages>>,
    turn: u64,
    _places: [OwnedSemaphorePermit; 2],
}

impl Gate {
    pub(crate) fn new(of_connections: Places, of_streams: Places) -> Arc<Gate> {
        let free = |places: usize| Arc::new(Semaphore::new(places));
        Arc::new(Gate {
            of_connections,
            of_streams,
            connections: free(of_connections.all),
            streams: free(of_streams.all),
            refused: free(of_streams.all / REFUSED),
            addresses: Mutex::default(),
        })
    }

    /// A place for a connection, unless there are as many as may be, or as the address may have.
    pub(crate) fn enter(self: &Arc<Gate>, from: IpAddr) -> Option<Entered> {
        let place = Arc::clone(&self.connections).try_acquire_owned().ok()?;
        let address = of_one(from);
        let mut addresses = self.addresses.lock().expect("no holder panics");
        // What is left of a request may outlive the last connection of its address.
        if addresses.len() >= 2 * self.places() {
            addresses.retain(|_, of_address| !self.has_left(of_address));
        }
        let free = |places: usize| Arc::new(Semaphore::new(places));
        let of_address = addresses.entry(address).or_insert_with(|| OfAddress {
            connections: 0,
            streams: free(self.of_streams.from_one),
            refused: free((self.of_streams.from_one / REFUSED).max(1)),
        });
        if of_address.connections >= self.of_connections.from_one {
            return None;
        }
        of_address.connections += 1;
        let [streams, refused] = [&of_address.streams, &of_address.refused].map(Arc::clone);
        Some(Entered { gate: Arc::clone(self), address, streams, refused, ages: Arc::default(), _place: place })
    }

    /// Whether an address has nothing open any more.
    fn has_left(&self, of_address: &OfAddress) -> bool {
        of_address.connections == 0 && of_address.streams.available_permits() == self.of_streams.from_one
    }

    /// Whether there are so many connections that another has to do with fewer requests at once.
    pub(crate) fn has_many(&self) -> bool {
        self.connections.available_permits() + self.places() / MANY < self.places()
    }

    /// For how many connections.
    pub(crate) fn places(&self) -> usize {
        self.of_connections.all
    }

    /// Whether so few places of requests are left that who is slow should leave.
    pub(crate) fn is_crowded(&self) -> bool {
        self.streams.available_permits() < self.of_streams.all / LEFT
    }

    /// Waits until all connections have ended.
    pub(crate) async fn left(&self) {
        let _ = self.connections.acquire_many(self.places() as u32).await;
    }
}

/// Whoever has an address of IPv6 has as many as have its first half.
fn of_one(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address => address,
    }
}

impl Entered {
    /// A place for a request over HTTP/2, unless there are as many as may be, or as the address may have.
    pub(crate) fn begin(&self) -> Option<Stream> {
        let places = [place(&self.streams)?, place(&self.gate.streams)?];
        let mut ages = self.ages.lock().expect("no holder panics");
        let turn = ages.turn;
        ages.all += 1;
        ages.young[turn as usize % 2] += 1;
        Some(Stream { _begun: Arc::new(Begun { ages: Arc::clone(&self.ages), turn, _places: places }) })
    }

    /// A place for what is left of a request that has none, if there is one.
    pub(crate) fn refuse(&self) -> Option<[OwnedSemaphorePermit; 2]> {
        Some([place(&self.refused)?, place(&self.gate.refused)?])
    }

    /// Whether a request of it is under way since the last time but one that this was asked, and others need its place.
    pub(crate) fn overstays(&self) -> bool {
        let mut ages = self.ages.lock().expect("no holder panics");
        let old = ages.all - ages.young[0] - ages.young[1];
        ages.turn += 1;
        let this = ages.turn as usize % 2;
        ages.young[this] = 0;
        old > 0 && self.gate.is_crowded()
    }
}

fn place(of: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    Arc::clone(of).try_acquire_owned().ok()
}

impl Drop for Begun {
    fn drop(&mut self) {
        let mut ages = self.ages.lock().expect("no holder panics");
        ages.all -= 1;
        if self.turn + 1 >= ages.turn {
            ages.young[self.turn as usize % 2] -= 1;
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut addresses = self.gate.addresses.lock().expect("no holder panics");
        if let Some(of_address) = addresses.get_mut(&self.address) {
            of_address.connections -= 1;
            if self.gate.has_left(of_address) {
                addresses.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACES: Places = Places { all: 8, from_one: 6 };
    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::BROADCAST);

    #[test]
    fn one_address_leaves_places_to_others_and_all_get_theirs_back() {
        let gate = Gate::new(PLACES, PLACES);
        let enter = |address| std::iter::from_fn(|| gate.enter(address)).collect::<Vec<_>>();
        let here = enter(HERE);
        let there = enter(THERE);
        assert_eq!((here.len(), there.len()), (6, 2));
        let begin = |entered: &[Entered]| entered.iter().cycle().map_while(Entered::begin).collect::<Vec<_>>();
        let streams = begin(&here);
        assert_eq!(streams.len(), 6);
        assert!(!gate.is_crowded());
        let others = begin(&there);
        assert!(others.len() == 2 && gate.is_crowded());
        drop(others);
        let one = there[0].begin();
        // What is left of a request may outlive its connection, and counts for who comes back.
        drop((here, there));
        let back = enter(HERE);
        assert!(back.len() == 6 && begin(&back).is_empty());
        assert_eq!(gate.streams.available_permits(), 1);
        drop((streams, one));
        assert_eq!(gate.streams.available_permits(), 8);
        drop(back);
        assert!(!gate.addresses.lock().expect("no holder panics").contains_key(&HERE));
    }

    #[test]
    fn a_request_overstays_once_it_was_seen_twice_and_others_need_its_place() {
        let gate = Gate::new(PLACES, PLACES);
        let (here, there) = (gate.enter(HERE).expect("a place"), gate.enter(THERE).expect("a place"));
        let old = here.begin();
        let asked: Vec<bool> = (0..3).map(|_| here.overstays()).collect();
        assert_eq!(asked, [false; 3], "there is room");
        let others: Vec<Stream> = std::iter::from_fn(|| here.begin().or_else(|| there.begin())).collect();
        assert!(others.len() == 7 && gate.is_crowded());
        assert!(here.overstays() && !there.overstays());
        drop(old);
        let one_more = here.begin();
        let asked: Vec<bool> = (0..2).map(|_| here.overstays()).collect();
        assert!(one_more.is_some());
        assert_eq!(asked, [false, true]);
        drop((others, one_more));
        let ages = here.ages.lock().expect("no holder panics");
        assert_eq!((ages.all, ages.young), (0, [0, 0]));
    }

    #[test]
    fn addresses_of_one_network_are_one() {
        let of = |text: &str| of_one(text.parse().expect("an address"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:127.0.0.1"), HERE);
        assert_ne!(of("127.0.0.1"), of("127.0.0.2"));
    }
}
