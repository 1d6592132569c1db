//! As much of HTML as it takes to find what a page refers to: tags, their attributes, and what is between
//! `<script>` and its end.

/// One tag that begins an element.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    /// In lower case.
    pub(super) name: String,
    pub(super) attributes: Vec<(String, &'a str)>,
    /// What follows, up to the end tag, in a script or a style.
    pub(super) text: &'a str,
}

impl Tag<'_> {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        attributes.find_map(|(its, value)| (its == name).then_some(*value))
    }
}

/// The tags of a page, in order.
pub(super) fn tags(page: &str) -> Vec<Tag<'_>> {
    let mut tags = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            continue;
        }
        let end = rest
            .find(|c: char| c.is_ascii_whitespace() || c == '>' || c == '/')
            .unwrap_or(rest.len());
        let name = rest[..end].to_ascii_lowercase();
        let attributes;
        (attributes, rest) = self::attributes(&rest[end..]);
        let mut text = "";
        if name == "script" || name == "style" {
            let close = format!("</{name}");
            let lower = rest.to_ascii_lowercase();
            let end = lower.find(&close).unwrap_or(rest.len());
            (text, rest) = rest.split_at(end);
        }
        tags.push(Tag {
            name,
            attributes,
            text,
        });
    }
    tags
}

/// The attributes of a tag, and what follows it.
fn attributes(mut rest: &str) -> (Vec<(String, &str)>, &str) {
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() {
            return (attributes, rest);
        }
        if let Some(behind) = rest.strip_prefix('>') {
            return (attributes, behind);
        }
        let ends = |c: char| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/');
        // An equals sign that begins a name is part of it (HTML, "before attribute name state").
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let end = rest[first..]
            .find(ends)
            .map_or(rest.len(), |end| end + first);
        let name = &rest[..end];
        rest = rest[end..].trim_start_matches(|c: char| c.is_ascii_whitespace());
        let mut value = "";
        if let Some(behind) = rest.strip_prefix('=') {
            rest = behind.trim_start_matches(|c: char| c.is_ascii_whitespace());
            let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
            if let Some(quote) = quote {
                let inside = &rest[1..];
                let end = inside.find(quote).unwrap_or(inside.len());
                value = &inside[..end];
                rest = inside.get(end + 1..).unwrap_or_default();
            } else {
                let end = rest
                    .find(|c: char| c.is_ascii_whitespace() || c == '>')
                    .unwrap_or(rest.len());
                (value, rest) = rest.split_at(end);
            }
        }
        attributes.push((name.to_ascii_lowercase(), value));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tags_and_attributes_in_every_form() {
        let page = "<!doctype html><!-- <img src=no> --><IMG SRC='a.png' hidden data-x=1><br/>\
                    <script src=\"b.js\">if (1<2) '<img src=no>'</script><p>1 < 2</p>";
        let found = tags(page);
        let names: Vec<&str> = found.iter().map(|tag| tag.name.as_str()).collect();
        assert_eq!(names, ["img", "br", "script", "p"]);
        assert_eq!(found[0].attribute("src"), Some("a.png"));
        assert_eq!(found[0].attribute("hidden"), Some(""));
        assert_eq!(found[0].attribute("data-x"), Some("1"));
        assert_eq!(found[2].attribute("src"), Some("b.js"));
        assert_eq!(found[2].text, "if (1<2) '<img src=no>'");
    }

    proptest! {
        #[test]
        fn any_page_does_no_harm(page in "(<[a-z]{0,6}|[ =/>'\"a-zä€]|<!--|-->|</script>|\\PC){0,60}") {
            tags(&page);
        }
    }
}
