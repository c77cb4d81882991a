//! Batch scoring: chunk by chunk, in bounded memory, in the input's order.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::{Mutex, MutexGuard, PoisonError};

use evenstep_exact::reduce::Workers;
use evenstep_model::Predictions;
use evenstep_source::write::FLAGS;
use evenstep_source::{Chunk, Extra, Flag, Mode, Reading, Source, SourceError};
use evenstep_table::check::Breach;
use evenstep_table::quality::Violation;
use evenstep_table::rule::Absent;
use evenstep_table::{Batch, Coded, Column, ColumnName, Contract, Identity, Kind, RowKey, Rule, Task};

use crate::predictor::Traced;
use crate::trace::Sums;
use crate::{NoNumbers, PipelineError, Predictor, Progress, Run};

/// What was scored.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Scored {
    /// Rows in, and out.
    pub rows: u64,
    /// Rows whose prediction is null.
    pub unanswered: u64,
    /// How many of these are set aside by the contract.
    #[serde(skip)]
    pub set_aside: u64,
    /// Rows that have no id, or a part of one alone, where others have one.
    #[serde(skip_serializing_if = "is_zero")]
    pub without_id: u64,
    /// How often which rule flagged which column.
    pub flags: BTreeMap<String, u64>,
    /// Columns of the input that nobody asked for.
    pub ignored: Vec<ColumnName>,
    /// Results of steps that were no numbers.
    pub no_numbers: NoNumbers,
    /// Of flags that all rows have, since no category was seen in training: what was seen, and what the rows have.
    #[serde(skip)]
    pub all_unseen: BTreeMap<String, String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "so serde calls it")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Predictor {
    /// The files that `pattern` names, to be scored.
    ///
    /// # Errors
    /// As [`Source::open`]; but of columns that nobody asks for, each file may have its own.
    pub fn source(&self, pattern: &str) -> Result<Source, SourceError> {
        let wanted = |name: &ColumnName| self.inputs.contains(name) || self.data.id.contains(name);
        Source::open_wanting(pattern, Path::new("."), wanted)
    }

    /// What is wanted of rows to be scored: the inputs, and the id where the source has it or a step draws by it.
    pub fn reading(&self, available: Option<&[ColumnName]>) -> Reading {
        let mut reading = self.reading_of(available.filter(|_| !self.requires_id));
        if self.requires_id {
            for (_, rule) in reading.columns.iter_mut().filter(|(name, _)| self.data.id.contains(name)) {
                *rule = rule.required().into();
            }
        }
        reading
    }

    /// The same, whether a step draws or not.
    pub(crate) fn reading_of(&self, available: Option<&[ColumnName]>) -> Reading {
        let has = |name: &ColumnName| available.is_none_or(|columns| columns.contains(name));
        let id: Vec<ColumnName> = if self.data.id.iter().all(has) { self.data.id.clone() } else { Vec::new() };
        let wanted = |name: &ColumnName| self.inputs.contains(name) || id.contains(name);
        let rules = self.contract.columns.iter().filter(|(name, _)| wanted(name));
        // Some rows may have an id, and others none.
        let rule = |name: &ColumnName, rule: &Arc<Rule>| match self.inputs.contains(name) {
            true => Arc::clone(rule),
            false => Arc::new(Rule { absent: Absent::Null, ..Rule::clone(rule) }),
        };
        Reading {
            missing: self.data.missing.clone(),
            columns: rules.map(|(name, of)| (name.clone(), rule(name, of))).collect(),
            id,
            mode: Mode::Scoring,
            seen: self.seen.clone(),
        }
    }

    /// Gives rows to be scored their keys.
    pub(crate) fn identify(&self, batch: &mut Batch, id: &[ColumnName]) {
        batch.keys = keys(batch, id, &self.inputs).into();
    }
}

/// The keys of rows to be scored: each row's by its id if it has one, else by its content, whatever others have.
pub(crate) fn keys(batch: &Batch, id: &[ColumnName], inputs: &[ColumnName]) -> Vec<RowKey> {
    let by_content = Identity::by_content(inputs.iter().cloned());
    match id {
        [] => by_content.keys(batch).expect("content has a key, null or not"),
        id => Identity::by_id(id.iter().cloned()).keys_or(&by_content, batch),
    }
}

/// What is said of some rows, column by column, in the order of [`header`].
pub struct Answers {
    /// Id, prediction, probabilities, or whatever else the header names.
    pub columns: Vec<Column>,
    /// Rules that rows break without being refused.
    pub flags: Vec<Flag>,
    /// The cells for which rows have no answer.
    pub quarantine: Vec<Violation>,
}

/// The columns of a score file: `id`, or the names of a composite one, or `row`; then the prediction.
pub fn header(predictor: &Predictor, source: &Source) -> Vec<(ColumnName, Kind)> {
    after_ids(header_of_ids(predictor, source), answer_columns(&predictor.task), FLAGS)
}

/// The id's columns before others. One that is called like another, or like one of `also`, is called `id_` and its name.
pub fn after_ids(
    mut ids: Vec<(ColumnName, Kind)>,
    others: impl IntoIterator<Item = (ColumnName, Kind)>,
    also: &str,
) -> Vec<(ColumnName, Kind)> {
    let others: Vec<(ColumnName, Kind)> = others.into_iter().collect();
    for at in 0..ids.len() {
        let is_taken = |name: &ColumnName| {
            let before = ids.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, column)| column);
            name.as_str() == also || before.chain(&others).any(|(taken, _)| taken == name)
        };
        let mut name = ids[at].0.clone();
        while is_taken(&name) {
            name = ColumnName::new(&format!("id_{name}")).expect("a name");
        }
        ids[at].0 = name;
    }
    ids.into_iter().chain(others).collect()
}

/// What the columns of a prediction are called, and their types.
pub(crate) fn answer_columns(task: &Task) -> Vec<(ColumnName, Kind)> {
    let name = |name: &str| ColumnName::new(name).expect("a name");
    let classes = task.classes();
    let prediction = (name("prediction"), if classes.is_empty() { Kind::Number } else { Kind::Category });
    let probability = |class: &String| (name(&format!("probability_{class}")), Kind::Number);
    std::iter::once(prediction).chain(classes.iter().map(probability)).collect()
}

/// What tells the rows apart: `id`, or the names of a composite one, or `row`.
pub(crate) fn header_of_ids(predictor: &Predictor, source: &Source) -> Vec<(ColumnName, Kind)> {
    match predictor.reading(Some(source.column_names())).id.as_slice() {
        [] => vec![row_header()],
        id => id_header(id, &predictor.contract),
    }
}

/// What tells rows apart that have no id: their number, from 0.
pub(crate) fn row_header() -> (ColumnName, Kind) {
    (ColumnName::new("row").expect("a name"), Kind::Integer)
}

/// What the id's columns are called where rows are listed: `id`, or the names of a composite one.
pub(crate) fn id_header(id: &[ColumnName], contract: &Contract) -> Vec<(ColumnName, Kind)> {
    let kind = |name: &ColumnName| contract.columns[name].kind;
    match id {
        [one] => vec![(ColumnName::new("id").expect("a name"), kind(one))],
        several => several.iter().map(|name| (name.clone(), kind(name))).collect(),
    }
}

/// Scores every row of the source and hands the answers over, chunk by chunk.
///
/// With a trace in the run, every stage is committed to.
///
/// # Errors
/// A source that can't be read, rows that break the contract, or whatever `write` refuses.
pub fn score(
    predictor: &Predictor,
    source: &Source,
    run: &Run<'_>,
    mut write: impl FnMut(&Answers) -> Result<(), PipelineError>,
) -> Result<Scored, PipelineError> {
    run.progress.stage("score", None);
    let id = predictor.reading(Some(source.column_names())).id;
    let gathered = Idle::default();
    let say = |batch: Batch, unanswered: &[usize]| {
        if run.trace.is_none() {
            let (mut predictions, lost) = predictor.predict(batch)?;
            predictions.forget(unanswered);
            return Ok(with_nulls(told(&predictor.task, &predictions), lost));
        }
        let mut sums = gathered.take();
        let Traced { said, no_numbers, .. } = predictor.predict_traced(batch, unanswered, &id, &mut sums)?;
        gathered.give_back(sums);
        Ok(with_nulls(said, no_numbers))
    };
    let mut unanswered = 0;
    let scored = answer_all(predictor, source, run.workers, run.progress, 1, say, |answers, nulls| {
        unanswered += nulls;
        write(answers)
    })?;
    if let Some(trace) = run.trace {
        gathered.into_all().into_iter().for_each(|sums| trace.merge(sums));
    }
    Ok(Scored { unanswered, ..scored })
}

/// Sums that no thread adds to right now: as many as threads ever added to at once.
#[derive(Default)]
struct Idle(Mutex<Vec<Sums>>);

impl Idle {
    fn all(&self) -> MutexGuard<'_, Vec<Sums>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Sums {
        self.all().pop().unwrap_or_default()
    }

    fn give_back(&self, sums: Sums) {
        self.all().push(sums);
    }

    fn into_all(self) -> Vec<Sums> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The columns, and how many predictions are null.
fn with_nulls(columns: Vec<Column>, lost: NoNumbers) -> Said<u64> {
    let nulls = columns.first().map_or(0, Column::nulls) as u64;
    (columns, lost, nulls)
}

/// What is said of some rows, in columns; which results of steps were no numbers; and whatever else is to be told.
pub(crate) type Said<T> = (Vec<Column>, NoNumbers, T);

/// Has something said of every row, so many lines each, in columns that come after the id, and hands it
/// on chunk by chunk in the input's order. `say` is told which rows have no answer.
pub(crate) fn answer_all<T: Send>(
    predictor: &Predictor,
    source: &Source,
    workers: &Workers,
    progress: &dyn Progress,
    lines: usize,
    say: impl Fn(Batch, &[usize]) -> Result<Said<T>, PipelineError> + Sync + Send,
    mut take: impl FnMut(&Answers, T) -> Result<(), PipelineError>,
) -> Result<Scored, PipelineError> {
    let reading = predictor.reading(Some(source.column_names()));
    let mut scored = Scored { ignored: ignored(predictor, source), ..Scored::default() };
    let mut chunks = source.stream(&reading)?;
    let mut unseen = BTreeMap::new();
    loop {
        // As many chunks as there are threads, so that memory is bounded and nobody waits.
        let group: Vec<Chunk> = chunks.by_ref().take(workers.count()).collect::<Result<_, _>>()?;
        if group.is_empty() {
            scored.all_unseen = all_unseen(predictor, &scored, unseen);
            return Ok(scored);
        }
        for answer in workers.map(group, |chunk| answer(predictor, chunk, &reading.id, lines, &say)) {
            let Answered { rows, unanswered, without_id, mut answers, no_numbers, unseen: of_chunk, with } = answer?;
            unseen.extend(of_chunk);
            scored.no_numbers.merge(no_numbers);
            if reading.id.is_empty() {
                let numbers = scored.rows as i64..scored.rows as i64 + rows as i64;
                let numbers = numbers.flat_map(|row| std::iter::repeat_n(row, lines));
                answers.columns.insert(0, Column::Integer(numbers.collect()));
            }
            scored.rows += rows as u64;
            scored.without_id += without_id as u64;
            scored.unanswered += unanswered as u64;
            scored.set_aside += unanswered as u64;
            for flag in answers.flags.iter().filter(|flag| flag.row.is_multiple_of(lines)) {
                *scored.flags.entry(format!("{}: {}", flag.field, flag.rule.word())).or_default() += 1;
            }
            progress.done(scored.rows, "rows");
            take(&answers, with)?;
        }
    }
}

/// What is to be said of columns of which no category is known: they are spelt otherwise, most likely.
fn all_unseen(
    predictor: &Predictor,
    scored: &Scored,
    unseen: BTreeMap<ColumnName, String>,
) -> BTreeMap<String, String> {
    const SHOWN: usize = 3;
    let said = |(name, text): (ColumnName, String)| {
        let flag = format!("{name}: {}", Breach::Unseen.word());
        let seen = predictor.seen.get(&name)?.categories.as_ref()?;
        let is_told = scored.flags.get(&flag) == Some(&scored.rows) && !predictor.contract.columns[&name].personal;
        let known: Vec<String> = seen.iter().take(SHOWN).map(|known| format!("`{known}`")).collect();
        let more = if seen.len() > SHOWN { ", …" } else { "" };
        is_told.then(|| (flag, format!("training saw {}{more}, the rows have `{text}`", known.join(", "))))
    };
    unseen.into_iter().filter_map(said).collect()
}

fn ignored(predictor: &Predictor, source: &Source) -> Vec<ColumnName> {
    let known = |name: &ColumnName| {
        predictor.inputs.contains(name) || predictor.data.id.contains(name) || *name == predictor.data.target
    };
    match predictor.serving.extra {
        Extra::Ignore => Vec::new(),
        Extra::Reject => source.column_names().iter().filter(|name| !known(name)).cloned().collect(),
    }
}

/// What was said of a chunk.
struct Answered<T> {
    rows: usize,
    /// How many of them have no answer.
    unanswered: usize,
    without_id: usize,
    answers: Answers,
    no_numbers: NoNumbers,
    /// A category that training didn't see, by column.
    unseen: BTreeMap<ColumnName, String>,
    with: T,
}

fn answer<T>(
    predictor: &Predictor,
    mut chunk: Chunk,
    id: &[ColumnName],
    lines: usize,
    say: impl Fn(Batch, &[usize]) -> Result<Said<T>, PipelineError>,
) -> Result<Answered<T>, PipelineError> {
    let mut batch = std::mem::take(&mut chunk.batch);
    predictor.identify(&mut batch, id);
    let rows = batch.rows();
    let repeated: Vec<usize> = (0..rows).flat_map(|row| std::iter::repeat_n(row, lines)).collect();
    let ids: Vec<&Column> = id.iter().map(|name| batch.column(name)).collect();
    let has_none = |row: &usize| ids.iter().any(|column| column.is_null(*row));
    let without_id = if ids.iter().all(|column| column.nulls() == 0) { 0 } else { (0..rows).filter(has_none).count() };
    let mut columns: Vec<Column> = ids.iter().map(|column| column.take(&repeated)).collect();
    let mut unseen = BTreeMap::new();
    for flag in chunk.flags.iter().filter(|flag| flag.rule == Breach::Unseen) {
        if !unseen.contains_key(&flag.field) {
            unseen.extend(batch.column(&flag.field).text(flag.row).map(|text| (flag.field.clone(), text)));
        }
    }
    let (said, no_numbers, with) = say(batch, &chunk.unanswered)?;
    columns.extend(said);
    // A flag of a row is on each of its lines.
    let of_row = |flags: &[Flag]| -> Vec<Flag> {
        let line = |line: usize| flags.iter().map(move |flag| Flag { row: flag.row * lines + line, ..flag.clone() });
        (0..lines).flat_map(line).collect()
    };
    let flags = chunk.flags.chunk_by(|a, b| a.row == b.row).flat_map(of_row).collect();
    let answers = Answers { columns, flags, quarantine: chunk.quarantine };
    Ok(Answered { rows, unanswered: chunk.unanswered.len(), without_id, answers, no_numbers, unseen, with })
}

/// Predictions as columns, by the task.
pub(crate) fn told(task: &Task, predictions: &Predictions) -> Vec<Column> {
    let classes = task.classes();
    if classes.is_empty() {
        return vec![Column::Number(predictions.values.clone())];
    }
    let rows = 0..predictions.rows();
    let labels = rows.clone().map(|row| label(task, predictions.row(row)).map(|class| classes[class].as_str()));
    let mut columns = vec![Column::Category(Coded::from_strings(labels))];
    for class in 0..classes.len() {
        let each = rows.clone().map(|row| probability(task, predictions.row(row), class));
        columns.push(Column::Number(each.collect()));
    }
    columns
}

/// The probability of a class.
pub fn probability(task: &Task, outputs: &[f64], class: usize) -> f64 {
    match task {
        Task::Binary { .. } if class == 0 => 1.0 - outputs[0],
        Task::Binary { .. } => outputs[0],
        _ => outputs[class],
    }
}

/// The class that is told: positive from one half on, else the most probable, the first of equals.
pub fn label(task: &Task, outputs: &[f64]) -> Option<usize> {
    if outputs.iter().any(|output| output.is_nan()) {
        return None;
    }
    match task {
        Task::Regression | Task::Ranking => None,
        Task::Binary { .. } => Some(usize::from(outputs[0] >= 0.5)),
        Task::Multiclass { .. } => {
            (0..outputs.len()).reduce(|best, class| if outputs[class] > outputs[best] { class } else { best })
        }
    }
}
