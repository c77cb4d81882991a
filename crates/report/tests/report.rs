//! The report as a whole: its bytes, what it never holds, and what strangers may write into it.

use evenstep_report::*;

/// A page with a little of everything.
fn small() -> Page {
    let bins = |counts: &[u64]| {
        counts
            .iter()
            .enumerate()
            .map(|(i, n)| Bin { low: i as f64, high: i as f64 + 1.0, count: *n })
            .collect::<Vec<_>>()
    };
    let area = ColumnProfile {
        name: "area".into(),
        kind: "number".into(),
        rows: 8,
        nulls: 2,
        invalid: 1,
        distinct: Some(6),
        min: Some(0.5),
        max: Some(3.0),
        mean: Some(1.75),
        quantiles: vec![(0.5, 1.5)],
        histogram: bins(&[1, 3, 2]),
        ..ColumnProfile::default()
    };
    let city = ColumnProfile {
        name: "city".into(),
        kind: "category".into(),
        rows: 8,
        distinct: Some(2),
        top: vec![("Bern".into(), 5), ("Chur".into(), 3)],
        ..ColumnProfile::default()
    };
    Page {
        name: "rents".into(),
        version: "0123456789ab".into(),
        digest: "sha256:0123456789ab".into(),
        fingerprint: "fp1:ab".into(),
        target: "rent".into(),
        unit: Some("francs".into()),
        rows_training: 8,
        rows_held_out: 2,
        seed: 7,
        metrics: vec![
            MetricLine {
                name: "mae".into(),
                value: Some(120.5),
                interval: Some((100.0, 150.0)),
                baseline: Some(300.0),
                better_by: Some((150.0, 200.0)),
                ..MetricLine::default()
            },
            MetricLine {
                name: "r2".into(),
                higher_is_better: true,
                undefined: Some("two rows".into()),
                ..MetricLine::default()
            },
        ],
        interval_level: Some(0.95),
        folds: vec![FoldLine {
            name: "mae".into(),
            mean: Some(125.0),
            sd: Some(5.0),
            values: vec![Some(120.0), Some(130.0)],
        }],
        target_profile: Some(ColumnProfile { histogram: bins(&[4, 4]), ..area.clone() }),
        columns: vec![area, city],
        importance: vec![
            Importance { feature: "area".into(), share: 0.75 },
            Importance { feature: "city=Bern".into(), share: 0.25 },
        ],
        curve: vec![
            CurvePoint { round: 1, training: 200.0, watched: Some(210.0) },
            CurvePoint { round: 2, training: 110.0, watched: Some(125.0) },
        ],
        curve_metric: Some("mae".into()),
        best_round: Some(2),
        residuals: Some(Residuals { cloud: Cloud::Points(vec![(1.0, 1.5), (2.0, 1.75)]), histogram: bins(&[1, 1]) }),
        steps: vec![StepBox {
            step: "one_hot".into(),
            summary: "one column for each of 2 values".into(),
            reads: vec!["city".into()],
            adds: vec!["city=Bern".into(), "city=Chur".into()],
            drops: vec!["city".into()],
            ..StepBox::default()
        }],
        model: ModelBox { model: "ridge".into(), parameters: vec![("l2".into(), "1".into())], ..ModelBox::default() },
        source_columns: 3,
        features: 3,
        warnings: vec!["`area` has an invalid cell".into()],
        ..Page::default()
    }
}

/// The page's own markup, without the style sheet.
fn body(page: &Page) -> String {
    let html = html(page);
    let start = html.find("</style>").expect("the page has styles");
    html[start..].to_owned()
}

#[test]
fn a_small_page() {
    insta::assert_snapshot!(body(&small()));
}

#[test]
fn equal_pages_are_equal_bytes() {
    assert_eq!(html(&small()), html(&small().clone()));
}

#[test]
fn nothing_is_fetched_and_nothing_runs() {
    let html = html(&small());
    for needle in ["http:", "https:", "<script", "javascript", "url(", "@import", "<link", "<img", " on"] {
        let found =
            html.match_indices(needle).map(|(i, _)| &html[i..]).find(|rest| needle != " on" || is_handler(rest));
        assert_eq!(found.map(|rest| &rest[..40]), None, "{needle}");
    }
    assert!(html.contains("default-src 'none'"));
}

/// Whether a text starts like ` onclick=`.
fn is_handler(text: &str) -> bool {
    text[1..].find(|c: char| !c.is_ascii_alphabetic()).is_some_and(|end| text[1 + end..].starts_with('='))
}

#[test]
fn hostile_texts_stay_texts() {
    let evil = "<script>alert('1')</script>\"><img src=x onerror=\"a()\">{{ 7 }}`&amp;\u{202e}🦀\0";
    let bin = Bin { low: 0.0, high: 1.0, count: 1 };
    let column = |kind: &str, histogram: Vec<Bin>| ColumnProfile {
        name: evil.into(),
        kind: kind.into(),
        role: Some(evil.into()),
        unit: Some(evil.into()),
        rows: 2,
        nulls: 1,
        distinct: Some(1),
        min: Some(0.0),
        max: Some(1.0),
        histogram,
        top: vec![(evil.into(), 1)],
        ..ColumnProfile::default()
    };
    let metric = |value: Option<f64>| MetricLine {
        name: evil.into(),
        value,
        baseline: Some(1.0),
        undefined: Some(evil.into()),
        ..MetricLine::default()
    };
    for task in [Task::Regression, Task::Binary, Task::Multiclass] {
        let page = Page {
            name: evil.into(),
            version: evil.into(),
            digest: evil.into(),
            fingerprint: evil.into(),
            task,
            target: evil.into(),
            unit: Some(evil.into()),
            classes: vec![evil.into(), evil.into()],
            metrics: vec![metric(Some(2.0)), metric(None)],
            baseline: Some(evil.into()),
            folds: vec![FoldLine { name: evil.into(), values: vec![Some(1.0), Some(2.0)], ..FoldLine::default() }],
            columns: vec![column(evil, vec![bin]), column("text", Vec::new())],
            target_profile: Some(column("number", vec![bin])),
            importance: vec![Importance { feature: evil.into(), share: 1.0 }],
            importance_note: Some(evil.into()),
            curve: vec![
                CurvePoint { round: 1, ..CurvePoint::default() },
                CurvePoint { round: 2, ..CurvePoint::default() },
            ],
            curve_metric: Some(evil.into()),
            residuals: Some(Residuals { cloud: Cloud::Points(vec![(0.0, 1.0)]), histogram: vec![bin] }),
            confusion: vec![vec![1, 2], vec![3, 4]],
            steps: vec![StepBox {
                step: evil.into(),
                summary: evil.into(),
                reads: vec![evil.into(); 9],
                adds: vec![evil.into()],
                drops: vec![evil.into()],
                retypes: vec![evil.into()],
                changes: vec![Change { column: evil.into(), before: vec![bin], after: vec![bin] }],
            }],
            model: ModelBox {
                model: evil.into(),
                summary: evil.into(),
                parameters: vec![(evil.into(), evil.into())],
                members: vec![ModelBox { model: evil.into(), summary: evil.into(), ..ModelBox::default() }],
            },
            notes: vec![evil.into()],
            warnings: vec![evil.into()],
            ..Page::default()
        };
        let html = html(&page);
        assert!(!html.contains("<script") && !html.contains("<img"), "{task:?}");
        assert_eq!(text_of(&html).matches("alert('1')").count(), html.matches("alert(&#39;1&#39;)").count());
        assert!(text_of(&html).contains(evil), "the text itself is there");
        well_formed(&html);
    }
}

/// What remains without tags and entities.
fn text_of(html: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    for (entity, c) in [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")] {
        out = out.replace(entity, c);
    }
    out
}

/// Every tag that is opened is closed, in order; ids are unique and what refers to one finds it.
fn well_formed(html: &str) {
    let body = &html[html.find("<body>").expect("a body")..];
    let mut open = Vec::new();
    for piece in body.split('<').skip(1) {
        let (tag, _) = piece.split_once('>').expect("a tag ends");
        let name = tag.split([' ', '\n']).next().unwrap_or_default();
        if let Some(closed) = name.strip_prefix('/') {
            if closed == "html" {
                break;
            }
            assert_eq!(open.pop(), Some(closed), "closed by </{closed}>");
        } else if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert_eq!(open, Vec::<&str>::new());
    let ids: Vec<&str> = body.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let unique: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len(), "{ids:?}");
    for (attribute, prefix) in [(" href=\"#", ""), (" aria-labelledby=\"", "")] {
        for list in body.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()) {
            for id in list.split(' ') {
                assert!(unique.contains(&&*format!("{prefix}{id}")), "{id}");
            }
        }
    }
}

#[test]
fn markup_is_well_formed() {
    well_formed(&html(&small()));
    well_formed(&html(&Page::default()));
}

#[test]
fn what_is_absent_leaves_no_trace() {
    let html = body(&Page { name: "bare".into(), ..Page::default() });
    for needle in ["<section", "<nav", "<table", "<svg", "<figure", "<h2", "<ul", "<dl"] {
        assert!(!html.contains(needle), "{needle} in\n{html}");
    }
    assert!(html.contains("<h1>bare</h1>"));
}

#[test]
fn each_section_stands_alone() {
    let full = small();
    let check = |page: Page, there: &str| {
        let html = html(&page);
        well_formed(&html);
        assert_eq!(html.matches("<section").count(), 1, "{there}");
        assert!(html.contains(there), "{there}");
    };
    check(Page { folds: full.folds, ..Page::default() }, "id=\"metrics\"");
    check(Page { residuals: full.residuals, ..Page::default() }, "id=\"errors\"");
    check(Page { importance: full.importance, ..Page::default() }, "id=\"importance\"");
    check(Page { curve: full.curve, ..Page::default() }, "id=\"learning\"");
    check(Page { model: full.model, ..Page::default() }, "id=\"pipeline\"");
    check(Page { columns: full.columns, ..Page::default() }, "id=\"data\"");
    check(Page { digest: full.digest, ..Page::default() }, "id=\"identity\"");
    check(Page { warnings: full.warnings, ..Page::default() }, "id=\"warnings\"");
    check(Page { notes: vec!["a note".into()], ..Page::default() }, "id=\"notes\"");
}

/// A page that holds one float everywhere.
fn all(x: f64) -> Page {
    let bins = vec![
        Bin { low: x, high: x, count: 3 },
        Bin { low: 0.0, high: x, count: 2 },
        Bin { low: 0.0, high: 1.0, count: 0 },
    ];
    let column = ColumnProfile {
        name: "x".into(),
        kind: "number".into(),
        rows: 3,
        nulls: 9,
        min: Some(x),
        max: Some(x),
        mean: Some(x),
        quantiles: vec![(0.5, x), (x, x)],
        histogram: bins.clone(),
        ..ColumnProfile::default()
    };
    let metric = |name: &str| MetricLine {
        name: name.into(),
        value: Some(x),
        interval: Some((x, x)),
        baseline: Some(x),
        better_by: Some((x, x)),
        ..MetricLine::default()
    };
    Page {
        target: "y".into(),
        metrics: vec![metric("rmse"), metric("accuracy"), metric("other")],
        interval_level: Some(x),
        folds: vec![FoldLine {
            name: "rmse".into(),
            mean: Some(x),
            sd: Some(x),
            values: vec![Some(x), Some(0.0), None],
        }],
        columns: ["number", "integer", "date", "time", "datetime"]
            .map(|kind| ColumnProfile { kind: kind.into(), ..column.clone() })
            .to_vec(),
        target_profile: Some(column),
        importance: vec![Importance { feature: "x".into(), share: x }],
        curve: vec![
            CurvePoint { round: 1, training: x, watched: Some(x) },
            CurvePoint { round: 2, training: 0.0, watched: Some(x) },
            CurvePoint { round: 3, training: 1.0, watched: None },
        ],
        best_round: Some(u64::MAX),
        roc: vec![(x, x), (0.0, x), (1.0, 1.0)],
        precision_recall: vec![(0.0, x), (1.0, x)],
        calibration: vec![
            CalibrationBin { predicted: x, observed: x, weight: x },
            CalibrationBin { predicted: 0.5, observed: 0.5, weight: 1.0 },
        ],
        residuals: Some(Residuals { cloud: Cloud::Points(vec![(x, 0.0), (x, x)]), histogram: bins.clone() }),
        steps: vec![StepBox {
            changes: vec![Change { before: bins.clone(), after: bins, ..Change::default() }],
            ..StepBox::default()
        }],
        ..Page::default()
    }
}

#[test]
fn odd_numbers_draw_nothing_odd() {
    let odd =
        [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, 5e-324, -5e-324, -0.0, 0.0, 1e299, -7.0, 1e15];
    for x in odd {
        for task in [Task::Regression, Task::Binary] {
            let grid =
                Cloud::Grid { predicted: (x, 1.0), actual: (0.0, x), counts: vec![vec![1, 0], vec![u64::MAX / 4, 2]] };
            for residuals in [all(x).residuals, Some(Residuals { cloud: grid, histogram: Vec::new() })] {
                let html = body(&Page { task, residuals, ..all(x) });
                well_formed(&format!("<body>{}", &html[html.find("<header>").expect("a header")..]));
                for needle in ["NaN", "nan", "inf\"", "inf ", "inf%", ">inf", "-0\"", "−0<", "−0 "] {
                    assert!(!html.contains(needle), "{x} gives {needle}");
                }
            }
        }
    }
}

#[test]
fn lopsided_matrices_are_not_drawn() {
    let page = |confusion: Vec<Vec<u64>>, classes: usize| Page {
        task: Task::Multiclass,
        classes: (0..classes).map(|i| format!("c{i}")).collect(),
        confusion,
        ..Page::default()
    };
    for (confusion, classes) in
        [(vec![vec![1], vec![1, 2]], 2), (vec![vec![1, 2], vec![3, 4]], 3), (vec![vec![0; 2]; 2], 2)]
    {
        assert!(!html(&page(confusion, classes)).contains("<table"));
    }
    let many = html(&page(vec![vec![1; 1000]; 1000], 1000));
    assert!(many.contains("977 others") && many.len() < 100_000, "{}", many.len());
}

#[test]
fn ten_thousand_columns_stay_small() {
    let column = |i: usize| ColumnProfile {
        name: format!("a.rather.long.name.of.a.column.{i}"),
        kind: "number".into(),
        rows: 1_000_000,
        nulls: i as u64,
        distinct: Some(123_456),
        min: Some(-1234.5),
        max: Some(98_765.4),
        mean: Some(0.123456),
        quantiles: vec![(0.5, 0.5)],
        histogram: (0..50).map(|b| Bin { low: b as f64, high: b as f64 + 1.0, count: (b * i) as u64 }).collect(),
        top: vec![("a most frequent value".into(), 12_345); 50],
        ..ColumnProfile::default()
    };
    let columns: Vec<ColumnProfile> = (0..10_000).map(column).collect();
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let page = Page {
        importance: names.iter().map(|name| Importance { feature: format!("{name}_missing"), share: 0.0001 }).collect(),
        curve: (1..=20_000)
            .map(|round| CurvePoint { round, training: 1.0 / round as f64, watched: Some(2.0) })
            .collect(),
        roc: (0..=200_000).map(|i| (i as f64 / 200_000.0, i as f64 / 200_000.0)).collect(),
        steps: vec![
            StepBox { step: "impute_median".into(), reads: names.clone(), adds: names, ..StepBox::default() };
            20
        ],
        columns,
        ..Page::default()
    };
    let html = html(&page);
    assert!(html.len() < 1_500_000, "{}", html.len());
    assert!(html.contains("9,940 columns"));
    well_formed(&html);
}
