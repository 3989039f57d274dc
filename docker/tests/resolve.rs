//! Stands in the images where our programs would, compiled as they are (static, Rust's standard library): prints the address
//! of each name, as the system's resolver finds it.

use std::net::ToSocketAddrs;

fn main() {
    for name in std::env::args().skip(1) {
        let found = (name.as_str(), 0).to_socket_addrs().unwrap_or_else(|error| panic!("{name}: {error}")).next();
        println!("{name} {}", found.expect("no address").ip());
    }
}
