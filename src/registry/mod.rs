//! Schemas from a registry: asked for on a thread of its own, kept for good, so that a worker never waits for the
//! network. An id's schema never changes, so what is known once needs no registry any more.
//!
//! A registry that is slow, down or starting anew is asked again until it answers; meanwhile the records that need it
//! wait. Only its own word that there is no such id makes a dead letter.

mod client;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use schemas::avro::{Framing, Lookup, Schema, SinkEncoder, current};
use schemas::{Sink, Source};

pub use client::{Client, RegistryError};

use crate::config::{self, Config};
use crate::engine::formats::Schemas;
use crate::engine::plan::{Format, Formats};

/// Most schemas that are kept. Each stands in the registry, so nobody can make them up; with more, all are asked again.
const MAX_SCHEMAS: usize = 1_000;
/// Most ids that are known not to exist. Anybody can make those up.
const MAX_MISSING: usize = 10_000;
/// How long an id that does not exist is not asked for again: a copy of a registry may hear of it a little late.
const MISSING_FOR: Duration = Duration::from_secs(10);
/// Pauses between two tries of a registry that is away.
const LEAST_PAUSE: Duration = Duration::from_millis(50);
const MOST_PAUSE: Duration = Duration::from_secs(2);
/// How often the thread looks whether anybody still needs it.
const LOOK_ROUND: Duration = Duration::from_secs(1);

/// `user:password` for the registry, from the environment.
pub fn userinfo() -> Option<String> {
    std::env::var("WAYBILL_REGISTRY_USERINFO").ok().filter(|text| !text.is_empty())
}

/// What is known of the schemas of one registry.
#[derive(Clone, Debug)]
pub struct Registry(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct State {
    schemas: BTreeMap<u32, Result<Arc<Schema>, String>>,
    missing: BTreeMap<u32, (Instant, String)>,
    /// To be asked for, in the order in which they were met.
    wanted: VecDeque<u32>,
}

impl Registry {
    /// Starts the thread that asks; it ends with the last copy of this.
    pub fn start(registry: &config::registry::Registry, userinfo: Option<&str>) -> std::io::Result<Registry> {
        let client = Client::new(registry, userinfo);
        let inner = Arc::new(Inner { client, state: Mutex::default(), wake: Condvar::new() });
        let seen = Arc::downgrade(&inner);
        std::thread::Builder::new().name("registry".into()).spawn(move || ask(&seen))?;
        Ok(Registry(inner))
    }

    /// What is known of the schema with this id; if nothing is, it is asked for.
    pub fn lookup(&self, id: u32) -> Lookup {
        let mut state = self.0.lock();
        match state.schemas.get(&id) {
            Some(Ok(schema)) => return Lookup::Schema(Arc::clone(schema)),
            Some(Err(why)) => return Lookup::Unusable(why.clone()),
            None => {}
        }
        if let Some((since, why)) = state.missing.get(&id)
            && since.elapsed() < MISSING_FOR
        {
            return Lookup::Unknown(why.clone());
        }
        if !state.wanted.contains(&id) {
            state.wanted.push_back(id);
            self.0.wake.notify_one();
        }
        Lookup::NotYet
    }

    /// What the registry says in the end. For those who have nothing else to do.
    pub fn wait_for(&self, id: u32) -> Lookup {
        loop {
            match self.lookup(id) {
                Lookup::NotYet => std::thread::sleep(LEAST_PAUSE / 10),
                known => return known,
            }
        }
    }

    pub fn client(&self) -> &Client {
        &self.0.client
    }

    /// For workers.
    pub fn schemas(&self) -> Schemas {
        let registry = self.clone();
        Schemas::new(move |id| registry.lookup(id))
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere ends the process; what is in the maps is whole at any time.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for an id that is wanted; it stays wanted until there is an answer.
    fn next(&self) -> Option<u32> {
        let state = self.lock();
        let (state, _) = self.wake.wait_timeout_while(state, LOOK_ROUND, |s| s.wanted.is_empty()).unwrap_or_else(PoisonError::into_inner);
        state.wanted.front().copied()
    }

    fn keep(&self, id: u32, answer: Result<Schema, RegistryError>) -> Result<(), String> {
        let mut state = self.lock();
        state.wanted.retain(|wanted| *wanted != id);
        match answer {
            Err(RegistryError::Away(why)) => {
                // Behind the others: it may be this one alone that it cannot answer.
                state.wanted.push_back(id);
                return Err(why);
            }
            Err(RegistryError::Missing(why)) => {
                if state.missing.len() >= MAX_MISSING {
                    state.missing.clear();
                }
                state.missing.insert(id, (Instant::now(), why));
            }
            known => {
                if state.schemas.len() >= MAX_SCHEMAS {
                    state.schemas.clear();
                }
                state.missing.remove(&id);
                state.schemas.insert(id, known.map(Arc::new).map_err(|e| e.to_string()));
            }
        }
        Ok(())
    }
}

/// Answers what is wanted, one after the other, until nobody is there any more.
fn ask(registry: &Weak<Inner>) {
    let mut pause = LEAST_PAUSE;
    while let Some(inner) = registry.upgrade() {
        let Some(id) = inner.next() else { continue };
        match inner.keep(id, inner.client.schema(id)) {
            Ok(()) => pause = LEAST_PAUSE,
            Err(why) => {
                tracing::warn!(id, "{why}; records with this schema wait, asking again");
                drop(inner);
                std::thread::sleep(pause);
                pause = (pause * 2).min(MOST_PAUSE);
            }
        }
    }
}

/// The formats that the configuration names; the schemas of sinks are registered as `<topic>-value` (Confluent's
/// `TopicNameStrategy`). Waits for a registry that is away while `go_on` says so.
pub fn formats(config: &Config, client: Option<&Client>, go_on: &dyn Fn() -> bool) -> Result<Formats, RegistryError> {
    let is_avro = |default: &str| config.topics.get(default).is_some_and(|topic| topic.format == Format::Avro);
    let mut formats = Formats {
        sources: Source::ALL.map(|source| if is_avro(source.name()) { Format::Avro } else { Format::Json }),
        ..Formats::default()
    };
    for sink in Sink::ALL.into_iter().filter(|sink| is_avro(sink.name())) {
        let framing = match (client, current(sink.name())) {
            (Some(client), Some(schema)) => {
                let subject = format!("{}-value", config.topic_name(sink.name()));
                Framing::Registered(patiently(go_on, || client.register(&subject, schema.text()))?)
            }
            _ => Framing::SingleObject,
        };
        formats.sinks[sink as usize] = SinkEncoder::new(sink, framing).map(Arc::new);
    }
    Ok(formats)
}

fn patiently<T>(go_on: &dyn Fn() -> bool, mut attempt: impl FnMut() -> Result<T, RegistryError>) -> Result<T, RegistryError> {
    let mut pause = LEAST_PAUSE;
    loop {
        match attempt() {
            Err(RegistryError::Away(why)) if go_on() => {
                tracing::warn!("{why}; trying again");
                std::thread::sleep(pause);
                pause = (pause * 2).min(MOST_PAUSE);
            }
            other => return other,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail by panic")]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// A registry that gives these answers, one connection each, and then none.
    fn answering(answers: Vec<Option<(u16, &'static str)>>) -> (Registry, std::thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let served = std::thread::spawn(move || {
            let mut asked = vec![];
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                asked.push(line.trim().to_owned());
                match answer {
                    Some((status, body)) => {
                        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                        stream.write_all(head.as_bytes()).unwrap();
                        stream.write_all(body.as_bytes()).unwrap();
                        drop(stream);
                        // To the end, or the answer is lost with the connection.
                        let _ = reader.read_to_end(&mut vec![]);
                    }
                    // It says nothing at all, for longer than anybody waits.
                    None => std::thread::sleep(Duration::from_millis(400)),
                }
            }
            asked
        });
        (Registry::start(&config::registry::Registry { url, timeout_ms: 200 }, None).unwrap(), served)
    }

    fn until(registry: &Registry, id: u32) -> Lookup {
        let began = Instant::now();
        loop {
            match registry.lookup(id) {
                Lookup::NotYet => assert!(began.elapsed() < Duration::from_secs(20), "no answer about {id}"),
                other => return other,
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn it_is_asked_until_it_answers_and_then_never_again() {
        let schema = r#"{"schema":"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"s\",\"type\":\"S\"}]}","references":[{"name":"S","subject":"a/s","version":3}]}"#;
        let (registry, served) = answering(vec![
            Some((503, "starting")),
            None,
            Some((500, r#"{"error_code":50001,"message":"the store is away"}"#)),
            Some((404, "<html>a proxy's page</html>")),
            Some((401, r#"{"error_code":401,"message":"who are you?"}"#)),
            Some((200, schema)),
            Some((200, r#"{"schema":"{\"type\":\"enum\",\"name\":\"S\",\"symbols\":[\"x\"]}","id":2,"version":3,"subject":"a/s"}"#)),
        ]);
        assert!(matches!(registry.lookup(7), Lookup::NotYet), "nobody waits for the network");
        assert!(matches!(until(&registry, 7), Lookup::Schema(s) if s.title().starts_with("`R`")));
        let asked = served.join().unwrap();
        assert_eq!(asked[..6], vec!["GET /schemas/ids/7 HTTP/1.1"; 6]);
        assert_eq!(asked[6], "GET /subjects/a%2Fs/versions/3 HTTP/1.1");
        // The server is gone.
        assert!(matches!(registry.lookup(7), Lookup::Schema(_)));
    }

    #[test]
    fn only_its_own_word_says_that_there_is_no_such_schema() {
        let (registry, served) = answering(vec![
            Some((404, r#"{"error_code":40403,"message":"Schema 9 not found"}"#)),
            Some((200, r#"{"schema":"syntax = \"proto3\";","schemaType":"PROTOBUF"}"#)),
            Some((200, r#"{"schema":"{\"type\":\"recrod\"}"}"#)),
        ]);
        assert!(matches!(until(&registry, 9), Lookup::Unknown(why) if why.contains("Schema 9 not found")));
        assert!(matches!(until(&registry, 10), Lookup::Unusable(why) if why.contains("PROTOBUF")));
        assert!(matches!(until(&registry, 11), Lookup::Unusable(why) if why.contains("not an Avro schema")));
        served.join().unwrap();
        assert!(matches!(registry.lookup(9), Lookup::Unknown(_)), "not asked again at once");
    }

    #[test]
    fn one_that_never_answers_does_not_keep_others_waiting() {
        let away = r#"{"error_code":50001,"message":"the store is away"}"#;
        let (registry, served) = answering(vec![Some((500, away)), Some((200, r#"{"schema":"\"string\""}"#))]);
        assert!(matches!(registry.lookup(1), Lookup::NotYet));
        assert!(matches!(registry.lookup(2), Lookup::NotYet));
        let asked = served.join().unwrap();
        assert_eq!(asked, ["GET /schemas/ids/1 HTTP/1.1", "GET /schemas/ids/2 HTTP/1.1"]);
        assert!(matches!(until(&registry, 2), Lookup::Schema(_)));
        assert!(matches!(registry.lookup(1), Lookup::NotYet));
    }
}
