//! TCP connections.

use std::{
    io,
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

use everstep_tools_device::line::{Line, Open};

use super::timed::Timed;

/// Opens connections to `address`, a `host:port`.
#[must_use]
pub fn tcp(address: &str) -> Open {
    let address = address.to_owned();
    Box::new(move |limit| {
        let stream = connect(&address, limit)?;
        Ok(Box::new(Timed::new(stream)) as Box<dyn Line>)
    })
}

/// Connects within `limit` to the first address of the name that answers. Finding the addresses of a name
/// takes as long as the system's resolver does.
fn connect(address: &str, limit: Duration) -> Result<TcpStream, String> {
    let found = address.to_socket_addrs().map_err(|error| {
        format!(
            "the address of {address} can't be found: {error}; write an IP address, or check the name server"
        )
    })?;
    let found: Vec<_> = found.collect();
    let share = limit / u32::try_from(found.len()).unwrap_or(u32::MAX).max(1);
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for one in found {
        let connected = TcpStream::connect_timeout(&one, share.max(Duration::from_millis(1)));
        match connected.and_then(prepared) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(match last.kind() {
        io::ErrorKind::ConnectionRefused => {
            format!("{address} refused the connection: is the server running, and is this its port?")
        }
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
            format!(
                "{address} did not take the connection within {} ms: check cable and address",
                limit.as_millis()
            )
        }
        _ => format!("no connection to {address}: {last}"),
    })
}

fn prepared(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nonblocking(true)?;
    // Requests are small, and each is waited for.
    stream.set_nodelay(true)?;
    Ok(stream)
}
