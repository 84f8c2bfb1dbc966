//! The demo's topics over HTTP, for whoever has no Kafka client at hand: `POST` to a source topic, follow any public
//! topic. Real deployments write to and read from Kafka; nothing here is for production.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::stream::poll_fn;
use schemas::Source;
use schemas::input::MAX_VALUE_BYTES;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc::channel;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::engine::Door;
use crate::config::public_topics;
use crate::http::error;
use crate::log::memory::{Follower, MemoryBroker, MemoryRecord};

/// Streams at a time; each has a thread.
const MOST_STREAMS: usize = 32;
/// Records on their way to one client.
const BUFFER: usize = 64;
/// How soon a stream notices that its client has gone.
const LOOK: Duration = Duration::from_millis(250);

#[derive(Clone)]
struct Topics {
    broker: MemoryBroker,
    door: Door,
    streams: Arc<Semaphore>,
}

#[derive(Deserialize)]
struct Start {
    from: Option<String>,
}

pub fn router(broker: &MemoryBroker, door: Door) -> Router {
    let topics = Topics { broker: broker.clone(), door, streams: Arc::new(Semaphore::new(MOST_STREAMS)) };
    Router::new().route("/topics/{topic}", get(follow).post(put)).layer(DefaultBodyLimit::max(MAX_VALUE_BYTES)).with_state(topics)
}

/// Appends the body to a source topic as it is, under the key that it names.
async fn put(State(topics): State<Topics>, Path(topic): Path<String>, body: Bytes) -> Response {
    let Some(source) = Source::ALL.into_iter().find(|source| source.name() == topic) else {
        let message = format!("records can be put into {}; `{topic}` is none of them", Source::ALL.map(Source::name).join(", "));
        return error(StatusCode::NOT_FOUND, "unknown_topic", &message);
    };
    let value: Value = match serde_json::from_slice(&body) {
        Ok(value) => value,
        Err(fault) => return error(StatusCode::BAD_REQUEST, "invalid_json", &format!("the body is no JSON: {fault}")),
    };
    let field = source.key_field();
    let Some(key) = value.get(field).and_then(Value::as_str).filter(|key| !key.is_empty()) else {
        let message = format!("the body needs a text `{field}`: it is the record's key in {topic}");
        return error(StatusCode::BAD_REQUEST, "missing_key", &message);
    };
    match topics.door.put(source, Some(key.as_bytes()), &body, None) {
        Ok((partition, offset)) => {
            let place = json!({ "topic": topic, "partition": partition, "offset": offset, "key": key });
            (StatusCode::ACCEPTED, Json(place)).into_response()
        }
        Err(fault) => error(StatusCode::INTERNAL_SERVER_ERROR, "log", &fault.to_string()),
    }
}

/// Committed records as server-sent events, from now on or from the beginning.
async fn follow(State(topics): State<Topics>, Path(topic): Path<String>, Query(Start { from }): Query<Start>) -> Response {
    let from_beginning = match from.as_deref() {
        None | Some("now") => false,
        Some("beginning") => true,
        Some(other) => {
            return error(StatusCode::BAD_REQUEST, "invalid_from", &format!("from is `now` or `beginning`, not `{other}`"));
        }
    };
    if !public_topics().any(|name| name == topic) {
        let message = format!("there are {}; `{topic}` is none of them", public_topics().collect::<Vec<_>>().join(", "));
        return error(StatusCode::NOT_FOUND, "unknown_topic", &message);
    }
    let Ok(permit) = topics.streams.clone().try_acquire_owned() else {
        return error(StatusCode::SERVICE_UNAVAILABLE, "too_many_streams", &format!("{MOST_STREAMS} are being followed already; end one"));
    };
    let follower = match topics.broker.follow(&topic, from_beginning) {
        Ok(follower) => follower,
        Err(fault) => return error(StatusCode::INTERNAL_SERVER_ERROR, "log", &fault.to_string()),
    };
    match stream(follower, permit) {
        Ok(response) => response,
        Err(fault) => error(StatusCode::SERVICE_UNAVAILABLE, "too_many_streams", &format!("cannot start a thread: {fault}")),
    }
}

/// A thread waits for records, as the log has no other way; it ends when the client does.
fn stream(mut follower: Follower, permit: OwnedSemaphorePermit) -> std::io::Result<Response> {
    let (sender, mut receiver) = channel(BUFFER);
    std::thread::Builder::new().name("follow".into()).spawn(move || {
        let _permit = permit;
        while !sender.is_closed() {
            for record in follower.next(LOOK, BUFFER) {
                if sender.blocking_send(Ok::<Event, Infallible>(event(&record))).is_err() {
                    return;
                }
            }
        }
    })?;
    let events = poll_fn(move |context| receiver.poll_recv(context));
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

fn event(record: &MemoryRecord) -> Event {
    let event = Event::default().id(format!("{}/{}", record.partition, record.offset));
    let kind = record.headers().into_iter().find(|(name, _)| *name == "ce_type").and_then(|(_, value)| std::str::from_utf8(value?).ok());
    // A producer's headers may say anything; in the stream's own lines a line feed would begin another.
    let event = match kind.filter(|kind| !kind.contains(char::is_control)) {
        Some(kind) => event.event(kind),
        None => event,
    };
    event.data(String::from_utf8_lossy(record.value().unwrap_or_default()))
}
