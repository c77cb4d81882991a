//! The few shapes that the charts are made of.
//!
//! Colours are classes, not values: the style sheet gives them, for light and dark. Texts have no
//! font metrics; where a width matters it is a guess from the number of characters.

use crate::markup::Markup;
use crate::number;

/// One picture that scales with its box.
pub(crate) struct Svg {
    out: Markup,
}

impl Svg {
    /// A picture `width` × `height` units large, with its name and what it shows in words.
    /// `id` is unique in the page.
    pub(crate) fn new(id: &str, width: f64, height: f64, title: &str, description: &str) -> Svg {
        let (width, height) = (at(width), at(height));
        let mut out = Markup::new();
        out.raw(format_args!(
            "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\"><title id=\"{id}-t\">"
        ));
        out.text(title).raw(format_args!("</title><desc id=\"{id}-d\">")).text(description).raw("</desc>");
        Svg { out }
    }

    /// A picture that adds nothing to the words beside it.
    pub(crate) fn decorative(class: &str, width: f64, height: f64) -> Svg {
        Svg::beside(class, &format!("viewBox=\"0 0 {} {}\"", at(width), at(height)))
    }

    /// The same, and it fills its box whatever becomes of its proportions.
    pub(crate) fn stretched(class: &str, width: f64, height: f64) -> Svg {
        let size = format!("viewBox=\"0 0 {} {}\" preserveAspectRatio=\"none\"", at(width), at(height));
        Svg::beside(class, &size)
    }

    fn beside(class: &str, size: &str) -> Svg {
        let mut out = Markup::new();
        out.raw(format_args!("<svg class=\"{class}\" {size} aria-hidden=\"true\">"));
        Svg { out }
    }

    /// The finished picture.
    pub(crate) fn finish(mut self) -> Markup {
        self.out.raw("</svg>");
        self.out
    }

    /// A straight line.
    pub(crate) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.path(class, &format!("M{} {}L{} {}", at(x1), at(y1), at(x2), at(y2)));
    }

    /// A line through points.
    pub(crate) fn polyline(&mut self, class: &str, points: &[(f64, f64)]) {
        let mut data = String::new();
        for (i, (x, y)) in points.iter().enumerate() {
            data.push(if i == 0 { 'M' } else { 'L' });
            data.push_str(&format!("{} {}", at(*x), at(*y)));
        }
        if points.len() > 1 {
            self.path(class, &data);
        }
    }

    /// A path by its data.
    pub(crate) fn path(&mut self, class: &str, data: &str) {
        self.out.raw(format_args!("<path class=\"{class}\" d=\"{data}\"/>"));
    }

    /// A rectangle, with a hint that appears on pointing at it if there is one.
    pub(crate) fn rect(&mut self, class: &str, corner: (f64, f64), size: (f64, f64), hint: &str) {
        let ((x, y), (width, height)) = (corner, (size.0.max(0.0), size.1.max(0.0)));
        let (x, y, width, height) = (at(x), at(y), at(width), at(height));
        self.out.raw(format_args!("<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\""));
        self.hint("rect", hint);
    }

    /// A dot, with a hint that appears on pointing at it if there is one.
    pub(crate) fn circle(&mut self, class: &str, centre: (f64, f64), radius: f64, hint: &str) {
        let (x, y, r) = (at(centre.0), at(centre.1), at(radius));
        self.out.raw(format_args!("<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"{r}\""));
        self.hint("circle", hint);
    }

    /// A text that starts at a point, is centred on it, or ends there.
    pub(crate) fn text(&mut self, class: &str, point: (f64, f64), anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let (x, y) = (at(point.0), at(point.1));
        self.out.raw(format_args!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\"{anchor}>")).text(text).raw("</text>");
    }

    fn hint(&mut self, tag: &str, hint: &str) {
        if hint.is_empty() {
            self.out.raw("/>");
        } else {
            self.out.raw("><title>").text(hint).raw(format_args!("</title></{tag}>"));
        }
    }
}

/// A line of marks, 20 units high and as wide as its box: places are shares of the width, so that
/// marks keep their size where the box is narrow.
pub(crate) struct Strip {
    svg: Svg,
    scale: Scale,
}

impl Strip {
    /// A strip of the values between two bounds, with its base line.
    pub(crate) fn new(class: &str, range: (f64, f64)) -> Strip {
        let svg = Svg::beside(&format!("strip {class}"), "width=\"100%\" height=\"20\"");
        let mut strip = Strip { svg, scale: Scale::new(range, (5.0, 95.0)) };
        strip.svg.out.raw("<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"10\" y2=\"10\"/>");
        strip
    }

    /// A range along the base line.
    pub(crate) fn range(&mut self, class: &str, (low, high): (f64, f64)) {
        let (from, to) = (at(self.scale.place(low)), at(self.scale.place(high)));
        self.svg.out.raw(format_args!("<line class=\"{class}\" x1=\"{from}%\" x2=\"{to}%\" y1=\"10\" y2=\"10\"/>"));
    }

    /// A line across.
    pub(crate) fn across(&mut self, class: &str, value: f64) {
        let x = at(self.scale.place(value));
        self.svg.out.raw(format_args!("<line class=\"{class}\" x1=\"{x}%\" x2=\"{x}%\" y1=\"2\" y2=\"18\"/>"));
    }

    /// A dot, with a hint if there is one.
    pub(crate) fn dot(&mut self, class: &str, value: f64, hint: &str) {
        let x = at(self.scale.place(value));
        self.svg.out.raw(format_args!("<circle class=\"{class}\" cx=\"{x}%\" cy=\"10\" r=\"4\""));
        self.svg.hint("circle", hint);
    }

    /// The finished strip.
    pub(crate) fn finish(self) -> Markup {
        self.svg.finish()
    }
}

/// Where a text's point lies in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// A coordinate, to a tenth of a unit.
pub(crate) fn at(x: f64) -> String {
    debug_assert!(x.is_finite(), "a coordinate is a number");
    let tenths = if x.is_finite() { (x * 10.0).round() as i64 } else { 0 };
    let sign = if tenths < 0 { "-" } else { "" };
    match (tenths.abs() / 10, tenths.abs() % 10) {
        (whole, 0) => format!("{sign}{whole}"),
        (whole, tenth) => format!("{sign}{whole}.{tenth}"),
    }
}

/// Whether a number can be placed on an axis: it is finite, and so are sums of it.
pub(crate) fn drawable(x: f64) -> bool {
    x.is_finite() && x.abs() < 1e300
}

/// The smallest and the largest of those numbers that can be drawn.
pub(crate) fn bounds(numbers: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    numbers.into_iter().filter(|x| drawable(*x)).fold(None, |bounds, x| match bounds {
        None => Some((x, x)),
        Some((low, high)) => Some((low.min(x), high.max(x))),
    })
}

/// Below this, quotients of two numbers may be infinite: it counts as 0.
const TINY: f64 = 1e-280;

/// From an axis' values to a picture's coordinates.
#[derive(Clone, Debug)]
pub(crate) struct Scale {
    values: (f64, f64),
    places: (f64, f64),
}

impl Scale {
    /// A scale of `values`, low to high, onto `places`. A range without width is widened.
    pub(crate) fn new(values: (f64, f64), places: (f64, f64)) -> Scale {
        let (mut low, mut high) = values;
        let around = if low.abs() < TINY { 1.0 } else { low.abs() * 0.1 };
        // A width below the numbers' own precision cannot be told apart from none.
        if high - low <= low.abs().max(high.abs()) * 1e-12 || high - low < TINY {
            (low, high) = (low - around, high + around);
        }
        Scale { values: (low, high), places }
    }

    /// The same, with the bounds moved out to the next ticks.
    pub(crate) fn rounded(values: (f64, f64), places: (f64, f64), about: usize) -> Scale {
        let scale = Scale::new(values, places);
        let step = Step::new(scale.values, about);
        let (low, high) = ((scale.values.0 / step.size()).floor(), (scale.values.1 / step.size()).ceil());
        Scale { values: (step.times(low as i64), step.times(high as i64)), places }
    }

    /// The values that it spans.
    pub(crate) fn range(&self) -> (f64, f64) {
        self.values
    }

    /// Where a value lies; outside its range, at the nearer end.
    pub(crate) fn place(&self, value: f64) -> f64 {
        let (low, high) = self.values;
        let share = ((value - low) / (high - low)).clamp(0.0, 1.0);
        self.places.0 + share * (self.places.1 - self.places.0)
    }

    /// About so many round values with their labels.
    pub(crate) fn ticks(&self, about: usize) -> Vec<(f64, String)> {
        let (low, high) = self.values;
        let step = Step::new(self.values, about);
        // A bound that is a multiple of the step but for its last bits is one.
        let slack = 1e-9;
        let first = (low / step.size() - slack).ceil() as i64;
        let last = (high / step.size() + slack).floor() as i64;
        let multiples: Vec<i64> = (first..=last).take(4 * about + 4).collect();
        let labels = number::ticks(&multiples, step.units, step.exponent);
        multiples.iter().map(|n| step.times(*n)).zip(labels).collect()
    }
}

/// The distance of ticks: 1, 2 or 5 times a power of ten.
struct Step {
    units: i64,
    exponent: i32,
}

impl Step {
    fn new((low, high): (f64, f64), about: usize) -> Step {
        let rough = (high - low) / about.max(1) as f64;
        let exponent = number::magnitude(rough);
        let leading = rough / power_of_ten(exponent);
        match leading {
            ..1.5 => Step { units: 1, exponent },
            ..3.5 => Step { units: 2, exponent },
            ..7.5 => Step { units: 5, exponent },
            _ => Step { units: 1, exponent: exponent + 1 },
        }
    }

    fn size(&self) -> f64 {
        self.times(1)
    }

    fn times(&self, n: i64) -> f64 {
        format!("{}e{}", n.saturating_mul(self.units), self.exponent).parse().unwrap_or(0.0)
    }
}

fn power_of_ten(exponent: i32) -> f64 {
    format!("1e{exponent}").parse().unwrap_or(1.0)
}

/// Points without those that nobody could tell from the one before; the last one stays.
pub(crate) fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut out: Vec<(f64, f64)> = Vec::new();
    for (i, point) in points.iter().enumerate() {
        let far = out.last().is_none_or(|last| (point.0 - last.0).abs() + (point.1 - last.1).abs() >= 0.8);
        if far || i + 1 == points.len() {
            out.push(*point);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_the_range() {
        let check = |range: (f64, f64), labels: &[&str]| {
            let ticks = Scale::new(range, (0.0, 100.0)).ticks(4);
            assert_eq!(ticks.iter().map(|(_, label)| &**label).collect::<Vec<_>>(), labels);
        };
        check((0.0, 1.0), &["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        check((0.0, 755_000.0), &["0", "200k", "400k", "600k"]);
        check((-3.0, 4.0), &["−2", "0", "2", "4"]);
        check((0.8712, 0.8713), &["0.87120", "0.87122", "0.87124", "0.87126", "0.87128", "0.87130"]);
        check((7.0, 7.0), &["6.5", "7.0", "7.5"]);
        check((0.0, 0.0), &["−1.0", "−0.5", "0", "0.5", "1.0"]);
    }

    #[test]
    fn extreme_ranges_stay_finite() {
        let numbers = [-9e299, -1.0, -5e-324, 0.0, 5e-324, 1e-200, 1.0, 1.0 + f64::EPSILON, 1e15, 9e299];
        for low in numbers {
            for high in numbers.into_iter().filter(|high| *high >= low) {
                for scale in [Scale::new((low, high), (0.0, 100.0)), Scale::rounded((low, high), (0.0, 100.0), 5)] {
                    for x in [low, high].into_iter().chain(scale.ticks(5).into_iter().map(|(x, _)| x)) {
                        let place = scale.place(x);
                        assert!((0.0..=100.0).contains(&place), "{low} {high} {x} {place}");
                    }
                    assert!(scale.ticks(5).len() <= 24, "{low} {high}");
                }
            }
        }
    }

    #[test]
    fn coordinates_are_short() {
        let check = |x: f64, text: &str| assert_eq!(at(x), text);
        check(0.0, "0");
        check(-0.04, "0");
        check(-0.06, "-0.1");
        check(12.34, "12.3");
        check(12.96, "13");
    }
}
