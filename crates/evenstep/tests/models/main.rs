//! Many models in one server: swapped under load, listed in a file, changed by an admin listener; and how that server is
//! encrypted and what it logs.

mod acts;
mod admin;
mod client;
#[path = "../common/mod.rs"]
mod common;
mod config;
mod connections;
mod keys;
mod live;
mod log;
mod server;
mod signed;
mod swap;
mod tls;
mod traces;
