//! `probe topics`: creates topics with one replica. A topic that is there stays as it is, unless all are to be deleted
//! first.

use std::time::Duration;

use clap::Args;
use futures_executor::block_on;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::RDKafkaErrorCode;

use crate::client::Common;

type Admin = AdminClient<DefaultClientContext>;

#[derive(Debug, Args)]
pub(crate) struct Topics {
    /// Their names
    #[arg(
        long = "topics",
        value_name = "NAME,…",
        value_delimiter = ',',
        default_value = "orders,restocks,order-events,stock-commands,stock-replies"
    )]
    names: Vec<String>,
    /// Partitions of each
    #[arg(long, value_name = "N", default_value_t = 4)]
    partitions: i32,
    /// Delete them first, with all that they hold
    #[arg(long)]
    delete: bool,
}

pub(crate) fn topics(common: &Common, own: &Topics) {
    let admin: Admin = common.client().create().expect("librdkafka makes no client");
    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(15)));
    if own.delete {
        let names: Vec<&str> = own.names.iter().map(String::as_str).collect();
        let deleted = block_on(admin.delete_topics(&names, &options)).expect("the broker does not answer to the deletion");
        eprintln!("deleted {deleted:?}");
    }
    for name in &own.names {
        create(&admin, &options, name, own);
    }
}

/// After a deletion, it is tried again while the broker still has the name: a topic goes some time after the answer.
fn create(admin: &Admin, options: &AdminOptions, name: &str, own: &Topics) {
    let topic = NewTopic::new(name, own.partitions, TopicReplication::Fixed(1));
    for _ in 0..100 {
        let created = block_on(admin.create_topics([&topic], options)).expect("the broker does not answer to the creation");
        match &created[0] {
            Ok(_) => return println!("created {name} partitions={}", own.partitions),
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) if own.delete => std::thread::sleep(Duration::from_millis(100)),
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => return println!("exists {name}"),
            Err(error) => {
                eprintln!("{name}: {error:?}");
                std::process::exit(1);
            }
        }
    }
}
