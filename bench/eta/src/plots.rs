//! Three plots as SVG: the error by distance, the coverage by distance, one trip from its start to its end.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::replay::Forecast;
use crate::score::{Score, by_distance};

const SIZE: (u32, u32) = (720, 400);
const OURS: RGBColor = RGBColor(0, 110, 180);
const AVERAGE: RGBColor = RGBColor(230, 130, 0);
const LAST: RGBColor = RGBColor(130, 130, 130);
/// Kilometres between two marks of the distance.
const STEP: f64 = 1.0;

/// Writes `error.svg`, `coverage.svg` and `trip.svg`.
pub fn write(folder: &Path, forecasts: &[Forecast]) -> Result<(), String> {
    type Plot = fn(&DrawingArea<SVGBackend<'_>, Shift>, &[Forecast]) -> Result<(), Box<dyn std::error::Error>>;
    let plots: [(&str, Plot); 3] = [("error.svg", error), ("coverage.svg", coverage), ("trip.svg", trip)];
    for (name, plot) in plots {
        let path = folder.join(name);
        let area = SVGBackend::new(&path, SIZE).into_drawing_area();
        let drawn = area.fill(&WHITE).map_err(Into::into).and_then(|()| plot(&area, forecasts));
        drawn.and_then(|()| area.present().map_err(Into::into)).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(())
}

/// Scores by whole kilometres of distance.
fn by_kilometre(forecasts: &[Forecast]) -> Vec<(f64, Score)> {
    (0..9)
        .filter_map(|i| {
            let from = f64::from(i) * STEP * 1000.0;
            let near = forecasts.iter().filter(|f| (from..from + STEP * 1000.0).contains(&f.remaining));
            Some((f64::from(i) * STEP + STEP / 2.0, Score::of(near)?))
        })
        .collect()
}

fn error(area: &DrawingArea<SVGBackend<'_>, Shift>, forecasts: &[Forecast]) -> Result<(), Box<dyn std::error::Error>> {
    let Some(all) = Score::of(forecasts) else { return Ok(()) };
    let window = all.best_window();
    let scores = by_kilometre(forecasts);
    let most = scores.iter().map(|(_, s)| s.average * 2.0).fold(0.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .caption("Mean absolute error of the arrival time", ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..9.0, 0.0..most)?;
    chart.configure_mesh().x_desc("km to the place").y_desc("seconds").light_line_style(WHITE).draw()?;
    let figures: [(&str, RGBColor, &dyn Fn(&Score) -> f64); 3] = [
        ("Waybill", OURS, &|s| s.ours),
        ("constant average speed", AVERAGE, &|s| s.average),
        ("last known speed", LAST, &|s| s.last[window]),
    ];
    for (name, colour, figure) in figures {
        // A curve that leaves the plot ends there.
        let points: Vec<(f64, f64)> = scores.iter().map(|(km, s)| (*km, figure(s))).take_while(|(_, error)| *error <= most).collect();
        chart
            .draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
        chart.draw_series(points.iter().map(|&point| Circle::new(point, 3, colour.filled())))?;
    }
    legend(&mut chart, SeriesLabelPosition::UpperLeft)
}

fn coverage(area: &DrawingArea<SVGBackend<'_>, Shift>, forecasts: &[Forecast]) -> Result<(), Box<dyn std::error::Error>> {
    let scores = by_kilometre(forecasts);
    let mut chart = ChartBuilder::on(area)
        .caption("Arrivals within the 90 % interval", ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..9.0, 50.0..100.0)?;
    chart.configure_mesh().x_desc("km to the place").y_desc("percent").light_line_style(WHITE).draw()?;
    chart
        .draw_series([Rectangle::new([(0.0, 80.0), (9.0, 97.0)], GREEN.mix(0.12).filled())])?
        .label("asked for: 80 to 97 %")
        .legend(|(x, y)| Rectangle::new([(x, y - 5), (x + 16, y + 5)], GREEN.mix(0.12).filled()));
    let points: Vec<(f64, f64)> = scores.iter().map(|(km, s)| (*km, s.coverage * 100.0)).collect();
    chart
        .draw_series(LineSeries::new(points.iter().copied(), OURS.stroke_width(2)))?
        .label("Waybill")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 16, y)], OURS.stroke_width(2)));
    chart.draw_series(points.iter().map(|&point| Circle::new(point, 3, OURS.filled())))?;
    legend(&mut chart, SeriesLabelPosition::LowerRight)
}

/// The trip with the most predictions for its last place: how the predicted arrival moves while it drives.
fn trip(area: &DrawingArea<SVGBackend<'_>, Shift>, forecasts: &[Forecast]) -> Result<(), Box<dyn std::error::Error>> {
    let last = by_distance(forecasts).len();
    let Some(longest) = forecasts.iter().max_by(|a, b| a.actual.total_cmp(&b.actual)).filter(|_| last > 0) else { return Ok(()) };
    // Arrivals of one vehicle at one place that lie within a minute of each other are the same arrival.
    let arrival = |f: &Forecast| f.at as f64 / 1000.0 + f.actual;
    let same: Vec<&Forecast> = forecasts
        .iter()
        .filter(|f| f.vehicle == longest.vehicle && (f.place - longest.place).abs() < 1.0)
        .filter(|f| (arrival(f) - arrival(longest)).abs() < 60.0)
        .collect();
    let minutes = |seconds: f64| seconds / 60.0;
    let start = same[0].at as f64 / 1000.0;
    let end = minutes(arrival(longest) - start);
    let points = |figure: &dyn Fn(&Forecast) -> f64| -> Vec<(f64, f64)> {
        same.iter().map(|f| (minutes(f.at as f64 / 1000.0 - start), minutes(f.at as f64 / 1000.0 + figure(f) - start))).collect()
    };
    let (low, high) = (points(&|f| f.from), points(&|f| f.to));
    let (bottom, top) = (low.iter().map(|p| p.1).fold(end, f64::min) - 2.0, high.iter().map(|p| p.1).fold(end, f64::max) + 2.0);
    let mut chart = ChartBuilder::on(area)
        .caption(
            format!("Bus {}, {:.1} km: predicted arrival while it drives", longest.vehicle, longest.remaining / 1000.0),
            ("sans-serif", 18),
        )
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..end, bottom..top)?;
    chart
        .configure_mesh()
        .x_desc("minutes since the first prediction")
        .y_desc("predicted arrival, minute")
        .light_line_style(WHITE)
        .draw()?;
    let band: Vec<(f64, f64)> = low.iter().copied().chain(high.iter().rev().copied()).collect();
    chart
        .draw_series([Polygon::new(band, OURS.mix(0.15))])?
        .label("90 % interval")
        .legend(|(x, y)| Rectangle::new([(x, y - 5), (x + 16, y + 5)], OURS.mix(0.15).filled()));
    let curves: [(&str, RGBColor, &dyn Fn(&Forecast) -> f64); 2] =
        [("constant average speed", AVERAGE, &|f| f.average), ("Waybill", OURS, &|f| f.seconds)];
    for (name, colour, figure) in curves {
        chart
            .draw_series(LineSeries::new(points(figure), colour.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
    }
    chart
        .draw_series(LineSeries::new([(0.0, end), (end, end)], BLACK.stroke_width(1)))?
        .label("it arrived")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 16, y)], BLACK));
    legend(&mut chart, SeriesLabelPosition::LowerRight)
}

type Chart<'a, 'b> =
    ChartContext<'a, SVGBackend<'b>, Cartesian2d<plotters::coord::types::RangedCoordf64, plotters::coord::types::RangedCoordf64>>;

fn legend<'b, 'a: 'b>(chart: &mut Chart<'b, 'a>, position: SeriesLabelPosition) -> Result<(), Box<dyn std::error::Error>> {
    chart.configure_series_labels().position(position).background_style(WHITE.mix(0.8)).border_style(BLACK.mix(0.3)).draw()?;
    Ok(())
}
