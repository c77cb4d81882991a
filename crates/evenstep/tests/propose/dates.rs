//! Dates and times, however they are written.

use crate::common::Project;
use crate::{holds, refused, rows, trains, trains_file};

#[test]
fn dates_as_people_write_them_are_dates_of_the_proposal() {
    let (year, month, day) = (|n: usize| 2015 + n % 5, |n: usize| 1 + n % 12, |n: usize| 1 + n % 28);
    let row = |n: usize| {
        let (y, m, d) = (year(n), month(n), day(n));
        format!(
            "{d}/{m}/{y},{m:02}/{d:02}/{y} 1{}:00 PM,{y}/{m:02}/{d:02} 00:{:02}:36,{}/{}/2020,{y}{m:02}{d:02},{},{y}-{m:02},{}",
            n % 3,
            n % 60,
            1 + n % 9,
            1 + n / 9 % 9,
            if n == 5 { "late".to_owned() } else { format!("{d}.{m}.{y}") },
            n % 7
        )
    };
    let (spec, _) = trains_file("d.csv", rows("uk,us,log,either,start_date,odd,since,y", 200, row));
    holds(
        &spec,
        &[
            "uk = { type = \"date\", format = \"%d/%m/%Y\" }",
            "us = { type = \"datetime\", format = \"%m/%d/%Y %I:%M %p\" }",
            "log = { type = \"datetime\", format = \"%Y/%m/%d %H:%M:%S\" }",
            "if it is the other, write `%m/%d/%Y`\neither = { type = \"date\", format = \"%d/%m/%Y\" }",
            "start_date = { type = \"date\", format = \"%Y%m%d\" }",
            "# 1 of 200 cells is of another type than date: `late`",
            "odd = { type = \"date\", format = \"%d.%m.%Y\", invalid = \"null\" }",
            "since = { type = \"date\", format = \"%Y-%m\" }",
            "columns = [\"either\", \"odd\", \"start_date\", \"uk\"]",
            "columns = [\"since\"]",
            "columns = [\"log\", \"us\"]",
        ],
    );
}

#[test]
fn moments_with_a_zone_or_a_weekday_are_datetimes_of_the_proposal() {
    let row = |n: usize| {
        let (day, hour) = (5 + n % 7, n % 24);
        let weekday = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][n % 7];
        format!(
            "2018-03-{day:02} {hour:02}:26:21 UTC,\"{weekday}, {day:02} Mar 2018 {hour:02}:31:00 +0100\",{weekday} Mar {day:>2} {hour:02}:31:00 2018,{day:02}/Mar/2018:{hour:02}:31:00 +0000,{}",
            n % 29
        )
    };
    let (spec, _) = trains_file("d.csv", rows("zone,feed,clock,log,y", 200, row));
    holds(
        &spec,
        &[
            "zone = { type = \"datetime\", format = \"%Y-%m-%d %H:%M:%S UTC\" }",
            "feed = { type = \"datetime\", format = \"%a, %d %b %Y %H:%M:%S %z\" }",
            "clock = { type = \"datetime\", format = \"%a %b %d %H:%M:%S %Y\" }",
            "log = { type = \"datetime\", format = \"%d/%b/%Y:%H:%M:%S %z\" }",
            "columns = [\"clock\", \"feed\", \"log\", \"zone\"]",
        ],
    );
}

#[test]
fn check_tells_of_texts_that_look_like_dates() {
    let project = Project::new();
    project.write("d.csv", rows("day,x,y", 100, |n| format!("{}/3/2020,{},{}", 1 + n % 28, n % 7, n % 5)));
    project.write(
        "p.toml",
        "[pipeline]\nname = \"p\"\nseed = 0\n[data]\nsource = \"d.csv\"\ntarget = \"y\"\n[model]\nuse = \"boosted_trees\"\n",
    );
    let look =
        "the values of `day` look like dates or times: [contract] day = { type = \"date\", format = \"%d/%m/%Y\" }";
    let said = project.run(&["check", "p.toml", "--quiet", "--set", "contract.x.type=integer"]).ok().out;
    holds(&said, &[look]);
    let said = project.run(&["check", "p.toml", "--quiet", "--set", "contract.day.type=category"]).ok().out;
    assert!(!said.contains("look like dates"), "{said}");
}

#[test]
fn days_and_months_in_both_orders_are_told() {
    let project = Project::new();
    let day_first = |n: usize| format!("{:02}/{:02}/2024", 1 + n % 28, 1 + n % 12);
    let month_first = |n: usize| format!("{:02}/{:02}/2024", 1 + n % 12, 1 + n % 28);
    // A few in the other order.
    let few = |n: usize| if n % 50 == 49 { month_first(n + 13) } else { day_first(n) };
    project.write("d.csv", rows("sold,x,y", 200, |n| format!("{},{},{}", few(n), n % 13, n % 29)));
    project.run(&["init", "d.csv", "--target", "y", "--output", "q.toml", "--quiet"]).ok();
    let spec = project.read("q.toml");
    holds(
        &spec,
        &[
            "# day and month come in both orders: 2 cells such as `07/23/2024` beside others such as `13/01/2024`; of what reads both ways some may be misread\n",
            "sold = { type = \"date\", format = \"%d/%m/%Y\", invalid = \"null\" }",
        ],
    );
    project.write("q.toml", spec.replace(", invalid = \"null\"", ""));
    let said = project.run(&["check", "q.toml", "--quiet"]).out;
    holds(&said, &["`07/23/2024` is not a date written as `%d/%m/%Y`, but as `%m/%d/%Y`: what reads both ways may"]);
    // Those that become null are told by a training, too.
    project.write("q.toml", &spec);
    let said = project.run(&["train", "q.toml", "--quiet"]).ok().out;
    holds(&said, &["note: d.csv, row 150, column `sold`: `07/23/2024` is not a date written as `%d/%m/%Y`, but as"]);
    // As many in either.
    let half = |n: usize| if n.is_multiple_of(2) { month_first(n) } else { day_first(n) };
    project.write("d.csv", rows("sold,x,y", 200, |n| format!("{},{},{}", half(n), n % 13, n % 29)));
    project.run(&["init", "d.csv", "--target", "y", "--output", "q.toml", "--quiet", "--force"]).ok();
    holds(&project.read("q.toml"), &["# `sold` is text as it stands: its dates are written in two ways, `"]);
    let said = project.run(&["check", "q.toml", "--quiet", "--set", "step=[]"]).out;
    holds(&said, &["its dates are written in two ways, `"]);
}

#[test]
fn a_date_target_is_refused_however_it_is_written() {
    let project = Project::new();
    project.write("d.csv", rows("x,y", 100, |n| format!("{},{}/{}/2020", n % 9, 1 + n % 28, 1 + n % 12)));
    refused(&project, &["init", "d.csv", "--target", "y"], &["the target `y` is of type date"]);
}

#[test]
fn the_zero_day_of_databases_is_no_day() {
    let day = |n: usize| {
        if n.is_multiple_of(9) { "0000-00-00".to_owned() } else { format!("2024-0{}-1{}", 1 + n % 9, n % 10) }
    };
    let (spec, _) = trains_file("z.csv", rows("day,x,y", 200, |n| format!("{},{},{}", day(n), n % 13, n % 29)));
    holds(&spec, &["missing = [\"\", \"0000-00-00\"]", "columns = [\"day\"]\nparts = "]);
}

#[test]
fn times_finer_than_a_microsecond_are_dropped_and_told() {
    let row = |n: usize| {
        let rare = if n == 7 { "001" } else { "000" };
        format!(
            "2024-01-01T00:00:{:02}.123456789,2024-01-01T00:00:{:02}.123456{rare},{},{}",
            n % 60,
            n % 60,
            n % 9,
            n % 5
        )
    };
    let (spec, _) = trains_file("t.csv", rows("fine,rare,x,y", 100, row));
    holds(
        &spec,
        &[
            "# finer than a microsecond, which no type holds; cut off after six digits they are dates and times: fine\n",
            "# 1 of 100 cells is of another type than datetime: `2024-01-01T00:00:07.123456001`\nrare = { type = \"datetime\", invalid = \"null\" }",
            "columns = [\"rare\"]",
        ],
    );
}

#[test]
fn parts_of_dates_that_are_columns_already_are_not_taken() {
    let row = |n: usize| {
        let (year, month, day) = (2010 + n % 9, 1 + n % 12, 1 + n % 28);
        format!("{n},{year}-{month:02}-{day:02},{year},2020-01-{day:02},{year}-{month:02}-01T07:30:00,{}", n % 29)
    };
    let (spec, _) = trains_file("d.csv", rows("id,sold,sold_year,seen,at,y", 200, row));
    holds(
        &spec,
        &[
            "columns = [\"seen\"]\nparts = [\"year\", \"month\", \"day_of_month\", \"day_of_week\", \"day_of_year\"]",
            "columns = [\"sold\"]\nparts = [\"month\", \"day_of_month\", \"day_of_week\", \"day_of_year\"]",
        ],
    );
    let (spec, _) = trains_file(
        "d.csv",
        rows("id,t,t_hour,t_minute,y", 200, |n| {
            format!("{n},{:02}:{:02},{},{},{}", n % 24, n % 60, n % 24, n % 60, n % 29)
        }),
    );
    holds(&spec, &["# dates whose parts are columns already: t\n"]);
}

#[test]
fn whole_numbers_that_all_are_days_are_dates_whatever_they_are_called() {
    let day = |n: usize| format!("20{:02}{:02}{:02}", n % 20, 1 + n % 12, 1 + n % 28);
    let (_, spec) = trains("sold,x,y", |n| format!("{},{},{}", day(n), n % 13, n % 29));
    holds(&spec, &["sold = { type = \"date\", format = \"%Y%m%d\" }"]);
    let (_, spec) = trains("sold,x,y", |n| {
        format!("{},{},{}", if n == 50 { "20201301".to_owned() } else { day(n) }, n % 13, n % 29)
    });
    assert!(!spec.contains("sold ="), "{spec}");
    // Numbers of orders that begin with a month.
    let (_, spec) = trains("order,x,y", |n| format!("{},{},{}", 20_240_101 + n % 31, n % 13, n % 29));
    assert!(!spec.contains("order ="), "{spec}");
}

#[test]
fn dates_in_two_ways_are_told() {
    let day = |n: usize| {
        if n.is_multiple_of(3) {
            format!("{}/{}/2020", 1 + n % 28, 1 + n % 12)
        } else {
            format!("2020-11-{:02}", 1 + n % 28)
        }
    };
    let (_, spec) = trains("sold,x,y", |n| format!("{},{},{}", day(n), n % 13, n % 29));
    holds(&spec, &["# `sold` is text as it stands: 66 of 100 cells are dates such as 2024-12-31, others are"]);
    let (_, checked) = trains_file("d.csv", rows("sold,x,y", 200, |n| format!("{},{},{}", day(n), n % 13, n % 29)));
    assert!(!checked.contains("look like dates"), "no format reads both: {checked}");
}
