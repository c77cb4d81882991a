//! Which stage of one run is which of the other.

use serde_json::Value;

use super::Side;
use crate::trace::Stage;

/// A stage of both runs, or of one of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Slot {
    /// Rows as they were read by the contract.
    Input,
    /// Which rows are held out.
    Split,
    /// A step, by its place among the pairs.
    Step(usize),
    /// The model.
    Model,
    /// What it says.
    Prediction,
    /// What belongs to no stage.
    Settings,
    /// What the files of the run are, which no stage is to blame for.
    Files,
}

/// A step of one run.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct StepOf {
    /// Its number in the spec.
    pub(crate) number: usize,
    /// What `use = "…"` calls it.
    pub(crate) name: String,
    /// What the document says of it.
    pub(crate) record: Option<Value>,
}

/// A step of one run, and the one of the other that does its work.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Pair {
    pub(crate) a: Option<StepOf>,
    pub(crate) b: Option<StepOf>,
}

impl StepOf {
    /// Whether it learns from the target of a row, too.
    fn learns_from_target(&self) -> bool {
        let spec = self.record.as_ref().and_then(|record| record.get("spec")).cloned().unwrap_or_default();
        evenstep_step::parse(&self.name, spec).is_ok_and(|step| step.learns_from_target())
    }
}

impl Pair {
    /// Whether the step of either side learns from the target of a row, too.
    pub(crate) fn learns_from_target(&self) -> bool {
        [&self.a, &self.b].into_iter().flatten().any(StepOf::learns_from_target)
    }
}

/// All stages, in the order of the flow.
pub(crate) struct Slots {
    slots: Vec<Slot>,
    pairs: Vec<Pair>,
}

impl Slots {
    pub(crate) fn of(a: &Side, b: &Side) -> Slots {
        let (mut of_a, mut of_b) = (steps(a), steps(b));
        // One artifact has one list of steps: that of a document, or else what the longer trace came to see of them.
        if a.digest.is_some() && a.digest == b.digest && (a.document.is_none() || b.document.is_none()) {
            let is_of_b = (b.document.is_some(), of_b.len()) > (a.document.is_some(), of_a.len());
            let (known, other) = if is_of_b { (&of_b, &mut of_a) } else { (&of_a, &mut of_b) };
            other.clone_from(known);
        }
        let pairs = pairs(of_a, of_b);
        let mut slots = vec![Slot::Input, Slot::Split];
        slots.extend((0..pairs.len()).map(Slot::Step));
        slots.extend([Slot::Model, Slot::Prediction, Slot::Settings, Slot::Files]);
        Slots { slots, pairs }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter()
    }

    pub(crate) fn position(&self, slot: &Slot) -> usize {
        self.slots.iter().position(|other| other == slot).expect("every slot is in the list")
    }

    pub(crate) fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// Of a step that one side alone has at this place, if the other has it elsewhere: both, A's first, by their places among
    /// the pairs.
    pub(crate) fn moved(&self, at: usize) -> Option<[usize; 2]> {
        let this = self.pairs[at].step();
        let is_alike = |pair: &Pair| {
            let step = pair.step();
            pair.is_lone() && step.record.is_some() && step.name == this.name && spec(step) == spec(this)
        };
        let of_side = |is_a: bool| -> Vec<usize> {
            (0..self.pairs.len())
                .filter(|at| is_alike(&self.pairs[*at]) && self.pairs[*at].a.is_some() == is_a)
                .collect()
        };
        of_side(true).into_iter().zip(of_side(false)).map(|(a, b)| [a, b]).find(|both| both.contains(&at))
    }

    /// Whether it is only told where something of it differs.
    pub(crate) fn is_hidden(&self, at: usize) -> bool {
        matches!(self.slots[at], Slot::Settings | Slot::Files)
    }

    pub(crate) fn is_output(&self, at: usize) -> bool {
        self.slots[at] == Slot::Prediction
    }

    /// What the stage is called.
    pub(crate) fn title(&self, at: usize) -> String {
        match &self.slots[at] {
            Slot::Input => "input".to_owned(),
            Slot::Split => "split".to_owned(),
            Slot::Step(pair) => self.pairs[*pair].title(),
            Slot::Model => "model".to_owned(),
            Slot::Prediction => "prediction".to_owned(),
            Slot::Settings => "settings".to_owned(),
            Slot::Files => "files".to_owned(),
        }
    }
}

impl Pair {
    /// A's step, or else B's.
    pub(crate) fn step(&self) -> &StepOf {
        self.a.as_ref().or(self.b.as_ref()).expect("a pair has one side at least")
    }

    fn is_lone(&self) -> bool {
        self.a.is_some() != self.b.is_some()
    }

    pub(crate) fn title(&self) -> String {
        let step = self.step();
        format!("step {} {}", step.number, step.name)
    }
}

/// What a document says of a step, if there is one.
fn spec(step: &StepOf) -> Option<Option<&Value>> {
    step.record.as_ref().map(|record| record.get("spec"))
}

/// The steps of one side: by its document, else by its trace.
fn steps(side: &Side) -> Vec<StepOf> {
    if let Some(document) = &side.document {
        let records = document.get("step").and_then(Value::as_array).into_iter().flatten();
        return records
            .enumerate()
            .map(|(at, record)| StepOf {
                number: record.get("number").and_then(Value::as_u64).map_or(at + 1, |number| number as usize),
                name: record.get("use").and_then(Value::as_str).unwrap_or("?").to_owned(),
                record: Some(record.clone()),
            })
            .collect();
    }
    let mut steps: Vec<StepOf> = Vec::new();
    for stage in side.trace.iter().flat_map(|trace| trace.stages().keys()) {
        let Stage::Step { number, name, .. } = stage else { continue };
        let step = StepOf { number: *number as usize, name: name.clone(), record: None };
        if steps.last() != Some(&step) {
            steps.push(step);
        }
    }
    steps
}

/// Pairs that keep the order of both: equal steps first, then, between them, steps of one name.
pub(crate) fn pairs(a: Vec<StepOf>, b: Vec<StepOf>) -> Vec<Pair> {
    let same = |a: &StepOf, b: &StepOf| {
        let known = a.record.is_some() && b.record.is_some();
        a.name == b.name && (!known || spec(a) == spec(b))
    };
    let named_alike = |a: &StepOf, b: &StepOf| a.name == b.name;
    let mut paired = Vec::new();
    let (mut from_a, mut from_b) = (0, 0);
    let ends = [(a.len(), b.len())];
    for (to_a, to_b) in common(&a, &b, same).into_iter().chain(ends) {
        let (gap_a, gap_b) = (&a[from_a..to_a], &b[from_b..to_b]);
        let (mut at_a, mut at_b) = (0, 0);
        let gap_ends = [(gap_a.len(), gap_b.len())];
        for (next_a, next_b) in common(gap_a, gap_b, named_alike).into_iter().chain(gap_ends) {
            paired.extend(gap_a[at_a..next_a].iter().map(|step| Pair { a: Some(step.clone()), b: None }));
            paired.extend(gap_b[at_b..next_b].iter().map(|step| Pair { a: None, b: Some(step.clone()) }));
            if let (Some(a), Some(b)) = (gap_a.get(next_a), gap_b.get(next_b)) {
                paired.push(Pair { a: Some(a.clone()), b: Some(b.clone()) });
            }
            (at_a, at_b) = (next_a + 1, next_b + 1);
        }
        if let (Some(a), Some(b)) = (a.get(to_a), b.get(to_b)) {
            paired.push(Pair { a: Some(a.clone()), b: Some(b.clone()) });
        }
        (from_a, from_b) = (to_a + 1, to_b + 1);
    }
    paired
}

/// The longest common subsequence, as positions in both.
fn common(a: &[StepOf], b: &[StepOf], same: impl Fn(&StepOf, &StepOf) -> bool) -> Vec<(usize, usize)> {
    let width = b.len() + 1;
    let mut longest = vec![0_usize; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            longest[i * width + j] = if same(&a[i], &b[j]) {
                longest[(i + 1) * width + j + 1] + 1
            } else {
                longest[(i + 1) * width + j].max(longest[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j, mut found) = (0, 0, Vec::new());
    while i < a.len() && j < b.len() {
        if same(&a[i], &b[j]) {
            found.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if longest[(i + 1) * width + j] >= longest[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(a: &str, b: &str, expected: &str) {
        let steps = |words: &str| {
            let step = |(at, word): (usize, &str)| {
                let (name, spec) = word.split_at(1);
                StepOf { number: at + 1, name: name.to_owned(), record: Some(json!({ "spec": spec })) }
            };
            words.split_whitespace().enumerate().map(step).collect::<Vec<_>>()
        };
        let number = |step: &Option<StepOf>| step.as_ref().map_or("–".to_owned(), |step| step.number.to_string());
        let told: Vec<String> =
            pairs(steps(a), steps(b)).iter().map(|pair| number(&pair.a) + &number(&pair.b)).collect();
        assert_eq!(told.join(" "), expected, "{a} and {b}");
    }

    #[test]
    fn a_step_that_both_have_at_other_places_was_moved() {
        let steps = |words: &str| {
            let step = |(at, word): (usize, &str)| StepOf {
                number: at + 1,
                name: word[..1].to_owned(),
                record: Some(json!({ "spec": word[1..] })),
            };
            words.split_whitespace().enumerate().map(step).collect::<Vec<_>>()
        };
        let check = |a: &str, b: &str, expected: &[Option<[usize; 2]>]| {
            let slots = Slots { slots: Vec::new(), pairs: pairs(steps(a), steps(b)) };
            let found: Vec<_> = (0..slots.pairs.len()).map(|at| slots.moved(at)).collect();
            assert_eq!(found, expected, "{a} and {b}");
        };
        check("a1 b1", "b1 a1", &[Some([0, 2]), None, Some([0, 2])]);
        check("a1 b1", "b1 a2", &[None, None, None]);
        check("a1 b1 c1 a1", "c1 b1 a1", &[None, Some([1, 3]), None, Some([1, 3]), None]);
    }

    #[test]
    fn equal_steps_are_paired_first_then_those_of_one_name() {
        check("a1 b1 c1", "a1 b1 c1", "11 22 33");
        check("a1 b1 c1", "a1 c1", "11 2– 32");
        check("a1 c1", "a1 b1 c1", "11 –2 23");
        check("a1 b1 c1", "a1 b2 c1", "11 22 33");
        check("a1 a2 a3", "a1 a3", "11 2– 32");
        check("a1 b1", "b1 a1", "1– 21 –2");
        check("a1", "", "1–");
        check("a1 d1 b1", "a1 b2 e1", "11 2– 32 –3");
    }
}
