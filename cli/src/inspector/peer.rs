//! Whose process is at the other end of a connection within this machine. Linux lists its connections with the user who
//! owns each end; elsewhere the answer is unknown.

use crate::files;
use crate::limits::MAX_CONNECTIONS_FILE_BYTES;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;

/// Whether this machine says who owns a connection: tried with a connection of our own.
pub(super) fn is_known() -> bool {
    let own = || {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
        let here = listener.local_addr().ok()?;
        let stream = TcpStream::connect(here).ok()?;
        is_own(stream.local_addr().ok()?, here)
    };
    own() == Some(true)
}

/// Whether the client of a connection belongs to the user of this process. `None`: it isn't known.
pub(super) fn is_own(client: SocketAddr, server: SocketAddr) -> Option<bool> {
    let list = files::text(Path::new("/proc/net/tcp"), MAX_CONNECTIONS_FILE_BYTES).ok()?;
    Some(owner(&list, client, server)? == own_user()?)
}

#[cfg(unix)]
fn own_user() -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").ok().map(|process| process.uid())
}

#[cfg(not(unix))]
fn own_user() -> Option<u32> {
    None
}

/// The user of the connection's end at `client`, by the kernel's list: a line for each end, with its own address, the
/// other address and, as the eighth value, the user.
fn owner(list: &str, client: SocketAddr, server: SocketAddr) -> Option<u32> {
    let (client, server) = (written(client)?, written(server)?);
    list.lines().find_map(|line| {
        let values: Vec<&str> = line.split_whitespace().collect();
        let [_, local, remote, _, _, _, _, user, ..] = values[..] else { return None };
        if local == client && remote == server { user.parse().ok() } else { None }
    })
}

/// An address as the kernel writes it: the bytes of the address as a number of this machine, in hexadecimal.
fn written(address: SocketAddr) -> Option<String> {
    match address {
        SocketAddr::V4(v4) => Some(format!("{:08X}:{:04X}", u32::from_ne_bytes(v4.ip().octets()), v4.port())),
        SocketAddr::V6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn the_owner_of_the_clients_end_is_found() {
        let list = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
                    0: 0100007F:2253 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1\n   \
                    1: 0100007F:D431 0100007F:2253 01 00000000:00000000 00:00000000 00000000  1001        0 2 1\n   \
                    2: 0100007F:2253 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1000        0 3 1\n";
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        let (client, server) = (at("127.0.0.1:54321"), at("127.0.0.1:8787"));
        assert_eq!(owner(list, client, server), Some(1001), "the client's end, not the server's");
        assert_eq!(owner(list, at("127.0.0.1:54322"), server), None);
        assert_eq!(owner(list, at("[::1]:54321"), server), None);
        assert_eq!(owner("", client, server), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_connection_of_this_process_is_its_users() {
        assert!(is_known());
    }
}
