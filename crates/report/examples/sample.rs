//! Writes two sample reports, to look at: `cargo run -p evenstep-report --example sample -- FOLDER`.
//!
//! The data are drawn, not measured; what is shown of them is counted as for real.

use evenstep_report::*;

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let folder = std::path::Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("house-prices.html"), html(&house_prices()))?;
    std::fs::write(folder.join("titanic.html"), html(&titanic()))?;
    std::fs::write(folder.join("cover-types.html"), html(&cover_types()))
}

/// Numbers between 0 and 1, always the same ones.
struct Draws(u64);

impl Draws {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// About normal, with mean 0 and standard deviation 1.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }

    fn normals(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.normal()).collect()
    }
}

fn histogram(values: &[f64], bins: usize) -> Vec<Bin> {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let edge = |i: usize| low + (high - low) * i as f64 / bins as f64;
    let mut out: Vec<Bin> = (0..bins).map(|i| Bin { low: edge(i), high: edge(i + 1), count: 0 }).collect();
    for value in values {
        let i = ((value - low) / (high - low) * bins as f64) as usize;
        out[i.min(bins - 1)].count += 1;
    }
    out
}

fn numeric(name: &str, kind: &str, mut values: Vec<f64>, nulls: u64) -> ColumnProfile {
    if kind == "integer" {
        values.iter_mut().for_each(|x| *x = x.round());
    }
    values.sort_by(f64::total_cmp);
    let n = values.len();
    let mut distinct = values.clone();
    distinct.dedup();
    ColumnProfile {
        name: name.into(),
        kind: kind.into(),
        rows: n as u64 + nulls,
        nulls,
        distinct: Some(distinct.len() as u64),
        min: values.first().copied(),
        max: values.last().copied(),
        mean: Some(values.iter().sum::<f64>() / n as f64),
        quantiles: vec![(0.25, values[n / 4]), (0.5, values[n / 2]), (0.75, values[3 * n / 4])],
        histogram: histogram(&values, distinct.len().clamp(2, 24)),
        ..ColumnProfile::default()
    }
}

fn category(name: &str, top: &[(&str, u64)], nulls: u64) -> ColumnProfile {
    ColumnProfile {
        name: name.into(),
        kind: "category".into(),
        rows: top.iter().map(|(_, n)| n).sum::<u64>() + nulls,
        nulls,
        distinct: Some(top.len() as u64),
        top: top.iter().map(|(value, n)| ((*value).to_owned(), *n)).collect(),
        ..ColumnProfile::default()
    }
}

fn metric(name: &str, value: f64, interval: (f64, f64), baseline: f64, higher_is_better: bool) -> MetricLine {
    MetricLine {
        name: name.into(),
        value: Some(value),
        interval: Some(interval),
        baseline: Some(baseline),
        better_by: Some(match higher_is_better {
            true => (interval.0 - baseline, interval.1 - baseline),
            false => (baseline - interval.1, baseline - interval.0),
        }),
        higher_is_better,
        undefined: None,
    }
}

fn folds(name: &str, values: &[f64]) -> FoldLine {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let sd = (values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0)).sqrt();
    FoldLine { name: name.into(), mean: Some(mean), sd: Some(sd), values: values.iter().copied().map(Some).collect() }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn importance(shares: &[(&str, f64)]) -> Vec<Importance> {
    shares.iter().map(|(feature, share)| Importance { feature: (*feature).to_owned(), share: *share }).collect()
}

fn curve(rounds: u64, start: f64, floor: f64, gap: f64) -> Vec<CurvePoint> {
    let point = |round: u64| {
        let r = round as f64;
        let training = floor + (start - floor) / (1.0 + r / 12.0);
        let overfit = gap * (r / rounds as f64) * (r / rounds as f64);
        CurvePoint { round, training: training - overfit, watched: Some(training * 1.06 + overfit) }
    };
    (1..=rounds).map(point).collect()
}

fn parameters(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn house_prices() -> Page {
    let mut draws = Draws(7);
    let n = 2344;
    let price = |x: f64| 160_000.0 * (1.0 + 0.35 * x + 0.09 * x * x).max(0.08);
    let prices: Vec<f64> = draws.normals(n).into_iter().map(price).collect();
    let points: Vec<(f64, f64)> = (0..586)
        .map(|_| {
            let actual = price(draws.normal());
            let miss = draws.normal() * 0.1 * actual + draws.normal() * 6_000.0;
            (0.93 * (actual - miss) + 12_000.0, actual)
        })
        .collect();
    let misses: Vec<f64> = points.iter().map(|(predicted, actual)| actual - predicted).collect();
    let area: Vec<f64> = draws.normals(n).into_iter().map(|x| (1450.0 + 420.0 * x + 90.0 * x * x).max(334.0)).collect();
    let lot: Vec<f64> =
        draws.normals(n).into_iter().map(|x| (9000.0 + 2500.0 * x + 1400.0 * x * x * x).max(1300.0)).collect();
    let roots: Vec<f64> = lot.iter().map(|x| x.sqrt()).collect();
    let year: Vec<f64> = (0..n).map(|_| 2010.0 - 130.0 * draws.uniform() * draws.uniform()).collect();
    let mut columns = vec![
        numeric(
            "Overall.Qual",
            "integer",
            draws.normals(n).into_iter().map(|x| (6.1 + 1.4 * x).clamp(1.0, 10.0)).collect(),
            0,
        ),
        ColumnProfile { unit: Some("square feet".into()), ..numeric("area", "integer", area, 0) },
        category(
            "Neighborhood",
            &[
                ("NAmes", 354),
                ("CollgCr", 214),
                ("OldTown", 191),
                ("Edwards", 155),
                ("Somerst", 146),
                ("NridgHt", 133),
                ("Gilbert", 1151),
            ],
            0,
        ),
        numeric("Year.Built", "integer", year, 0),
        numeric("Lot.Area", "integer", lot.clone(), 0),
        numeric(
            "Lot.Frontage",
            "number",
            draws.normals(n - 393).into_iter().map(|x| (69.0 + 21.0 * x).max(21.0)).collect(),
            393,
        ),
        numeric(
            "Garage.Cars",
            "integer",
            draws.normals(n - 1).into_iter().map(|x| (1.8 + 0.8 * x).clamp(0.0, 5.0)).collect(),
            1,
        ),
        category("Pool.QC", &[("Ex", 4), ("Gd", 3), ("TA", 2), ("Fa", 2)], 2333),
        category("Fence", &[("MnPrv", 260), ("GdPrv", 94), ("GdWo", 90), ("MnWw", 10)], 1890),
        category("Fireplace.Qu", &[("Gd", 597), ("TA", 478), ("Fa", 58), ("Po", 40), ("Ex", 36)], 1135),
        category("Central.Air", &[("Y", 2189), ("N", 155)], 0),
        category("Kitchen.Qual", &[("TA", 1195), ("Gd", 929), ("Ex", 160), ("Fa", 59), ("Po", 1)], 0),
        ColumnProfile {
            invalid: 31,
            ..numeric(
                "Mas.Vnr.Area",
                "number",
                draws.normals(n - 48).into_iter().map(|x| (x * 170.0).max(0.0)).collect(),
                48,
            )
        },
        numeric("sold_at", "date", (0..n).map(|_| 13_150.0 + 1_640.0 * draws.uniform()).collect(), 0),
        ColumnProfile {
            role: Some("id".into()),
            distinct: Some(2344),
            histogram: Vec::new(),
            ..numeric("Order", "integer", (1..=n).map(|i| i as f64).collect(), 0)
        },
        category("Utilities", &[("AllPub", 2344)], 0),
    ];
    for i in 1..=52 {
        let values = draws.normals(n).into_iter().map(|x| if i % 3 == 0 { x * x } else { x * i as f64 }).collect();
        columns.push(numeric(
            &format!("Extra.Measure.{i}"),
            "number",
            values,
            if i % 7 == 0 { 40 * i as u64 } else { 0 },
        ));
    }
    let mut shares = vec![
        ("Overall.Qual", 0.284),
        ("area", 0.171),
        ("Neighborhood=NridgHt", 0.083),
        ("Year.Built", 0.071),
        ("Garage.Cars", 0.064),
        ("rooms_per_area", 0.052),
        ("Lot.Area", 0.044),
        ("Kitchen.Qual=Ex", 0.036),
        ("Fireplace.Qu", 0.028),
        ("Mas.Vnr.Area", 0.024),
        ("Lot.Frontage", 0.019),
        ("Central.Air=Y", 0.015),
        ("sold_at_month", 0.011),
        ("Lot.Frontage_missing", 0.004),
        ("Pool.QC=Ex", 0.001),
        ("Utilities=AllPub", 0.0),
    ];
    let extra: Vec<String> = (1..=30).map(|i| format!("Extra.Measure.{i}")).collect();
    shares.extend(extra.iter().enumerate().map(|(i, name)| (&**name, 0.006 / (1.0 + i as f64 * 0.2))));
    let neighbourhoods: Vec<String> = (0..28).map(|i| format!("Neighborhood={i}")).collect();
    Page {
        name: "house-prices".into(),
        version: "4be1c07d92aa".into(),
        digest: "sha256:4be1c07d92aa3c1f0e8a6d5b94c7f2e1a0b3d8c6e5f49172830a9b8c7d6e5f40".into(),
        fingerprint: "fp1:9d3b1e7c5a2f486083c1d9e7b5a3f1426088ce4d2b0a9f7e".into(),
        task: Task::Regression,
        target: "price".into(),
        unit: Some("dollars".into()),
        rows_training: n as u64,
        rows_held_out: 586,
        seed: 2026,
        metrics: vec![
            metric("rmse", 23_147.2, (20_910.0, 25_980.0), 79_412.0, false),
            metric("mae", 15_020.4, (13_900.0, 16_240.0), 57_800.0, false),
            metric("median_absolute_error", 10_311.0, (9_400.0, 11_350.0), 41_200.0, false),
            metric("r2", 0.9143, (0.889, 0.931), -0.0004, true),
            metric("mape", 0.0931, (0.086, 0.101), 0.362, false),
            MetricLine {
                name: "rmsle".into(),
                undefined: Some("a prediction is −1 or less".into()),
                ..MetricLine::default()
            },
        ],
        interval_level: Some(0.95),
        folds: vec![
            folds("rmse", &[24_100.0, 22_310.0, 26_900.0, 23_800.0, 21_950.0]),
            folds("r2", &[0.905, 0.921, 0.884, 0.911, 0.927]),
        ],
        target_profile: Some(numeric("price", "integer", prices, 0)),
        importance: importance(&shares),
        importance_note: Some("Measured as the gain of all splits, which favours features with many values.".into()),
        curve: curve(300, 79_000.0, 14_000.0, 2_400.0),
        curve_metric: Some("rmse".into()),
        best_round: Some(213),
        residuals: Some(Residuals { cloud: Cloud::Points(points), histogram: histogram(&misses, 40) }),
        steps: vec![
            StepBox {
                step: "missing_indicator".into(),
                summary: "marks what was missing in 11 columns".into(),
                reads: names(&[
                    "Lot.Frontage",
                    "Mas.Vnr.Area",
                    "Garage.Cars",
                    "Extra.Measure.7",
                    "Extra.Measure.14",
                    "Extra.Measure.21",
                ]),
                adds: names(&[
                    "Lot.Frontage_missing",
                    "Mas.Vnr.Area_missing",
                    "Garage.Cars_missing",
                    "Extra.Measure.7_missing",
                    "Extra.Measure.14_missing",
                    "Extra.Measure.21_missing",
                ]),
                ..StepBox::default()
            },
            StepBox {
                step: "impute_median".into(),
                summary: "fills 1,562 gaps in 11 columns with their medians".into(),
                reads: names(&["Lot.Frontage", "Mas.Vnr.Area", "Garage.Cars"]),
                ..StepBox::default()
            },
            StepBox {
                step: "power".into(),
                summary: "takes the square root of 1 column".into(),
                reads: names(&["Lot.Area"]),
                changes: vec![Change {
                    column: "Lot.Area".into(),
                    before: histogram(&lot, 24),
                    after: histogram(&roots, 24),
                }],
                ..StepBox::default()
            },
            StepBox {
                step: "expression".into(),
                summary: "`TotRms.AbvGrd` / area".into(),
                reads: names(&["TotRms.AbvGrd", "area"]),
                adds: names(&["rooms_per_area"]),
                ..StepBox::default()
            },
            StepBox {
                step: "one_hot".into(),
                summary: "one column for each of 28 neighbourhoods".into(),
                reads: names(&["Neighborhood"]),
                adds: neighbourhoods,
                drops: names(&["Neighborhood"]),
                ..StepBox::default()
            },
            StepBox {
                step: "drop_constant".into(),
                summary: "drops what never varies".into(),
                reads: names(&["Utilities"]),
                drops: names(&["Utilities"]),
                ..StepBox::default()
            },
        ],
        model: ModelBox {
            model: "boosted_trees".into(),
            summary: "213 trees of at most 31 leaves".into(),
            parameters: parameters(&[
                ("trees", "300"),
                ("learning_rate", "0.05"),
                ("leaves", "31"),
                ("depth", "0"),
                ("bins", "255"),
                ("min_rows", "20"),
                ("l2", "1"),
                ("row_sample", "1"),
                ("column_sample", "0.8"),
                ("early_stopping.rounds", "50"),
            ]),
            members: Vec::new(),
        },
        source_columns: columns.len() as u64 + 1,
        features: columns.len() as u64 + 32,
        columns,
        notes: vec![
            "11 rows have a price that another row with the same columns doesn't: they stay on one side of the split."
                .into(),
        ],
        warnings: vec!["`sold_at` reaches past the training rows in 3% of the held-out rows.".into()],
        ..Page::default()
    }
}

fn titanic() -> Page {
    let mut draws = Draws(11);
    let mut scored: Vec<(f64, bool)> = (0..262)
        .map(|_| {
            let x = draws.normal() * 1.5 - 0.5;
            let p = 0.5 + 0.5 * x / (1.0 + x.abs());
            (p, draws.uniform() < p)
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    let positives = scored.iter().filter(|(_, yes)| *yes).count() as f64;
    let negatives = scored.len() as f64 - positives;
    let (mut found, mut alarms, mut area) = (0.0, 0.0, 0.0);
    let (mut roc, mut precision_recall, mut average) = (vec![(0.0, 0.0)], Vec::new(), 0.0);
    for (_, yes) in &scored {
        if *yes {
            found += 1.0;
            average += found / (found + alarms) / positives;
        } else {
            alarms += 1.0;
            area += found / positives / negatives;
        }
        roc.push((alarms / negatives, found / positives));
        precision_recall.push((found / positives, found / (found + alarms)));
    }
    let calibration = (0..10).filter_map(|i| {
        let bin: Vec<_> = scored.iter().filter(|(p, _)| (p * 10.0) as usize == i).collect();
        let n = bin.len() as f64;
        let happened = bin.iter().filter(|(_, yes)| *yes).count() as f64;
        (n > 0.0).then(|| CalibrationBin {
            predicted: bin.iter().map(|(p, _)| p).sum::<f64>() / n,
            observed: happened / n,
            weight: n,
        })
    });
    let calibration = calibration.collect();
    let count =
        |says: bool, is: bool| scored.iter().filter(|(p, yes)| (*p >= 0.5) == says && *yes == is).count() as u64;
    let columns = vec![
        category("sex", &[("male", 675), ("female", 372)], 0),
        numeric("age", "number", draws.normals(835).into_iter().map(|x| (29.9 + 14.4 * x).max(0.2)).collect(), 212),
        numeric(
            "fare",
            "number",
            draws.normals(1046).into_iter().map(|x| 14.0 + 18.0 * x * x + 30.0 * (x * x * x).max(0.0)).collect(),
            1,
        ),
        numeric(
            "pclass",
            "integer",
            (0..1047).map(|_| (3.9 - 3.4 * draws.uniform() * draws.uniform()).clamp(1.0, 3.0)).collect(),
            0,
        ),
        category("embarked", &[("S", 729), ("C", 220), ("Q", 96)], 2),
        ColumnProfile {
            distinct: Some(186),
            ..category(
                "cabin",
                &[("C23 C25 C27", 6), ("G6", 5), ("B57 B59 B63 B66", 5), ("F2", 4), ("others", 210)],
                817,
            )
        },
        ColumnProfile {
            kind: "text".into(),
            distinct: Some(1046),
            ..category("name", &[("Kelly, Mr. James", 2), ("Abbing, Mr. Anthony", 1)], 0)
        },
        ColumnProfile { kind: "boolean".into(), ..category("alone", &[("true", 631), ("false", 416)], 0) },
    ];
    Page {
        name: "titanic".into(),
        version: "c07d924be1aa".into(),
        digest: "sha256:c07d924be1aa3c1f0e8a6d5b94c7f2e1a0b3d8c6e5f49172830a9b8c7d6e5f40".into(),
        fingerprint: "fp1:1e7c5a2f486083c1d9e7b5a3f1426088ce4d2b0a9f7e9d3b".into(),
        task: Task::Binary,
        target: "survived".into(),
        classes: names(&["no", "yes"]),
        rows_training: 1047,
        rows_held_out: 262,
        seed: 1912,
        metrics: vec![
            metric("roc_auc", area, (area - 0.047, area + 0.041), 0.5, true),
            metric("log_loss", 0.4712, (0.41, 0.545), 0.6651, false),
            metric("brier", 0.149, (0.126, 0.174), 0.236, false),
            metric("accuracy", 0.7901, (0.738, 0.836), 0.618, true),
            metric("average_precision", average, (average - 0.06, average + 0.05), 0.382, true),
            metric("matthews", 0.07, (-0.04, 0.16), 0.0, true),
        ],
        interval_level: Some(0.95),
        columns,
        target_profile: Some(category("survived", &[("no", 647), ("yes", 400)], 0)),
        importance: importance(&[
            ("sex=female", 0.412),
            ("fare", 0.168),
            ("age", 0.141),
            ("pclass", 0.132),
            ("cabin_missing", 0.061),
            ("embarked=C", 0.038),
            ("alone", 0.031),
            ("age_missing", 0.017),
        ]),
        roc,
        precision_recall,
        calibration,
        confusion: vec![vec![count(false, false), count(true, false)], vec![count(false, true), count(true, true)]],
        steps: vec![
            StepBox {
                step: "missing_indicator".into(),
                reads: names(&["age", "cabin"]),
                adds: names(&["age_missing", "cabin_missing"]),
                ..StepBox::default()
            },
            StepBox {
                step: "impute_median".into(),
                summary: "fills 213 gaps".into(),
                reads: names(&["age", "fare"]),
                ..StepBox::default()
            },
            StepBox {
                step: "one_hot".into(),
                reads: names(&["sex", "embarked"]),
                adds: names(&["sex=female", "sex=male", "embarked=C", "embarked=Q", "embarked=S"]),
                drops: names(&["sex", "embarked"]),
                ..StepBox::default()
            },
        ],
        model: ModelBox {
            model: "stack".into(),
            summary: "combined by logistic regression on out-of-fold predictions".into(),
            parameters: parameters(&[("folds", "5"), ("final", "logistic")]),
            members: vec![
                ModelBox {
                    model: "boosted_trees".into(),
                    summary: "120 trees".into(),
                    parameters: parameters(&[("learning_rate", "0.05"), ("leaves", "15")]),
                    ..ModelBox::default()
                },
                ModelBox {
                    model: "logistic".into(),
                    summary: "9 coefficients".into(),
                    parameters: parameters(&[("l2", "1")]),
                    ..ModelBox::default()
                },
                ModelBox { model: "random_forest".into(), summary: "300 trees".into(), ..ModelBox::default() },
            ],
        },
        source_columns: 10,
        features: 11,
        ..Page::default()
    }
}

fn cover_types() -> Page {
    let mut draws = Draws(13);
    let classes: Vec<String> = (1..=7).map(|i| format!("Type {i}")).collect();
    let confusion = (0..7)
        .map(|i: u64| {
            (0..7)
                .map(
                    |j: u64| {
                        if i == j { 900 * (7 - i) } else { (draws.uniform() * 160.0) as u64 / (1 + i.abs_diff(j)) }
                    },
                )
                .collect()
        })
        .collect();
    let predictions: Vec<(f64, f64)> = (0..60_000)
        .map(|_| {
            let x = draws.normal();
            (x, 0.8 * x + 0.5 * draws.normal())
        })
        .collect();
    let mut counts = vec![vec![0; 48]; 48];
    for (x, y) in predictions {
        let cell = |v: f64| (((v + 3.0) / 6.0 * 48.0) as usize).min(47);
        counts[cell(x)][cell(y)] += 1;
    }
    Page {
        name: "cover types".into(),
        task: Task::Multiclass,
        target: "cover".into(),
        classes: classes.clone(),
        rows_training: 464_810,
        rows_held_out: 116_202,
        metrics: vec![
            metric("accuracy", 0.4871, (0.481, 0.492), 0.4876, true),
            MetricLine {
                name: "roc_auc".into(),
                undefined: Some("class `Type 7` is absent from the held-out rows".into()),
                higher_is_better: true,
                ..MetricLine::default()
            },
        ],
        target_profile: Some(category(
            "cover",
            &[
                ("Type 2", 226_640),
                ("Type 1", 169_472),
                ("Type 3", 28_603),
                ("Type 7", 16_408),
                ("Type 6", 13_893),
                ("Type 5", 7_594),
                ("Type 4", 2_200),
            ],
            0,
        )),
        confusion,
        residuals: Some(Residuals {
            cloud: Cloud::Grid { predicted: (-3.0, 3.0), actual: (-3.0, 3.0), counts },
            histogram: Vec::new(),
        }),
        model: ModelBox { model: "logistic".into(), ..ModelBox::default() },
        ..Page::default()
    }
}
