//! From text to nodes: tokens, then precedence climbing (Pratt 1973).

use std::ops::Range;
use std::sync::Arc;

use evenstep_exact::number::parse_number;
use evenstep_table::{ColumnName, did_you_mean};
use winnow::ascii::{digit1, multispace0};
use winnow::combinator::{alt, delimited, opt, preceded, repeat};
use winnow::stream::LocatingSlice;
use winnow::token::{none_of, one_of, take_while};
use winnow::{ModalResult, Parser};

use super::{FUNCTIONS, Fault, Function, Node, What};

/// Longer formulas are refused.
const LONGEST: usize = 10_000;
/// Parentheses and prefixes within each other.
const DEEPEST: u32 = 100;

#[derive(Clone, PartialEq, Debug)]
enum Token<'a> {
    Number(&'a str),
    Name(&'a str),
    Quoted(String),
    Text(String),
    Symbol(&'a str),
}

type Input<'a> = LocatingSlice<&'a str>;

fn token<'a>(input: &mut Input<'a>) -> ModalResult<(Token<'a>, Range<usize>)> {
    let exponent = (one_of(['e', 'E']), opt(one_of(['+', '-'])), digit1);
    let decimal = alt(((digit1, opt(('.', digit1))).void(), ('.', digit1).void()));
    let number = (decimal, opt(exponent)).take().map(Token::Number);
    let name = (one_of(is_name_start), take_while(0.., is_name)).take().map(Token::Name);
    let token = alt((
        number,
        name,
        quoted('`').map(Token::Quoted),
        alt((quoted('"'), quoted('\''))).map(Token::Text),
        alt(("==", "!=", "<=", ">=")).map(Token::Symbol),
        one_of(['<', '>', '+', '-', '*', '/', '(', ')', ',']).take().map(Token::Symbol),
    ));
    delimited(multispace0, token.with_span(), multispace0).parse_next(input)
}

/// What stands between two of these characters, of which two in a row stand for one.
fn quoted<'a>(quote: char) -> impl Parser<Input<'a>, String, winnow::error::ErrMode<winnow::error::ContextError>> {
    let inner = repeat(0.., alt((none_of(quote), preceded(quote, quote))));
    delimited(quote, inner, quote)
}

fn is_name_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// What is wrong where no token starts: other languages have operators that are words here.
fn unreadable(text: &str, at: usize) -> Fault {
    const ELSEWHERE: [(&str, &str); 5] = [("=", "=="), ("&", "and"), ("|", "or"), ("!", "not"), ("^", "pow(a, b)")];
    let elsewhere = ELSEWHERE.iter().find(|(sign, _)| text[at..].starts_with(sign));
    match elsewhere {
        Some((sign, ours)) => Fault::new(at, format!("`{sign}` is no operator here")).help(format!("write `{ours}`")),
        None => Fault::new(at, "no number, name, text or operator starts here"),
    }
}

/// The nodes of a formula, operands before what takes them.
pub(super) fn parse(text: &str) -> Result<Vec<Node>, Fault> {
    if text.len() > LONGEST {
        return Err(Fault::new(0, format!("a formula has {LONGEST} bytes at most")));
    }
    let mut tokens = Vec::new();
    let mut input = LocatingSlice::new(text);
    while !input.is_empty() {
        let at = text.len() - input.len();
        let next = token(&mut input).map_err(|_| unreadable(text, at + blanks(&text[at..])))?;
        tokens.push(next);
    }
    let mut parser = Grammar { tokens, next: 0, end: text.trim_end().len(), nodes: Vec::new() };
    parser.expression(0, 0)?;
    match parser.peek() {
        None => Ok(parser.nodes),
        Some(_) => Err(parser.unexpected("an operator or the end")),
    }
}

fn blanks(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

struct Grammar<'a> {
    tokens: Vec<(Token<'a>, Range<usize>)>,
    next: usize,
    end: usize,
    nodes: Vec<Node>,
}

/// The operator that a token is, how tightly it binds, and whether it stands in a row with its like.
fn infix(token: &Token<'_>) -> Option<(Function, u32, bool)> {
    let (Token::Symbol(word) | Token::Name(word)) = token else { return None };
    Some(match *word {
        "or" => (Function::Or, 1, true),
        "and" => (Function::And, 2, true),
        "==" => (Function::Equal, 4, false),
        "!=" => (Function::NotEqual, 4, false),
        "<" => (Function::Less, 4, false),
        "<=" => (Function::LessOrEqual, 4, false),
        ">" => (Function::Greater, 4, false),
        ">=" => (Function::GreaterOrEqual, 4, false),
        "+" => (Function::Add, 5, true),
        "-" => (Function::Subtract, 5, true),
        "*" => (Function::Multiply, 6, true),
        "/" => (Function::Divide, 6, true),
        _ => return None,
    })
}

const NOT: u32 = 3;
const NEGATE: u32 = 7;

impl<'a> Grammar<'a> {
    /// Reads operands and the operators between them that bind more tightly than `outer`; gives the node.
    fn expression(&mut self, outer: u32, depth: u32) -> Result<usize, Fault> {
        if depth > DEEPEST {
            return Err(Fault::new(self.at(), format!("more than {DEEPEST} levels within each other")));
        }
        let mut left = self.operand(depth)?;
        while let Some((function, binding, in_a_row)) = self.peek().and_then(infix) {
            if binding <= outer {
                break;
            }
            let at = self.at();
            self.next += 1;
            let right = self.expression(binding, depth + 1)?;
            left = self.call(at, function, vec![left, right]);
            if !in_a_row && self.peek().and_then(infix).is_some_and(|(_, next, _)| next == binding) {
                return Err(Fault::new(self.at(), "comparisons don't stand in a row").help("join them by `and`"));
            }
        }
        Ok(left)
    }

    fn operand(&mut self, depth: u32) -> Result<usize, Fault> {
        let at = self.at();
        let Some(token) = self.peek().cloned() else {
            return Err(self.unexpected("a number, a column, a function or `(`"));
        };
        self.next += 1;
        let what = match token {
            // A point may come first here.
            Token::Number(digits) => match parse_number(&format!("0{digits}")) {
                Some(x) => What::Number(x),
                None => return Err(Fault::new(at, format!("{digits} is beyond all numbers"))),
            },
            Token::Text(text) => What::Text(Arc::from(text)),
            Token::Quoted(name) => match ColumnName::new(&name) {
                Some(name) => What::Column(name),
                None => return Err(Fault::new(at, "no column has an empty name")),
            },
            Token::Symbol("(") => {
                let inner = self.expression(0, depth + 1)?;
                self.expect(")")?;
                return Ok(inner);
            }
            Token::Symbol("-") => {
                let operand = self.expression(NEGATE, depth + 1)?;
                return Ok(self.call(at, Function::Negate, vec![operand]));
            }
            Token::Name("not") => {
                let operand = self.expression(NOT, depth + 1)?;
                return Ok(self.call(at, Function::Not, vec![operand]));
            }
            Token::Name("true") => What::Boolean(true),
            Token::Name("false") => What::Boolean(false),
            Token::Name("null") => What::Null,
            Token::Name(name) if self.peek() == Some(&Token::Symbol("(")) => return self.function(at, name, depth),
            Token::Name(name) if infix(&Token::Name(name)).is_none() => {
                What::Column(ColumnName::new(name).expect("a name has a letter"))
            }
            _ => {
                self.next -= 1;
                return Err(self.unexpected("a number, a column, a function or `(`"));
            }
        };
        Ok(self.node(at, what))
    }

    fn function(&mut self, at: usize, name: &str, depth: u32) -> Result<usize, Fault> {
        let Some((_, function, arity)) = FUNCTIONS.iter().find(|(known, ..)| *known == name) else {
            let names = || FUNCTIONS.iter().map(|(name, ..)| *name);
            let help = did_you_mean(name, names());
            return Err(Fault::new(at, format!("no function is called `{name}`"))
                .help(help.unwrap_or_else(|| format!("functions are {}", names().collect::<Vec<_>>().join(", ")))));
        };
        self.expect("(")?;
        let mut arguments = Vec::new();
        if self.peek() != Some(&Token::Symbol(")")) {
            arguments.push(self.expression(0, depth + 1)?);
            while self.peek() == Some(&Token::Symbol(",")) {
                self.next += 1;
                arguments.push(self.expression(0, depth + 1)?);
            }
        }
        self.expect(")")?;
        if !arity.contains(&arguments.len()) {
            let (least, most) = (arity.start(), arity.end());
            let wanted = if least == most { format!("{least}") } else { format!("{least} to {most}") };
            let message = format!(
                "`{name}` takes {wanted} between its brackets, parted by commas, and here is {}",
                arguments.len()
            );
            return Err(Fault::new(at, message));
        }
        Ok(self.call(at, *function, arguments))
    }

    fn expect(&mut self, symbol: &'static str) -> Result<(), Fault> {
        if self.peek() != Some(&Token::Symbol(symbol)) {
            return Err(self.unexpected(&format!("an operator or `{symbol}`")));
        }
        self.next += 1;
        Ok(())
    }

    fn peek(&self) -> Option<&Token<'a>> {
        self.tokens.get(self.next).map(|(token, _)| token)
    }

    /// Where the next token starts, or the text ends.
    fn at(&self) -> usize {
        self.tokens.get(self.next).map_or(self.end, |(_, span)| span.start)
    }

    fn unexpected(&self, expected: &str) -> Fault {
        let found = match self.peek() {
            None => "the end".to_owned(),
            Some(Token::Number(word) | Token::Name(word) | Token::Symbol(word)) => format!("`{word}`"),
            Some(Token::Quoted(_)) => "a column".to_owned(),
            Some(Token::Text(_)) => "a text".to_owned(),
        };
        Fault::new(self.at(), format!("expected {expected}, found {found}"))
    }

    fn call(&mut self, at: usize, function: Function, operands: Vec<usize>) -> usize {
        self.node(at, What::Call(function, operands))
    }

    fn node(&mut self, at: usize, what: What) -> usize {
        self.nodes.push(Node { what, at });
        self.nodes.len() - 1
    }
}
