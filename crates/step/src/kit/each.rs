//! Steps that treat each of their columns alone.

use std::borrow::Cow;
use std::collections::BTreeMap;

use evenstep_exact::draw::Draws;
use evenstep_exact::reduce::{Next, Partial};
use evenstep_table::{Batch, Column, ColumnName, Kind, Schema};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Columns, Site, Step, StepError};

/// Which column of a step is meant, and where the step stands.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// Where the step stands.
    pub site: &'a Site,
    /// The column.
    pub column: &'a ColumnName,
}

impl<'a> Place<'a> {
    /// The column's type as it arrives.
    pub fn kind(&self) -> Kind {
        self.site.schema[self.column]
    }

    /// The column's cells.
    pub fn cells<'b>(&self, batch: &'b Batch) -> &'b Column {
        batch.column(self.column)
    }

    /// The draws of this column: `<use>/<n-th use of it>/<column>`.
    pub fn draws(&self) -> Draws {
        self.site.draws.within(self.column.as_str())
    }

    /// An error that names the column; `said` goes on after its name.
    pub fn error(&self, said: impl std::fmt::Display) -> StepError {
        StepError::of(self.column, format!("column `{}` {said}", self.column))
    }

    /// What to say of a column of which there is nothing to learn.
    pub fn no_value(&self) -> StepError {
        self.error("has no value among the training rows").help("drop the column, or leave it out of this step")
    }
}

/// A step that treats each of its columns alone. Each column takes the rounds that it needs.
pub trait EachColumn: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// See [`Step::NAME`].
    const NAME: &'static str;
    /// See [`Step::VERSION`].
    const VERSION: u32 = 1;
    /// What columns it takes, in words: `numbers`.
    const TAKES: &'static str;
    /// What is already known of a column when the data is seen once more.
    type Round: Send + Sync;
    /// What a pass over rows gathers of a column.
    type Seen: Partial;
    /// What is learned of a column.
    type Learned: Serialize + DeserializeOwned + Send + Sync;

    /// The columns, as written.
    fn columns(&self) -> &Columns;

    /// Whether it takes a column of that type.
    fn takes(kind: Kind) -> bool;

    /// See [`Step::start`].
    ///
    /// # Errors
    /// What can be known to be wrong before any row is seen.
    fn start(&self, place: Place<'_>) -> Result<Self::Round, StepError>;

    /// See [`Step::observe`].
    fn observe(&self, place: Place<'_>, round: &Self::Round, seen: &mut Self::Seen, batch: &Batch);

    /// See [`Step::next`].
    ///
    /// # Errors
    /// What the rows do not allow to learn.
    fn next(
        &self,
        place: Place<'_>,
        round: Self::Round,
        seen: Self::Seen,
    ) -> Result<Next<Self::Round, Self::Learned>, StepError>;

    /// See [`Step::apply`].
    ///
    /// # Errors
    /// A cell that the spec says to refuse, or a new name that is taken.
    fn apply(&self, place: Place<'_>, learned: &Self::Learned, batch: &mut Batch) -> Result<(), StepError>;

    /// See [`Step::apply_training`].
    ///
    /// # Errors
    /// As `apply`.
    fn apply_training(&self, place: Place<'_>, learned: &Self::Learned, batch: &mut Batch) -> Result<(), StepError> {
        self.apply(place, learned, batch)
    }

    /// See [`Step::has_training_form`].
    fn has_training_form(&self) -> bool {
        false
    }

    /// Whether a fit could have learned this: all that `apply` relies on.
    fn accepts(&self, place: Place<'_>, learned: &Self::Learned) -> bool;

    /// See [`Step::draws_when_applied`].
    fn draws_when_applied(&self) -> bool {
        false
    }

    /// See [`Step::learns_from_target`].
    fn learns_from_target(&self) -> bool {
        false
    }

    /// See [`Step::example`].
    fn example() -> Self;
}

/// How far the fit of one column is.
pub enum Progress<Round, Learned> {
    /// Another pass is needed.
    Seeking(Round),
    /// All is known.
    Found(Learned),
}

impl<T: EachColumn> Step for T {
    const NAME: &'static str = <T as EachColumn>::NAME;
    const VERSION: u32 = <T as EachColumn>::VERSION;
    type Round = BTreeMap<ColumnName, Progress<T::Round, T::Learned>>;
    type Partial = BTreeMap<ColumnName, T::Seen>;
    type Params = BTreeMap<ColumnName, T::Learned>;

    fn reads(&self, schema: &Schema) -> Result<Vec<ColumnName>, StepError> {
        self.columns().resolve(schema, T::TAKES, T::takes)
    }

    fn start(&self, site: &Site) -> Result<Self::Round, StepError> {
        let open = |column: &ColumnName| {
            let round = EachColumn::start(self, Place { site, column })?;
            Ok((column.clone(), Progress::Seeking(round)))
        };
        site.columns.iter().map(open).collect()
    }

    fn observe(&self, site: &Site, round: &Self::Round, seen: &mut Self::Partial, batch: &Batch) {
        for (column, progress) in round {
            if let Progress::Seeking(round) = progress {
                let seen = seen.entry(column.clone()).or_default();
                EachColumn::observe(self, Place { site, column }, round, seen, batch);
            }
        }
    }

    fn next(
        &self,
        site: &Site,
        round: Self::Round,
        mut seen: Self::Partial,
    ) -> Result<Next<Self::Round, Self::Params>, StepError> {
        let mut after = BTreeMap::new();
        for (column, progress) in round {
            let progress = match progress {
                Progress::Found(learned) => Progress::Found(learned),
                Progress::Seeking(round) => {
                    let seen = seen.remove(&column).unwrap_or_default();
                    match EachColumn::next(self, Place { site, column: &column }, round, seen)? {
                        Next::Again(round) => Progress::Seeking(round),
                        Next::Done(learned) => Progress::Found(learned),
                    }
                }
            };
            after.insert(column, progress);
        }
        if after.values().any(|progress| matches!(progress, Progress::Seeking(_))) {
            return Ok(Next::Again(after));
        }
        let found = after.into_iter().filter_map(|(column, progress)| match progress {
            Progress::Found(learned) => Some((column, learned)),
            Progress::Seeking(_) => None,
        });
        Ok(Next::Done(found.collect()))
    }

    fn apply(&self, site: &Site, params: &Self::Params, mut batch: Batch) -> Result<Batch, StepError> {
        for (column, learned) in params {
            EachColumn::apply(self, Place { site, column }, learned, &mut batch)?;
        }
        Ok(batch)
    }

    fn apply_training(&self, site: &Site, params: &Self::Params, mut batch: Batch) -> Result<Batch, StepError> {
        for (column, learned) in params {
            EachColumn::apply_training(self, Place { site, column }, learned, &mut batch)?;
        }
        Ok(batch)
    }

    fn validate(&self, site: &Site, params: &Self::Params) -> Result<(), StepError> {
        if !params.keys().eq(&site.columns) {
            return Err(StepError::new(format!(
                "the parameters of `{}` are of other columns than the step's",
                site.name
            )));
        }
        for (column, learned) in params {
            if !self.accepts(Place { site, column }, learned) {
                let message =
                    format!("the parameters of `{}` for column `{column}` are none that a fit gives", site.name);
                return Err(StepError::of(column, message));
            }
        }
        Ok(())
    }

    fn draws_when_applied(&self) -> bool {
        EachColumn::draws_when_applied(self)
    }

    fn learns_from_target(&self) -> bool {
        EachColumn::learns_from_target(self)
    }

    fn has_training_form(&self) -> bool {
        EachColumn::has_training_form(self)
    }

    fn example() -> T {
        <T as EachColumn>::example()
    }
}

/// A step that treats each of its columns alone, as numbers, cell by cell. Nulls are not seen in
/// the fit; a column of nothing else is refused.
pub trait EachNumber: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// See [`Step::NAME`].
    const NAME: &'static str;
    /// See [`Step::VERSION`].
    const VERSION: u32 = 1;
    /// See [`EachColumn::Round`].
    type Round: Send + Sync;
    /// See [`EachColumn::Seen`].
    type Seen: Partial;
    /// See [`EachColumn::Learned`].
    type Learned: Serialize + DeserializeOwned + Send + Sync;

    /// The columns, as written.
    fn columns(&self) -> &Columns;

    /// Opens the first round of a column.
    fn start(&self) -> Self::Round;

    /// Adds some values, none of them null, to what was seen.
    fn observe(&self, round: &Self::Round, seen: &mut Self::Seen, values: &[f64]);

    /// Closes a round; there was at least one value.
    ///
    /// # Errors
    /// What the values do not allow to learn.
    fn next(
        &self,
        place: Place<'_>,
        round: Self::Round,
        seen: Self::Seen,
    ) -> Result<Next<Self::Round, Self::Learned>, StepError>;

    /// What the cells become, NaN being null.
    ///
    /// # Errors
    /// A cell that the spec says to refuse.
    fn map(&self, column: &ColumnName, learned: &Self::Learned, cells: Vec<f64>) -> Result<Column, StepError>;

    /// Whether a fit could have learned this: all that `map` relies on.
    fn accepts(&self, learned: &Self::Learned) -> bool;

    /// See [`Step::example`].
    fn example() -> Self;
}

impl<T: EachNumber> EachColumn for T {
    const NAME: &'static str = <T as EachNumber>::NAME;
    const VERSION: u32 = <T as EachNumber>::VERSION;
    const TAKES: &'static str = "numbers";
    type Round = T::Round;
    type Seen = (u64, T::Seen);
    type Learned = T::Learned;

    fn columns(&self) -> &Columns {
        EachNumber::columns(self)
    }

    fn takes(kind: Kind) -> bool {
        kind.is_numeric()
    }

    fn start(&self, _: Place<'_>) -> Result<T::Round, StepError> {
        Ok(EachNumber::start(self))
    }

    fn observe(&self, place: Place<'_>, round: &T::Round, (count, seen): &mut Self::Seen, batch: &Batch) {
        let mut values = numbers(place.cells(batch));
        if values.iter().any(|x| x.is_nan()) {
            values.to_mut().retain(|x| !x.is_nan());
        }
        *count += values.len() as u64;
        EachNumber::observe(self, round, seen, &values);
    }

    fn next(
        &self,
        place: Place<'_>,
        round: T::Round,
        (count, seen): Self::Seen,
    ) -> Result<Next<T::Round, T::Learned>, StepError> {
        if count == 0 {
            return Err(place.no_value());
        }
        EachNumber::next(self, place, round, seen)
    }

    fn apply(&self, place: Place<'_>, learned: &T::Learned, batch: &mut Batch) -> Result<(), StepError> {
        map_numbers(batch, place.column, |cells| self.map(place.column, learned, cells))
    }

    fn accepts(&self, _: Place<'_>, learned: &T::Learned) -> bool {
        EachNumber::accepts(self, learned)
    }

    fn example() -> T {
        <T as EachNumber>::example()
    }
}

fn numbers(column: &Column) -> Cow<'_, [f64]> {
    column.to_numbers().expect("the plan has checked that the column is numeric")
}

/// Puts what `map` makes of a column in its place.
///
/// # Errors
/// Those of `map`.
pub fn replace(
    batch: &mut Batch,
    name: &ColumnName,
    map: impl FnOnce(Column) -> Result<Column, StepError>,
) -> Result<(), StepError> {
    batch.replace(name, map)
}

/// Puts what `map` makes of a numeric column's cells, NaN being null, in the column's place. Numbers that it gives
/// are noted where they are not finite and the cell was not null.
///
/// # Errors
/// Those of `map`.
pub fn map_numbers(
    batch: &mut Batch,
    name: &ColumnName,
    map: impl FnOnce(Vec<f64>) -> Result<Column, StepError>,
) -> Result<(), StepError> {
    let mut lost = 0;
    replace(batch, name, |column| {
        let cells = match column {
            Column::Number(cells) => cells,
            other => numbers(&other).into_owned(),
        };
        let without = not_finite(&cells);
        let mapped = map(cells)?;
        if let Column::Number(cells) = &mapped {
            lost = not_finite(cells).saturating_sub(without);
        }
        Ok(mapped)
    })?;
    batch.note_no_numbers(name, lost);
    Ok(())
}

fn not_finite(cells: &[f64]) -> u64 {
    cells.iter().map(|cell| u64::from(!cell.is_finite())).sum()
}

/// Adds a column under a name that must be free.
///
/// # Errors
/// If there is a column of that name.
pub fn insert_new(batch: &mut Batch, name: ColumnName, column: Column) -> Result<(), StepError> {
    if batch.get(name.as_str()).is_some() {
        return Err(StepError::of(&name, format!("the new column `{name}` has the name of one that is there already"))
            .help("rename or drop one of them"));
    }
    batch.insert(name, column);
    Ok(())
}

/// The numbers with this one wherever a null is.
pub fn fill_numbers(mut cells: Vec<f64>, number: f64) -> Column {
    for cell in &mut cells {
        if cell.is_nan() {
            *cell = number;
        }
    }
    Column::Number(cells)
}
