//! Nothing that tells of people is shown.

use crate::common::replaced;
use crate::{SMALL, salted, small, train_in};

#[test]
fn a_personal_id_is_not_shown() {
    let project = salted();
    let spec = replaced(SMALL, "[contract]\n", "[contract]\nid = { type = \"text\", personal = true }\n");
    let mut rows = small();
    (rows[0][0], rows[1][0]) = ("Zoe".to_owned(), "Zachary of the far North".to_owned());
    train_in(&project, "a", &spec, &rows);
    (rows[0][3], rows[1][3]) = ("99".to_owned(), "98".to_owned());
    train_in(&project, "b", SMALL, &rows);
    for data in [&[][..], &["--no-data"]] {
        for form in [&["--json"][..], &["--html", "page.html"]] {
            let said = project.run(&[&["diff", "a/p.toml", "b/p.toml"], data, form].concat());
            let page = if form.len() > 1 { project.read("page.html") } else { String::new() };
            let all = said.out + &page;
            let hex = "Zoe".bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
            assert!(["Zoe", "Zachary", &hex].iter().all(|name| !all.contains(name)), "{all}");
            assert!(data.is_empty() == all.contains("t.csv row 1") && all.contains("2 rows changed"), "{all}");
        }
    }
}

#[test]
fn no_message_shows_what_tells_of_people() {
    let project = salted();
    let contract = "u = { type = \"category\", personal = true }\nx = { type = \"number\", personal = true }\n";
    let spec = replaced(SMALL, "x = { type = \"number\" }\n", contract).replace("target_encode", "one_hot");
    let steps = "[[step]]\nuse = \"expression\"\nnew = \"e\"\nformula = \"x + 1\"\n\
                 [[step]]\nuse = \"standard_scale\"\ncolumns = [\"e\", \"x\"]\n[model]";
    let spec = replaced(&spec, "[model]", steps);
    train_in(&project, "a", &spec, &small());
    let mut rows = small();
    rows[3..40].iter_mut().for_each(|row| (row[1], row[3]) = ("Eve".to_owned(), "77.5".to_owned()));
    train_in(
        &project,
        "b",
        &replaced(&spec, "personal = true }\nx", "personal = true, values = [\"ab\", \"Eve\", \"cd\", \"ef\"] }\nx"),
        &rows,
    );
    for form in [&[][..], &["--json"], &["--html", "page.html"]] {
        let mut said = project.run(&[&["diff", "a/p.toml", "b/p.toml"], form].concat()).out;
        if form.contains(&"--html") {
            said.push_str(&project.read("page.html"));
        }
        assert!(!said.contains("Eve") && !said.contains("u=ab") && !said.contains("77.5"), "{said}");
        assert!(!said.contains("centre"), "{said}");
        assert!(said.contains("hidden: `x` is personal") && said.contains("u=…"), "{said}");
    }
}

#[test]
fn nothing_that_was_learned_of_a_personal_target_is_shown() {
    let project = salted();
    let spec = replaced(SMALL, "[contract]\n", "[contract]\ny = { type = \"number\", personal = true }\n");
    train_in(&project, "a", &spec, &small());
    let mut rows = small();
    rows[3..40].iter_mut().for_each(|row| row[4] = "900".to_owned());
    train_in(&project, "b", &spec, &rows);
    for form in [&[][..], &["--json"]] {
        let said = project.run(&[&["diff", "a/p.toml", "b/p.toml"], form].concat()).out;
        assert!(said.contains("hidden: `y` is personal"), "{said}");
        assert!(!said.contains("prior") && !said.contains("900"), "{said}");
    }
}

#[test]
fn a_personal_cell_that_changed_is_told_without_its_values() {
    let project = salted();
    let spec = replaced(SMALL, "x = { type = \"number\" }", "x = { type = \"number\", personal = true }");
    let mut rows = small();
    train_in(&project, "a", &spec, &rows);
    rows[7][3] = "99".to_owned();
    train_in(&project, "b", &spec, &rows);
    let said = project.run(&["diff", "a/p.toml", "b/p.toml"]).out;
    assert!(said.contains("x: (personal) → (personal)") && !said.contains("99"), "{said}");
}
