//! A socket, a thread, a runtime: serves a router until it is dropped. Knows no route.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use tokio::sync::oneshot;

/// Requests that are being answered get this long at the end; streams would go on for ever.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// The address cannot be served at.
#[derive(Debug, thiserror::Error)]
#[error("cannot serve HTTP at {address}: {error}. Choose another address with --http ADDRESS:PORT, or --http off")]
pub struct BindError {
    address: SocketAddr,
    error: io::Error,
}

/// Takes the address, so that nobody else does; answers come with [`serve`]. Port 0 takes a free one.
pub fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    bound.map_err(|error| BindError { address, error })
}

/// A running server; dropping it ends it.
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Where it serves, with the port that was taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Serves on a thread of its own.
pub fn serve(listener: TcpListener, router: Router) -> io::Result<Server> {
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let listener = {
        let _within = runtime.enter();
        tokio::net::TcpListener::from_std(listener)?
    };
    let thread = std::thread::Builder::new().name("http".into()).spawn(move || {
        runtime.block_on(async {
            let (drain, drained) = oneshot::channel::<()>();
            let serving = axum::serve(listener, router).with_graceful_shutdown(async { drop(drained.await) });
            let serving = tokio::spawn(serving.into_future());
            // Either a word or a dropped sender: it is over.
            let _ = stopped.await;
            drop(drain);
            let _ = tokio::time::timeout(LAST_WORDS, serving).await;
        });
    })?;
    Ok(Server { address, stop: Some(stop), thread: Some(thread) })
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It answers nobody any more, however it ended.
            let _ = thread.join();
        }
    }
}
