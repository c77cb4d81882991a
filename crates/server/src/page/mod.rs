//! `GET /docs`: a page for people, which shows the contract and asks for predictions. It holds nothing of the model, but reads
//! `/openapi.json` as any client does, with a key if one is asked for; and it needs nothing from elsewhere.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

static PAGE: LazyLock<String> =
    LazyLock::new(|| include_str!("page.html").replace("{style}", STYLE).replace("{script}", SCRIPT));

/// What the page may do: run its own script, in its own style, and ask this server.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |text: &str| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)));
    format!(
        "default-src 'none'; connect-src 'self'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
        hash(SCRIPT),
        hash(STYLE)
    )
});

pub(crate) async fn page() -> Response {
    let head = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY.as_str()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // By `no-referrer` a browser might not say of whose page a request is.
        (header::REFERRER_POLICY, "same-origin"),
    ];
    (head, PAGE.as_str()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        for outside in ["://", "src=", "href=", "import", "url(", "innerHTML", "eval("] {
            assert!(!PAGE.contains(outside), "{outside}");
        }
        assert!(!PAGE.contains("{style}") && !PAGE.contains("{script}"));
        assert_eq!(POLICY.matches("'sha256-").count(), 2);
        // A hash is of all that stands between the tags.
        assert!(
            PAGE.contains(&format!("<style>{STYLE}</style>")) && PAGE.contains(&format!("<script>{SCRIPT}</script>"))
        );
    }
}
