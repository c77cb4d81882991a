//! What is wanted of a source.

use std::collections::BTreeMap;
use std::sync::Arc;

use evenstep_table::check::{Checker, SeenColumns};
use evenstep_table::{ColumnName, MissingTokens, Rule};

/// Why rows are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Mode {
    /// To learn from them: quarantined rows are left out, `unique` is checked, nothing is flagged.
    #[default]
    Training,
    /// To predict for them: every row is answered, and flagged where a rule says so.
    Scoring,
}

/// What is wanted of a source: which columns, by which rules.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// What stands for a missing value, in every format; by default the empty string.
    pub missing: Vec<String>,
    /// The columns to be read, and their rules.
    pub columns: BTreeMap<ColumnName, Arc<Rule>>,
    /// Those columns that name a row in messages, unless they tell of people.
    pub id: Vec<ColumnName>,
    /// Why rows are read.
    pub mode: Mode,
    /// When scoring, what training saw.
    pub seen: SeenColumns,
}

/// A reading, ready to be applied.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) missing: Arc<MissingTokens>,
    /// In name order.
    pub(crate) columns: Vec<Planned>,
    /// Positions in `columns`.
    pub(crate) id: Vec<usize>,
    pub(crate) mode: Mode,
    /// So many refused cells of each column are listed, beyond what quality keeps.
    pub(crate) refusals: usize,
    /// So many cells are flagged; what comes then is not looked at.
    pub(crate) flags: usize,
}

#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) name: ColumnName,
    pub(crate) rule: Arc<Rule>,
    pub(crate) checker: Checker,
}

impl Reading {
    pub(crate) fn plan(&self) -> Plan {
        let scoring = self.mode == Mode::Scoring;
        let columns: Vec<Planned> = self
            .columns
            .iter()
            .map(|(name, rule)| Planned {
                name: name.clone(),
                rule: rule.clone(),
                checker: Checker::new(rule, if scoring { self.seen.get(name) } else { None }),
            })
            .collect();
        let position = |id: &ColumnName| columns.iter().position(|column| column.name == *id);
        let mut id: Vec<usize> = self.id.iter().filter_map(position).collect();
        if id.iter().any(|at| columns[*at].rule.personal) {
            id.clear();
        }
        Plan {
            missing: Arc::new(MissingTokens::new(&self.missing)),
            columns,
            id,
            mode: self.mode,
            refusals: 0,
            flags: usize::MAX,
        }
    }
}
