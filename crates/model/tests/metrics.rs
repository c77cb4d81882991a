//! Every metric against the values of scikit-learn 1.9.1, at its edges, and whatever the order of rows.

use evenstep_exact::draw::{Draws, Seed};
use evenstep_exact::reduce::Workers;
use evenstep_model::metric::{self, METRICS, Metric, Scored, curves};
use evenstep_model::{Aim, Predictions};
use evenstep_table::{RowKey, Task};

const ROWS: usize = 40;

/// Forty rows of one task.
#[derive(Clone)]
struct Rows {
    task: Task,
    target: Vec<f64>,
    predictions: Predictions,
    weights: Vec<f64>,
    keys: Vec<RowKey>,
}

fn rows(task: Task, target: Vec<f64>, values: Vec<f64>) -> Rows {
    let rows = target.len();
    let predictions = Predictions { width: values.len() / rows, values };
    let weights = (0..rows).map(|i| 1.0 + (i * 5 % 4) as f64 / 2.0).collect();
    let keys = (0..rows).map(|i| RowKey((i as u128).to_le_bytes())).collect();
    Rows { task, target, predictions, weights, keys }
}

fn binary() -> Task {
    Task::Binary { classes: ["no".to_owned(), "yes".to_owned()] }
}

fn ternary() -> Task {
    Task::Multiclass { classes: ["a", "b", "c"].map(str::to_owned).into() }
}

fn numbers() -> Rows {
    let target: Vec<f64> = (0..ROWS).map(|i| (i * 37 % 101) as f64 / 8.0 + 0.5).collect();
    let predicted = |(i, y): (usize, &f64)| (y + ((i * 53 % 17) as f64 - 7.0) / 4.0).max(0.125);
    let values = target.iter().enumerate().map(predicted).collect();
    rows(Task::Regression, target, values)
}

fn two_classes() -> Rows {
    let class = |i: usize| usize::from(i * 11 % 5 < 2);
    let probability = |i: usize| ((i * 29 % 19) + 6 * class(i)) as f64 / 25.0;
    rows(binary(), (0..ROWS).map(|i| class(i) as f64).collect(), (0..ROWS).map(probability).collect())
}

fn three_classes() -> Rows {
    let class = |i: usize| i * 7 % 3;
    let row = |i: usize| {
        let bonus = |of: usize, much: usize| if class(i) == of { much + 1 } else { 1 };
        let raw = [i * 13 % 11 + bonus(0, 8), i * 17 % 7 + bonus(1, 6), i * 19 % 13 + bonus(2, 5)].map(|x| x as f64);
        raw.map(|x| x / (raw[0] + raw[1] + raw[2]))
    };
    rows(ternary(), (0..ROWS).map(|i| class(i) as f64).collect(), (0..ROWS).flat_map(row).collect())
}

impl Rows {
    fn scored(&self, weighted: bool) -> Scored {
        let mut scored = Scored::new(self.task.clone());
        scored.add(&self.target, if weighted { &self.weights } else { &[] }, self.predictions.clone());
        scored
    }

    fn take(&self, order: &[usize]) -> Rows {
        let values = order.iter().flat_map(|row| self.predictions.row(*row).to_vec()).collect();
        Rows {
            task: self.task.clone(),
            target: order.iter().map(|row| self.target[*row]).collect(),
            predictions: Predictions { width: self.predictions.width, values },
            weights: order.iter().map(|row| self.weights[*row]).collect(),
            keys: order.iter().map(|row| self.keys[*row]).collect(),
        }
    }
}

fn of(rows: &Rows) -> impl Iterator<Item = &'static Metric> {
    METRICS.iter().filter(|metric| metric.suits(&rows.task).is_ok())
}

fn value(name: &str, scored: &Scored) -> Result<f64, String> {
    metric::find(name).unwrap().value(scored).map_err(|undefined| undefined.0)
}

fn check(rows: &Rows, expected: &[(&str, f64, f64)]) {
    assert_eq!(of(rows).count(), expected.len(), "every metric of the task has its values here");
    for (name, plain, weighted) in expected {
        for (found, expected) in
            [(value(name, &rows.scored(false)), plain), (value(name, &rows.scored(true)), weighted)]
        {
            let found = found.unwrap();
            let near = (found - expected).abs() <= 1e-14 * expected.abs().max(0.1);
            assert!(near, "`{name}` is {found:?}, and {expected:?} there");
        }
    }
}

#[test]
fn regressions_are_judged_as_in_scikit_learn() {
    check(
        &numbers(),
        &[
            ("mae", 1.003125, 1.0053571428571428),
            ("mse", 1.401953125, 1.3457589285714286),
            ("rmse", 1.1840410149146017, 1.160068501671961),
            ("max_error", 2.25, 2.25),
            ("median_absolute_error", 1.0, 1.0),
            ("r2", 0.8968058402891391, 0.9024418942056396),
            ("explained_variance", 0.8989802783855821, 0.9035424655908182),
            ("d2_pinball", 0.6859099804305284, 0.6846821618594231),
            ("mape", 0.24365757342382294, 0.24101606000025677),
            ("smape", 0.24191481767854892, 0.23703601937741814),
            ("wape", 0.149025069637883, 0.14872539955091799),
            ("msle", 0.04713351662444652, 0.04532707483243055),
            ("rmsle", 0.21710254863646009, 0.2129015613668217),
            ("pinball", 0.5015625, 0.5026785714285714),
            ("poisson_deviance", 0.2970803517691087, 0.2856358705373247),
            ("gamma_deviance", 0.17883201353473063, 0.15046633969767612),
            ("tweedie_deviance", 0.18802604342462298, 0.17395594131217412),
        ],
    );
}

#[test]
fn a_model_is_judged_by_its_own_quantile_and_power() {
    let scored = |aim| numbers().scored(false).with_aim(aim);
    let near = |name, aim, expected: f64| {
        let found = value(name, &scored(aim)).unwrap();
        assert!((found - expected).abs() < 1e-14, "{name} {aim:?}: {found}");
    };
    near("pinball", Aim::Quantile(0.9), 0.4328125);
    near("pinball", Aim::Quantile(0.5), 0.5015625);
    near("d2_pinball", Aim::Quantile(0.9), 0.2497291440953412);
    near("tweedie_deviance", Aim::Tweedie(1.2), 0.238192039225024);
    let some = scored(Aim::Quantile(0.9)).of_rows(&(0..ROWS).collect::<Vec<usize>>());
    assert_eq!(value("pinball", &some), value("pinball", &scored(Aim::Quantile(0.9))), "parts of the rows keep it");
    let first = |aim| metric::usual(&Task::Regression, aim)[0].name();
    let aims = [Aim::Mean, Aim::Quantile(0.2), Aim::Poisson, Aim::Tweedie(1.5), Aim::Gamma];
    let expected = ["rmse", "pinball", "poisson_deviance", "tweedie_deviance", "gamma_deviance"];
    assert_eq!(aims.map(first), expected);
}

#[test]
fn two_classes_are_judged_as_in_scikit_learn() {
    check(
        &two_classes(),
        &[
            ("accuracy", 0.675, 0.6928571428571428),
            ("balanced_accuracy", 0.6666666666666667, 0.6815476190476191),
            ("precision", 0.5882352941176471, 0.6140350877192983),
            ("recall", 0.625, 0.625),
            ("f1", 0.6060606060606061, 0.6194690265486725),
            ("jaccard", 0.43478260869565216, 0.44871794871794873),
            ("matthews", 0.3303360556061336, 0.36205765631284603),
            ("cohen_kappa", 0.3298969072164948, 0.36201780415430274),
            ("roc_auc", 0.7747395833333334, 0.8034651360544217),
            ("average_precision", 0.7251196963368016, 0.7596666536798782),
            ("pr_auc", 0.7395133723952794, 0.7697639005670259),
            ("ks", 0.375, 0.4285714285714286),
            ("gini", 0.5494791666666667, 0.6069302721088434),
            ("log_loss", 0.5296468319430204, 0.5012062547466919),
            ("brier", 0.18488000000000002, 0.17297142857142858),
            ("ece", 0.11200000000000003, 0.08942857142857143),
            ("mce", 0.248, 0.2942857142857143),
            ("precision_macro", 0.6636828644501278, 0.6805115197632636),
            ("precision_micro", 0.675, 0.6928571428571428),
            ("precision_weighted", 0.6787723785166241, 0.6938068061720567),
            ("recall_macro", 0.6666666666666667, 0.6815476190476191),
            ("recall_micro", 0.675, 0.6928571428571428),
            ("recall_weighted", 0.675, 0.6928571428571428),
            ("f1_macro", 0.6647324306898775, 0.6809919983042764),
            ("f1_micro", 0.675, 0.6928571428571428),
            ("f1_weighted", 0.6764667956157318, 0.6932965926553972),
            ("f_beta@2", 0.6172839506172839, 0.6227758007117438),
            ("f_beta_macro@2", 0.6657848324514991, 0.6813163013105259),
            ("f_beta_micro@2", 0.675, 0.6928571428571428),
            ("f_beta_weighted@2", 0.6754850088183421, 0.6930244014302823),
            ("jaccard_macro", 0.5007246376811594, 0.5195970695970696),
            ("jaccard_micro", 0.5094339622641509, 0.5300546448087432),
            ("jaccard_weighted", 0.5139130434782608, 0.5337728937728938),
            ("lift@10", 2.5, 2.5),
            ("calibration_slope", 1.0286021371818785, 1.1725753361131617),
        ],
    );
}

#[test]
fn three_classes_are_judged_as_in_scikit_learn() {
    check(
        &three_classes(),
        &[
            ("accuracy", 0.85, 0.8428571428571429),
            ("balanced_accuracy", 0.8479853479853481, 0.8405829964836175),
            ("precision", 0.8660714285714285, 0.8611904761904762),
            ("recall", 0.8479853479853481, 0.8405829964836175),
            ("f1", 0.850348899624262, 0.8434674502712477),
            ("jaccard", 0.7404788838612367, 0.7299220272904483),
            ("matthews", 0.7795930666230044, 0.7690763620611051),
            ("cohen_kappa", 0.7744360902255639, 0.763549823430063),
            ("roc_auc", 0.9660832994166327, 0.963756553338096),
            ("log_loss", 0.6707579362298312, 0.6760958313673658),
            ("brier", 0.38376125709015446, 0.3873492139911898),
            ("top_k_accuracy", 0.975, 0.9714285714285714),
            ("ece", 0.30743877770110956, 0.3071300682366317),
            ("mce", 0.3757927360214215, 0.37689918887939045),
            ("precision_macro", 0.8660714285714285, 0.8611904761904762),
            ("precision_micro", 0.85, 0.8428571428571429),
            ("precision_weighted", 0.8647321428571428, 0.8589642857142857),
            ("recall_macro", 0.8479853479853481, 0.8405829964836175),
            ("recall_micro", 0.85, 0.8428571428571429),
            ("recall_weighted", 0.85, 0.8428571428571429),
            ("f1_macro", 0.850348899624262, 0.8434674502712477),
            ("f1_micro", 0.85, 0.8428571428571429),
            ("f1_weighted", 0.850756843800322, 0.8436369801084991),
            ("f_beta@2", 0.8475209080047791, 0.8401943331849875),
            ("f_beta_micro@2", 0.85, 0.8428571428571429),
            ("f_beta_weighted@2", 0.848902329749104, 0.8416499777481087),
            ("f_beta_macro@2", 0.8475209080047791, 0.8401943331849875),
            ("jaccard_macro", 0.7404788838612367, 0.7299220272904483),
            ("jaccard_micro", 0.7391304347826086, 0.7283950617283951),
            ("jaccard_weighted", 0.7410845588235293, 0.7301691729323309),
            ("roc_auc_ovr_weighted", 0.9663817663817664, 0.9639591291766944),
            ("roc_auc_ovo", 0.9656241194702733, 0.9634772749679582),
            ("roc_auc_ovo_weighted", 0.965934065934066, 0.9636736278362276),
        ],
    );
}

/// One task's rows with other targets or predictions, and what each metric says.
fn says(task: Task, target: &[f64], values: &[f64], expected: &[(&str, Result<f64, &str>)]) {
    let scored = rows(task, target.to_vec(), values.to_vec()).scored(false);
    for (name, expected) in expected {
        assert_eq!(value(name, &scored), expected.map_err(str::to_owned), "`{name}` of {target:?} and {values:?}");
    }
}

#[test]
fn numbers_at_the_edges() {
    let says = |target: &[f64], values: &[f64], expected: &[(&str, Result<f64, &str>)]| {
        says(Task::Regression, target, values, expected)
    };
    says(
        &[0.1; 3],
        &[0.1; 3],
        &[("r2", Ok(1.0)), ("explained_variance", Ok(1.0)), ("d2_pinball", Ok(1.0)), ("smape", Ok(0.0))],
    );
    says(&[0.1; 3], &[0.1, 0.1, 0.2], &[("r2", Ok(0.0)), ("explained_variance", Ok(0.0)), ("d2_pinball", Ok(0.0))]);
    says(&[0.1; 3], &[0.2; 3], &[("r2", Ok(0.0)), ("explained_variance", Ok(1.0))]);
    says(&[1.0], &[2.0], &[("d2_pinball", Err("one row has no spread"))]);
    says(&[1e308, -1e308], &[1e308; 2], &[("d2_pinball", Err("1 row has an error beyond the largest number"))]);
    says(&[1.0], &[2.0], &[("r2", Err("one row has no spread")), ("mae", Ok(1.0)), ("median_absolute_error", Ok(1.0))]);
    says(
        &[0.0, 1.0, 0.0],
        &[1.0, 1.0, 1.0],
        &[
            ("mape", Err("2 rows have a target of 0, of which no error is a share")),
            ("wape", Ok(2.0)),
            ("smape", Ok(4.0 / 3.0)),
            ("poisson_deviance", Ok(4.0 / 3.0)),
            ("tweedie_deviance", Ok(8.0 / 3.0)),
            ("gamma_deviance", Err("2 rows have a target or prediction that is not above 0")),
        ],
    );
    says(&[0.0; 2], &[1.0; 2], &[("wape", Err("every target is 0, of which no error is a share"))]);
    says(
        &[0.0],
        &[0.0],
        &[
            ("smape", Ok(0.0)),
            ("poisson_deviance", Err("1 row has a target below 0 or a prediction that is not above 0")),
        ],
    );
    says(
        &[1.0, -1.0],
        &[1.0; 2],
        &[("rmsle", Err("1 row has a target or prediction of -1 or less, which has no such logarithm"))],
    );
    says(
        &[1.0, 2.0, 3.0, 4.0],
        &[1.5, 2.0, 0.0, 4.25],
        &[("median_absolute_error", Ok(0.375)), ("max_error", Ok(3.0))],
    );
    says(
        &[1e200, -1e200],
        &[1e200, 1e200],
        &[("mae", Ok(1e200)), ("mse", Err("1 row has an error beyond the largest number"))],
    );
}

#[test]
fn no_deviance_is_below_0_by_rounding() {
    // Predictions a few bits beside the targets.
    let target: Vec<f64> = (1..=500).map(|n| f64::from(n) * 0.37).collect();
    let values: Vec<f64> = target.iter().map(|x| x * (1.0 + 3.0 * f64::EPSILON)).collect();
    for (target, predicted) in target.into_iter().zip(values) {
        let scored = rows(Task::Regression, vec![target], vec![predicted]).scored(false);
        for name in ["poisson_deviance", "gamma_deviance", "tweedie_deviance"] {
            assert!(value(name, &scored).unwrap() >= 0.0, "{name} of {target} and {predicted}");
        }
    }
}

#[test]
fn rows_without_weight_are_in_no_metric() {
    let mut far = numbers();
    far.target.iter_mut().chain(&mut far.predictions.values).for_each(|x| *x += 1e9);
    for mut rows in [numbers(), far, two_classes(), three_classes()] {
        rows.weights.iter_mut().step_by(3).for_each(|weight| *weight = 0.0);
        let weighty: Vec<usize> = (0..ROWS).filter(|row| rows.weights[*row] > 0.0).collect();
        let (all, without) = (rows.scored(true), rows.take(&weighty).scored(true));
        for metric in of(&rows) {
            let name = metric.name();
            let bits = |scored: &Scored| value(&name, scored).map(f64::to_bits);
            assert_eq!(bits(&all), bits(&without), "{name}");
        }
    }
}

#[test]
fn numbers_at_the_ends_of_floats() {
    // Squares would be 0 below, and infinite above.
    for unit in [1e-300, 1e-170, 1.0, 1e170, 1e300] {
        let [target, values] = [[1.0, 2.0, 3.0, 4.0], [2.0, 2.0, 2.0, 4.0]].map(|all| all.map(|x| x * unit));
        let scored = rows(Task::Regression, target.to_vec(), values.to_vec()).scored(false);
        let (r2, variance) = (value("r2", &scored).unwrap(), value("explained_variance", &scored).unwrap());
        assert!((r2 - 0.6).abs() < 1e-15 && (variance - 0.6).abs() < 1e-15, "{unit}: {r2} {variance}");
        let mean = rows(Task::Regression, target.to_vec(), vec![2.5 * unit; 4]).scored(false);
        assert!(value("r2", &mean).unwrap().abs() < 1e-15, "{unit}");
    }
    says(Task::Regression, &[0.0, 1e-320], &[2.0, 2.0], &[("wape", Err("it is beyond the largest number"))]);
    let none = Err("the target's spread is below the smallest number");
    says(Task::Regression, &[0.0, 1e-200], &[1.0, 1.0], &[("r2", none)]);
}

#[test]
fn intervals_of_numbers_at_the_ends_of_floats() {
    let target: Vec<f64> = (0..ROWS).map(|row| 1e308 * [0.9, -0.9][row % 2]).collect();
    let mut large = rows(Task::Regression, target, vec![0.0; ROWS]);
    large.weights = vec![1e15; ROWS];
    let draws = Draws::new(Seed(1), "intervals");
    let mae = metric::find("mae").unwrap();
    for weighted in [false, true] {
        let scored = large.scored(weighted);
        let found = metric::interval(&mae, &scored, &large.keys, &draws, &Workers::threads(2));
        assert_eq!(found, Some((0.9e308, 0.9e308)), "{weighted}");
    }
}

#[test]
fn classes_at_the_edges() {
    let says = |target: &[f64], values: &[f64], expected: &[(&str, Result<f64, &str>)]| {
        says(binary(), target, values, expected)
    };
    let all = [("roc_auc", "no row is `yes`"), ("average_precision", "no row is `yes`"), ("recall", "no row is `yes`")];
    let none = all.map(|(name, reason)| (name, Err(reason)));
    says(&[0.0, 0.0], &[0.2, 0.9], &none);
    let every = ["roc_auc", "average_precision", "pr_auc", "ks", "gini"].map(|name| (name, Err("every row is `yes`")));
    says(&[1.0, 1.0], &[0.2, 0.9], &every);
    says(
        &[1.0, 0.0],
        &[0.2, 0.3],
        &[
            ("precision", Err("no row is predicted to be `yes`")),
            ("recall", Ok(0.0)),
            ("f1", Ok(0.0)),
            ("jaccard", Ok(0.0)),
            ("matthews", Err("one class is always predicted")),
            ("cohen_kappa", Ok(0.0)),
            ("roc_auc", Ok(0.0)),
            ("ks", Ok(0.0)),
        ],
    );
    says(
        &[0.0, 0.0],
        &[0.2, 0.3],
        &[
            ("f1", Err("no row is `yes`, or predicted to be")),
            ("matthews", Err("every row is of one class")),
            ("cohen_kappa", Err("every row is of one class and predicted so")),
        ],
    );
    says(&[1.0, 0.0], &[0.5, 0.5], &[("accuracy", Ok(0.5)), ("roc_auc", Ok(0.5)), ("average_precision", Ok(0.5))]);
    says(
        &[1.0, 0.0],
        &[1.0, 0.0],
        &[("log_loss", Ok(2.2204460492503136e-16)), ("matthews", Ok(1.0)), ("ece", Ok(0.0))],
    );
    let slope = |reason| [("calibration_slope", Err(reason))];
    says(&[1.0, 0.0, 0.0], &[0.5; 3], &slope("every probability is the same"));
    says(&[1.0, 1.0], &[0.2, 0.9], &slope("every row is `yes`"));
    says(&[0.0, 0.0], &[0.2, 0.9], &slope("no row is `yes`"));
    let apart = "probabilities part `no` and `yes`, and no slope is steep enough";
    says(&[0.0, 1.0, 1.0], &[0.2, 0.2, 0.9], &slope(apart));
    says(&[1.0, 0.0], &[0.2, 0.9], &slope(apart));
    says(&[0.0, 1.0, 1.0, 0.0], &[0.3, 0.3, 0.6, 0.6], &[("calibration_slope", Ok(0.0))]);
    // The four rows at the top score the same, so that the first two have half of what they hold.
    let ties: Vec<f64> = [vec![0.9; 4], vec![0.1; 16]].concat();
    let first: Vec<f64> = (0..20).map(|row| f64::from(u8::from(row < 1))).collect();
    says(
        &first,
        &ties,
        &[("lift@10", Ok(5.0)), ("lift@1", Ok(5.0)), ("lift@60", Ok(5.0 / 3.0)), ("lift@100", Ok(1.0))],
    );
    says(&[1.0, 1.0], &[0.2, 0.9], &[("lift@10", Err("every row is `yes`"))]);
    says(&[1.0], &[0.0], &[("log_loss", Ok(36.04365338911715))]);
    // 0.1 is in the first bin, what is above it in the second.
    says(&[1.0, 0.0], &[0.1, 0.1 + f64::EPSILON], &[("mce", Ok(0.9))]);
}

#[test]
fn three_classes_at_the_edges() {
    let says = |target: &[f64], values: &[f64], expected: &[(&str, Result<f64, &str>)]| {
        says(ternary(), target, values, expected)
    };
    says(
        &[0.0, 1.0],
        &[0.6, 0.3, 0.1, 0.2, 0.5, 0.3],
        &[
            ("roc_auc_ovo", Err("no row is `c`")),
            ("roc_auc_ovr_weighted", Err("no row is `c`")),
            ("f1_weighted", Ok(1.0)),
        ],
    );
    says(
        &[0.0, 1.0],
        &[0.6, 0.3, 0.1, 0.2, 0.5, 0.3],
        &[("roc_auc", Err("no row is `c`")), ("f1", Ok(1.0)), ("balanced_accuracy", Ok(1.0)), ("recall", Ok(1.0))],
    );
    says(
        &[0.0, 1.0],
        &[0.6, 0.3, 0.1, 0.2, 0.3, 0.5],
        &[
            ("precision", Err("no row is predicted to be `b`")),
            ("recall", Err("no row is `c`")),
            ("precision_weighted", Err("no row is predicted to be `b`")),
            ("recall_weighted", Ok(0.5)),
            ("balanced_accuracy", Ok(0.5)),
            ("f1", Ok(1.0 / 3.0)),
        ],
    );
    let third = 1.0 / 3.0;
    says(&[0.0], &[third; 3], &[("accuracy", Ok(1.0)), ("top_k_accuracy", Ok(0.0))]);
    says(&[2.0], &[0.5, 0.25, 0.25], &[("top_k_accuracy", Ok(0.0))]);
    says(&[2.0], &[0.5, 0.2, 0.3], &[("top_k_accuracy", Ok(1.0))]);
}

#[test]
fn rows_that_cannot_be_judged_leave_every_metric_undefined() {
    for rows in [numbers(), two_classes(), three_classes()] {
        let none = rows.take(&[]);
        let mut null = rows.clone();
        let width = null.predictions.width;
        null.predictions.values[2 * width..4 * width].fill(f64::NAN);
        let mut weightless = rows.clone();
        weightless.weights.fill(0.0);
        for metric in of(&rows) {
            let reason = |scored: &Scored| metric.value(scored).unwrap_err().0;
            assert_eq!(reason(&none.scored(false)), "there is no row", "{metric:?}");
            assert_eq!(reason(&null.scored(false)), "2 rows have no prediction", "{metric:?}");
            assert_eq!(reason(&weightless.scored(true)), "no row has a weight", "{metric:?}");
        }
    }
}

/// Rows backwards, interleaved, and in two halves, added in chunks of one and of seven.
#[test]
fn no_order_or_grouping_of_rows_changes_a_bit() {
    let draws = Draws::new(Seed(1), "interval");
    let orders: [Vec<usize>; 3] = [
        (0..ROWS).rev().collect(),
        (0..ROWS).map(|i| i * 7 % ROWS).collect(),
        (ROWS / 2..ROWS).chain(0..ROWS / 2).collect(),
    ];
    let mut judged = 0;
    for rows in [numbers(), two_classes(), three_classes()] {
        let metrics: Vec<Metric> = of(&rows).copied().collect();
        for weighted in [false, true] {
            let mut rows = rows.clone();
            // Weights that are no multiples of each other.
            rows.weights.iter_mut().enumerate().for_each(|(i, weight)| *weight = 0.1 + *weight / (i + 3) as f64);
            let expected = rows.scored(weighted);
            let one = Workers::threads(1);
            let intervals = metric::intervals(&metrics, &expected, &rows.keys, &draws, &one);
            for (order, chunk, threads) in [(&orders[0], 1, 2), (&orders[1], 7, 7), (&orders[2], ROWS, 1)] {
                let shuffled = rows.take(order);
                let mut found = Scored::new(rows.task.clone());
                for chunk in order.chunks(chunk) {
                    let part = rows.take(chunk);
                    found.add(&part.target, if weighted { &part.weights } else { &[] }, part.predictions);
                }
                let workers = Workers::threads(threads);
                assert_eq!(metric::intervals(&metrics, &found, &shuffled.keys, &draws, &workers), intervals);
                for metric in &metrics {
                    let bits = |scored: &Scored| metric.value(scored).map(f64::to_bits);
                    assert_eq!(bits(&found), bits(&expected), "{metric:?}");
                    judged += 1;
                }
                assert_eq!(curves::roc(&found, 1), curves::roc(&expected, 1));
                assert_eq!(curves::calibration(&found), curves::calibration(&expected));
                assert_eq!(curves::residuals(&found), curves::residuals(&expected));
            }
        }
    }
    assert_eq!(judged, (17 + 35 + 33) * 2 * 3);
}

#[test]
fn a_weight_of_three_is_three_rows() {
    for rows in [numbers(), two_classes(), three_classes()] {
        let mut heavy = rows.clone();
        heavy.weights = (0..ROWS).map(|i| (i % 4) as f64).collect();
        let order: Vec<usize> = (0..ROWS).flat_map(|i| vec![i; i % 4]).collect();
        let repeated = rows.take(&order).scored(false);
        for metric in of(&rows) {
            assert_eq!(metric.value(&heavy.scored(true)), metric.value(&repeated), "{metric:?}");
        }
    }
}

#[test]
fn intervals_hold_the_value_and_narrow_with_more_rows() {
    let draws = Draws::new(Seed(3), "interval");
    let workers = Workers::threads(2);
    for rows in [numbers(), two_classes(), three_classes()] {
        let many = rows.take(&(0..ROWS * 16).map(|i| i % ROWS).collect::<Vec<usize>>());
        let keys: Vec<RowKey> = (0..many.target.len()).map(|i| RowKey((i as u128).to_le_bytes())).collect();
        for metric in of(&rows).filter(|metric| metric.name() != "max_error") {
            let (few, many) = (rows.scored(false), many.scored(false));
            let intervals = [(&few, &rows.keys), (&many, &keys)]
                .map(|(scored, keys)| metric::interval(metric, scored, keys, &draws, &workers));
            let [Some((low, high)), Some((narrow_low, narrow_high))] = intervals else {
                // A calibration error is larger in a resample than in the whole.
                assert!(metric.name().ends_with("ce"), "{metric:?}");
                continue;
            };
            let value = metric.value(&few).unwrap();
            assert!(low <= value && value <= high, "{metric:?}: {low} {value} {high}");
            assert!(narrow_high - narrow_low <= (high - low) * 0.6, "{metric:?}");
        }
    }
    // Twenty classes of a row each: a resample lacks seven of them, and judges the others.
    let names = (0..21).map(|class| format!("c{class}"));
    let target: Vec<f64> = (0..120).map(|row| f64::from(i32::max(row - 99, 0))).collect();
    let task = Task::Multiclass { classes: names.collect() };
    let rare = rows(task, target, [vec![1.0], vec![0.0; 20]].concat().repeat(120));
    let metric = metric::find("balanced_accuracy").unwrap();
    assert_eq!(metric::interval(&metric, &rare.scored(false), &rare.keys, &draws, &workers), None);
    let one_class = says_one_class();
    let metric = metric::find("roc_auc").unwrap();
    assert_eq!(metric::interval(&metric, &one_class.scored(false), &one_class.keys, &draws, &workers), None);
}

#[test]
fn a_model_is_compared_with_a_baseline_on_the_same_resamples() {
    let (draws, workers) = (Draws::new(Seed(3), "interval"), Workers::threads(2));
    // A few rows make nearly all of the error, of the model as of one answer for all.
    let target: Vec<f64> = (0..ROWS).map(|row| (row % 12).pow(4) as f64).collect();
    let centre = 1.2 * target.iter().sum::<f64>() / ROWS as f64;
    let of = |values: Vec<f64>| rows(Task::Regression, target.clone(), values);
    let model = of(target.iter().map(|target| centre + 0.1 * (target - centre)).collect());
    let (scored, baseline) = (model.scored(false), of(vec![centre; ROWS]).scored(false));
    let metrics = ["rmse", "mae", "r2"].map(|name| metric::find(name).unwrap());
    let found = metric::compare(&metrics, &scored, &baseline, &model.keys, &draws, &workers);
    let turned = metric::compare(&metrics, &baseline, &scored, &model.keys, &draws, &workers);
    let alone = metric::intervals(&metrics, &scored, &model.keys, &draws, &workers);
    for (at, metric) in metrics.iter().enumerate() {
        assert_eq!(found[at].interval, alone[at], "{metric:?}");
        let (least, most) = found[at].better_by.unwrap();
        let turned = turned[at].better_by.unwrap();
        assert!(0.0 < least && least < most && turned.1 < 0.0, "{metric:?}: {least} {most} {turned:?}");
        let (low, high) = alone[at].unwrap();
        assert!((low..=high).contains(&metric.value(&baseline).unwrap()), "{metric:?}: {low} {high}");
    }
    let same = metric::compare(&metrics, &scored, &scored, &model.keys, &draws, &workers);
    assert!(same.iter().all(|same| same.better_by == Some((0.0, 0.0))));
    // Nothing is said where the baseline can't be judged.
    let none =
        metric::compare(&metrics, &scored, &of(vec![f64::NAN; ROWS]).scored(false), &model.keys, &draws, &workers);
    assert!(none.iter().all(|none| none.interval.is_some() && none.better_by.is_none()));
}

fn says_one_class() -> Rows {
    rows(binary(), vec![1.0; 3], vec![0.1, 0.2, 0.3])
}

#[test]
fn names_are_found_or_suggested() {
    for (written, help) in [
        ("rsme", "did you mean `rmse`?"),
        ("neg_mean_absolute_error", "it is called `mae` here"),
        ("AUC", "it is called `roc_auc` here"),
        ("binary_logloss", "it is called `log_loss` here"),
        ("fbeta_score", "it is called `f_beta@2` here"),
        ("d2_pinball_score", "it is called `d2_pinball` here"),
        ("pre@5", "it is called `precision@5` here"),
        ("f1_marco", "did you mean `f1_macro`?"),
        ("roc_auc_ovr", "it is called `roc_auc` here"),
        (
            "f_beta",
            "after `f_beta@` stands how many times as much recall counts as precision, from 0.001 to 1000: `f_beta@2`",
        ),
        ("ndcg@0", "after `ndcg@` stands a whole number of rows, 1 or more: `ndcg@10`"),
        ("map@2.5", "after `map@` stands a whole number of rows, 1 or more: `map@10`"),
        ("lift@101", "after `lift@` stands a percentage of the rows, above 0 and not above 100: `lift@10`"),
        ("rmse@3", "`rmse` has no number"),
    ] {
        let error = metric::find(written).unwrap_err();
        assert_eq!(error.message, format!("unknown metric `{written}`"));
        assert_eq!(error.help.as_deref(), Some(help));
    }
    let error = metric::find("rmse").unwrap().suits(&binary()).unwrap_err();
    assert_eq!(error.message, "`rmse` judges numbers, and the target is one of 2 classes");
    assert_eq!(
        error.help.as_deref(),
        Some("usual here: `roc_auc`, `average_precision`, `log_loss`, `brier`, `accuracy`")
    );
    let named = ["f_beta@0.5", "lift@2.5", "precision@3", "map@1", "ndcg@100"];
    assert_eq!(named.map(|name| metric::find(name).unwrap().name()), named);
    assert_eq!(METRICS.len(), 62);
    for metric in METRICS {
        assert_eq!(metric::find(&metric.name()).unwrap().name(), metric.name());
        assert!(metric.source.starts_with("//! "), "{metric:?} has a page");
        assert!([Task::Regression, Task::Ranking, binary(), ternary()].iter().any(|task| metric.suits(task).is_ok()));
    }
    for task in [Task::Regression, Task::Ranking, binary(), ternary()] {
        assert!(metric::usual(&task, Aim::Tweedie(1.2)).iter().all(|metric| metric.suits(&task).is_ok()));
    }
}

/// scikit-learn 1.9.1 `roc_curve(drop_intermediate=False)`.
#[test]
fn curves_run_through_every_distinct_score() {
    let scored = two_classes().scored(false);
    let roc = curves::roc(&scored, 1).unwrap();
    assert_eq!(roc.len(), 21);
    assert_eq!(roc[..6], [(0.0, 0.0), (0.0, 0.0625), (0.0, 0.125), (0.0, 0.25), (0.0, 0.3125), (1.0 / 24.0, 0.375)]);
    assert_eq!(roc[20], (1.0, 1.0));
    let precision_recall = curves::precision_recall(&scored, 1).unwrap();
    assert_eq!(precision_recall[..2], [(0.0, 1.0), (0.0625, 1.0)]);
    assert_eq!(precision_recall[20], (1.0, 0.4));
    assert_eq!(curves::confusion(&scored).unwrap(), [[17, 7], [6, 10]]);
    let calibration = curves::calibration(&scored).unwrap();
    assert_eq!(calibration.iter().map(|bin| bin.weight).sum::<f64>(), 40.0);
    assert!(calibration.is_sorted_by(|a, b| a.predicted < b.predicted));
}

#[test]
fn residuals_are_counted_whole() {
    let residuals = curves::residuals(&numbers().scored(false)).unwrap();
    assert_eq!(residuals.histogram.iter().map(|bin| bin.count).sum::<u64>(), 40);
    assert_eq!(residuals.bands.iter().map(|band| band.count).sum::<u64>(), 40);
    assert!(matches!(residuals.cloud, curves::Cloud::Points(points) if points.len() == 40));
    let target: Vec<f64> = (0..5000).map(f64::from).collect();
    let residuals = curves::residuals(&rows(Task::Regression, target, vec![3.0; 5000]).scored(false)).unwrap();
    assert_eq!(residuals.histogram.iter().map(|bin| bin.count).collect::<Vec<u64>>(), [125; 40]);
    assert_eq!(residuals.bands.len(), 1, "equal predictions stay together");
    assert_eq!(residuals.bands[0].quartiles, [1246.75, 2496.5, 3746.25]);
    match residuals.cloud {
        curves::Cloud::Grid { counts, .. } => assert_eq!(counts, [[125; 40]]),
        curves::Cloud::Points(_) => panic!("5,000 rows are too many to show one by one"),
    }
}

#[test]
fn a_curve_has_at_most_two_hundred_points() {
    let target: Vec<f64> = (0..5000).map(|i| f64::from(i % 2)).collect();
    let values: Vec<f64> = (0..5000_u32).map(|i| f64::from(i * 37 % 5003) / 5003.0).collect();
    let roc = curves::roc(&rows(binary(), target, values).scored(false), 1).unwrap();
    assert_eq!((roc.len(), roc[0], roc[199]), (curves::POINTS, (0.0, 0.0), (1.0, 1.0)));
}

/// Two groups: relevance, and scores with a tie.
fn ranked(scores: [f64; 6]) -> Scored {
    let group = |at: u128| RowKey(at.to_le_bytes());
    let mut scored = Scored::new(Task::Ranking);
    scored.add(&[3.0, 0.0, 1.0, 0.0, 2.0, 0.0], &[], Predictions { width: 1, values: scores.to_vec() });
    scored.add_groups(&[group(1), group(1), group(1), group(2), group(2), group(3)]);
    scored
}

fn of_rankings() -> impl Iterator<Item = String> {
    METRICS.iter().filter(|metric| metric.suits(&Task::Ranking).is_ok()).map(Metric::name)
}

/// Five groups of eight rows, against scikit-learn 1.9.1 `ndcg_score` on gains of 2ʳ − 1, and definitions written in NumPy.
#[test]
fn first_rows_of_groups_are_judged_as_elsewhere() {
    let target: Vec<f64> = (0..ROWS).map(|i| (i * 13 % 7 / 2) as f64).collect();
    let values = (0..ROWS).map(|i| (i * 29 % 11) as f64).collect();
    let mut scored = Scored::new(Task::Ranking);
    scored.add(&target, &[], Predictions { width: 1, values });
    scored.add_groups(&(0..ROWS).map(|i| RowKey((i as u128 / 8).to_le_bytes())).collect::<Vec<RowKey>>());
    for (name, expected) in [
        ("ndcg@1", 0.4),
        ("ndcg@3", 0.44369607226889823),
        ("ndcg@10", 0.7162906684208591),
        ("ndcg", 0.7162906684208591),
        ("map@1", 0.8),
        ("map@3", 0.5444444444444444),
        ("map@10", 0.77),
        ("map", 0.77),
        ("precision@1", 0.8),
        ("precision@3", 0.6666666666666666),
        ("precision@10", 0.725),
    ] {
        let found = value(name, &scored).unwrap();
        assert!((found - expected).abs() <= 1e-15, "`{name}` is {found:?}, and {expected:?} there");
    }
}

#[test]
fn a_number_in_a_name_is_what_is_computed() {
    let scored = two_classes().scored(true);
    assert_eq!(value("f_beta@1", &scored), value("f1", &scored));
    for (name, expected) in [("lift@30", 5.0 / 3.0), ("lift@12.5", 2.5), ("lift@100", 1.0)] {
        assert_eq!(value(name, &two_classes().scored(false)), Ok(expected), "{name}");
    }
    let (beta, recall) = (value("f_beta@1000", &scored).unwrap(), value("recall", &scored).unwrap());
    assert!((beta - recall).abs() < 1e-5, "{beta} {recall}");
}

/// Whatever is predicted, and in whatever order rows came.
#[test]
fn a_group_weighs_what_its_rows_do_in_the_mean() {
    let group = |at: usize| RowKey((at as u128 / 3).to_le_bytes());
    let (target, scores, weights) =
        ([3.0, 0.0, 1.0, 0.0, 2.0, 0.0], [1.0, 1.0, 1.0, 4.0, 2.0, 9.0], [0.1, 10.0, 4.9, 1.0, 3.0, 2.0]);
    let judged = |order: [usize; 6], weights: &[f64]| {
        let of = |all: &[f64]| order.iter().filter_map(|row| all.get(*row).copied()).collect::<Vec<f64>>();
        let mut scored = Scored::new(Task::Ranking);
        scored.add(&of(&target), &of(weights), Predictions { width: 1, values: of(&scores) });
        scored.add_groups(&order.map(group));
        of_rankings().map(|name| value(&name, &scored).unwrap()).collect::<Vec<f64>>()
    };
    let expected = judged([0, 1, 2, 3, 4, 5], &weights);
    for order in [[5, 4, 3, 2, 1, 0], [1, 0, 2, 3, 5, 4], [2, 3, 0, 5, 1, 4]] {
        assert_eq!(judged(order, &weights), expected);
    }
    let even = judged([0, 1, 2, 3, 4, 5], &[5.0, 5.0, 5.0, 2.0, 2.0, 2.0]);
    assert_eq!(even, expected, "the means are 5 and 2");
    assert_ne!(judged([0, 1, 2, 3, 4, 5], &[]), expected);
}

#[test]
fn a_row_of_weight_0_is_in_no_ranking() {
    let group = |at: u128| RowKey(at.to_le_bytes());
    let judged = |target: &[f64], scores: &[f64], weights: &[f64], groups: &[RowKey]| {
        let mut scored = Scored::new(Task::Ranking);
        scored.add(target, weights, Predictions { width: 1, values: scores.to_vec() });
        scored.add_groups(groups);
        of_rankings().map(|name| value(&name, &scored).unwrap()).collect::<Vec<f64>>()
    };
    let without = judged(&[3.0, 0.0, 1.0], &[1.0, 4.0, 2.0], &[1.0; 3], &[1, 1, 1].map(group));
    let with = judged(
        &[3.0, 9.0, 0.0, 1.0, 5.0],
        &[1.0, 0.5, 4.0, 2.0, 1.0],
        &[1.0, 0.0, 1.0, 1.0, 0.0],
        &[1, 1, 1, 1, 2].map(group),
    );
    assert_eq!(with, without);
}

#[test]
fn rankings_are_judged_group_by_group() {
    let value = |name: &str, scores: [f64; 6]| metric::find(name).unwrap().value(&ranked(scores)).unwrap();
    let best = [9.0, 1.0, 5.0, 1.0, 2.0, 0.0];
    for name in ["ndcg", "ndcg@10", "ndcg@1", "map", "map@10", "map@1", "mrr", "precision@1"] {
        assert_eq!(value(name, best), 1.0, "{name}");
    }
    // Both groups have fewer than ten rows.
    assert_eq!(value("precision@10", best), (2.0 / 3.0 + 1.0 / 2.0) / 2.0);
    // Of the relevant row beside another one in a tie for the first place half is in the first one.
    assert_eq!(value("precision@1", [1.0, 9.0, 5.0, 4.0, 4.0, 0.0]), 0.25);
    assert_eq!(value("map@1", [1.0, 9.0, 5.0, 4.0, 4.0, 0.0]), 0.125);
    // The first group backwards: 0, 1, 3. The second as one tie.
    let worst = [1.0, 9.0, 5.0, 4.0, 4.0, 0.0];
    let discount = |position: f64| 1.0 / evenstep_exact::maths::log2(position + 1.0);
    let first = (discount(2.0) + 7.0 * discount(3.0)) / (7.0 * discount(1.0) + discount(2.0));
    let second = (discount(1.0) + discount(2.0)) / 2.0 / discount(1.0);
    assert!((value("ndcg", worst) - (first + second) / 2.0).abs() < 1e-15);
    assert!((value("map", worst) - ((1.0 / 2.0 + 2.0 / 3.0) / 2.0 + 1.0 / 2.0) / 2.0).abs() < 1e-15);
    assert!((value("mrr", worst) - (1.0 / 2.0 + 1.0 / 1.5) / 2.0).abs() < 1e-15);
}
