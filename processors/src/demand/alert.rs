//! Episodes of low stock: raised when the inventory position falls to the reorder point and stays there for the delay,
//! resolved when it has risen a step above it. Raise and resolve alternate, whatever comes.

use schemas::Timestamp;
use schemas::alert::{Alert, AlertState, Severity};
use serde::{Deserialize, Serialize};

use super::plan::Plan;
use super::{Config, Figures};
use crate::Trigger;

/// What is being watched at a place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Episodes {
    /// Of the last raise.
    episode: u32,
    watch: Watch,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Watch {
    #[default]
    Quiet,
    /// Low since a moment ago; raised if it still is by then.
    Pending {
        until: Timestamp,
    },
    Raised {
        worst: Severity,
    },
}

impl Episodes {
    /// When a delay before a raise ends, if one runs.
    pub fn due(&self) -> Option<Timestamp> {
        match self.watch {
            Watch::Pending { until } => Some(until),
            Watch::Quiet | Watch::Raised { .. } => None,
        }
    }

    /// Looks at the figures at one moment. `wanted`: somebody may want the SKU here, so that an empty shelf is news.
    pub fn review(&mut self, config: &Config, wanted: bool, name: &str, figures: Figures, plan: &Plan, now: Trigger) -> Option<Alert> {
        let position = figures.position();
        let severity = if figures.available > 0 { Severity::Low } else { Severity::Out };
        let is_low = position <= plan.reorder_point && (wanted || plan.reorder_point > 0) && !plan.mute;
        match &mut self.watch {
            Watch::Quiet if is_low && config.raise_after_seconds == 0 => Some(self.raise(severity, name, figures, plan, now)),
            Watch::Quiet if is_low => {
                self.watch = Watch::Pending { until: now.at.plus_seconds(config.raise_after_seconds.into()) };
                None
            }
            Watch::Pending { until } if is_low && *until <= now.at => Some(self.raise(severity, name, figures, plan, now)),
            Watch::Pending { .. } if !is_low => {
                self.watch = Watch::Quiet;
                None
            }
            Watch::Quiet | Watch::Pending { .. } => None,
            Watch::Raised { worst } => {
                *worst = severity.max(*worst);
                let severity = *worst;
                (position >= plan.resolve_point).then(|| {
                    self.watch = Watch::Quiet;
                    self.alert(AlertState::Resolved, severity, name, figures, plan, now)
                })
            }
        }
    }

    fn raise(&mut self, severity: Severity, name: &str, figures: Figures, plan: &Plan, now: Trigger) -> Alert {
        self.episode = self.episode.saturating_add(1);
        self.watch = Watch::Raised { worst: severity };
        self.alert(AlertState::Raised, severity, name, figures, plan, now)
    }

    fn alert(&self, state: AlertState, severity: Severity, name: &str, figures: Figures, plan: &Plan, now: Trigger) -> Alert {
        let suggested_quantity = match state {
            AlertState::Raised => plan.order_at(figures.position()),
            AlertState::Resolved => 0,
        };
        Alert {
            location: name.into(),
            state,
            episode: self.episode,
            severity,
            inventory_position: figures.position(),
            available: figures.available,
            reorder_point: plan.reorder_point,
            suggested_quantity,
            demand_per_day: plan.demand_per_day,
            demand_sigma: plan.sigma,
            days_of_cover: plan.days_of_cover(figures.available),
            forecast_stockout_at: plan.stockout_at(figures.available, now.at),
            at: now.at,
            cause: now.cause,
        }
    }
}
