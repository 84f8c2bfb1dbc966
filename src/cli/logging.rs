//! Logs to standard error, and how the process ends when something is broken.

use tracing_subscriber::EnvFilter;

use super::args::LogFormat;

/// `RUST_LOG` wins over `verbose`, and that over `quiet`.
pub fn start(format: LogFormat, verbose: bool, quiet: bool) {
    let level = match (verbose, quiet) {
        (true, _) => "waybill=debug,info",
        (false, false) => "waybill=info,warn",
        (false, true) => "warn",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).with_span_list(false).init(),
        LogFormat::Text => {
            let colour = std::io::IsTerminal::is_terminal(&std::io::stderr()) && std::env::var_os("NO_COLOR").is_none();
            builder.with_ansi(colour).init();
        }
    }
}

/// The last word of a command that failed.
pub fn fail(format: LogFormat, message: &str) {
    match format {
        LogFormat::Json => tracing::error!("{message}"),
        LogFormat::Text => eprintln!("error: {message}"),
    }
}

/// A panic is a broken invariant. Going on with the other threads could write what must not be written.
pub fn abort_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        tracing::error!(
            "{panic}. This is a bug: nothing of the batch at hand was committed. Please report it with the lines around this one"
        );
        report(panic);
        std::process::abort();
    }));
}
