//! `topology.toml`: every text gives a configuration within its limits, or errors with places in it.
#![no_main]

use std::path::Path;

use waybill::config::file::parse;

libfuzzer_sys::fuzz_target!(|text: &str| {
    match parse(text, Path::new("topology.toml")) {
        Ok(config) => {
            assert!(!config.app.is_empty() && config.workers >= 1 && config.orders_tasks >= 1 && config.stock_tasks >= 1);
            assert!(config.topics.values().all(|topic| !topic.name.is_empty() && topic.partitions >= 1));
        }
        Err(errors) => {
            assert!(!errors.0.is_empty());
            let lines = text.split('\n').count();
            for error in &errors.0 {
                assert!((1..=lines).contains(&error.line) && error.column >= 1 && !error.message.is_empty(), "{error:?}");
            }
        }
    }
});
