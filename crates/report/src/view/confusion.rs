//! Which classes are taken for which.

use crate::Page;
use crate::markup::Markup;
use crate::number::{count, percent, plural, share};

/// How many classes the confusion matrix tells apart.
const CLASSES: usize = 24;

/// Actual against predicted classes.
pub(super) struct Confusion {
    pub(super) caption: Markup,
    pub(super) classes: Vec<String>,
    pub(super) rows: Vec<ConfusionRow>,
    pub(super) precisions: Vec<String>,
}

impl Confusion {
    /// Whether it fits beside a chart.
    pub(super) fn is_small(&self) -> bool {
        self.classes.len() <= 4
    }
}

/// One actual class.
pub(super) struct ConfusionRow {
    pub(super) class: String,
    pub(super) cells: Vec<ConfusionCell>,
    pub(super) recall: String,
}

/// How often one class was taken for another; `heat` is its share of the actual class.
pub(super) struct ConfusionCell {
    pub(super) count: String,
    pub(super) heat: String,
    pub(super) right: bool,
}

pub(super) fn confusion(page: &Page) -> Option<Confusion> {
    let n = page.confusion.len();
    if n == 0 || page.confusion.iter().any(|row| row.len() != n) || page.classes.len() != n {
        return None;
    }
    let (groups, classes) = grouped_classes(page);
    let width = classes.len();
    let mut counts = vec![vec![0u64; width]; width];
    for (actual, row) in page.confusion.iter().enumerate() {
        for (predicted, n) in row.iter().enumerate() {
            counts[groups[actual]][groups[predicted]] += n;
        }
    }
    // What the matrix folds together is right only where the original classes agree.
    let right: u64 = (0..n).map(|i| page.confusion[i][i]).sum();
    let all: u64 = counts.iter().flatten().sum();
    if all == 0 {
        return None;
    }
    let folded = n > CLASSES;
    let of = |part: u64, whole: u64| if whole == 0 { "–".to_owned() } else { percent(share(part, whole)) };
    let row = |i: usize| {
        let total: u64 = counts[i].iter().sum();
        let is_rest = folded && i + 1 == width;
        let cell = |j: usize| {
            // The root, or rare mistakes would not be seen; half, or the count could not be read.
            let heat = share(counts[i][j], total).sqrt() / 2.0;
            ConfusionCell { count: count(counts[i][j]), heat: format!("{heat:.2}"), right: i == j && !is_rest }
        };
        ConfusionRow {
            class: classes[i].clone(),
            cells: (0..width).map(cell).collect(),
            recall: if is_rest { "–".to_owned() } else { of(counts[i][i], total) },
        }
    };
    let precision = |j: usize| {
        let is_rest = folded && j + 1 == width;
        if is_rest { "–".to_owned() } else { of(counts[j][j], counts.iter().map(|row| row[j]).sum()) }
    };
    let mut caption = Markup::new();
    caption.text(&format!("{} of {} rows are in the right class. ", count(right), count(all)));
    worst_confusion(page, &mut caption);
    Some(Confusion {
        caption,
        rows: (0..width).map(row).collect(),
        precisions: (0..width).map(precision).collect(),
        classes,
    })
}

/// Which column of the matrix each class has, and the columns' names: the largest classes, then the rest.
fn grouped_classes(page: &Page) -> (Vec<usize>, Vec<String>) {
    let n = page.classes.len();
    if n <= CLASSES {
        return ((0..n).collect(), page.classes.clone());
    }
    let size = |class: usize| page.confusion[class].iter().sum::<u64>();
    let mut largest: Vec<usize> = (0..n).collect();
    largest.sort_by_key(|class| (std::cmp::Reverse(size(*class)), *class));
    largest.truncate(CLASSES - 1);
    largest.sort_unstable();
    let groups = (0..n).map(|class| largest.binary_search(&class).unwrap_or(CLASSES - 1)).collect();
    let mut names: Vec<String> = largest.iter().map(|class| page.classes[*class].clone()).collect();
    names.push(format!("{} others", count((n + 1 - CLASSES) as u64)));
    (groups, names)
}

fn worst_confusion(page: &Page, out: &mut Markup) {
    let wrong = page.confusion.iter().enumerate().flat_map(|(actual, row)| {
        row.iter().enumerate().filter(move |(predicted, _)| *predicted != actual).map(move |(p, n)| (*n, actual, p))
    });
    // The first of equals: `max_by_key` takes the last.
    let worst = wrong.fold((0, 0, 0), |worst, next| if next.0 > worst.0 { next } else { worst });
    if worst.0 > 0 {
        out.raw("The most frequent mistake: ").code(&page.classes[worst.1]).raw(" taken for ");
        out.code(&page.classes[worst.2]).raw(format_args!(", {}.", plural(worst.0, "time", "times")));
    } else {
        out.raw("There are no mistakes.");
    }
}
