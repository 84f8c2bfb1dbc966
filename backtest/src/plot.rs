//! Cost over service as a picture: one line per method, one point per level of caution.

use plotters::prelude::*;

use crate::method::Method;
use crate::run::Report;

const SIZE: (u32, u32) = (900, 560);
/// Distinct also without colour vision (Okabe, Ito 2008).
const COLOURS: [RGBColor; Method::ALL.len()] =
    [RGBColor(0, 114, 178), RGBColor(230, 159, 0), RGBColor(0, 158, 115), RGBColor(204, 121, 167)];
/// Service below this is of no interest, share.
const LEAST_SERVICE: f64 = 0.75;

/// An SVG document.
pub fn svg(report: &Report) -> Result<String, String> {
    let mut document = String::new();
    draw(report, &mut document).map_err(|e| e.to_string())?;
    Ok(document)
}

fn draw(report: &Report, document: &mut String) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::with_string(document, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let yearly = report.yearly();
    let point = |p: &crate::Point| (p.outcome.service() * 100.0, p.outcome.cost() * yearly);
    let shown = |p: &&crate::Point| p.outcome.service() >= LEAST_SERVICE;
    let most = report.results.iter().flat_map(|r| r.points.iter().filter(shown)).map(|p| point(p).1).fold(1.0, f64::max);
    let title = format!("{} SKUs, {} days: cost of stock at equal service", report.judged, report.days);
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 20))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(88)
        .build_cartesian_2d(LEAST_SERVICE * 100.0..100.0, 0.0..most * 1.05)?;
    chart
        .configure_mesh()
        .x_desc("days with demand that were served in full, %")
        .y_desc("holding and ordering a year, currency units")
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .light_line_style(WHITE)
        .draw()?;
    for (result, colour) in report.results.iter().zip(COLOURS) {
        let line: Vec<(f64, f64)> = result.points.iter().filter(shown).map(point).collect();
        chart
            .draw_series(LineSeries::new(line.iter().copied(), colour.stroke_width(2)))?
            .label(result.method.word())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(2)));
        chart.draw_series(line.into_iter().map(|at| Circle::new(at, 3, colour.filled())))?;
    }
    chart.configure_series_labels().position(SeriesLabelPosition::UpperLeft).background_style(WHITE).border_style(BLACK).draw()?;
    root.present()?;
    Ok(())
}
