//! Who may come in: connections, and of those over HTTP/2 requests, of which each may have many at once; all together, and those
//! of one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::places::Places;

/// Nobody is hurried before a part of the places is left that no address can take alone.
const LEFT: usize = 4;
/// Connections are many if they have such a part of the places.
const MANY: usize = 8;

/// The places of one listener.
pub(crate) struct Gate {
    places: Places,
    connections: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    addresses: Mutex<HashMap<IpAddr, OfAddress>>,
}

/// What an address has open.
struct OfAddress {
    connections: usize,
    streams: Arc<Semaphore>,
}

/// A connection that has a place; dropped when it ends.
pub(crate) struct Entered {
    gate: Arc<Gate>,
    address: IpAddr,
    streams: Arc<Semaphore>,
    _place: OwnedSemaphorePermit,
}

/// A request over HTTP/2 that has a place, until its head, its body and its answer are dropped.
#[derive(Clone)]
pub(crate) struct Stream {
    _places: Arc<[OwnedSemaphorePermit; 2]>,
}

impl Gate {
    pub(crate) fn new(places: Places) -> Arc<Gate> {
        let free = || Arc::new(Semaphore::new(places.all));
        Arc::new(Gate { places, connections: free(), streams: free(), addresses: Mutex::default() })
    }

    /// A place for a connection, unless there are as many as may be, or as the address may have.
    pub(crate) fn enter(self: &Arc<Gate>, address: IpAddr) -> Option<Entered> {
        let place = Arc::clone(&self.connections).try_acquire_owned().ok()?;
        let mut addresses = self.addresses.lock().expect("no holder panics");
        let of_address = addresses
            .entry(address)
            .or_insert_with(|| OfAddress { connections: 0, streams: Arc::new(Semaphore::new(self.places.from_one)) });
        if of_address.connections >= self.places.from_one {
            return None;
        }
        of_address.connections += 1;
        let streams = Arc::clone(&of_address.streams);
        Some(Entered { gate: Arc::clone(self), address, streams, _place: place })
    }

    /// Whether there are so many connections that another has to do with fewer requests at once.
    pub(crate) fn has_many(&self) -> bool {
        self.connections.available_permits() + self.places.all / MANY < self.places.all
    }

    pub(crate) fn places(&self) -> usize {
        self.places.all
    }

    /// Whether so few places of requests are left that who is slow should leave.
    pub(crate) fn is_crowded(&self) -> bool {
        self.streams.available_permits() < self.places.all / LEFT
    }

    /// Waits until all connections have ended.
    pub(crate) async fn left(&self) {
        let _ = self.connections.acquire_many(self.places.all as u32).await;
    }
}

impl Entered {
    /// A place for a request over HTTP/2, unless there are as many as may be, or as the address may have.
    pub(crate) fn begin(&self) -> Option<Stream> {
        let place = |of: &Arc<Semaphore>| Arc::clone(of).try_acquire_owned().ok();
        Some(Stream { _places: Arc::new([place(&self.streams)?, place(&self.gate.streams)?]) })
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut addresses = self.gate.addresses.lock().expect("no holder panics");
        if let Some(of_address) = addresses.get_mut(&self.address) {
            of_address.connections -= 1;
            if of_address.connections == 0 {
                addresses.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::BROADCAST);

    #[test]
    fn one_address_leaves_places_to_others_and_all_get_theirs_back() {
        let gate = Gate::new(Places { all: 8, from_one: 6 });
        let enter = |address| std::iter::from_fn(|| gate.enter(address)).collect::<Vec<_>>();
        let here = enter(HERE);
        let there = enter(THERE);
        assert_eq!((here.len(), there.len()), (6, 2));
        let begin = |entered: &[Entered]| entered.iter().cycle().map_while(Entered::begin).collect::<Vec<_>>();
        let streams = begin(&here);
        assert_eq!(streams.len(), 6);
        assert!(!gate.is_crowded());
        assert_eq!(begin(&there).len(), 2);
        let one = there[0].begin();
        assert!(one.is_some() && gate.is_crowded());
        // What is left of a request may outlive its connection.
        drop((here, there));
        assert!(gate.addresses.lock().expect("no holder panics").is_empty());
        assert_eq!(enter(HERE).len(), 6);
        assert_eq!(gate.streams.available_permits(), 1);
        drop((streams, one));
        assert_eq!(gate.streams.available_permits(), 8);
    }
}
