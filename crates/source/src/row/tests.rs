//! What rows and columns of requests are typed to, and what of them is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use evenstep_table::check::Seen;
use evenstep_table::{Column, Kind, Rule, RuleSpec};

use super::*;
use crate::{Cells, NamedCells, too_large};

fn name(text: &str) -> ColumnName {
    ColumnName::new(text).expect("not empty")
}

fn typer(rules: &str, seen: &[(&str, Seen)]) -> RowTyper {
    let specs: BTreeMap<ColumnName, RuleSpec> = serde_json::from_str(rules).expect("rules");
    let resolve =
        |(name, spec): (ColumnName, RuleSpec)| (name, Rule::resolve(&spec, None, None).expect("consistent").into());
    let reading = Reading {
        missing: vec![String::new(), "NA".to_owned()],
        columns: specs.into_iter().map(resolve).collect(),
        seen: seen.iter().map(|(column, seen)| (name(column), seen.clone())).collect(),
        ..Reading::default()
    };
    RowTyper::new(&reading, [name("id")], name("y"), Extra::Reject)
}

fn check(typer: &RowTyper, rows: &str) -> TypedRows {
    let rows: Vec<Map<String, Json>> = serde_json::from_str(rows).expect("rows");
    typer.rows(&rows)
}

fn messages(typed: &TypedRows) -> Vec<String> {
    typed.errors.iter().map(|error| format!("{} {} {}", error.row, error.rule.word(), error.message)).collect()
}

#[test]
fn json_has_types_and_a_mistaken_one_is_refused() {
    for (kind, json, accepted) in [
        ("number", "3", true),
        ("number", "true", false),
        ("number", "\"3.5\"", false),
        ("number", "\"NA\"", true),
        ("number", "null", true),
        ("number", "9007199254740993", true),
        ("number", "18446744073709551616", true),
        ("integer", "4.0", true),
        ("integer", "4.5", false),
        ("integer", "9223372036854775808", false),
        ("integer", "9007199254740993", true),
        ("integer", "\"7\"", false),
        ("category", "7", false),
        ("category", "true", false),
        ("category", "\"7\"", true),
        ("text", "[1]", false),
        ("boolean", "true", true),
        ("boolean", "1", false),
        ("boolean", "\"true\"", false),
        ("date", "\"2024-12-30\"", true),
        ("date", "20240101", false),
        ("date", "\"30.12.2024\"", false),
        ("datetime", "\"2024-01-02T03:04:05\"", true),
        ("datetime", "\"2024-01-02T03:04:05Z\"", false),
        ("datetime", "1704164645000", false),
        ("text", "{}", false),
    ] {
        let typer = typer(&format!("{{\"x\": {{\"type\": \"{kind}\"}}}}"), &[]);
        let typed = check(&typer, &format!("[{{\"x\": {json}}}]"));
        assert_eq!(typed.errors.is_empty(), accepted, "{json} for {kind}: {:?}", messages(&typed));
    }
}

#[test]
fn an_instant_is_the_same_in_any_zone_and_a_naive_time_is_refused() {
    let typer = typer(r#"{"at": {"type": "datetime", "zone": "Europe/Berlin"}}"#, &[]);
    let typed = check(
        &typer,
        r#"[{"at": "2024-01-02T03:04:05Z"}, {"at": "2024-01-02T05:04:05+02:00"}, {"at": "2024-01-02T03:04:05"}]"#,
    );
    let Some(Column::Datetime(_, cells)) = typed.batch.get("at") else { panic!("a datetime") };
    assert_eq!(cells[0], cells[1]);
    insta::assert_snapshot!(messages(&typed).join("\n"), @"2 invalid `at`: `2024-01-02T03:04:05` is not an instant in ISO 8601, with `Z` or an offset, to the microsecond");
}

#[test]
fn every_text_that_is_too_long_is_refused_and_hides_no_other_error() {
    let typer = typer(r#"{"x": {"type": "text", "missing": "reject"}, "z": {"type": "category"}}"#, &[]);
    let long = "é".repeat(1 << 19) + "!";
    let typed = check(
        &typer,
        &format!(r#"[{{"x": "{long}", "z": "a"}}, {{"x": null, "z": "{long}"}}, {{"x": "{long}", "z": "{long}"}}]"#),
    );
    let told: Vec<String> =
        typed.errors.iter().map(|error| format!("{} {} {}", error.row, error.field, error.rule.word())).collect();
    assert_eq!(
        (told.join(", ").as_str(), typed.error_count),
        ("0 x invalid, 1 x missing, 1 z invalid, 2 x invalid, 2 z invalid", 5)
    );
}

#[test]
fn no_more_cells_are_flagged_than_a_request_may_have() {
    let columns: Vec<String> = (10..74).map(|at| format!("c{at}")).collect();
    let rules: Vec<String> = columns.iter().map(|name| format!(r#""{name}": {{"type": "number"}}"#)).collect();
    let seen: Vec<(&str, Seen)> =
        columns.iter().map(|name| (name.as_str(), Seen { nulls: false, categories: None })).collect();
    let typer = typer(&format!("{{{}}}", rules.join(",")), &seen);
    let typed = |rows: usize| {
        let csv = format!("{}\n{}", columns.join(","), format!("{}\n", ",".repeat(63)).repeat(rows));
        typer.columns(&typer.csv(csv.as_bytes()).expect("a table")).expect("cells")
    };
    let few = typed(FLAGS_MAX / 64 - 1);
    assert!(!few.is_flagged_too_often && few.flags.len() == FLAGS_MAX - 64);
    let many = typed(2 * FLAGS_MAX / 64);
    assert!(many.is_flagged_too_often && many.flags.len() == FLAGS_MAX);
}

#[test]
fn every_policy_refuses_or_flags_by_name() {
    let rules = r#"{
        "age": {"type": "integer", "min": 0, "max": 120, "missing": "reject"},
        "height": {"type": "number", "max": 2.5, "out_of_range": "clip", "absent": "null"},
        "sex": {"type": "category", "values": ["f", "m"], "unseen": "null"},
        "town": {"type": "category"},
        "weight": {"type": "number", "invalid": "quarantine", "personal": true}
    }"#;
    let seen = [("town", Seen { nulls: false, categories: Some(["Bonn"].into_iter().collect()) })];
    let typed = check(
        &typer(rules, &seen),
        r#"[
        {"id": 7, "age": 30, "height": 3, "sex": "x", "town": "Rome", "weight": "heavy"},
        {"age": -1, "sex": "f", "town": null, "weight": 70.5, "heigth": 1.8},
        {"age": null, "height": null, "sex": "m", "weight": null, "y": 1}
    ]"#,
    );
    insta::assert_snapshot!(messages(&typed).join("\n"), @"
    1 unknown `heigth` is not in the contract, did you mean `height`?
    2 missing `age`: the value is missing
    2 absent `town`: the column is missing
    2 unknown `y` is the target: it is predicted, not sent
    ");
    let flags: Vec<String> =
        typed.flags.iter().map(|flag| format!("{} {} {}", flag.row, flag.field, flag.rule.word())).collect();
    insta::assert_snapshot!(flags.join("\n"), @"
    0 height max
    0 sex values
    0 town unseen
    0 weight invalid
    1 age min
    1 height absent
    1 town missing
    ");
    assert_eq!(typed.unanswered, [0]);
    assert_eq!(typed.error_count, 4);
    let Some(Column::Number(heights)) = typed.batch.get("height") else { panic!("numbers") };
    assert_eq!(heights[0], 2.5);
}

#[test]
fn a_personal_value_is_not_repeated() {
    let typer = typer(r#"{"x": {"type": "integer", "personal": true}}"#, &[]);
    let typed = check(&typer, r#"[{"x": "secret"}]"#);
    insta::assert_snapshot!(serde_json::to_string(&typed.errors).expect("JSON"), @r#"[{"row":0,"field":"x","rule":"invalid","message":"`x`: the value is a text, where an integer is expected"}]"#);
}

#[test]
fn a_hundred_errors_are_told_and_all_are_counted() {
    let typer = typer(r#"{"x": {"type": "integer"}}"#, &[]);
    let rows: Vec<String> = (0..300).map(|row| format!("{{\"x\": \"{row}\"}}")).collect();
    let typed = check(&typer, &format!("[{}]", rows.join(",")));
    assert_eq!((typed.errors.len(), typed.error_count), (100, 300));
    assert_eq!(typed.errors[99].row, 99);
}

#[test]
fn each_field_and_rule_is_told_before_others_repeat() {
    let typer =
        typer(r#"{"x": {"type": "integer", "max": 9, "out_of_range": "reject"}, "y": {"type": "integer"}}"#, &[]);
    let told = |typed: &TypedRows| {
        assert_eq!(typed.errors.len(), 100);
        assert!(typed.errors.is_sorted_by_key(|error| error.row));
        let pairs: BTreeSet<_> = typed.errors.iter().map(|error| (error.field.clone(), error.rule.word())).collect();
        let pairs: Vec<String> = pairs.iter().map(|(field, rule)| format!("{field} {rule}")).collect();
        format!("{} of {}", pairs.join(", "), typed.error_count)
    };
    let mut rows = vec![r#"{"x": "a", "Y": 1}"#; 300];
    rows.extend([r#"{"x": 10, "y": 1}"#, r#"{"x": 1, "y": 1, "z": 1}"#]);
    let typed = check(&typer, &format!("[{}]", rows.join(",")));
    insta::assert_snapshot!(told(&typed), @"Y unknown, x invalid, x max, y absent, z unknown of 902");
    let csv = format!("x,Y\n{}10,1\n", "a,1\n".repeat(300));
    let typed = typer.columns(&typer.csv(csv.as_bytes()).expect("a table")).expect("cells");
    insta::assert_snapshot!(told(&typed), @"Y unknown, x invalid, x max, y absent of 603");
}

#[test]
fn columns_are_typed_as_rows_are_and_strings_of_text_files_as_files_are() {
    let rules = r#"{"n": {"type": "number"}, "i": {"type": "integer"}, "c": {"type": "category"}}"#;
    let typer = typer(rules, &[]);
    let json = |cells: &str| Cells::Json(serde_json::from_str(cells).expect("a list"));
    let column = |(column, cells): (&str, Cells)| NamedCells::new(name(column), cells);
    let columns = |columns: Vec<(&str, Cells)>| Body::cells(columns.into_iter().map(column).collect());
    let body = columns(vec![("c", json(r#"["a", "NA"]"#)), ("i", json("[4.0, null]")), ("n", json("[-0.0, 3]"))]);
    let typed = typer.columns(&body.expect("of one length")).expect("cells");
    let rows = check(&typer, r#"[{"n": -0.0, "i": 4.0, "c": "a"}, {"n": 3, "i": null, "c": "NA"}]"#);
    assert_eq!(typed.batch.schema(), rows.batch.schema());
    for (column, cells) in rows.batch.columns() {
        let texts = |of: &Column| (0..2).map(|row| of.text(row)).collect::<Vec<_>>();
        assert_eq!(texts(typed.batch.column(column)), texts(cells), "{column}");
    }
    let csv = |text: &str| typer.columns(&typer.csv(text.as_bytes()).expect("a table")).expect("cells");
    assert_eq!(csv("c,n,i\n7,1.5,2\n").error_count, 0, "text knows no types");
    let wrong = columns(vec![("c", Cells::Integers(vec![7])), ("i", Cells::Texts(vec!["2".to_owned()]))]);
    let wrong = typer.columns(&wrong.expect("of one length")).expect("cells");
    insta::assert_snapshot!(messages(&wrong).join("\n"), @r"
    0 invalid `c`: `7` is a number, where a text is expected
    0 invalid `i`: `2` is a text, where an integer is expected
    0 absent `n`: the column is missing
    ");
    // Where there is no row, none can say what it lacks.
    insta::assert_snapshot!(messages(&csv("c,nn\n")).join("\n"), @r"
    0 absent `i`: the column is missing
    0 absent `n`: the column is missing
    0 unknown `nn` is not in the contract, did you mean `n`?
    ");
}

#[test]
fn numbers_beyond_their_column_are_told_as_such() {
    let typer =
        typer(r#"{"i": {"type": "integer", "absent": "null"}, "n": {"type": "number", "absent": "null"}}"#, &[]);
    let mut told = messages(&check(
        &typer,
        r#"[{"i": 9223372036854775808}, {"i": 18446744073709551617}, {"i": 9007199254740994.0}, {"i": 0.5}]"#,
    ));
    let wide = |name: &str, cells| Body::cells(vec![NamedCells::new(self::name(name), cells)]).expect("a column");
    let large = too_large("1e400");
    for (name, cells) in [("i", Cells::Json(vec![large.clone()])), ("n", Cells::Json(vec![large]))] {
        told.extend(messages(&typer.columns(&wide(name, cells)).expect("cells")));
    }
    insta::assert_snapshot!(told.join("\n"), @"
    0 invalid `i`: `9223372036854775808` is beyond the integers, which lie above -2^63 and below 2^63
    1 invalid `i`: `18446744073709552000` is beyond the integers, which lie above -2^63 and below 2^63
    2 invalid `i`: `9007199254740994.0` may not be exact: beyond 2^53 an integer is written with all its digits
    3 invalid `i`: `0.5` is not an integer
    0 invalid `i`: `1e400` is beyond the integers, which lie above -2^63 and below 2^63
    0 invalid `n`: `1e400` is larger than any float of 64 bits
    ");
}

#[test]
fn comma_separated_values_without_a_header_are_told_so_without_their_cells() {
    let typer = typer(r#"{"n": {"type": "number"}, "i": {"type": "integer"}}"#, &[]);
    for csv in ["34,7\n1,2\n", "34,34\n", "34,\n"] {
        let error = typer.csv(csv.as_bytes()).expect_err("there is no header");
        assert_eq!(
            error.to_string(),
            "the body, line 1: it names no field of the contract, expected a header of field names"
        );
        assert_eq!(error.help.as_deref(), Some("begin the body with a line of the names `i`, `n`"));
    }
    for header in ["id,34\n", "N,I\n", " n , i\n"] {
        assert!(typer.csv(header.as_bytes()).is_ok(), "{header}");
    }
}

#[test]
fn one_row_is_typed_as_in_a_batch() {
    let rules = r#"{"n": {"type": "number"}, "c": {"type": "category"}, "d": {"type": "date"}}"#;
    let typer = typer(rules, &[]);
    let rows = r#"[{"n": 1, "c": "a", "d": "2024-01-01"}, {"n": null, "c": "b", "d": "2024-01-02T00:00:00"}, {"n": -0.0, "c": "a", "d": null}]"#;
    let rows: Vec<Map<String, Json>> = serde_json::from_str(rows).expect("rows");
    let whole = typer.rows(&rows);
    for (at, row) in rows.iter().enumerate() {
        let alone = typer.rows(std::slice::from_ref(row));
        for (name, column) in alone.batch.columns() {
            assert_eq!(column.text(0), whole.batch.column(name).text(at));
        }
    }
    assert_eq!(whole.batch.schema().get("d"), Some(&Kind::Date));
}

mod direct {
    use proptest::prelude::*;

    use super::*;

    const RULES: &str = r#"{
        "id": {"type": "integer"},
        "n": {"type": "number", "max": 5},
        "c": {"type": "category", "absent": "null"},
        "d": {"type": "date", "invalid": "quarantine"}
    }"#;

    fn typers() -> [RowTyper; 2] {
        let specs: BTreeMap<ColumnName, RuleSpec> = serde_json::from_str(RULES).expect("rules");
        let resolve =
            |(name, spec): (ColumnName, RuleSpec)| (name, Rule::resolve(&spec, None, None).expect("rules").into());
        let columns: BTreeMap<ColumnName, Arc<Rule>> = specs.into_iter().map(resolve).collect();
        let missing = vec![String::new(), "NA".to_owned()];
        let seen = [(name("c"), Seen { nulls: false, categories: Some(["a", "b"].into_iter().collect()) })].into();
        let with_id = Reading { missing, columns, seen, id: vec![name("id")], ..Reading::default() };
        let mut without_id = with_id.clone();
        without_id.id.clear();
        [with_id, without_id].map(|reading| RowTyper::new(&reading, [name("id")], name("y"), Extra::Reject))
    }

    fn shown(typed: &TypedRows) -> String {
        let columns: Vec<_> = typed.batch.columns().collect();
        format!("{columns:?} {:?} {:?} {:?}", typed.flags, typed.unanswered, typed.quality)
    }

    fn rows(text: &str) -> Vec<Map<String, Json>> {
        match serde_json::from_str(text).expect("rows") {
            Json::Object(row) => vec![row],
            rows => serde_json::from_value(rows).expect("rows"),
        }
    }

    #[test]
    fn what_is_usual_is_read_at_once() {
        let [with_id, without_id] = typers();
        let text = r#"[{"id": 7, "n": 1.5, "c": "a", "d": "2024-01-02"}, {"d": null, "id": 8.0, "n": 9}]"#;
        let (read, _) = with_id.direct(&[text.as_bytes()], 2).expect("as usual");
        assert!(read.has_id);
        assert_eq!(shown(&read.typed), shown(&with_id.rows(&rows(text))));
        assert!(!without_id.direct(&[text.as_bytes()], 2).expect("as usual").0.has_id);
        assert!(with_id.direct(&[text.as_bytes()], 1).is_err(), "too many rows");
        assert_eq!(with_id.direct(&[b"[]"], 2).expect("as usual").0.typed.batch.rows(), 0);
    }

    #[test]
    fn texts_that_are_read_together_end_where_they_end() {
        let [with_id, _] = typers();
        let one = r#"{"id": 7, "n": 1, "c": "a", "d": null}"#;
        let two = format!("[{one}, {one}]");
        let (_, ends) = with_id.direct(&[one.as_bytes(), b"[]", two.as_bytes()], 100).expect("as usual");
        assert_eq!(ends, [1, 1, 3]);
        assert!(with_id.direct(&[one.as_bytes(), b"["], 100).is_err());
    }

    #[test]
    fn what_is_unusual_is_left_to_others_and_leaves_nothing_behind() {
        let [with_id, _] = typers();
        for text in [
            "",
            "[",
            "7",
            "[7]",
            "[[]]",
            r#"{"id": 1, "n": 1, "c": "a", "d": null} x"#,
            r#"{"id": 1, "n": 1, "n": 1, "c": "a", "d": null}"#,
            r#"{"id": 1, "n": 1, "c": "a", "d": null, "e": 1}"#,
            r#"{"id": 1, "n": [], "c": "a", "d": null}"#,
            r#"{"id": 1, "n": {}, "c": "a", "d": null}"#,
            r#"{"id": 1, "n": "1", "c": "a", "d": null}"#,
            r#"{"id": 1, "c": "a", "d": null}"#,
            r#"{"n": 1, "c": "a", "d": null}"#,
            r#"[{"id": 1, "n": 1, "c": "a", "d": null}, {"id": 1e999, "n": 1, "d": null}]"#,
            r#"{"columns": {"id": [1], "n": [1], "c": ["a"], "d": [null]}}"#,
        ] {
            assert!(with_id.direct(&[text.as_bytes()], 100).is_err(), "{text}");
        }
        let text = r#"{"id": 1, "n": 1, "c": "a", "d": null}"#;
        let (read, _) = with_id.direct(&[text.as_bytes()], 100).expect("as usual");
        assert_eq!(shown(&read.typed), shown(&typers()[0].rows(&rows(text))));
    }

    proptest! {
        #[test]
        fn what_is_read_at_once_is_what_its_values_are(
            cells in prop::collection::vec(
                (
                    prop::sample::select(vec!["1", "-7", "4.0", "null", "\"NA\"", "9007199254740993"]),
                    prop::sample::select(vec!["1", "6", "-0.0", "1e300", "null", "\"\"", "18446744073709551615", "\"1\"", "true"]),
                    prop::sample::select(vec!["\"a\"", "\"b\"", "\"c\"", "\"\\u0061\"", "null", "\"NA\"", "1"]),
                    prop::sample::select(vec!["\"2024-12-30\"", "null", "\"30.12.2024\"", "\"\"", "0"]),
                    prop::sample::select(vec!["inc", "cdni", "n", "nid", "dc"]),
                ),
                0..5,
            ),
        ) {
            let row = |(id, n, c, d, order): &(&str, &str, &str, &str, &str)| {
                let member = |which| match which {
                    'i' => format!("\"id\": {id}"),
                    'n' => format!("\"n\": {n}"),
                    'c' => format!("\"c\": {c}"),
                    _ => format!("\"d\": {d}"),
                };
                format!("{{{}}}", order.chars().map(member).collect::<Vec<_>>().join(", "))
            };
            let text = format!("[{}]", cells.iter().map(row).collect::<Vec<_>>().join(", "));
            for typer in typers() {
                let by_values = typer.rows(&rows(&text));
                match typer.direct(&[text.as_bytes()], 100) {
                    Ok((read, _)) => prop_assert_eq!(shown(&read.typed), shown(&by_values)),
                    Err(_) => prop_assert!(by_values.error_count > 0 || !typer.plan.id.is_empty(), "{}", text),
                }
            }
        }
    }
}

#[test]
fn cells_that_nobody_is_told_of_are_counted_all_the_same() {
    let typer = typer(r#"{"a": {"type": "number"}, "b": {"type": "number"}}"#, &[]);
    let rows = r#"[{}, {"a": 1}, {"a": 1, "b": 2}]"#;
    let few = check(&typer, rows);
    let rows: Vec<Map<String, Json>> = serde_json::from_str(rows).expect("rows");
    let many = typer.rows(&vec![rows; 1000].concat());
    assert_eq!((few.error_count, many.error_count), (3, 3000));
    assert_eq!(messages(&many)[..3], messages(&few));
    // The first rows, and all of each.
    let told: Vec<usize> = many.errors.iter().map(|error| error.row).collect();
    let expected: Vec<usize> = (0..100).flat_map(|row| vec![row; [2, 1, 0][row % 3]]).take(TOLD).collect();
    assert_eq!(told, expected);
}

#[test]
fn a_value_of_another_type_is_said_to_be_one() {
    let rules =
        r#"{"c": {"type": "category"}, "d": {"type": "date"}, "b": {"type": "boolean"}, "n": {"type": "number"}}"#;
    let typed = check(&typer(rules, &[]), r#"[{"c": true, "d": 20240101, "b": 1, "n": false}]"#);
    insta::assert_snapshot!(messages(&typed).join("\n"), @"
    0 invalid `b`: `1` is a number, where true or false is expected
    0 invalid `c`: `true` is a flag, where a text is expected
    0 invalid `d`: `20240101` is a number, where a date, as a text, is expected
    0 invalid `n`: `false` is a flag, where a number is expected
    ");
}
