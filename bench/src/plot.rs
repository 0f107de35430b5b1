//! Rates and latencies against concurrency, as a picture.

use std::path::Path;

use plotters::prelude::*;

use crate::{Outcome, measure::Run};

const COLOURS: [RGBColor; 4] =
    [RGBColor(20, 80, 180), RGBColor(230, 130, 20), RGBColor(0, 150, 110), RGBColor(200, 40, 60)];

/// What one of them did with so many callers at once.
pub struct Point {
    pub callers: usize,
    pub per_second: f64,
    pub p50: f64,
    pub p99: f64,
}

/// What one of them did.
pub struct Curve {
    pub name: &'static str,
    pub points: Vec<Point>,
}

impl Curve {
    pub fn new(name: &'static str) -> Self {
        Self { name, points: Vec::new() }
    }

    pub fn add(&mut self, callers: usize, mut run: Run) {
        let (per_second, p50, p99) = (run.per_second(), run.within(50.0), run.within(99.0));
        self.points.push(Point { callers, per_second, p50, p99 });
    }

    pub fn at(&self, callers: usize) -> Outcome<f64> {
        let point = self.points.iter().find(|point| point.callers == callers);
        Ok(point.ok_or("so many callers were not measured")?.per_second)
    }
}

/// Writes the picture as SVG.
pub fn write(path: &Path, curves: &[Curve]) -> Outcome<()> {
    let area = SVGBackend::new(path, (960, 420)).into_drawing_area();
    area.fill(&WHITE)?;
    let (left, right) = area.split_horizontally(480);
    panel(&left, "decisions a second", curves, |point| point.per_second)?;
    panel(&right, "p99 in ms", curves, |point| point.p99)?;
    Ok(area.present()?)
}

fn panel(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    title: &str,
    curves: &[Curve],
    value: fn(&Point) -> f64,
) -> Outcome<()> {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let most = points().map(value).fold(1.0, f64::max) * 1.5;
    let least = points().map(value).fold(most, f64::min) / 1.5;
    let callers = points().map(|point| point.callers as f64).fold(1.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 16))
        .margin(10)
        .x_label_area_size(36)
        .y_label_area_size(56)
        .build_cartesian_2d((1.0..callers).log_scale(), (least..most).log_scale())?;
    let short = |value: &f64| if *value < 1.0 { format!("{value:.1}") } else { format!("{value:.0}") };
    chart
        .configure_mesh()
        .x_desc("callers at once")
        .x_label_formatter(&short)
        .y_label_formatter(&short)
        .light_line_style(WHITE.mix(0.0))
        .draw()?;
    for (curve, colour) in curves.iter().zip(COLOURS) {
        let line = curve.points.iter().map(|point| (point.callers as f64, value(point)));
        let line = LineSeries::new(line, colour.stroke_width(2)).point_size(3);
        chart
            .draw_series(line)?
            .label(curve.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.85))
        .draw()?;
    Ok(())
}
