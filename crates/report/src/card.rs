//! A model card as a page: its Markdown, in which strangers' words stay words.

use askama::Template;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html};

use crate::markup::Markup;

#[derive(Template)]
#[template(path = "card.html", whitespace = "minimize")]
struct Card<'a> {
    title: &'a str,
    body: Markup,
}

/// The page of a model card that is written in Markdown. Nothing in it is run, loaded, or leads elsewhere than to a
/// web or mail address; HTML in the card is shown as text.
pub fn card_html(title: &str, markdown: &str) -> String {
    let mut shown = String::new();
    html::push_html(&mut shown, Parser::new_ext(markdown, Options::ENABLE_TABLES).filter_map(harmless));
    let mut body = Markup::new();
    body.raw(shown);
    let card = Card { title, body };
    card.render().unwrap_or_else(|error| unreachable!("a string takes all that is written: {error}"))
}

fn harmless(event: Event<'_>) -> Option<Event<'_>> {
    match event {
        Event::Html(text) | Event::InlineHtml(text) => Some(Event::Text(text)),
        Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => None,
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            let lower = dest_url.to_ascii_lowercase();
            let leads_out = ["https://", "http://", "mailto:"].iter().any(|scheme| lower.starts_with(scheme));
            // An e-mail address between angle brackets gets its scheme where it is printed.
            let is_mail = link_type == pulldown_cmark::LinkType::Email;
            let dest_url = if leads_out || is_mail { dest_url } else { "#".into() };
            Some(Event::Start(Tag::Link { link_type, dest_url, title, id }))
        }
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_tables_and_quotations_are_set() {
        let page = card_html("houses", "# houses\n\n| a | b |\n|---|---|\n| `x` | 1 |\n\n> ## two\n> *words*\n");
        for part in
            ["<title>houses: model card</title>", "<h1>houses</h1>", "<td><code>x</code></td>", "<em>words</em>"]
        {
            assert!(page.contains(part), "{part} in {page}");
        }
        assert!(page.contains("<blockquote>\n<h2>two</h2>"), "{page}");
    }

    #[test]
    fn nothing_in_a_card_is_run_loaded_or_leads_elsewhere() {
        let card = "<script>alert(1)</script>\n\na <b onclick=x>b</b> [l](javascript:a) ![i](https://e.org/i.png)\n\n\
            <javascript:alert(2)> [ok](https://e.org) <ana@e.org> [f](file:///etc/passwd) [d](//e.org)\n";
        let page = card_html("<i>", card);
        for part in ["<script", "<b ", "<i>", "<img", "\"javascript:", "file:", "\"//"] {
            assert!(!page.contains(part), "{part} in {page}");
        }
        for part in ["&lt;script&gt;", "href=\"https://e.org\"", "href=\"mailto:ana@e.org\""] {
            assert!(page.contains(part), "{part} in {page}");
        }
    }
}
