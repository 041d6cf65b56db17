//! The timeline as SVG: who was in the air when, and what came of it.
//!
//! A lane for each attempt that was in the air beside others, bars by time, phases as bands above.
//! Long pauses in which nothing was in the air are folded and say how long they were. There is no
//! script and no foreign font, and both colour schemes are in the picture itself.

use std::fmt::{self, Write as _};

use airboss_core::account::{Account, AttemptLine};
use airboss_core::time::Timestamp;

use super::escape::Xml;
use super::palette::{DARK, LIGHT, Scheme, Tone};
use super::{MARK, drawn, tell};
use crate::words::cut;

/// The width of the picture, in its own units.
const WIDTH: f64 = 1120.0;
const MARGIN: f64 = 10.0;
/// The row of the axis.
const AXIS: f64 = 24.0;
const BAND: f64 = 20.0;
/// Bands of phases above each other; further ones are left out, the table has them all.
const BANDS_MAX: usize = 8;
const LANE: f64 = 26.0;
/// The lanes of very many attempts share this height.
const LANES_HEIGHT_MAX: f64 = 1040.0;
const LEGEND: f64 = 30.0;
/// The width of a folded pause.
const FOLD: f64 = 46.0;
/// A character of 11 px, on average.
const CHARACTER: f64 = 6.3;
/// The least width of a bar: one that is seen.
const BAR_MIN: f64 = 2.5;
/// About so many ticks.
const TICKS: f64 = 9.0;
/// A pause is folded when it is longer than this and than a third of all flying.
const PAUSE_MIN_MS: i64 = 60_000;
/// The distances of ticks, in seconds.
const STEPS: [i64; 19] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200,
    86_400, 604_800,
];

/// The timeline as a file of its own.
#[must_use]
pub fn file(account: &Account) -> String {
    drawn(|out| {
        writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
        writeln!(out, "<!-- {MARK} -->")?;
        draw(out, account, true)
    })
}

/// The timeline as part of a page, whose style has [`style`].
#[must_use]
pub fn inline(account: &Account) -> String {
    drawn(|out| draw(out, account, false))
}

/// The style of the picture in both schemes.
#[must_use]
pub fn style() -> String {
    drawn(|out| {
        rules(out, &LIGHT)?;
        write!(out, "@media(prefers-color-scheme:dark){{")?;
        rules(out, &DARK)?;
        out.write_str("}")
    })
}

fn rules(out: &mut String, scheme: &Scheme) -> fmt::Result {
    let Scheme {
        ink,
        soft,
        line,
        panel,
        on_tone,
        ..
    } = scheme;
    write!(
        out,
        ".tl text{{font:11px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;fill:{soft}}}\
         .tl .name{{fill:{ink}}}.tl .on{{fill:{on_tone};font-weight:600}}\
         .tl .grid{{stroke:{line};stroke-width:1}}.tl .band{{fill:{panel};stroke:{line}}}\
         .tl .fold{{fill:{panel}}}.tl .zig{{fill:none;stroke:{soft};stroke-dasharray:2 3}}"
    )?;
    for tone in Tone::ALL {
        let (class, color) = (tone.class(), scheme.tone(tone));
        write!(
            out,
            ".tl rect.{class}{{fill:{color}}}.tl text.{class}{{fill:{color}}}"
        )?;
    }
    let work = scheme.tone(Tone::Work);
    write!(
        out,
        ".tl rect.open{{fill-opacity:.25;stroke:{work};stroke-dasharray:4 3}}"
    )
}

/// The ground of a picture that stands alone: a viewer may have any.
fn ground(out: &mut String) -> fmt::Result {
    write!(
        out,
        "<style>.ground{{fill:{}}}@media(prefers-color-scheme:dark){{.ground{{fill:{}}}}}{}</style>\
         <rect class=\"ground\" width=\"100%\" height=\"100%\"/>",
        LIGHT.ground,
        DARK.ground,
        style()
    )
}

fn draw(out: &mut String, account: &Account, alone: bool) -> fmt::Result {
    let Some(scale) = Scale::of(&account.attempts) else {
        return nothing(out, account, alone);
    };
    let lanes = Lanes::of(&account.attempts);
    let bands = bands(account, &scale);
    let rows = bands.iter().map(|band| band.row + 1).max().unwrap_or(0);
    #[expect(clippy::cast_precision_loss, reason = "a few hundred lanes at most")]
    let (rows, count) = (rows as f64, lanes.count as f64);
    let lane = LANE.min(LANES_HEIGHT_MAX / count);
    let top = AXIS + rows * BAND + 6.0;
    let bottom = top + count * lane;
    open(out, account, bottom + LEGEND, alone)?;
    axis(out, &scale, bottom)?;
    for band in &bands {
        band.draw(out)?;
    }
    for (place, attempt) in account.attempts.iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a few hundred lanes at most")]
        let y = top + lanes.lane[place] as f64 * lane;
        let next = lanes.next[place].map(|next| scale.x(account.attempts[next].began));
        bar(out, attempt, &scale, (y, lane), next.unwrap_or(WIDTH))?;
    }
    legend(out, account, bottom + 20.0)?;
    out.write_str("</svg>\n")
}

fn open(out: &mut String, account: &Account, height: f64, alone: bool) -> fmt::Result {
    let size = if alone {
        format!(" width=\"{WIDTH:.0}\" height=\"{height:.0}\"")
    } else {
        String::new()
    };
    let attempts = crate::words::count(account.totals.attempts, "attempt");
    write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"tl\" viewBox=\"0 0 {WIDTH:.0} \
         {height:.0}\"{size} role=\"img\" aria-labelledby=\"tl-title tl-desc\">\
         <title id=\"tl-title\">Timeline of {}</title>\
         <desc id=\"tl-desc\">{attempts}, at most {} at once. {}</desc>",
        Xml(&account.title),
        account.totals.most_at_once,
        Xml(&account.sentence)
    )?;
    if alone { ground(out) } else { Ok(()) }
}

fn nothing(out: &mut String, account: &Account, alone: bool) -> fmt::Result {
    open(out, account, 60.0, alone)?;
    write!(
        out,
        "<text x=\"{MARGIN}\" y=\"34\">no attempt was dispatched</text></svg>"
    )
}

/// From instants to places: stretches of time, with folded pauses between them.
struct Scale {
    stretches: Vec<Stretch>,
}

#[derive(Clone, Copy)]
struct Stretch {
    begin: i64,
    end: i64,
    left: f64,
    right: f64,
}

impl Scale {
    fn of(attempts: &[AttemptLine]) -> Option<Self> {
        let mut spans: Vec<(i64, i64)> = attempts
            .iter()
            .map(|it| {
                (
                    it.began.as_millis(),
                    it.end().as_millis().max(it.began.as_millis()),
                )
            })
            .collect();
        spans.sort_unstable();
        let mut busy: Vec<(i64, i64)> = Vec::new();
        for (begin, end) in spans {
            match busy.last_mut() {
                Some((_, last)) if begin <= *last => *last = end.max(*last),
                _ => busy.push((begin, end)),
            }
        }
        let flown: i64 = busy
            .iter()
            .map(|(begin, end)| end.saturating_sub(*begin))
            .sum();
        let pause = PAUSE_MIN_MS.max(flown / 3);
        let mut times: Vec<(i64, i64)> = Vec::new();
        for (begin, end) in busy {
            match times.last_mut() {
                Some((_, last)) if begin.saturating_sub(*last) <= pause => *last = end,
                _ => times.push((begin, end)),
            }
        }
        let total: i64 = times
            .iter()
            .map(|(begin, end)| end.saturating_sub(*begin))
            .sum();
        #[expect(clippy::cast_precision_loss, reason = "pixels")]
        let (total, folds) = (total.max(1) as f64, times.len().checked_sub(1)? as f64);
        let room = WIDTH - 2.0 * MARGIN;
        // Many pauses get half of the width at most.
        let fold = if folds > 0.0 {
            FOLD.min(room / 2.0 / folds)
        } else {
            FOLD
        };
        let per_milli = (room - folds * fold) / total;
        let mut left = MARGIN;
        let stretches = times.into_iter().map(|(begin, end)| {
            #[expect(clippy::cast_precision_loss, reason = "pixels")]
            let right = left + end.saturating_sub(begin) as f64 * per_milli;
            let stretch = Stretch {
                begin,
                end,
                left,
                right,
            };
            left = right + fold;
            stretch
        });
        Some(Self {
            stretches: stretches.collect(),
        })
    }

    fn x(&self, at: Timestamp) -> f64 {
        let at = at.as_millis();
        let stretch = self.stretches.iter().find(|stretch| at <= stretch.end);
        let Some(stretch) = stretch.or(self.stretches.last()) else {
            return MARGIN;
        };
        let whole = (stretch.end - stretch.begin).max(1);
        let part = at.clamp(stretch.begin, stretch.end) - stretch.begin;
        #[expect(clippy::cast_precision_loss, reason = "pixels")]
        let share = part as f64 / whole as f64;
        stretch.left + share * (stretch.right - stretch.left)
    }
}

fn axis(out: &mut String, scale: &Scale, bottom: f64) -> fmt::Result {
    let whole: i64 = scale.stretches.iter().map(|it| it.end - it.begin).sum();
    #[expect(clippy::cast_precision_loss, reason = "seconds")]
    let wanted = whole as f64 / 1000.0 / TICKS;
    #[expect(clippy::cast_precision_loss, reason = "seconds")]
    let step = STEPS
        .iter()
        .find(|step| **step as f64 >= wanted)
        .unwrap_or(&STEPS[18])
        * 1000;
    let mut free = 0.0;
    for (place, stretch) in scale.stretches.iter().enumerate() {
        if place > 0 {
            fold(out, &scale.stretches[place - 1], stretch, bottom)?;
        }
        let first = stretch.begin.div_euclid(step) * step + step;
        let ticks = (stretch.end - first).div_euclid(step) + 1;
        // The beginning of each stretch has its time, too: it need not lie on a tick.
        let times =
            std::iter::once(stretch.begin).chain((0..ticks.max(0)).map(|tick| first + tick * step));
        for at in times {
            let x = scale.x(Timestamp::from_millis(at));
            let text = clock(at, step);
            #[expect(clippy::cast_precision_loss, reason = "a few characters")]
            let width = text.len() as f64 * CHARACTER + 8.0;
            write!(
                out,
                "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{AXIS}\" y2=\"{bottom:.1}\"/>"
            )?;
            if x >= free && x + width <= WIDTH {
                write!(out, "<text x=\"{x:.1}\" y=\"15\">{text}</text>")?;
                free = x + width;
            }
        }
    }
    Ok(())
}

/// The time of day in UTC, with seconds where ticks are that near.
fn clock(at: i64, step: i64) -> String {
    let text = Timestamp::from_millis(at).seconds_text();
    let (day, time) = text.split_once('T').unwrap_or((&text, ""));
    match step {
        ..60_000 => time.trim_end_matches('Z').to_owned(),
        60_000..86_400_000 => time.get(..5).unwrap_or(time).to_owned(),
        _ => day.to_owned(),
    }
}

/// A pause that was folded.
fn fold(out: &mut String, before: &Stretch, after: &Stretch, bottom: f64) -> fmt::Result {
    let (left, width) = (before.right, after.left - before.right);
    let pause = u64::try_from(after.begin - before.end).unwrap_or(0);
    let height = bottom - AXIS;
    let middle = left + width / 2.0;
    let text = tell::length(pause);
    write!(
        out,
        "<g><title>nothing was in the air for {text}</title>\
         <rect class=\"fold\" x=\"{left:.1}\" y=\"{AXIS}\" width=\"{width:.1}\" height=\"{height:.1}\"/>\
         <line class=\"zig\" x1=\"{middle:.1}\" x2=\"{middle:.1}\" y1=\"{AXIS}\" y2=\"{bottom:.1}\"/>"
    )?;
    if width >= FOLD - 0.5 {
        write!(
            out,
            "<text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{text}</text>",
            bottom - 4.0
        )?;
    }
    out.write_str("</g>\n")
}

/// A lane for each attempt beside others: the first that is free.
struct Lanes {
    lane: Vec<usize>,
    /// The attempt that comes next in the same lane.
    next: Vec<Option<usize>>,
    count: usize,
}

impl Lanes {
    fn of(attempts: &[AttemptLine]) -> Self {
        let mut last: Vec<usize> = Vec::new();
        let mut lane = Vec::with_capacity(attempts.len());
        let mut next = vec![None; attempts.len()];
        for (place, attempt) in attempts.iter().enumerate() {
            let free = last
                .iter()
                .position(|before| attempts[*before].end() <= attempt.began);
            let own = free.unwrap_or(last.len());
            match last.get_mut(own) {
                Some(before) => next[std::mem::replace(before, place)] = Some(place),
                None => last.push(place),
            }
            lane.push(own);
        }
        Self {
            lane,
            next,
            count: last.len(),
        }
    }
}

fn bar(
    out: &mut String,
    attempt: &AttemptLine,
    scale: &Scale,
    (y, lane): (f64, f64),
    next: f64,
) -> fmt::Result {
    let x = scale.x(attempt.began);
    let width = (scale.x(attempt.end()) - x).max(BAR_MIN);
    let gap = if lane > 10.0 {
        4.0
    } else {
        1.0_f64.min(lane / 4.0)
    };
    let height = lane - gap;
    let tone = Tone::of_verdict(attempt.verdict).class();
    let class = match attempt.ended {
        Some(_) => tone.to_owned(),
        None => format!("{tone} open"),
    };
    let word = tell::word(attempt.verdict);
    let agent = tell::agent(&attempt.agent, attempt.model.as_deref());
    let reason = tell::reasons(attempt);
    let colon = if reason.is_empty() { "" } else { ": " };
    write!(
        out,
        "<g><title>{} {agent}, {}, {word}{colon}{}</title><rect class=\"{class}\" x=\"{x:.1}\" \
         y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{:.1}\"/>",
        Xml(&attempt.name),
        tell::length(attempt.duration_ms),
        Xml(cut(&reason, 200)),
        (height / 5.0).min(3.0),
        agent = Xml(&agent),
    )?;
    if height >= 12.0 {
        let base = y + height / 2.0 + 4.0;
        let free = (next - x - width).max(0.0);
        let (at, class, text) = label(attempt, x, width, free);
        if !text.is_empty() {
            write!(
                out,
                "<text class=\"{class}\" x=\"{at:.1}\" y=\"{base:.1}\">{}</text>",
                Xml(text)
            )?;
        }
    }
    out.write_str("</g>\n")
}

/// What stands in a bar or beside it, and where: as much as there is room for.
fn label(attempt: &AttemptLine, x: f64, width: f64, free: f64) -> (f64, &'static str, String) {
    let sign = tell::sign(attempt.verdict);
    // Beside other stages a name begins with that of its own, which the band above has.
    let name = attempt.name.rsplit(' ').next().unwrap_or_default();
    let name = cut(name, 24);
    let brief = name.split_once('#').map_or(name.as_str(), |(step, _)| step);
    #[expect(clippy::cast_precision_loss, reason = "a few characters")]
    let wide = |text: &str| text.chars().count() as f64 * CHARACTER + 10.0;
    // A bar that is not over has the page's ground.
    let inside = if attempt.ended.is_some() {
        "on"
    } else {
        "name"
    };
    for text in [format!("{sign} {name}"), format!("{sign} {brief}")] {
        if wide(&text) <= width {
            return (x + 5.0, inside, text);
        }
        if wide(&text) < free {
            return (x + width + 4.0, "name", text);
        }
    }
    if width >= 14.0 {
        return (x + width / 2.0 - 4.0, inside, sign.to_owned());
    }
    (x, "", String::new())
}

/// When a phase was flown.
struct Band<'a> {
    title: &'a str,
    left: f64,
    right: f64,
    row: usize,
}

fn bands<'a>(account: &'a Account, scale: &Scale) -> Vec<Band<'a>> {
    let mut bands: Vec<Band<'a>> = Vec::new();
    let mut ends: Vec<f64> = Vec::new();
    for (place, group) in account.groups.iter().enumerate() {
        let own = || account.attempts.iter().filter(|it| it.group == Some(place));
        let (Some(begin), Some(end)) = (
            own().map(|it| it.began).min(),
            own().map(AttemptLine::end).max(),
        ) else {
            continue;
        };
        let (left, right) = (scale.x(begin), scale.x(end));
        let row = ends.iter().position(|end| *end <= left + 0.5);
        let row = row.unwrap_or(ends.len());
        if row >= BANDS_MAX {
            continue;
        }
        match ends.get_mut(row) {
            Some(end) => *end = right,
            None => ends.push(right),
        }
        bands.push(Band {
            title: &group.title,
            left,
            right,
            row,
        });
    }
    bands
}

impl Band<'_> {
    fn draw(&self, out: &mut String) -> fmt::Result {
        #[expect(clippy::cast_precision_loss, reason = "a few rows")]
        let y = AXIS + self.row as f64 * BAND;
        let width = (self.right - self.left).max(BAR_MIN);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a width in characters"
        )]
        let room = ((width - 8.0) / CHARACTER).max(0.0) as usize;
        write!(
            out,
            "<g><title>{}</title><rect class=\"band\" x=\"{:.1}\" y=\"{:.1}\" width=\"{width:.1}\" \
             height=\"{:.1}\" rx=\"3\"/>",
            Xml(self.title),
            self.left,
            y + 0.5,
            BAND - 4.0
        )?;
        if room >= 3 {
            write!(
                out,
                "<text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                self.left + 5.0,
                y + 12.0,
                Xml(cut(self.title, room))
            )?;
        }
        out.write_str("</g>\n")
    }
}

/// The signs that occur, with their words.
fn legend(out: &mut String, account: &Account, y: f64) -> fmt::Result {
    let mut x = MARGIN;
    let mut told = Vec::new();
    for attempt in &account.attempts {
        if told.contains(&attempt.verdict) {
            continue;
        }
        told.push(attempt.verdict);
        let (sign, word) = (tell::sign(attempt.verdict), tell::word(attempt.verdict));
        let tone = Tone::of_verdict(attempt.verdict).class();
        write!(
            out,
            "<rect class=\"{tone}\" x=\"{x:.1}\" y=\"{:.1}\" width=\"10\" height=\"10\" rx=\"2\"/>\
             <text x=\"{:.1}\" y=\"{y:.1}\">{sign} {word}</text>",
            y - 9.0,
            x + 15.0
        )?;
        #[expect(clippy::cast_precision_loss, reason = "a few characters")]
        let width = word.len() as f64 * CHARACTER;
        x += 48.0 + width;
    }
    write!(
        out,
        "<text x=\"{:.1}\" y=\"{y:.1}\" text-anchor=\"end\">times are UTC</text>",
        WIDTH - MARGIN
    )
}
