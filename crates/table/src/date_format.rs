//! Dates as people write them, and the format by which a contract reads them.

use std::collections::BTreeSet;

use jiff::fmt::strtime;

use crate::{Clock, Kind, parse};

/// How days are written. Where day and month may be taken for each other, the day comes first.
const DAYS: [&str; 25] = [
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%m.%d.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y-%m-%d",
    "%d-%b-%Y",
    "%d %b %Y",
    "%d %B %Y",
    "%d. %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%b %d %Y",
    "%B %d %Y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d.%m.%y",
    "%m.%d.%y",
    "%d-%b-%y",
    "%a, %d %b %Y",
    "%A, %d %B %Y",
    "%A, %B %d, %Y",
];
/// How months are written: each is its first day.
const MONTHS: [&str; 12] =
    ["%Y-%m", "%Y/%m", "%m/%Y", "%m.%Y", "%m-%Y", "%b-%y", "%b-%Y", "%b %Y", "%B %Y", "%Y-%b", "%Y %b", "%Y %B"];
/// Of what is written like a year and a month, so many years are.
const YEARS: std::ops::RangeInclusive<i16> = 1700..=2200;
/// Fewer different ones may be codes.
const MONTHS_LEAST: usize = 6;
/// How times of day are written; the first of those that fit is taken.
const TIMES: [&str; 5] = ["%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p", "%H:%M:%S%.f"];
/// What follows a day with a time: nothing, the word of a zone, or an offset.
const ZONES: [&str; 5] = ["", " UTC", " GMT", " %z", " %:z"];
/// How else days with a time are written: by C's `asctime` and `date`, by feeds, and in the logs of web servers.
const MOMENTS: [&str; 4] =
    ["%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S UTC %Y", "%a %b %d %H:%M:%S %z %Y", "%d/%b/%Y:%H:%M:%S %z"];
/// Whole numbers that are days, such as 20150902.
pub const DIGITS: &str = "%Y%m%d";
/// So many different texts are tried in all formats.
const TRIED: usize = 1000;
/// So many different texts show which formats are worth a try where there are two.
const FEW: usize = 50;
/// So many of a hundred cells a format must read.
const FITTING: u64 = 95;

/// How the dates or times of a column are written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DateFormat {
    /// A date, a time or a datetime, which is an instant if the format has an offset.
    pub kind: Kind,
    /// The format, as a contract has it.
    pub format: String,
    /// The one with day and month exchanged, if no cell tells which is meant.
    pub exchanged: Option<String>,
    /// Cells that only the one with day and month exchanged reads, while others are read by this one alone.
    pub swapped: Option<Swapped>,
}

/// Cells whose day and month stand in the other order than those of others.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Swapped {
    /// How many there are.
    pub cells: u64,
    /// One of them.
    pub example: String,
    /// One that stands in the order of the format, and in no other.
    pub other: String,
}

/// The format that nearly all of the texts fit, each with its number of cells. Those in ISO 8601 have none.
pub fn date_format<'a>(texts: impl IntoIterator<Item = (&'a str, u64)>) -> Option<DateFormat> {
    let all: Vec<(&str, u64)> = texts.into_iter().collect();
    let apart = all.len().div_ceil(TRIED).max(1);
    let texts: Vec<(&str, u64)> = all.iter().step_by(apart).copied().collect();
    let cells: u64 = texts.iter().map(|(_, count)| count).sum();
    // Most columns of texts are none of dates: a few of them show it.
    let few: Vec<(&str, u64)> = texts.iter().step_by(texts.len().div_ceil(10).max(1)).copied().collect();
    let tried = |(kind, format): (Kind, String)| {
        let enough = |texts: &[(&str, u64)], share: u64| {
            let fitting: Vec<&(&str, u64)> = texts.iter().filter(|(text, _)| fits(kind, &format, text)).collect();
            let all: u64 = texts.iter().map(|(_, count)| count).sum();
            let count: u64 = fitting.iter().map(|(_, count)| count).sum();
            (count > 0 && count * 100 >= all * share).then_some(count)
        };
        enough(&few, FITTING / 2)?;
        if MONTHS.contains(&&*format) && !are_months(&format, &texts) {
            return None;
        }
        enough(&texts, FITTING).map(|count| (count, kind, format))
    };
    let mut found: Vec<(u64, Kind, String)> = formats().filter_map(tried).collect();
    let most = found.iter().map(|(count, ..)| *count).max()?;
    found.retain(|(count, ..)| *count == most);
    let days = |format: &str| {
        let mut days: Vec<_> =
            texts.iter().filter_map(|(text, _)| strtime::parse(format, text.trim_ascii()).ok()?.day()).collect();
        days.sort_unstable();
        days.dedup();
        days.len()
    };
    // Dates that could be read both ways are more likely the first of each month than all of one.
    let (_, kind, format) = found.into_iter().min_by_key(|(.., format)| days(format))?;
    let (format, exchanged, swapped) = order(kind, format, &all);
    let at_midnight =
        |text: &str| !fits(kind, &format, text) || parse::moment(Kind::Date, Some(&format), text).is_some();
    let kind = match kind {
        Kind::Datetime(Clock::Civil) if cells > 0 && texts.iter().all(|(text, _)| at_midnight(text)) => Kind::Date,
        kind => kind,
    };
    Some(DateFormat { kind, format, exchanged, swapped })
}

/// The format, as it is or with day and month exchanged, by which more of the cells are read that only one of both reads; the other,
/// if there is no such cell; the cells that only the other reads, if there are such of both.
fn order(kind: Kind, format: String, texts: &[(&str, u64)]) -> (String, Option<String>, Option<Swapped>) {
    let Some(other) = exchanged(&format) else { return (format, None, None) };
    let only = |this: &str, other: &str| {
        let only = texts.iter().filter(|(text, _)| fits(kind, this, text) && !fits(kind, other, text));
        only.fold((0, None), |(cells, first): (u64, Option<&str>), (text, count)| (cells + count, first.or(Some(text))))
    };
    match (only(&format, &other), only(&other, &format)) {
        ((_, None), (_, None)) => (format, Some(other), None),
        ((_, Some(_)), (_, None)) => (format, None, None),
        ((_, None), (_, Some(_))) => (other, None, None),
        ((these, Some(this)), (those, Some(that))) => match these >= those {
            true => (format, None, Some(Swapped { cells: those, example: that.to_owned(), other: this.to_owned() })),
            false => (other, None, Some(Swapped { cells: these, example: this.to_owned(), other: that.to_owned() })),
        },
    }
}

/// The same format with day and month exchanged, if both are numbers in it.
pub(crate) fn exchanged(format: &str) -> Option<String> {
    let both = format.contains("%d") && format.contains("%m");
    // Where the year stands first, the month is the next everywhere.
    (both && !format.starts_with("%Y")).then(|| format.replace("%d", "%\0").replace("%m", "%d").replace("%\0", "%m"))
}

/// Two ways of writing days that together read nearly all of the texts, which no one way does: of each a text that the other doesn't
/// read, and how many cells it reads; of the second those that the first doesn't.
pub fn two_date_formats<'a>(texts: impl IntoIterator<Item = (&'a str, u64)>) -> Option<[(&'a str, u64); 2]> {
    let all: Vec<(&str, u64)> = texts.into_iter().collect();
    let thinned = |texts: &[(&'a str, u64)], to: usize| -> Vec<(&'a str, u64)> {
        texts.iter().step_by(texts.len().div_ceil(to).max(1)).copied().collect()
    };
    let texts = thinned(&all, TRIED);
    let few = thinned(&texts, FEW);
    let is_day = |(_, format): &(Kind, String)| format.contains("%d");
    let reads_some = |(kind, format): &(Kind, String)| few.iter().any(|(text, _)| fits(*kind, format, text));
    let formats: Vec<(Kind, String)> = formats().filter(is_day).filter(reads_some).collect();
    let cells = |texts: &[(&str, u64)]| texts.iter().map(|(_, count)| count).sum::<u64>();
    let read_by = |(kind, format): &(Kind, String), texts: &[(&'a str, u64)]| -> (Vec<_>, Vec<_>) {
        texts.iter().copied().partition(|(text, _)| fits(*kind, format, text))
    };
    let best = |texts: &[(&'a str, u64)]| {
        let most = |format: &&(Kind, String)| cells(&read_by(format, texts).0);
        // Of ways that read as many the first one, as elsewhere.
        formats.iter().rev().max_by_key(most).map(|format| (format, read_by(format, texts)))
    };
    let (_, (first, rest)) = best(&texts)?;
    let ((kind, second), (others, unread)) = best(&rest)?;
    let example = first.iter().find(|(text, _)| !fits(*kind, second, text))?.0;
    let both = !others.is_empty() && cells(&unread) * 100 <= cells(&texts) * (100 - FITTING);
    both.then(|| [(example, cells(&first)), (others[0].0, cells(&others))])
}

fn formats() -> impl Iterator<Item = (Kind, String)> {
    let days = DAYS.into_iter().map(|day| (Kind::Date, day.to_owned()));
    let months = MONTHS.into_iter().map(|month| (Kind::Date, month.to_owned()));
    let times = TIMES.into_iter().map(|time| (Kind::Time, time.to_owned()));
    let of_day = |day| TIMES.into_iter().flat_map(move |time| ZONES.map(|zone| format!("{day} {time}{zone}")));
    let moments = DAYS.into_iter().flat_map(of_day).chain(MOMENTS.into_iter().map(str::to_owned));
    let moments = moments.map(|format| (Kind::Datetime(parse::format_clock(&format)), format));
    days.chain(months).chain(times).chain(moments)
}

fn fits(kind: Kind, format: &str, text: &str) -> bool {
    if !(4..=40).contains(&text.len()) {
        return false;
    }
    // By itself `%y` reads the first two digits of four.
    let longest = text.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or_default();
    let year = if format.contains("%Y") { longest == 4 } else { !format.contains("%y") || longest == 2 };
    let fraction = format.contains("%.f");
    (year || fraction) && parse::moment(kind, Some(format), text).is_some()
}

/// Whether all texts are months, and nothing else that is written like some: codes (`12-3456`), seasons (`2011-12`), quarters
/// (`2015-3`), days (`Jan-14`).
fn are_months(format: &str, texts: &[(&str, u64)]) -> bool {
    let month = |(text, _): &(&str, u64)| {
        let parts = strtime::parse(format, text.trim_ascii()).ok()?;
        Some((parts.year()?, parts.month()?))
    };
    let Some(months) = texts.iter().map(month).collect::<Option<BTreeSet<_>>>() else { return false };
    let years: BTreeSet<i16> = months.iter().map(|(year, _)| *year).collect();
    let are_seasons = months.iter().all(|(year, month)| i16::from(*month) == (year + 1) % 100);
    let may_be_days =
        format.contains("%y") && years.len() > 12 && years.iter().all(|year| (2001..=2031).contains(year));
    months.len() >= MONTHS_LEAST
        && years.iter().all(|year| YEARS.contains(year))
        && months.iter().any(|(_, month)| *month > 4)
        && !are_seasons
        && !may_be_days
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(texts: &[&str], expected: &str) {
        let found = date_format(texts.iter().map(|text| (*text, 1)));
        let shown = found.map_or("none".to_owned(), |found| {
            let other = found.exchanged.map(|other| format!(" or {other}")).unwrap_or_default();
            format!("{} {}{other}", found.kind.word(), found.format)
        });
        assert_eq!(shown, expected, "{texts:?}");
    }

    #[test]
    fn dates_as_people_write_them_have_a_format() {
        check(&["31/12/2020", "1/2/2020"], "date %d/%m/%Y");
        check(&["12/31/2020", "01/02/2020"], "date %m/%d/%Y");
        check(&["31.12.2020", "01.02.2020"], "date %d.%m.%Y");
        check(&["11-Feb-2017", "2-Mar-2018"], "date %d-%b-%Y");
        // A blank of a format stands for any number of blanks.
        check(&["11FEB2017", "02MAR2018"], "date %d %b %Y");
        check(&["11 February 2017", "2 May 2018"], "date %d %B %Y");
        check(&["February 11, 2017", "May 2, 2018"], "date %B %d, %Y");
        check(&["Feb 11 2017", "Jan 1 2000"], "date %b %d %Y");
        check(&["February 11 2017", "May 02 2018"], "date %B %d %Y");
        check(&["2016/01/01 00:47:36", "2016/02/13 10:00:00"], "datetime %Y/%m/%d %H:%M:%S");
        check(&["08/29/2017 12:00 AM", "08/30/2017 12:00 AM"], "date %m/%d/%Y %I:%M %p");
        check(&["08/29/2017 12:00 AM", "08/30/2017 1:15 PM"], "datetime %m/%d/%Y %I:%M %p");
        check(&["13/12/99 7:05", "1/2/20 17:05"], "datetime %d/%m/%y %H:%M");
        check(&["31.12.2020 10:00:00.25", "01.02.2020 11:30:00.5"], "datetime %d.%m.%Y %H:%M:%S%.f");
        check(&["3:45 PM", "11:00 AM"], "time %I:%M %p");
        check(&["Fri, 09 Mar 2018", "Sat, 10 Mar 2018"], "date %a, %d %b %Y");
        check(&["Friday, March 9, 2018", "Saturday, March 10, 2018"], "date %A, %B %d, %Y");
        check(&["2009-06-15 17:26:21 UTC", "2010-01-05 16:52:16 UTC"], "datetime %Y-%m-%d %H:%M:%S UTC");
        check(&["2009-06-15 00:00:00 UTC", "2010-01-05 00:00:00 UTC"], "date %Y-%m-%d %H:%M:%S UTC");
        check(
            &["Fri, 09 Mar 2018 12:31:00 +0000", "Sat, 10 Mar 2018 09:01:00 -0500"],
            "datetime %a, %d %b %Y %H:%M:%S %z",
        );
        check(&["Fri, 09 Mar 2018 12:31:00 GMT"], "datetime %a, %d %b %Y %H:%M:%S GMT");
        check(&["Fri Mar 09 12:31:00 2018", "Sat Mar 10 09:01:00 2018"], "datetime %a %b %d %H:%M:%S %Y");
        check(&["Fri Mar  9 12:31:00 UTC 2018"], "datetime %a %b %d %H:%M:%S UTC %Y");
        check(&["Fri Mar 09 12:31:00 +0000 2018"], "datetime %a %b %d %H:%M:%S %z %Y");
        check(&["09/Mar/2018:12:31:00 +0000", "10/Mar/2018:09:01:00 +0000"], "datetime %d/%b/%Y:%H:%M:%S %z");
        check(&["29.03.2018 12:31 +02:00", "10.03.2018 09:01 +01:00"], "datetime %d.%m.%Y %H:%M %:z");
        check(&["2013-01", "2013-12", "2014-03", "2014-04", "2014-05", "2014-06"], "date %Y-%m");
        check(&["Jan-13", "Dec-99", "Feb-99", "Mar-99", "Apr-99", "Jun-99"], "date %b-%y");
        check(&["1/2013", "12/2014", "2/2014", "3/2014", "4/2014", "5/2014"], "date %m/%Y");
        check(&["10-2013", "12-2014", "2-2014", "3-2014", "4-2014", "5-2014"], "date %m-%Y");
        check(&["2013 Jan", "2014 May", "2014 Feb", "2014 Mar", "2014 Apr", "2014 Jun"], "date %Y %b");
        check(&["January 2013", "May 2014", "June 2014", "July 2014", "April 2014", "March 2014"], "date %B %Y");
    }

    #[test]
    fn where_day_and_month_may_be_exchanged_the_other_format_is_told() {
        check(&["01/02/2020", "03/04/2020"], "date %d/%m/%Y or %m/%d/%Y");
        check(&["1/1/2020", "2/1/2020", "3/1/2020"], "date %m/%d/%Y or %d/%m/%Y");
        check(&["01/01/2020", "01/01/2021"], "date %d/%m/%Y or %m/%d/%Y");
        check(&["31/12/2020", "12/31/2020"], "none");
    }

    #[test]
    fn a_cell_that_only_one_order_reads_tells_it_and_those_of_the_other_order_are_counted() {
        let days = |first: usize, second: usize| -> Vec<String> {
            let both = (0..2000).map(|n| format!("{:02}/{:02}/{}", 1 + n % 12, 1 + n % 11, 1900 + n / 12));
            let first = (0..first).map(|n| format!("{}/02/2021", 13 + n));
            both.chain(first).chain((0..second).map(|n| format!("02/{}/2021", 13 + n))).collect()
        };
        let found = |first, second| {
            let found = date_format(days(first, second).iter().map(|text| (text.as_str(), 1))).expect("all are dates");
            let swapped = found.swapped.map(|swapped| (swapped.cells, swapped.example, swapped.other));
            (found.format, found.exchanged.is_some(), swapped)
        };
        // Most of these texts are not looked at when formats are tried.
        assert_eq!(found(0, 1), ("%m/%d/%Y".to_owned(), false, None));
        assert_eq!(found(1, 0), ("%d/%m/%Y".to_owned(), false, None));
        let swapped = |cells, example: &str, other: &str| Some((cells, example.to_owned(), other.to_owned()));
        assert_eq!(found(2, 1), ("%d/%m/%Y".to_owned(), false, swapped(1, "02/13/2021", "13/02/2021")));
        assert_eq!(found(2, 3), ("%m/%d/%Y".to_owned(), false, swapped(2, "13/02/2021", "02/13/2021")));
        assert!(found(0, 0).1);
    }

    #[test]
    fn two_ways_of_writing_days_are_told() {
        let check = |texts: &[&'static str], expected: Option<[(&str, u64); 2]>| {
            assert_eq!(two_date_formats(texts.iter().map(|text| (*text, 1))), expected, "{texts:?}");
        };
        check(&["02/03/2024", "31/01/2024", "01/31/2024"], Some([("31/01/2024", 2), ("01/31/2024", 1)]));
        check(&["31/01/2024", "31.01.2024", "30.01.2024"], Some([("31.01.2024", 2), ("31/01/2024", 1)]));
        check(&["31/01/2024", "31.01.2024", "soon"], None);
        check(&["31/01/2024", "30/01/2024"], None);
        check(&["a", "b"], None);
        check(&[], None);
    }

    #[test]
    fn what_is_no_date_has_no_format() {
        check(&["1.2.3", "10.0.2"], "none");
        check(&["10.0.0.1", "10.0.0.2"], "none");
        check(&["a", "b"], "none");
        check(&["12-345-6789"], "none");
        check(&["1/2", "3/4"], "none");
        check(&["12-3456", "11-2345", "1-1234", "2-2345", "3-2345", "4-2345"], "none");
        let seasons: Vec<String> = (2001..2012).map(|year| format!("{year}-{:02}", (year + 1) % 100)).collect();
        check(&seasons.iter().map(String::as_str).collect::<Vec<_>>(), "none");
        check(&["2015-1", "2015-2", "2015-3", "2015-4", "2016-1", "2016-2"], "none");
        let days: Vec<String> = (1..29).map(|day| format!("Jun-{day:02}")).collect();
        check(&days.iter().map(String::as_str).collect::<Vec<_>>(), "none");
        check(&[], "none");
    }
}
