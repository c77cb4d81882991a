//! Rows typed while types are still being inferred, by what the first of them look like.
//!
//! Nearly always the first rows of a text file have the types that all of them turn out to have. Then the file is
//! read once; else what was kept is dropped, and the file is read again: the result is the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use evenstep_exact::reduce::Partial;
use evenstep_table::build::{ColumnBuilder, Strictness, Typed};
use evenstep_table::infer::Evidence;
use evenstep_table::{Column, ColumnName, Kind, MissingTokens, Rule, RuleSpec};

use crate::SourceError;
use crate::chunk::Origin;
use crate::csv::{self, Texts};
use crate::layout::{Details, FileInfo, Slots};
use crate::queue::{Part, Work};
use crate::reading::Plan;

/// The rows that were kept of a source, in its order. Nothing is kept of files that know their types.
#[derive(Debug, Default)]
pub struct Kept {
    pub(crate) columns: Vec<ColumnName>,
    pub(crate) missing: Arc<MissingTokens>,
    pub(crate) parts: Vec<KeptPart>,
    /// What each file's row numbers lack to be those of the source.
    pub(crate) offsets: Vec<i64>,
}

/// Rows that stand one after the other in a file.
#[derive(Debug)]
pub(crate) struct KeptPart {
    pub(crate) index: usize,
    pub(crate) origin: Origin,
    pub(crate) rows: usize,
    /// By their place in [`Kept::columns`].
    pub(crate) columns: Vec<KeptColumn>,
}

/// A column's cells, and the rule by which they were typed.
#[derive(Debug)]
pub(crate) struct KeptColumn {
    rule: Arc<Rule>,
    typed: Typed,
}

impl Kept {
    /// The rows as the plan has them; None if a column turned out to be of another type.
    pub(crate) fn typed(self, plan: &Plan) -> Option<Vec<(Origin, usize, Vec<Typed>)>> {
        if self.parts.is_empty() || *self.missing != *plan.missing {
            return None;
        }
        let place = |name: &ColumnName| self.columns.binary_search(name).ok();
        let places: Vec<usize> = plan.columns.iter().map(|column| place(&column.name)).collect::<Option<_>>()?;
        let part = |part: KeptPart| {
            let mut columns: Vec<Option<KeptColumn>> = part.columns.into_iter().map(Some).collect();
            let typed = places.iter().zip(&plan.columns).map(|(place, planned)| {
                let kept = columns[*place].take().expect("a plan names a column once");
                kept.under(&planned.rule)
            });
            Some((part.origin, part.rows, typed.collect::<Option<_>>()?))
        };
        self.parts.into_iter().map(part).collect()
    }
}

impl KeptColumn {
    /// The cells as the rule would have typed them; None if their texts would have to be read again.
    fn under(self, rule: &Rule) -> Option<Typed> {
        let Typed { column, invalid, absent, nan, rounded, too_long } = self.typed;
        if self.rule.format != rule.format {
            return None;
        }
        let column = match (column, rule.kind) {
            (column, kind) if column.kind() == kind => column,
            (Column::Category(coded), Kind::Text) => Column::Text(coded),
            (Column::Text(coded), Kind::Category) => Column::Category(coded),
            // Both round the decimal that is written, once. Unless something other than whole numbers was met.
            (Column::Integer(cells), Kind::Number) if invalid.is_empty() => {
                let number = |cell: i64| if cell == evenstep_table::NULL_INTEGER { f64::NAN } else { cell as f64 };
                Column::Number(cells.into_iter().map(number).collect())
            }
            _ => return None,
        };
        Some(Typed { column, invalid, absent, nan, rounded, too_long })
    }
}

/// What one thread needs to type parts of files whose types aren't known yet.
pub(crate) struct Keeper<'a> {
    files: &'a [FileInfo],
    slots: &'a [Slots],
    /// By place; None while one is lent.
    guesses: Vec<Option<Guess>>,
}

impl<'a> Keeper<'a> {
    pub(crate) fn new(
        files: &'a [FileInfo],
        slots: &'a [Slots],
        columns: &BTreeMap<ColumnName, usize>,
        declared: &BTreeMap<ColumnName, RuleSpec>,
        missing: &Arc<MissingTokens>,
    ) -> Keeper<'a> {
        let guess = |name: &ColumnName| Guess {
            declared: declared.get(name).cloned().unwrap_or_default(),
            missing: Arc::clone(missing),
            rows: 0,
            typing: None,
            evidence: Evidence::default(),
        };
        Keeper { files, slots, guesses: columns.keys().map(|name| Some(guess(name))).collect() }
    }

    /// The part's rows, if they stand in delimited text; else the part is given back.
    pub(crate) fn keep(&mut self, part: Part) -> Result<Result<KeptPart, Part>, SourceError> {
        let (file, slots) = (&self.files[part.file], &self.slots[part.file]);
        let (&Details::Delimited { delimiter }, Work::Block(block), []) =
            (&file.details, &part.work, &slots.constants[..])
        else {
            return Ok(Err(part));
        };
        let take = |place: &usize| self.guesses[*place].take().expect("every guess is back");
        let mut guesses: Vec<Guess> = slots.wanted.iter().map(take).collect();
        guesses.iter_mut().for_each(|guess| guess.expect(block.rows));
        let rows = csv::read_block(file, delimiter, block, &slots.of_file, &mut guesses)?;
        let mut columns: Vec<(usize, KeptColumn)> = Vec::with_capacity(guesses.len());
        for (place, mut guess) in slots.wanted.iter().zip(guesses) {
            // A block of blank lines has no rows.
            if rows > 0 {
                columns.push((*place, guess.finish()));
            }
            self.guesses[*place] = Some(guess);
        }
        columns.sort_unstable_by_key(|(place, _)| *place);
        Ok(Ok(KeptPart {
            index: part.index,
            origin: Origin { file: Arc::clone(&file.name), first_row: part.first_row, kept: part.kept.clone() },
            rows,
            columns: columns.into_iter().map(|(_, column)| column).collect(),
        }))
    }

    /// What all its parts showed of each column.
    pub(crate) fn into_evidence(self) -> impl Iterator<Item = Evidence> {
        self.guesses.into_iter().map(|guess| {
            let Some(mut guess) = guess else { return Evidence::default() };
            guess.guess_anew();
            guess.evidence
        })
    }
}

/// A column whose first rows say what the others are taken for.
struct Guess {
    declared: RuleSpec,
    missing: Arc<MissingTokens>,
    /// How many rows are to come.
    rows: usize,
    typing: Option<(Arc<Rule>, ColumnBuilder)>,
    /// What showed before the column was guessed anew.
    evidence: Evidence,
}

impl Guess {
    fn expect(&mut self, rows: usize) {
        self.rows = rows;
        if let Some((_, builder)) = &mut self.typing {
            builder.reserve(rows);
        }
    }

    fn finish(&mut self) -> KeptColumn {
        let (rule, builder) = self.typing.as_mut().expect("a row was seen");
        let column = KeptColumn { rule: Arc::clone(rule), typed: builder.finish() };
        // A wrong guess costs memory for every cell; what is kept will be dropped.
        if column.typed.invalid.len() > column.typed.column.rows() / 2 {
            self.guess_anew();
        }
        column
    }

    fn guess_anew(&mut self) {
        if let Some((_, builder)) = self.typing.take() {
            self.evidence.merge(builder.into_evidence());
        }
    }

    /// A rule for cells that look like the given ones.
    fn rule<'a>(&self, texts: impl Iterator<Item = &'a str>) -> Rule {
        let mut first = Evidence::default();
        for text in texts {
            if self.missing.contains(text) { first.null() } else { first.text(text) }
        }
        // Where there is no value yet, a number is the best guess.
        let kind = first.kind().unwrap_or(Kind::Number);
        let plain = || Rule::resolve(&RuleSpec::default(), Some(kind), None).expect("a type alone is a rule");
        Rule::resolve(&self.declared, Some(kind), None).unwrap_or_else(|_| plain())
    }
}

impl Texts for Guess {
    fn take<'a>(&mut self, texts: impl Iterator<Item = &'a str> + Clone) {
        if self.typing.is_none() {
            let rule = self.rule(texts.clone());
            let mut builder = ColumnBuilder::new(&rule, Arc::clone(&self.missing), Strictness::File).observing();
            builder.reserve(self.rows);
            self.typing = Some((Arc::new(rule), builder));
        }
        let (_, builder) = self.typing.as_mut().expect("just guessed");
        builder.texts(texts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_guessed_wrong_is_guessed_anew_and_nothing_seen_is_forgotten() {
        let missing = Arc::new(MissingTokens::new::<&str>(&[]));
        let (declared, evidence) = (RuleSpec::default(), Evidence::default());
        let mut guess = Guess { declared, missing: Arc::clone(&missing), rows: 0, typing: None, evidence };
        let mut kept = |cells: &[&str]| {
            guess.take(cells.iter().copied());
            let column = guess.finish().typed;
            (column.column.kind(), column.invalid.len())
        };
        assert_eq!(kept(&["1", "2", "3"]), (Kind::Integer, 0));
        assert_eq!(kept(&["4", "x"]), (Kind::Integer, 1), "an odd cell is no wrong guess");
        assert_eq!(kept(&["a", "b", "5"]), (Kind::Integer, 2));
        assert_eq!(kept(&["a", "b", "a"]), (Kind::Text, 0));
        guess.guess_anew();
        let mut whole = Evidence::default();
        ["1", "2", "3", "4", "x", "a", "b", "5", "a", "b", "a"].iter().for_each(|cell| whole.text(cell));
        assert_eq!(guess.evidence, whole);
    }
}
