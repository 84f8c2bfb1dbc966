//! What a running Waybill says over HTTP: metrics, health, and questions about one order, SKU, product, vehicle or
//! shipment. Reads only.
//!
//! One thread with a runtime of its own, so that neither side slows the other down. Whoever has more to serve merges
//! its routes into [`router`]'s.
//!
//! | path | answer |
//! | --- | --- |
//! | `/metrics` | Prometheus' text format |
//! | `/health` | 200 once every task decides, 503 before |
//! | `/orders/{id}` `/stock/{sku}` `/products/{sku}` | committed state as JSON; 404 with an `error` where this process has none |
//! | `/vehicles/{id}` `/shipments/{id}?vehicle={id}` | the same of the fleet; a shipment is the matter of the vehicle that has it |

mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Path, Query as Parameters, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use schemas::input::{MAX_ID_BYTES, MAX_VALUE_BYTES};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::timeout;

pub use server::{BindError, Server, bind, serve};

use crate::engine::{Query, Subject};
use crate::metrics::Metrics;

/// A worker answers between two batches; one that does not for so long is busy restoring or out of Kafka's reach.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest path; an id in it may be percent-encoded, three characters for a byte.
const MAX_PATH_BYTES: usize = 3 * MAX_ID_BYTES + 64;

/// Whether every task decides.
#[derive(Clone, Debug, Default)]
pub struct Ready(Arc<AtomicBool>);

impl Ready {
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Release);
    }

    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// What the answers are made from; cheap to clone.
#[derive(Clone)]
pub struct Service {
    metrics: Metrics,
    /// One for each worker: a question goes to all, the owner of the key answers.
    workers: Arc<[Sender<Query>]>,
    ready: Ready,
}

impl Service {
    pub fn new(metrics: Metrics, workers: Vec<Sender<Query>>, ready: Ready) -> Service {
        Service { metrics, workers: workers.into(), ready }
    }

    /// The committed state under `key` as JSON.
    pub async fn ask(&self, subject: &Subject, key: &str) -> Result<Value, NoAnswer> {
        let (answer, mut answers) = unbounded_channel();
        for worker in self.workers.iter() {
            let answer = answer.clone();
            let query = Query {
                subject: subject.clone(),
                key: key.into(),
                // Nobody waits any more after the timeout.
                answer: Box::new(move |found| drop(answer.send(found))),
            };
            // A worker that has ended owns nothing.
            let _ = worker.send(query);
        }
        drop(answer);
        let owners = async {
            while let Some(found) = answers.recv().await {
                if let Some(value) = found {
                    return value.ok_or(NoAnswer::Unknown);
                }
            }
            Err(NoAnswer::Elsewhere)
        };
        timeout(ANSWER_TIMEOUT, owners).await.unwrap_or(Err(NoAnswer::Busy))
    }
}

/// Why a question has no answer here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// The key's task is here and has nothing under it.
    Unknown,
    /// No task of this process that decides has the key.
    Elsewhere,
    /// The worker did not answer in time.
    Busy,
}

/// An error as JSON: a stable word, and a sentence for people.
pub fn error(status: StatusCode, word: &str, message: &str) -> Response {
    (status, Json(json!({ "error": word, "message": message }))).into_response()
}

/// All routes, without a runtime or a socket: to be served, or merged with more.
pub fn router(service: Service) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/metrics", get(metrics))
        .route("/health", get(health))
        .route("/orders/{id}", get(order))
        .route("/stock/{sku}", get(stock))
        .route("/vehicles/{id}", get(vehicle))
        .route("/shipments/{id}", get(shipment))
        .route("/products/{sku}", get(product))
        .fallback(async || error(StatusCode::NOT_FOUND, "unknown_path", "there is nothing at this path; see /"))
        .with_state(service)
        .layer(DefaultBodyLimit::max(MAX_VALUE_BYTES))
        .layer(from_fn(limit_path))
}

async fn limit_path(request: Request, next: Next) -> Response {
    let length = request.uri().path_and_query().map_or(0, |p| p.as_str().len());
    if length > MAX_PATH_BYTES {
        return error(StatusCode::URI_TOO_LONG, "uri_too_long", &format!("at most {MAX_PATH_BYTES} bytes are taken"));
    }
    next.run(request).await
}

async fn index() -> &'static str {
    "Waybill\n\n/metrics        for Prometheus\n/health         200 once every task decides\n/orders/{id}    an order as it stands\n/stock/{sku}    a SKU as it stands\n/products/{sku} its listing in the catalogue\n/vehicles/{id}  where a vehicle is, and for whom\n/shipments/{id}?vehicle={id}  its stops, how each ended or when it is reached\n"
}

async fn metrics(State(service): State<Service>) -> Response {
    match service.metrics.render() {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        Err(fault) => error(StatusCode::INTERNAL_SERVER_ERROR, "metrics", &fault.to_string()),
    }
}

async fn health(State(service): State<Service>) -> Response {
    if service.ready.is_set() {
        (StatusCode::OK, "ready\n").into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready: tasks are being restored or assigned\n").into_response()
    }
}

async fn order(State(service): State<Service>, Path(id): Path<String>) -> Response {
    answer(&service, Subject::Order, "order", &id).await
}

async fn stock(State(service): State<Service>, Path(sku): Path<String>) -> Response {
    answer(&service, Subject::Stock, "sku", &schemas::sku::clean(&sku)).await
}

async fn vehicle(State(service): State<Service>, Path(id): Path<String>) -> Response {
    answer(&service, Subject::Vehicle, "vehicle", &id).await
}

#[derive(Deserialize)]
struct OnVehicle {
    vehicle: Option<String>,
}

/// Whose task has it follows from the vehicle alone.
async fn shipment(State(service): State<Service>, Path(id): Path<String>, Parameters(on): Parameters<OnVehicle>) -> Response {
    let Some(vehicle) = on.vehicle.filter(|vehicle| !vehicle.is_empty()) else {
        let message = format!("ask for /shipments/{id}?vehicle=…: several vehicles may have had it; its events name them");
        return error(StatusCode::BAD_REQUEST, "missing_vehicle", &message);
    };
    // No id has a control character, so none of these names another key.
    match service.ask(&Subject::Shipment(id.as_str().into()), &vehicle).await {
        Ok(value) => Json(value).into_response(),
        Err(reason) => no_answer(&service, "shipment", &id, reason),
    }
}

async fn product(State(service): State<Service>, Path(sku): Path<String>) -> Response {
    answer(&service, Subject::Product, "product", &schemas::sku::clean(&sku)).await
}

async fn answer(service: &Service, subject: Subject, what: &str, key: &str) -> Response {
    match service.ask(&subject, key).await {
        Ok(value) => Json(value).into_response(),
        Err(reason) => no_answer(service, what, key, reason),
    }
}

fn no_answer(service: &Service, what: &str, key: &str, reason: NoAnswer) -> Response {
    match reason {
        NoAnswer::Unknown => error(StatusCode::NOT_FOUND, &format!("unknown_{what}"), &format!("nothing is known of {what} {key}")),
        NoAnswer::Elsewhere if service.ready.is_set() => error(
            StatusCode::NOT_FOUND,
            "not_here",
            &format!("the task that has {what} {key} runs in another process of this application; ask there"),
        ),
        NoAnswer::Elsewhere => error(StatusCode::SERVICE_UNAVAILABLE, "not_ready", "the tasks are being restored or assigned; ask again"),
        NoAnswer::Busy => error(StatusCode::SERVICE_UNAVAILABLE, "timeout", "the task did not answer in time; ask again"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail by panic")]
mod tests {
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpStream};
    use std::sync::mpsc::channel;
    use std::time::Instant;

    use super::*;

    /// A worker that answers every question with `answer`.
    fn worker(answer: impl Fn(&str) -> Option<Option<Value>> + Send + 'static) -> Sender<Query> {
        let (ask, asked) = channel::<Query>();
        std::thread::spawn(move || {
            for query in asked {
                let found = answer(&query.key);
                (query.answer)(found);
            }
        });
        ask
    }

    fn served(workers: Vec<Sender<Query>>, ready: bool) -> Server {
        let is_ready = Ready::default();
        is_ready.set(ready);
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        serve(listener, router(Service::new(Metrics::new(), workers, is_ready))).unwrap()
    }

    /// Status and body of one request.
    fn get(server: &Server, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    fn word(server: &Server, path: &str) -> (u16, String) {
        let (status, body) = get(server, path);
        let body: Value = serde_json::from_str(&body).unwrap();
        (status, body["error"].as_str().unwrap_or_default().to_owned())
    }

    #[test]
    fn the_owner_of_the_key_answers() {
        let owner = worker(|key| Some((key == "a b/c").then(|| json!({ "key": key }))));
        let server = served(vec![worker(|_| None), owner, worker(|_| None)], true);
        assert_eq!(get(&server, "/orders/a%20b%2Fc"), (200, r#"{"key":"a b/c"}"#.to_owned()));
        assert_eq!(word(&server, "/orders/x"), (404, "unknown_order".into()));
        assert_eq!(word(&server, "/stock/x"), (404, "unknown_sku".into()));
        assert_eq!(word(&server, "/products/x"), (404, "unknown_product".into()));
        assert_eq!(get(&server, "/shipments/S-1?vehicle=a%20b%2Fc"), (200, r#"{"key":"a b/c"}"#.to_owned()), "whose vehicle it is");
        assert_eq!(word(&server, "/shipments/S-1?vehicle=x"), (404, "unknown_shipment".into()));
        assert_eq!(word(&server, "/shipments/S-1"), (400, "missing_vehicle".into()));
    }

    #[test]
    fn a_sku_is_asked_for_in_its_one_form() {
        let server = served(vec![worker(|key| Some(Some(json!({ "key": key }))))], true);
        for path in ["/stock/%2085123a", "/products/85123A%20", "/stock/%EF%BC%98%EF%BC%95123a"] {
            assert_eq!(get(&server, path), (200, r#"{"key":"85123A"}"#.to_owned()), "{path}");
        }
        assert_eq!(get(&server, "/orders/a").1, r#"{"key":"a"}"#);
    }

    #[test]
    fn without_an_owner_it_depends_on_whether_one_is_to_come() {
        let (gone, _) = channel();
        for (ready, expected) in [(true, (404, "not_here".to_owned())), (false, (503, "not_ready".to_owned()))] {
            let server = served(vec![worker(|_| None), gone.clone()], ready);
            assert_eq!(word(&server, "/stock/x"), expected);
            assert_eq!(get(&server, "/health").0, if ready { 200 } else { 503 });
        }
    }

    #[test]
    fn a_worker_that_hangs_is_not_waited_for() {
        let (busy, _kept) = channel();
        let server = served(vec![busy], true);
        let began = Instant::now();
        assert_eq!(word(&server, "/stock/x"), (503, "timeout".into()));
        assert!(began.elapsed() < 2 * ANSWER_TIMEOUT, "{:?}", began.elapsed());
        // A request that is being answered does not hold up the end.
        let mut waiting = TcpStream::connect(server.address()).unwrap();
        write!(waiting, "GET /stock/x HTTP/1.0\r\n\r\n").unwrap();
        std::thread::sleep(Duration::from_millis(50));
        let began = Instant::now();
        drop(server);
        assert!(began.elapsed() < ANSWER_TIMEOUT, "{:?}", began.elapsed());
    }

    #[test]
    fn a_taken_address_is_named() {
        let held = bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let taken = held.local_addr().unwrap();
        let message = bind(taken).unwrap_err().to_string();
        assert!(message.contains(&taken.to_string()) && message.contains("--http off"), "{message}");
    }
}
