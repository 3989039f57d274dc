//! Where the proxy listens, and what who connects meets there.

use std::{io, net::SocketAddr, sync::Arc};

use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::{Shared, script::Wire, serve};

/// Connections that may wait to be taken.
const BACKLOG: u32 = 1024;

/// A port of our own, whether or not anybody listens at it.
pub struct Port {
    address: SocketAddr,
    /// Bound and not listening: nobody else gets the port while connections are refused.
    _reserved: TcpSocket,
}

impl Port {
    /// Takes a free port.
    pub fn take() -> io::Result<Self> {
        let reserved = bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        Ok(Port {
            address: reserved.local_addr()?,
            _reserved: reserved,
        })
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Listens at it.
    pub fn listen(&self, backlog: u32) -> io::Result<TcpListener> {
        bind(self.address)?.listen(backlog)
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Takes connections as the script says, for ever.
pub async fn listen(port: Port, first: TcpListener, shared: Arc<Shared>) {
    let mut changes = shared.wire.subscribe();
    let mut listener = Some(first);
    loop {
        let wire = *changes.borrow_and_update();
        match wire {
            Wire::Open | Wire::Frozen => {
                let open = listener.get_or_insert_with(|| port.listen(BACKLOG).expect("the port is ours"));
                tokio::select! {
                    taken = open.accept() => {
                        if let Ok((socket, _)) = taken {
                            tokio::spawn(serve::serve(socket, Arc::clone(&shared)));
                        }
                    }
                    _ = changes.changed() => {}
                }
            }
            Wire::Refused => {
                listener = None;
                let _ = changes.changed().await;
            }
            Wire::BlackHole => {
                // Where the queue of connections is full, the system does not answer who wants to connect.
                listener = None;
                let full = port.listen(0).expect("the port is ours");
                let _fills = TcpStream::connect(port.address()).await;
                let _ = changes.changed().await;
                drop(full);
            }
        }
    }
}
