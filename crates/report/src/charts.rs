//! The charts: each from plain numbers to one SVG, for a width of 360 units.

use crate::markup::{Markup, shortened};
use crate::metric::{self, finite};
use crate::number::{cell, count, human, percent, plural};
use crate::svg::{Anchor, Scale, Strip, Svg, at, bounds, drawable, thinned};
use crate::{Bin, CalibrationBin, Cloud, CurvePoint, FoldLine, MetricLine};

const WIDTH: f64 = 360.0;
/// What the labels below and above the plotting area take.
const BELOW: f64 = 36.0;
const ABOVE: f64 = 24.0;
/// The guessed width of a character of an axis' label.
const CHARACTER: f64 = 6.3;

/// Two axes with their grid; y to the left, x below.
struct Frame {
    x: Scale,
    y: Scale,
    right: f64,
    top: f64,
    bottom: f64,
}

/// What an axis spans, what it is called, and about how many ticks it has.
struct Axis<'a> {
    range: (f64, f64),
    title: &'a str,
    about: usize,
}

impl Frame {
    fn draw(svg: &mut Svg, height: f64, x: &Axis, y: &Axis) -> Frame {
        let (top, bottom, right) = (ABOVE, height - BELOW, WIDTH - 16.0);
        let vertical = Scale::rounded(y.range, (bottom, top), y.about);
        let ticks = vertical.ticks(y.about);
        let longest = ticks.iter().map(|(_, label)| label.chars().count()).max().unwrap_or(0);
        let left = longest as f64 * CHARACTER + 8.0;
        for (value, label) in &ticks {
            let place = vertical.place(*value);
            svg.line("grid", (left, place), (right, place));
            svg.text("tick", (left - 6.0, place + 3.5), Anchor::End, label);
        }
        let horizontal = Scale::new(x.range, (left, right));
        for (value, label) in horizontal.ticks(x.about) {
            let place = horizontal.place(value);
            svg.line("axis", (place, bottom), (place, bottom + 4.0));
            svg.text("tick", (place, bottom + 16.0), Anchor::Middle, &label);
        }
        svg.line("axis", (left, bottom), (right, bottom));
        svg.text("name", (0.0, 11.0), Anchor::Start, &format!("↑ {}", shortened(y.title, 50)));
        svg.text("name", (WIDTH, height - 3.0), Anchor::End, &format!("{} →", shortened(x.title, 50)));
        Frame { x: horizontal, y: vertical, right, top, bottom }
    }

    fn point(&self, x: f64, y: f64) -> (f64, f64) {
        (self.x.place(x), self.y.place(y))
    }

    fn curve(&self, svg: &mut Svg, class: &str, points: impl Iterator<Item = (f64, f64)>) {
        let drawable = points.filter(|(x, y)| drawable(*x) && drawable(*y));
        let places: Vec<_> = drawable.map(|(x, y)| self.point(x, y)).collect();
        svg.polyline(class, &thinned(&places));
    }
}

/// How values are distributed, with marked values.
pub(crate) fn histogram(id: &str, title: &str, x_title: &str, bins: &[Bin], marks: &[(&str, f64)]) -> Option<Markup> {
    let bins = usable(bins)?;
    let range = (bins[0].low, bins[bins.len() - 1].high);
    let rows: u64 = bins.iter().map(|bin| bin.count).sum();
    let fullest = bins.iter().max_by_key(|bin| bin.count)?;
    let described = format!(
        "{} between {} and {}; the fullest bin holds {} between {} and {}.",
        plural(rows, "row", "rows"),
        human(range.0),
        human(range.1),
        count(fullest.count),
        human(fullest.low),
        human(fullest.high),
    );
    let even = evenly_wide(&bins);
    let height_of = |bin: &Bin| if even { bin.count as f64 } else { density(bin, &bins) };
    let highest = bins.iter().map(height_of).fold(0.0, f64::max);
    let mut svg = Svg::new(id, WIDTH, 230.0, title, &described);
    let y_title = if even { "rows" } else { "rows, for the width of a bin" };
    let x = Axis { range, title: x_title, about: 5 };
    let frame = Frame::draw(&mut svg, 230.0, &x, &Axis { range: (0.0, highest), title: y_title, about: 4 });
    for bin in &bins {
        let (left, top) = frame.point(bin.low, height_of(bin));
        let width = (frame.x.place(bin.high) - left).max(1.0);
        let hint = format!("{} to {}: {}", human(bin.low), human(bin.high), plural(bin.count, "row", "rows"));
        let gap = if width > 4.0 { 1.0 } else { 0.0 };
        svg.rect("bar", (left, top), (width - gap, frame.bottom - top), &hint);
    }
    for (label, value) in marks.iter().filter(|(_, value)| *value >= range.0 && *value <= range.1) {
        mark(&mut svg, &frame, *value, label);
    }
    Some(svg.finish())
}

/// A vertical line through the plot with its label at the top.
fn mark(svg: &mut Svg, frame: &Frame, value: f64, label: &str) {
    let place = frame.x.place(value);
    svg.line("mark", (place, frame.top), (place, frame.bottom));
    let wide = label.chars().count() as f64 * CHARACTER;
    let (point, anchor) = match place + 5.0 + wide > frame.right {
        true => (place - 5.0, Anchor::End),
        false => (place + 5.0, Anchor::Start),
    };
    svg.text("label", (point, frame.top + 9.0), anchor, label);
}

/// The silhouette of a distribution, for a card.
pub(crate) fn silhouette(id: &str, title: &str, described: &str, bins: &[Bin]) -> Option<Markup> {
    let bins = usable(bins)?;
    let mut svg = Svg::new(id, 120.0, 40.0, title, described);
    svg.path("bar", &outline(&bins)?);
    svg.line("axis", (0.0, 39.5), (120.0, 39.5));
    Some(svg.finish())
}

/// The same beside words that say it all.
pub(crate) fn silhouette_beside(bins: &[Bin]) -> Option<Markup> {
    let bins = usable(bins)?;
    let mut svg = Svg::decorative("mini", 120.0, 40.0);
    svg.path("bar", &outline(&bins)?);
    svg.line("axis", (0.0, 39.5), (120.0, 39.5));
    Some(svg.finish())
}

fn outline(bins: &[Bin]) -> Option<String> {
    let range = (bins.first()?.low, bins.last()?.high);
    if range.0 == range.1 {
        return Some("M54 39V1H66V39Z".to_owned());
    }
    let highest = bins.iter().map(|bin| density(bin, bins)).fold(0.0, f64::max);
    let (x, y) = (Scale::new(range, (0.0, 120.0)), Scale::new((0.0, highest), (39.0, 1.0)));
    let mut right = x.place(range.0);
    let mut data = format!("M{} 39", at(right));
    for bin in bins {
        right = x.place(bin.high).max(right + 1.0).min(120.0);
        data.push_str(&format!("V{}H{}", at(y.place(density(bin, bins))), at(right)));
    }
    data.push_str("V39Z");
    Some(data)
}

/// The bins that can be drawn, if any holds a row.
fn usable(bins: &[Bin]) -> Option<Vec<Bin>> {
    let good = |bin: &&Bin| drawable(bin.low) && drawable(bin.high) && bin.low <= bin.high;
    let mut bins: Vec<Bin> = bins.iter().filter(good).copied().collect();
    bins.sort_by(|a, b| a.low.total_cmp(&b.low).then(a.high.total_cmp(&b.high)));
    bins.iter().any(|bin| bin.count > 0).then_some(bins)
}

/// How high a bin is drawn: its rows for an equal width of each, so that areas compare.
/// A bin that is a single value counts as half as wide as the mean, or it would dwarf all others.
fn density(bin: &Bin, bins: &[Bin]) -> f64 {
    let mean = (bins[bins.len() - 1].high - bins[0].low) / bins.len() as f64;
    if mean > 0.0 { bin.count as f64 * mean / (bin.high - bin.low).max(mean / 2.0) } else { bin.count as f64 }
}

fn evenly_wide(bins: &[Bin]) -> bool {
    let Some((least, most)) = bounds(bins.iter().map(|bin| bin.high - bin.low)) else { return true };
    most - least <= most * 1e-6
}

/// The headline's metric: the model, its folds and the baseline on one axis.
pub(crate) fn comparison(line: &MetricLine, folds: Option<&FoldLine>, x_title: &str) -> Option<Markup> {
    let value = line.value.filter(|x| drawable(*x))?;
    let interval = metric::interval(line).filter(|(low, high)| drawable(*low) && drawable(*high));
    let baseline = line.baseline.filter(|x| drawable(*x));
    let fold_values: Vec<f64> =
        folds.iter().flat_map(|fold| &fold.values).filter_map(|x| *x).filter(|x| drawable(*x)).collect();
    if baseline.is_none() && interval.is_none() && fold_values.is_empty() {
        return None;
    }
    let ends = interval.map_or([value, value], |(low, high)| [low, high]);
    let range = bounds(ends.into_iter().chain(baseline).chain(fold_values.iter().copied()).chain([value]))?;
    let rows = 1 + usize::from(!fold_values.is_empty()) + usize::from(baseline.is_some());
    let bottom = rows as f64 * 28.0 + 4.0;
    let print = |x: f64| metric::print(&line.name, x);
    let mut described = format!("The model: {}", print(value));
    if let Some((low, high)) = interval {
        described.push_str(&format!(", interval from {} to {}", print(low), print(high)));
    }
    if let Some(baseline) = baseline {
        described.push_str(&format!("; the baseline: {}", print(baseline)));
    }
    described.push('.');
    let mut svg = Svg::new("headline", WIDTH, bottom + BELOW, "The model against the baseline", &described);
    let (factor, suffix) = if metric::is_share(&line.name) { (100.0, "%") } else { (1.0, "") };
    let scale = Scale::rounded((range.0 * factor, range.1 * factor), (64.0, WIDTH - 18.0), 4);
    let place = |x: f64| scale.place(x * factor);
    for (tick, label) in scale.ticks(4) {
        svg.line("grid", (scale.place(tick), 4.0), (scale.place(tick), bottom));
        svg.text("tick", (scale.place(tick), bottom + 14.0), Anchor::Middle, &format!("{label}{suffix}"));
    }
    svg.text("name", (WIDTH, bottom + BELOW - 3.0), Anchor::End, &format!("{} →", shortened(x_title, 54)));
    let mut middle = 18.0;
    svg.text("label", (0.0, middle + 4.0), Anchor::Start, "model");
    if let Some((low, high)) = interval {
        svg.line("interval", (place(low), middle), (place(high), middle));
    }
    svg.circle("dot", (place(value), middle), 5.5, "");
    if !fold_values.is_empty() {
        middle += 28.0;
        svg.text("tick", (0.0, middle + 4.0), Anchor::Start, "folds");
        for value in &fold_values {
            svg.circle("fold", (place(*value), middle), 4.0, &print(*value));
        }
    }
    if let Some(baseline) = baseline {
        middle += 28.0;
        svg.text("tick", (0.0, middle + 4.0), Anchor::Start, "baseline");
        svg.line("reference", (place(baseline), 4.0), (place(baseline), bottom));
        svg.circle("hollow", (place(baseline), middle), 5.0, "");
    }
    Some(svg.finish())
}

/// A metric's value with interval and baseline, small, beside its numbers.
pub(crate) fn strip(line: &MetricLine, class: &str) -> Option<Markup> {
    let value = line.value.filter(|x| drawable(*x))?;
    let interval = metric::interval(line).filter(|(low, high)| drawable(*low) && drawable(*high));
    let baseline = line.baseline.filter(|x| drawable(*x));
    let ends = interval.map_or([value, value], |(low, high)| [low, high]);
    let range = bounds(ends.into_iter().chain(baseline))?;
    if range.0 == range.1 {
        return None;
    }
    let mut strip = Strip::new(class, range);
    if let Some(interval) = interval {
        strip.range("interval", interval);
    }
    if let Some(baseline) = baseline {
        strip.across("baseline", baseline);
    }
    strip.dot("dot", value, "");
    Some(strip.finish())
}

/// The values of a metric over the folds, small, beside their mean.
pub(crate) fn fold_strip(line: &FoldLine) -> Option<Markup> {
    let values: Vec<f64> = line.values.iter().filter_map(|x| *x).filter(|x| drawable(*x)).collect();
    let range = bounds(values.iter().copied()).filter(|(low, high)| low < high)?;
    let mut strip = Strip::new("", range);
    for value in values {
        strip.dot("fold", value, &metric::print(&line.name, value));
    }
    if let Some(mean) = finite(line.mean) {
        strip.across("mark", mean);
    }
    Some(strip.finish())
}

/// The loss by round, with the round that was kept.
pub(crate) fn learning(curve: &[CurvePoint], loss: &str, best: Option<u64>) -> Option<Markup> {
    let curve: Vec<&CurvePoint> = curve.iter().filter(|point| drawable(point.training)).collect();
    let (first, last) = (curve.first()?, curve.last()?);
    if curve.len() < 2 {
        return None;
    }
    let watched = || curve.iter().filter_map(|point| Some((point.round as f64, point.watched?)));
    let range = bounds(curve.iter().map(|point| point.training).chain(watched().map(|(_, loss)| loss)))?;
    let mut described = format!(
        "Over rounds {} to {} the training loss goes from {} to {}",
        count(first.round),
        count(last.round),
        human(first.training),
        human(last.training)
    );
    if let Some(best) = best {
        described.push_str(&format!("; round {} was kept", count(best)));
    }
    described.push('.');
    let mut svg = Svg::new("learning", WIDTH, 250.0, "Learning curve", &described);
    let x = Axis { range: (first.round as f64, last.round as f64), title: "round", about: 5 };
    let frame = Frame::draw(&mut svg, 250.0, &x, &Axis { range, title: loss, about: 5 });
    if let Some(best) = best.filter(|best| (first.round..=last.round).contains(best)) {
        mark(&mut svg, &frame, best as f64, &format!("round {} kept", count(best)));
    }
    frame.curve(&mut svg, "line quiet", curve.iter().map(|point| (point.round as f64, point.training)));
    frame.curve(&mut svg, "line", watched());
    Some(svg.finish())
}

/// A square plot of shares against shares.
fn shares(id: &str, title: &str, described: &str, x: &str, y: &str) -> (Svg, Frame) {
    let mut svg = Svg::new(id, WIDTH, 340.0, title, described);
    let axis = |title| Axis { range: (0.0, 1.0), title, about: 5 };
    let frame = Frame::draw(&mut svg, 340.0, &axis(x), &axis(y));
    (svg, frame)
}

/// True against false positives.
pub(crate) fn roc(id: &str, points: &[(f64, f64)], area: Option<f64>) -> Option<Markup> {
    (points.len() > 1).then_some(())?;
    let described = area.map_or_else(
        || "The share of positives found, against the share of negatives called positive.".to_owned(),
        |area| format!("The area under the curve is {}; chance would be 0.5.", human(area)),
    );
    let (x, y) = ("share of negatives called positive", "share of positives found");
    let (mut svg, frame) = shares(id, "ROC curve", &described, x, y);
    svg.line("reference", frame.point(0.0, 0.0), frame.point(1.0, 1.0));
    let curve = points.iter().copied();
    let closed = [(0.0, 0.0)].into_iter().chain(curve.clone()).chain([(1.0, 0.0)]);
    frame.curve(&mut svg, "area", closed);
    frame.curve(&mut svg, "line", curve);
    if let Some(area) = area {
        let (x, y) = frame.point(0.62, 0.3);
        svg.text("big", (x, y), Anchor::Middle, &human(area));
        svg.text("tick", (x, y + 16.0), Anchor::Middle, "area under the curve");
    }
    Some(svg.finish())
}

/// Precision against recall.
pub(crate) fn precision_recall(points: &[(f64, f64)], average: Option<f64>) -> Option<Markup> {
    (points.len() > 1).then_some(())?;
    let described = average.map_or_else(
        || "How precise the positive calls are, against the share of positives found.".to_owned(),
        |average| format!("The average precision is {}.", human(average)),
    );
    let (x, y) = ("share of positives found (recall)", "share of positive calls that are right (precision)");
    let (mut svg, frame) = shares("precision-recall", "Precision and recall", &described, x, y);
    // At a recall of 1 everything may be called positive: the precision is the positives' share.
    if let Some((_, rate)) = points.iter().find(|(recall, rate)| *recall >= 1.0 && drawable(*rate)) {
        svg.line("reference", frame.point(0.0, *rate), frame.point(1.0, *rate));
        let (x, y) = frame.point(0.0, *rate);
        svg.text(
            "tick",
            (x + 4.0, y - 5.0),
            Anchor::Start,
            &format!("calling everything positive: {}", percent(*rate)),
        );
    }
    frame.curve(&mut svg, "line", points.iter().copied());
    Some(svg.finish())
}

/// Stated probabilities against what happened.
pub(crate) fn calibration(bins: &[CalibrationBin], miss: Option<f64>) -> Option<Markup> {
    let good = |bin: &&CalibrationBin| [bin.predicted, bin.observed, bin.weight].into_iter().all(drawable);
    let bins: Vec<&CalibrationBin> = bins.iter().filter(good).collect();
    let heaviest = bins.iter().map(|bin| bin.weight).fold(0.0, f64::max);
    (heaviest > 0.0).then_some(())?;
    let described = miss.map_or_else(String::new, |miss| {
        format!("On average the stated probability is {} points away from what happened.", crate::view::points(miss))
    });
    let (x, y) = ("stated probability", "how often it happened");
    let (mut svg, frame) = shares("calibration", "Calibration", &described, x, y);
    svg.line("reference", frame.point(0.0, 0.0), frame.point(1.0, 1.0));
    frame.curve(&mut svg, "line thin", bins.iter().map(|bin| (bin.predicted, bin.observed)));
    for bin in bins {
        let hint = format!(
            "stated {}, happened {}, weight {}",
            percent(bin.predicted),
            percent(bin.observed),
            human(bin.weight)
        );
        let radius = 2.5 + 6.5 * (bin.weight / heaviest).max(0.0).sqrt();
        svg.circle("dot", frame.point(bin.predicted, bin.observed), radius, &hint);
    }
    Some(svg.finish())
}

/// Predicted against actual values of a regression.
pub(crate) fn cloud(cloud: &Cloud, unit: Option<&str>) -> Option<Markup> {
    let in_unit = |what: &str| unit.map_or_else(|| what.to_owned(), |unit| format!("{what}, {unit}"));
    let draw = |range: (f64, f64), described: &str| {
        let range = Scale::rounded(range, (0.0, 1.0), 5).range();
        let mut svg = Svg::new("cloud", WIDTH, 340.0, "Predicted and actual values", described);
        let (x, y) = (in_unit("predicted"), in_unit("actual"));
        let x = Axis { range, title: &x, about: 5 };
        let frame = Frame::draw(&mut svg, 340.0, &x, &Axis { range, title: &y, about: 5 });
        (svg, frame)
    };
    match cloud {
        Cloud::Points(points) => {
            let good: Vec<_> = points.iter().filter(|(x, y)| drawable(*x) && drawable(*y)).copied().collect();
            let range = bounds(good.iter().flat_map(|(x, y)| [*x, *y]))?;
            let shown = plural(good.len() as u64, "held-out row", "held-out rows");
            let (mut svg, frame) = draw(range, &format!("{shown}, from {} to {}.", human(range.0), human(range.1)));
            let mut data = String::new();
            for (x, y) in good {
                let (x, y) = frame.point(x, y);
                data.push_str(&format!("M{} {}h0", at(x), at(y)));
            }
            svg.path("points", &data);
            diagonal(&mut svg, &frame);
            Some(svg.finish())
        }
        Cloud::Grid { predicted, actual, counts } => {
            let ends = [predicted.0, predicted.1, actual.0, actual.1];
            let range = bounds(ends).filter(|_| ends.into_iter().all(drawable))?;
            let most = counts.iter().flatten().copied().max().filter(|most| *most > 0)?;
            let rows: u64 = counts.iter().flatten().sum();
            let described = format!(
                "{} as a density, from {} to {}.",
                plural(rows, "held-out row", "held-out rows"),
                human(range.0),
                human(range.1)
            );
            let (mut svg, frame) = draw(range, &described);
            for (level, data) in shades(&frame, *predicted, *actual, counts, most).into_iter().enumerate() {
                if !data.is_empty() {
                    svg.path(&format!("shade s{level}"), &data);
                }
            }
            diagonal(&mut svg, &frame);
            Some(svg.finish())
        }
    }
}

fn diagonal(svg: &mut Svg, frame: &Frame) {
    let (low, high) = frame.x.range();
    svg.line("reference", frame.point(low, low), frame.point(high, high));
}

/// How many shades of density there are.
const SHADES: usize = 6;

/// The cells of a density grid as one path for each shade; shades follow the count's root.
fn shades(
    frame: &Frame,
    predicted: (f64, f64),
    actual: (f64, f64),
    counts: &[Vec<u64>],
    most: u64,
) -> [String; SHADES] {
    let mut out = [const { String::new() }; SHADES];
    let edge = |(low, high): (f64, f64), i: usize, n: usize| low + (high - low) * (i as f64 / n as f64);
    for (i, column) in counts.iter().enumerate() {
        let left = frame.x.place(edge(predicted, i, counts.len()));
        let right = frame.x.place(edge(predicted, i + 1, counts.len()));
        for (j, n) in column.iter().enumerate().filter(|(_, n)| **n > 0) {
            let bottom = frame.y.place(edge(actual, j, column.len()));
            let top = frame.y.place(edge(actual, j + 1, column.len()));
            let share = (*n as f64 / most as f64).sqrt();
            let level = ((share * SHADES as f64).ceil() as usize).clamp(1, SHADES) - 1;
            out[level].push_str(&format!("M{} {}H{}V{}H{}Z", at(left), at(bottom), at(right), at(top), at(left)));
        }
    }
    out
}

/// A reach of the stream of columns: so wide above, so wide below, out of `most`; nothing if that is 0.
pub(crate) fn reach(above: u64, below: u64, most: u64) -> Markup {
    if most == 0 {
        return Markup::new();
    }
    let half = |n: u64| match n {
        0 => 0.0,
        n => (46.0 * n as f64 / most as f64).max(2.0),
    };
    let (a, b) = (half(above), half(below));
    let mut svg = Svg::stretched("reach", 100.0, 100.0);
    let data = format!(
        "M{} 0C{} 50 {} 50 {} 100H{}C{} 50 {} 50 {} 0Z",
        at(50.0 - a),
        at(50.0 - a),
        at(50.0 - b),
        at(50.0 - b),
        at(50.0 + b),
        at(50.0 + b),
        at(50.0 + a),
        at(50.0 + a)
    );
    svg.path("stream", &data);
    svg.finish()
}

/// A value of a column as the axis' neighbour prints it.
pub(crate) fn spread(kind: &str, low: f64, middle: Option<f64>, high: f64) -> String {
    match middle {
        Some(middle) => {
            format!("From {} over a median of {} to {}.", cell(kind, low), cell(kind, middle), cell(kind, high))
        }
        None => format!("From {} to {}.", cell(kind, low), cell(kind, high)),
    }
}
