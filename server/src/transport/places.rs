//! How many connections are open, in all and from each address.
//!
//! Invariant: an address is remembered only while a connection from it is open.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::limits::Limits;

/// How many connections are open.
#[derive(Debug)]
pub(super) struct Places {
    all_max: usize,
    each_max: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    from: BTreeMap<IpAddr, usize>,
}

/// The place of an open connection; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

impl Places {
    pub(super) fn new(limits: &Limits) -> Self {
        let (all_max, each_max) = (limits.connections_max, limits.connections_per_address_max);
        Self { all_max, each_max, open: Mutex::default() }
    }

    /// A place for a connection.
    ///
    /// # Errors
    /// The limit that leaves none.
    pub(super) fn take(places: &Arc<Self>, address: IpAddr) -> Result<Place, &'static str> {
        let address = origin(address);
        let mut open = places.lock();
        if open.all >= places.all_max {
            return Err("connections_max");
        }
        let from = open.from.entry(address).or_default();
        if *from >= places.each_max {
            if *from == 0 {
                open.from.remove(&address);
            }
            return Err("connections_per_address_max");
        }
        *from += 1;
        open.all += 1;
        drop(open);
        Ok(Place { places: Arc::clone(places), address })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.places.lock();
        open.all -= 1;
        if let Some(from) = open.from.get_mut(&self.address) {
            *from -= 1;
            if *from == 0 {
                open.from.remove(&self.address);
            }
        }
    }
}

/// Whom an address stands for: one host has a whole /64 of IPv6 addresses to choose from.
fn origin(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(connections_max: usize, connections_per_address_max: usize) -> Arc<Places> {
        let limits = Limits { connections_max, connections_per_address_max, ..Limits::default() };
        Arc::new(Places::new(&limits))
    }

    #[test]
    fn connections_are_bounded_in_all_and_from_each_address() {
        let places = places(3, 2);
        let take = |address: &str| Places::take(&places, address.parse().unwrap());
        let first = take("10.0.0.1").unwrap();
        let _second = take("10.0.0.1").unwrap();
        assert_eq!(take("10.0.0.1").unwrap_err(), "connections_per_address_max");
        assert_eq!(take("::ffff:10.0.0.1").unwrap_err(), "connections_per_address_max");
        let other = take("10.0.0.2").unwrap();
        assert_eq!(take("10.0.0.3").unwrap_err(), "connections_max");
        drop((first, other));
        assert!(take("10.0.0.1").is_ok());
        assert_eq!(places.lock().from.len(), 1, "addresses without connections are forgotten");
    }

    #[test]
    fn all_addresses_of_an_ipv6_host_are_one() {
        let places = places(9, 1);
        let take = |address: &str| Places::take(&places, address.parse().unwrap());
        let _held = take("2001:db8::1").unwrap();
        assert!(take("2001:db8::2").is_err());
        assert!(take("2001:db8:0:1::1").is_ok());
    }
}
