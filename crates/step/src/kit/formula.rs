//! Formulas: read once, checked against the types of the columns, evaluated column by column.
//!
//! A row-wise evaluator from a library would compute floats its own way, and none that is
//! maintained has nulls or names in backticks; so the grammar is here, on tokens read by winnow.

mod evaluate;
mod parse;

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use evenstep_table::{ColumnName, Kind, Schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{StepError, find};

/// An expression over columns, as it is written and as it is evaluated.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Formula {
    text: String,
    /// Operands stand before what takes them; the last node is the result.
    nodes: Vec<Node>,
}

#[derive(Clone, Debug)]
struct Node {
    what: What,
    /// Where it starts in the text.
    at: usize,
}

#[derive(Clone, PartialEq, Debug)]
enum What {
    Number(f64),
    Boolean(bool),
    Text(Arc<str>),
    Null,
    Column(ColumnName),
    /// A function or operator, and the nodes that it takes.
    Call(Function, Vec<usize>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Function {
    Negate,
    Not,
    Add,
    Subtract,
    Multiply,
    Divide,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
    And,
    Or,
    If,
    Abs,
    Min,
    Max,
    Ln,
    Log1p,
    Exp,
    Sqrt,
    Pow,
    Floor,
    Ceil,
    Round,
    IsNull,
    Coalesce,
}

/// What can be called by name, and with how many arguments.
const FUNCTIONS: [(&str, Function, RangeInclusive<usize>); 14] = [
    ("if", Function::If, 3..=3),
    ("abs", Function::Abs, 1..=1),
    ("min", Function::Min, 2..=64),
    ("max", Function::Max, 2..=64),
    ("ln", Function::Ln, 1..=1),
    ("log1p", Function::Log1p, 1..=1),
    ("exp", Function::Exp, 1..=1),
    ("sqrt", Function::Sqrt, 1..=1),
    ("pow", Function::Pow, 2..=2),
    ("floor", Function::Floor, 1..=1),
    ("ceil", Function::Ceil, 1..=1),
    ("round", Function::Round, 1..=1),
    ("is_null", Function::IsNull, 1..=1),
    ("coalesce", Function::Coalesce, 2..=64),
];

impl Function {
    fn word(self) -> &'static str {
        if let Some((name, ..)) = FUNCTIONS.iter().find(|(_, function, _)| *function == self) {
            return name;
        }
        match self {
            Function::Negate | Function::Subtract => "-",
            Function::Not => "not",
            Function::Add => "+",
            Function::Multiply => "*",
            Function::Divide => "/",
            Function::Less => "<",
            Function::LessOrEqual => "<=",
            Function::Greater => ">",
            Function::GreaterOrEqual => ">=",
            Function::Equal => "==",
            Function::NotEqual => "!=",
            Function::And => "and",
            Function::Or => "or",
            _ => unreachable!("named above"),
        }
    }
}

/// What a node gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Type {
    Number,
    Boolean,
    Text,
    /// Null, which is of any type.
    Null,
    /// A column that only `is_null` takes.
    Other(Kind),
}

impl Type {
    fn of(kind: Kind) -> Type {
        match kind {
            Kind::Number | Kind::Integer => Type::Number,
            Kind::Boolean => Type::Boolean,
            Kind::Category | Kind::Text => Type::Text,
            other => Type::Other(other),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Type::Number => "a number",
            Type::Boolean => "true or false",
            Type::Text => "a category",
            Type::Null => "null",
            Type::Other(Kind::Date) => "a date",
            Type::Other(Kind::Time) => "a time",
            Type::Other(_) => "a datetime",
        }
    }

    /// The type of both, if they have one in common.
    fn with(self, other: Type) -> Option<Type> {
        match (self, other) {
            (Type::Null, other) | (other, Type::Null) => Some(other),
            (a, b) => (a == b).then_some(a),
        }
    }
}

/// What is wrong with a formula, and where.
struct Fault {
    at: usize,
    message: String,
    help: Option<String>,
}

impl Fault {
    fn new(at: usize, message: impl Into<String>) -> Fault {
        Fault { at, message: message.into(), help: None }
    }

    fn help(self, help: impl Into<String>) -> Fault {
        Fault { help: Some(help.into()), ..self }
    }

    /// The message with the formula and a caret under the place.
    fn shown(&self, text: &str) -> String {
        let line = text.replace(['\n', '\t', '\r'], " ");
        let indent = " ".repeat(text[..self.at].chars().count());
        format!("{}\n  {line}\n  {indent}^", self.message)
    }
}

impl Formula {
    /// The columns that it reads, in canonical order.
    ///
    /// # Errors
    /// A column that is not there, or operands of types that don't go together.
    pub fn columns(&self, schema: &Schema) -> Result<Vec<ColumnName>, StepError> {
        self.check(schema).map_err(|fault| {
            let error = StepError::new(fault.shown(&self.text));
            match fault.help {
                Some(help) => error.help(help),
                None => error,
            }
        })?;
        let named = self.nodes.iter().filter_map(|node| match &node.what {
            What::Column(name) => Some(name.clone()),
            _ => None,
        });
        Ok(named.collect::<std::collections::BTreeSet<_>>().into_iter().collect())
    }

    fn check(&self, schema: &Schema) -> Result<(), Fault> {
        let mut types = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            types.push(match &node.what {
                What::Number(_) => Type::Number,
                What::Boolean(_) => Type::Boolean,
                What::Text(_) => Type::Text,
                What::Null => Type::Null,
                What::Column(name) => {
                    let (_, kind) = find(schema, name.as_str()).map_err(|error| Fault {
                        at: node.at,
                        message: error.message,
                        help: error.help,
                    })?;
                    Type::of(kind)
                }
                What::Call(function, operands) => self.type_of(node.at, *function, operands, &types)?,
            });
        }
        match types.last() {
            Some(Type::Number | Type::Boolean | Type::Text) => Ok(()),
            Some(other) => {
                Err(Fault::new(0, format!("the formula gives {}, which is no number, category or truth", other.word())))
            }
            None => unreachable!("a formula has a node"),
        }
    }

    fn type_of(&self, at: usize, function: Function, operands: &[usize], types: &[Type]) -> Result<Type, Fault> {
        let word = function.word();
        let all = |wanted: Type, gives: Type| match operands.iter().find(|o| types[**o].with(wanted) != Some(wanted)) {
            None => Ok(gives),
            Some(odd) => {
                let message = format!("`{word}` takes {}, and this is {}", wanted.word(), types[*odd].word());
                Err(Fault::new(self.nodes[*odd].at, message))
            }
        };
        let common = |operands: &[usize]| {
            let mut common = Type::Null;
            for operand in operands {
                common = match (common.with(types[*operand]), types[*operand]) {
                    (_, other @ Type::Other(_)) => {
                        let message = format!("`{word}` takes no column like this, which is {}", other.word());
                        return Err(Fault::new(self.nodes[*operand].at, message)
                            .help("`datetime_parts` and `datetime_difference` make numbers of dates"));
                    }
                    (Some(common), _) => common,
                    (None, other) => {
                        let message = format!(
                            "`{word}` takes operands of one type: this is {}, the one before {}",
                            other.word(),
                            common.word()
                        );
                        return Err(Fault::new(self.nodes[*operand].at, message));
                    }
                };
            }
            Ok(common)
        };
        match function {
            Function::Not | Function::And | Function::Or => all(Type::Boolean, Type::Boolean),
            Function::Less | Function::LessOrEqual | Function::Greater | Function::GreaterOrEqual => {
                all(Type::Number, Type::Boolean)
            }
            Function::Equal | Function::NotEqual => {
                if operands.iter().any(|operand| types[*operand] == Type::Null) {
                    return Err(Fault::new(at, "nothing is equal to null").help("ask `is_null(…)`"));
                }
                common(operands).map(|_| Type::Boolean)
            }
            Function::If => {
                if types[operands[0]].with(Type::Boolean).is_none() {
                    let message = format!("`if` takes true or false first, and this is {}", types[operands[0]].word());
                    return Err(Fault::new(self.nodes[operands[0]].at, message));
                }
                common(&operands[1..])
            }
            Function::Coalesce => common(operands),
            Function::IsNull => Ok(Type::Boolean),
            _ => all(Type::Number, Type::Number),
        }
    }
}

impl TryFrom<String> for Formula {
    type Error = String;

    fn try_from(text: String) -> Result<Formula, String> {
        match parse::parse(&text) {
            Ok(nodes) => Ok(Formula { text, nodes }),
            Err(fault) => {
                let shown = fault.shown(&text);
                Err(fault.help.map_or(shown.clone(), |help| format!("{shown}\n{help}")))
            }
        }
    }
}

impl From<Formula> for String {
    fn from(formula: Formula) -> String {
        formula.text
    }
}

impl fmt::Display for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
