//! The pages of the WAF: plain HTML, one style sheet, no script.

use crate::authorize::AuthorizationRequest;

/// Where the style sheet is, seen from the pages.
const STYLE_SHEET: &str = "sign-in.css";
/// The style sheet.
pub(crate) const STYLE: &str = include_str!("sign-in.css");

/// The product's mark.
pub(crate) const ICON: &str = include_str!("icon.svg");

/// The sign-in page, with what went wrong the last time.
pub(crate) fn sign_in(
    request: &AuthorizationRequest,
    user_name: &str,
    error: Option<&str>,
) -> String {
    let alert = error.map_or_else(String::new, |words| {
        format!(
            "<p class=\"alert\" id=\"alert\" role=\"alert\">{}</p>",
            escape(words)
        )
    });
    let described = if error.is_some() {
        " aria-describedby=\"alert\""
    } else {
        ""
    };
    // After a wrong password the password is what is typed again.
    let (focus_name, focus_password) = if user_name.is_empty() {
        (" autofocus", "")
    } else {
        ("", " autofocus")
    };
    let hidden: String = [
        ("response_type", "code"),
        ("client_id", &request.client_id),
        ("redirect_uri", &request.redirect_uri),
        ("scope", &request.scope),
        ("code_challenge", &request.challenge),
        ("code_challenge_method", "S256"),
        ("state", request.state.as_deref().unwrap_or_default()),
    ]
    .map(|(name, value)| {
        format!(
            "<input type=\"hidden\" name=\"{name}\" value=\"{}\">\n",
            escape(value)
        )
    })
    .concat();
    document(
        "Sign in",
        &format!(
            "<h1>Sign in</h1>\n<p class=\"lead\">to make and take calls in your browser</p>\n{alert}\n\
             <form method=\"post\" action=\"authorize\">\n{hidden}\
             <label for=\"username\">User name</label>\n\
             <input id=\"username\" name=\"username\" type=\"text\" value=\"{}\" maxlength=\"256\" \
             autocomplete=\"username\" autocapitalize=\"none\" autocorrect=\"off\" \
             spellcheck=\"false\" required{described}{focus_name}>\n\
             <label for=\"password\">Password</label>\n\
             <input id=\"password\" name=\"password\" type=\"password\" maxlength=\"256\" \
             autocomplete=\"current-password\" required{described}{focus_password}>\n\
             <button type=\"submit\">Sign in</button>\n</form>",
            escape(user_name)
        ),
    )
}

/// A page that says why there is nothing to sign in to.
pub(crate) fn failure(words: &str) -> String {
    document(
        "Cannot sign in",
        &format!(
            "<h1>Cannot sign in</h1>\n<p class=\"alert\" role=\"alert\">{}</p>\n\
             <p class=\"lead\">Please go back to the phone page and start again.</p>",
            escape(words)
        ),
    )
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title} · Isthmus</title>\n\
         <link rel=\"icon\" href=\"icon.svg\" type=\"image/svg+xml\">\n\
         <link rel=\"stylesheet\" href=\"{STYLE_SHEET}\">\n</head>\n<body>\n<main>\n\
         <p class=\"brand\">{ICON} Isthmus</p>\n{body}\n</main>\n</body>\n</html>\n"
    )
}

/// Text for HTML, also between double quotes.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_in_goes_out_as_text() {
        let request = AuthorizationRequest {
            client_id: "wwsf".into(),
            redirect_uri: "https://localhost/signed-in".into(),
            state: Some("\"><script>".into()),
            scope: "a".into(),
            challenge: "c".into(),
        };
        let page = sign_in(&request, "<b>'al\"ice'&", Some("<i>"));
        for bad in ["<script>", "<b>", "<i>", "al\"ice"] {
            assert!(!page.contains(bad), "{bad}");
        }
        assert!(page.contains("value=\"&quot;&gt;&lt;script&gt;\""));
    }

    #[test]
    fn names_are_as_people_and_tests_look_for_them() {
        let request = AuthorizationRequest {
            client_id: String::new(),
            redirect_uri: String::new(),
            state: None,
            scope: String::new(),
            challenge: String::new(),
        };
        let page = sign_in(&request, "", None);
        assert!(page.contains("<label for=\"username\">User name</label>"));
        assert!(page.contains("<label for=\"password\">Password</label>"));
        assert!(page.contains("<button type=\"submit\">Sign in</button>"));
        assert!(!page.contains("role=\"alert\""));
        assert!(sign_in(&request, "", Some("No.")).contains("role=\"alert\">No.</p>"));
    }
}
