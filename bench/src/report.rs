//! The table.

/// One line of it.
pub struct Row {
    /// What was measured.
    pub work: String,
    /// Ours, with its unit.
    pub isthmus: String,
    /// The peer's, with its name, or nothing.
    pub peer: String,
    /// Ours against the peer's or against what we promised.
    pub verdict: String,
}

/// Prints the rows as Markdown, with the machine they were measured on.
pub fn print(rows: &[Row]) {
    println!("\nMachine: {}\n", machine());
    println!("| work | Isthmus | peer | verdict |");
    println!("| --- | --- | --- | --- |");
    for row in rows {
        println!(
            "| {} | {} | {} | {} |",
            row.work, row.isthmus, row.peer, row.verdict
        );
    }
}

fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown processor", |rest| {
            rest.trim_start_matches([' ', '\t', ':'])
        });
    let cores = cpu
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{cores} x {model}, Linux {}", kernel.trim())
}
