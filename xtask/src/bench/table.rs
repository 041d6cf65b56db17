//! The table: what was measured, beside what, and whether that is good enough.

use std::fmt::Write as _;
use std::time::Duration;

/// How a ratio is judged.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Target {
    /// Ours may cost at most so many times what the other costs.
    AtMost(f64),
    /// Ours has to be at least so many times faster than the other.
    Faster(f64),
    /// Nothing is asked; the number is for people.
    None,
}

/// One line of the table.
pub(super) struct Row {
    /// What was measured.
    pub(super) what: String,
    /// Our figure, with its unit.
    pub(super) ours: String,
    /// The other's name.
    pub(super) other: String,
    /// The other's figure, with its unit.
    pub(super) theirs: String,
    /// Our time as a multiple of the other's.
    pub(super) ratio: f64,
    /// What is asked of the ratio.
    pub(super) target: Target,
}

impl Row {
    /// Whether the target is met; `None` when there is none.
    pub(super) fn met(&self) -> Option<bool> {
        match self.target {
            Target::AtMost(limit) => Some(self.ratio <= limit),
            Target::Faster(limit) => Some(limit <= 1.0 / self.ratio),
            Target::None => None,
        }
    }

    fn cells(&self) -> [String; 7] {
        let (ratio, target) = match self.target {
            Target::AtMost(limit) => (number(self.ratio), format!("≤ {}", number(limit))),
            Target::Faster(limit) => (
                format!("{} faster", number(1.0 / self.ratio)),
                format!("≥ {} faster", number(limit)),
            ),
            Target::None if self.ratio < 1.0 => (
                format!("{} faster", number(1.0 / self.ratio)),
                String::new(),
            ),
            Target::None => (number(self.ratio), String::new()),
        };
        let met = match self.met() {
            Some(true) => "met",
            Some(false) => "NOT MET",
            None => "",
        };
        [
            self.what.clone(),
            self.ours.clone(),
            self.other.clone(),
            self.theirs.clone(),
            ratio,
            target,
            met.to_owned(),
        ]
    }
}

const TITLES: [&str; 7] = ["what", "ours", "beside", "theirs", "ratio", "target", ""];

/// The rows as a Markdown table that a person can also read as it is.
pub(super) fn markdown(rows: &[Row]) -> String {
    let cells: Vec<[String; 7]> = rows.iter().map(Row::cells).collect();
    let titles = TITLES.map(str::to_owned);
    let width = |column: usize| {
        let of = |cells: &[String; 7]| cells[column].chars().count();
        cells.iter().chain([&titles]).map(of).max().unwrap_or(0)
    };
    let widths: [usize; 7] = std::array::from_fn(width);
    let mut text = line(&titles, &widths);
    let rule = widths.map(|width| "-".repeat(width));
    text.push_str(&line(&rule, &widths));
    for cells in &cells {
        text.push_str(&line(cells, &widths));
    }
    text
}

fn line(cells: &[String; 7], widths: &[usize; 7]) -> String {
    let mut line = String::from("|");
    for (cell, width) in cells.iter().zip(widths) {
        write!(line, " {cell:width$} |").unwrap_or(());
    }
    line.push('\n');
    line
}

/// Three digits, as far as a measurement on a shared machine carries.
pub(super) fn number(value: f64) -> String {
    match value {
        _ if value < 10.0 => format!("{value:.2}"),
        _ if value < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// A duration in milliseconds.
pub(super) fn millis(duration: Duration) -> String {
    format!("{} ms", number(duration.as_secs_f64() * 1_000.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ratio: f64, target: Target) -> Row {
        Row {
            what: "start".to_owned(),
            ours: "1 ms".to_owned(),
            other: "bare".to_owned(),
            theirs: "2 ms".to_owned(),
            ratio,
            target,
        }
    }

    #[test]
    fn a_limit_is_met_from_its_own_side() {
        assert_eq!(row(1.5, Target::AtMost(1.6)).met(), Some(true));
        assert_eq!(row(1.7, Target::AtMost(1.6)).met(), Some(false));
        assert_eq!(row(0.04, Target::Faster(25.0)).met(), Some(true));
        assert_eq!(row(0.05, Target::Faster(25.0)).met(), Some(false));
        assert_eq!(row(f64::NAN, Target::AtMost(1.6)).met(), Some(false));
        assert_eq!(row(9.0, Target::None).met(), None);
    }

    #[test]
    fn a_table_has_a_line_for_each_row() {
        let text = markdown(&[
            row(1.5, Target::AtMost(1.6)),
            row(0.05, Target::Faster(25.0)),
        ]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        assert_eq!(
            lines[2],
            "| start | 1 ms | bare   | 2 ms   | 1.50        | ≤ 1.60        | met     |"
        );
        assert!(
            lines[3].contains("20.0 faster | ≥ 25.0 faster | NOT MET"),
            "{text}"
        );
    }
}
