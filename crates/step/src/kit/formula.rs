//! Formulas: read once, checked against the types of the columns, evaluated column by column.
//!
//! A row-wise evaluator from a library would compute floats its own way, and none that is
//! maintained has nulls or names in backticks; so the grammar is here, on tokens read by winnow.

mod evaluate;
mod lost;
mod parse;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use evenstep_table::{ColumnName, Kind, Schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{StepError, find};

/// An expression over columns.
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
        Ok(self.names().cloned().collect::<BTreeSet<_>>().into_iter().collect())
    }

    /// The columns that it names, as they stand in it, whether they are there or not.
    pub fn names(&self) -> impl Iterator<Item = &ColumnName> {
        self.nodes.iter().filter_map(|node| match &node.what {
            What::Column(name) => Some(name),
            _ => None,
        })
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

#[cfg(test)]
mod tests {
    use evenstep_table::{Batch, Column};

    use super::*;
    use crate::testing::{batch, boolean, column_texts, dates, integers, numbers, strings};

    fn rows() -> Batch {
        batch(&[
            ("a", numbers(&[Some(1.0), Some(-2.5), None, Some(0.0)])),
            ("b", integers(&[Some(2), None, Some(3), Some(4)])),
            ("yes", boolean(&[Some(true), Some(false), None, Some(true)])),
            ("city", strings(&[Some("Paris"), Some("Oslo"), None, Some("Paris")])),
            ("town", strings(&[Some("Paris"), Some("Paris"), Some("Oslo"), None])),
            ("Lot.`Area`", numbers(&[Some(1.0), Some(2.0), Some(3.0), Some(4.0)])),
            ("day", dates(&[Some(1), None, Some(3), Some(4)])),
        ])
    }

    fn evaluated(text: &str) -> Result<Column, String> {
        let (formula, batch) = (Formula::try_from(text.to_owned())?, rows());
        formula.columns(&batch.schema()).map_err(|error| {
            format!("{}{}", error.message, error.help.map_or(String::new(), |help| format!("\n{help}")))
        })?;
        Ok(formula.evaluate(&batch).0)
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let column = evaluated(text).unwrap_or_else(|error| panic!("{error}"));
        let cells: Vec<String> =
            column_texts(&column).into_iter().map(|cell| cell.unwrap_or("null".to_owned())).collect();
        assert_eq!(cells.join(" "), expected, "{text}");
        // One row at a time, the same.
        let formula = Formula::try_from(text.to_owned()).expect("it was read before");
        let alone = (0..rows().rows()).flat_map(|row| column_texts(&formula.evaluate(&rows().take(&[row])).0));
        assert_eq!(alone.map(|cell| cell.unwrap_or("null".to_owned())).collect::<Vec<_>>(), cells, "{text}");
        assert_eq!(formula.evaluate(&Batch::empty(&rows().schema())).0.kind(), column.kind());
    }

    #[test]
    fn operators_bind_as_in_algebra() {
        check("1 + 2 * 3", "7 7 7 7");
        check("(1 + 2) * 3", "9 9 9 9");
        check("10 - 2 - 3", "5 5 5 5");
        check("2 * -3 + 1", "-5 -5 -5 -5");
        check("--1", "1 1 1 1");
        check("not 1 > 2 and true", "true true true true");
        check("true or false and false", "true true true true");
        check("1 + 1 == 2", "true true true true");
        check("1.5e3+0.25", "1500.25 1500.25 1500.25 1500.25");
    }

    #[test]
    fn nulls_propagate_unless_the_other_side_decides() {
        check("a + b", "3 null null 4");
        check("a < b", "true null null true");
        check("yes and a > 0", "true false null false");
        check("yes or true", "true true true true");
        check("yes and null", "null false null null");
        check("not yes", "false true null false");
        check("if(yes, a, b)", "1 null null 0");
        check("if(a > 0, 1, null)", "1 null null null");
        check("coalesce(a, b, 9)", "1 -2.5 3 0");
        check("is_null(a) or is_null(b)", "false true true false");
        check("is_null(day)", "false true false false");
        check("min(a, b, 0.5)", "0.5 null null 0");
        check("min(a, b, .5)", "0.5 null null 0");
        check("min(a, b, .05e1)", "0.5 null null 0");
        check("max(a, b)", "2 null null 4");
    }

    #[test]
    fn what_is_no_finite_number_is_null_at_once() {
        check("b / a", "2 null null null");
        check("1 / a > 5", "false false null null");
        check("coalesce(1 / a, 7)", "1 -0.4 7 7");
        check("exp(1000) - exp(1000)", "null null null null");
        check("-a * 0", "0 0 null 0");
    }

    #[test]
    fn functions_are_those_of_mathematics() {
        check("abs(a)", "1 2.5 null 0");
        check("ln(a)", "0 null null null");
        check("log1p(a)", "0.6931471805599453 null null 0");
        check("exp(0 * b)", "1 null 1 1");
        check("sqrt(b + 2)", "2 null 2.23606797749979 2.449489742783178");
        check("pow(b, 2)", "4 null 9 16");
        check("pow(a, 0)", "1 1 null 1");
        check("floor(a) + ceil(a)", "2 -5 null 0");
        check("round(a)", "1 -3 null 0");
        check("round(2.5)", "3 3 3 3");
    }

    #[test]
    fn categories_are_compared_and_chosen() {
        check("city == 'Paris'", "true false null true");
        check("city != \"Oslo\"", "true false null true");
        check("city == town", "true false null null");
        check("if(city == town, 'same', town)", "same Paris null null");
        check("coalesce(city, town, 'none')", "Paris Oslo Oslo Paris");
        check("if(yes, 'it''s', city)", "it's Oslo null it's");
        check("yes == true", "true false null true");
    }

    #[test]
    fn columns_with_other_names_stand_in_backticks() {
        check("`Lot.``Area``` * 2", "2 4 6 8");
    }

    #[test]
    fn faults_show_their_place_and_what_to_do() {
        let said = |text: &str| evaluated(text).expect_err(text);
        insta::assert_snapshot!(said("a + * b"), @r"
        expected a number, a column, a function or `(`, found `*`
          a + * b
              ^
        ");
        insta::assert_snapshot!(said("(a + 1"), @r"
        expected an operator or `)`, found the end
          (a + 1
                ^
        ");
        insta::assert_snapshot!(said("a b"), @r"
        expected an operator or the end, found `b`
          a b
            ^
        ");
        insta::assert_snapshot!(said("a ? b"), @r"
        no number, name, text or operator starts here
          a ? b
            ^
        ");
        insta::assert_snapshot!(said("a = 1"), @r"
        `=` is no operator here
          a = 1
            ^
        write `==`
        ");
        insta::assert_snapshot!(said("sqr(a)"), @r"
        no function is called `sqr`
          sqr(a)
          ^
        did you mean `sqrt`?
        ");
        insta::assert_snapshot!(said("a + cty"), @r"
        there is no column `cty` here
          a + cty
              ^
        did you mean `city`?
        ");
        insta::assert_snapshot!(said("1 + city"), @r"
        `+` takes a number, and this is a category
          1 + city
              ^
        ");
        insta::assert_snapshot!(said("if(yes, a, city)"), @r"
        `if` takes operands of one type: this is a category, the one before a number
          if(yes, a, city)
                     ^
        ");
        insta::assert_snapshot!(said("a == null"), @r"
        nothing is equal to null
          a == null
            ^
        ask `is_null(…)`
        ");
        insta::assert_snapshot!(said("1 < a < 2"), @r"
        comparisons don't stand in a row
          1 < a < 2
                ^
        join them by `and`
        ");
        insta::assert_snapshot!(said("pow(a)"), @r"
        `pow` takes 2 between its brackets, parted by commas, and here is 1
          pow(a)
          ^
        ");
        insta::assert_snapshot!(said(&format!("min(a{})", ", 1".repeat(64))).lines().next().expect("a line"), @"`min` takes 2 to 64 between its brackets, parted by commas, and here is 65");
        insta::assert_snapshot!(said("day + 1"), @r"
        `+` takes a number, and this is a date
          day + 1
          ^
        ");
        insta::assert_snapshot!(said("day"), @r"
        the formula gives a date, which is no number, category or truth
          day
          ^
        ");
        insta::assert_snapshot!(said(""), @r"
        expected a number, a column, a function or `(`, found the end
          
          ^
        ");
        insta::assert_snapshot!(said("1e999"), @r"
        1e999 is beyond all numbers
          1e999
          ^
        ");
    }

    #[test]
    fn hostile_formulas_are_refused_and_not_followed() {
        for text in
            ["(".repeat(9_000), "-".repeat(9_000), "not ".repeat(2_000), "if(".repeat(3_000), "1+".repeat(50_000)]
        {
            assert!(evaluated(&text).is_err());
        }
        let long = format!("1{}", "+1".repeat(4_000));
        check(&long, "4001 4001 4001 4001");
        for text in ["\"", "`", "``", "''", "é", "日本 + 1", "\u{0}", "1e", "1.", ".5", "a\n+\n?"] {
            let _ = evaluated(text);
        }
    }
}
