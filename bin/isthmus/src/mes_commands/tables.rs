//! What is shown to people: tables.

use serde_json::Value;

/// A column of a table: its title, and how a value is written in it.
pub(super) type Column = (&'static str, fn(&Value) -> String);

pub(super) const APPLICATIONS: &[Column] = &[
    ("ID", |one| text(&one["id"])),
    ("PROVIDER", |one| text(&one["provider"])),
    ("NAME", |one| text(&one["name"])),
    ("VERSION", |one| text(&one["version"])),
    ("PACKAGE", |one| text(&one["package"])),
];

pub(super) const PROFILES: &[Column] = &[
    ("ID", |one| text(&one["appId"])),
    ("NAME", |one| text(&one["appName"])),
    ("VERSION", |one| text(&one["appVer"])),
    ("VALID UNTIL", |one| text(&one["appVal"])),
];

pub(super) const SESSIONS: &[Column] = &[
    ("SESSION", |one| text(&one["id"])),
    ("SERVICE", |one| text(&one["service"])),
    ("CALLING", |one| text(&one["calling"])),
    ("CALLED", |one| text(&one["called"])),
    ("MEDIA", |one| list(&one["media"])),
    ("STATE", |one| text(&one["state"])),
];

pub(super) const SENT: &[Column] = &[
    ("TIME", |one| time(&one["at"])),
    ("TARGET", |one| text(&one["target"])),
    ("ANSWER", |one| text(&one["outcome"])),
    ("TEXT", |one| text(&one["body"])),
];

pub(super) const TARGETS: &[Column] = &[
    ("TARGET", |one| text(&one["target"])),
    ("DOWN FOR", |one| text(&one["downForSeconds"]) + " s"),
    ("TRIES", |one| text(&one["tries"])),
    ("SESSIONS", |one| text(&one["sessions"])),
    ("NEXT TRY", |one| {
        format!("in {} s", text(&one["nextInSeconds"]))
    }),
];

/// The lines of it, the titles first.
pub(super) fn lines(columns: &[Column], rows: &[Value]) -> Vec<String> {
    let titles = columns.iter().map(|(title, _)| (*title).to_owned());
    let mut cells: Vec<Vec<String>> = vec![titles.collect()];
    let written = |row| columns.iter().map(|(_, write)| write(row)).collect();
    cells.extend(rows.iter().map(written));
    let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..columns.len()).filter_map(width).collect();
    let line = |row: &Vec<String>| {
        let padded = row.iter().zip(&widths);
        let padded = padded.map(|(cell, width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    cells.iter().map(line).collect()
}

/// Without what would move the cursor of who reads it.
fn text(value: &Value) -> String {
    let text = match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.chars().filter(|letter| !letter.is_control()).collect()
}

fn list(value: &Value) -> String {
    let words = value.as_array().into_iter().flatten().map(text);
    words.collect::<Vec<_>>().join(",")
}

/// In UTC, as the log has it.
fn time(value: &Value) -> String {
    let since = std::time::Duration::from_secs(value.as_u64().unwrap_or_default());
    httpdate::fmt_http_date(std::time::UNIX_EPOCH + since)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let rows = [
            json!({ "appId": "a\u{1b}[2J", "appName": "Chess" }),
            json!({ "appId": "bcdefg" }),
        ];
        assert_eq!(
            lines(PROFILES, &rows),
            [
                "ID      NAME   VERSION  VALID UNTIL",
                "a[2J    Chess  -        -",
                "bcdefg  -      -        -",
            ]
        );
    }
}
