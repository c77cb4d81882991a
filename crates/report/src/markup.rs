//! HTML that is already escaped; the one way from a text to the page.
//!
//! The templates escape what is no `Markup`, and none of them says `safe`.

use std::fmt;

use askama::filters::{Escaper, Html, HtmlSafe};

/// A piece of HTML or SVG in which every text is escaped.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Markup(String);

impl HtmlSafe for Markup {}

impl fmt::Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Markup {
    /// Nothing yet.
    pub(crate) fn new() -> Markup {
        Markup::default()
    }

    /// Adds our own markup.
    pub(crate) fn raw(&mut self, markup: impl fmt::Display) -> &mut Markup {
        use fmt::Write;
        let _ = write!(self.0, "{markup}");
        self
    }

    /// Adds a text from anywhere, escaped.
    pub(crate) fn text(&mut self, text: &str) -> &mut Markup {
        let _ = Html.write_escaped_str(&mut self.0, text);
        self
    }

    /// Adds a name: set apart, and no writing direction leaks out of it.
    pub(crate) fn code(&mut self, name: &str) -> &mut Markup {
        self.raw("<code>").text(name).raw("</code>")
    }

    /// Whether there is nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A sentence; what stands between backticks is a name.
pub(crate) fn prose(text: &str) -> Markup {
    let mut out = Markup::new();
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return out.text(text).clone();
    }
    for (i, part) in parts.into_iter().enumerate() {
        if i % 2 == 0 {
            out.text(part)
        } else {
            out.code(part)
        };
    }
    out
}

/// Names separated by commas, at most so many; the rest is counted.
pub(crate) fn names(names: &[String], most: usize) -> Markup {
    let mut out = Markup::new();
    for (i, name) in names.iter().take(most).enumerate() {
        out.raw(if i > 0 { ", " } else { "" }).code(name);
    }
    if names.len() > most {
        out.raw(format_args!(" and {} more", crate::number::count((names.len() - most) as u64)));
    }
    out
}

/// A text cut to about so many columns, wide characters counted twice.
///
/// For labels inside SVG, where nothing wraps; the whole text goes into a title.
pub(crate) fn shortened(text: &str, columns: usize) -> String {
    let width = |c: char| if (c as u32) < 0x1100 { 1 } else { 2 };
    if text.chars().map(width).sum::<usize>() <= columns {
        return text.to_owned();
    }
    let mut left = columns.saturating_sub(1);
    let fits = |c: &char| {
        let fits = width(*c) <= left;
        left = left.saturating_sub(width(*c));
        fits
    };
    let mut out: String = text.chars().take_while(fits).collect();
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_and_markup_is_not() {
        let mut markup = Markup::new();
        markup.raw("<b>").text("<i>\"'&").code("</code><script>").raw("</b>");
        assert_eq!(markup.to_string(), "<b>&#60;i&#62;&#34;&#39;&#38;<code>&#60;/code&#62;&#60;script&#62;</code></b>");
    }

    #[test]
    fn names_stand_between_backticks() {
        let check = |text: &str, html: &str| assert_eq!(prose(text).to_string(), html);
        check("", "");
        check("`a<b` and `c`.", "<code>a&#60;b</code> and <code>c</code>.");
        check("one ` alone", "one ` alone");
    }

    #[test]
    fn long_texts_are_cut_by_their_width() {
        let check = |text: &str, cut: &str| assert_eq!(shortened(text, 5), cut);
        check("", "");
        check("abcde", "abcde");
        check("abcdef", "abcd…");
        check("日本語", "日本…");
        check("a🦀🦀🦀", "a🦀…");
    }
}
