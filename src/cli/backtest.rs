//! `waybill backtest`: reads past sales and prints how the demand rules would have done; see the crate `backtest`.

use std::fs::File;
use std::path::{Path, PathBuf};

use backtest::{Options, Reader, run, svg, table};
use clap::Args;
use waybill::config::Config;

use super::Failure;

#[derive(Debug, Args)]
pub struct Backtest {
    /// Past sales
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Compare costs where this share of days with demand is served in full [default: 0.95, of less than 90 days 0.9]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub service: Option<f64>,
    /// Days from an order to its delivery [default: 7, of less than 90 days 2]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(0..=365))]
    pub lead_days: Option<u32>,
    /// Draw cost over service to this SVG file
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,
}

/// Costs are those of the configuration's `[demand]`.
pub fn backtest(config: &Config, own: &Backtest) -> Result<(), Failure> {
    let mut reader = Reader::default();
    for path in &own.files {
        let file = File::open(path).map_err(|e| Failure::Failed(format!("cannot open {}: {e}", path.display())))?;
        reader.read(&path.display().to_string(), file).map_err(Failure::failed)?;
    }
    let history = reader.finish().map_err(Failure::failed)?;
    let mut options = Options::for_days(history.days);
    options.config = config.demand.clone().unwrap_or(options.config);
    options.service = own.service.unwrap_or(options.service);
    options.lead_days = own.lead_days.unwrap_or(options.lead_days);
    let report = run(&history, &options);
    print!("{}", table(&report));
    if let Some(path) = &own.plot {
        let picture = svg(&report).map_err(|e| Failure::Failed(format!("cannot draw: {e}")))?;
        write(path, &picture)?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|e| Failure::Failed(format!("cannot write {}: {e}", path.display())))
}

fn share(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|share| (0.5..1.0).contains(share))
        .ok_or_else(|| "must be a share from 0.5 to less than 1, such as 0.95".to_owned())
}
