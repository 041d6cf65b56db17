//! The colours of pictures, in both schemes, and which meaning has which.
//!
//! As on a terminal (`docs/style.md`) a colour never stands alone: a sign or a word says the
//! same. Text has a contrast of at least 4.5 to 1 against its ground; a test computes it.

use airboss_core::scene::Stand;
use airboss_core::verdict::Verdict;

/// A meaning that has a colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tone {
    /// It holds.
    Good,
    /// It failed.
    Bad,
    /// It goes on, but look.
    Look,
    /// Something under Airboss is missing or broken.
    Odd,
    /// A person's turn.
    Person,
    /// In the air.
    Work,
    /// Nothing yet, or nothing any more.
    Idle,
}

impl Tone {
    /// All of them, in the order of [`Scheme::tones`].
    pub const ALL: [Self; 7] = [
        Self::Good,
        Self::Bad,
        Self::Look,
        Self::Odd,
        Self::Person,
        Self::Work,
        Self::Idle,
    ];

    /// The class of elements that have it.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Look => "look",
            Self::Odd => "odd",
            Self::Person => "person",
            Self::Work => "work",
            Self::Idle => "idle",
        }
    }

    /// That of a verdict; none yet means that the attempt is in the air.
    #[must_use]
    pub const fn of_verdict(verdict: Option<Verdict>) -> Self {
        match verdict {
            Some(Verdict::Verified) => Self::Good,
            Some(Verdict::Failed) => Self::Bad,
            Some(Verdict::Unverified | Verdict::Limited | Verdict::Interrupted) => Self::Look,
            Some(Verdict::Infra) => Self::Odd,
            Some(Verdict::Waiting) => Self::Person,
            None => Self::Work,
        }
    }

    /// That of where a step stands.
    #[must_use]
    pub const fn of_stand(stand: Stand) -> Self {
        match stand {
            Stand::Done => Self::Good,
            Stand::Failed => Self::Bad,
            Stand::Retried | Stand::Limited | Stand::Parked => Self::Look,
            Stand::NeedsAnswer => Self::Person,
            Stand::InProgress => Self::Work,
            Stand::Skipped | Stand::Blocked | Stand::Pending => Self::Idle,
        }
    }
}

/// The sign of where a step stands.
#[must_use]
pub const fn stand_sign(stand: Stand) -> &'static str {
    match stand {
        Stand::Done => "✓",
        Stand::Skipped => "–",
        Stand::Failed => "✗",
        Stand::Retried => "↻",
        Stand::InProgress => "▸",
        Stand::NeedsAnswer => "⁇",
        Stand::Limited | Stand::Parked => "…",
        Stand::Blocked => "×",
        Stand::Pending => "·",
    }
}

/// One scheme. All colours are `#rrggbb`.
#[derive(Clone, Copy, Debug)]
pub struct Scheme {
    /// The page.
    pub ground: &'static str,
    /// Panels on the page.
    pub panel: &'static str,
    /// Lines between things.
    pub line: &'static str,
    /// Text.
    pub ink: &'static str,
    /// Text of less weight.
    pub soft: &'static str,
    /// Text on a tone.
    pub on_tone: &'static str,
    /// The tones, in the order of [`Tone::ALL`]: as a surface, and as text on the page.
    pub tones: [&'static str; 7],
}

/// The light scheme.
pub const LIGHT: Scheme = Scheme {
    ground: "#ffffff",
    panel: "#f5f7fa",
    line: "#d5dbe3",
    ink: "#18202b",
    soft: "#55606e",
    on_tone: "#ffffff",
    tones: [
        "#18794a", "#c32638", "#8f5f00", "#9b3496", "#0c6c86", "#2f63b3", "#5a6573",
    ],
};

/// The dark scheme.
pub const DARK: Scheme = Scheme {
    ground: "#0f141b",
    panel: "#171e28",
    line: "#2d3846",
    ink: "#e6ebf2",
    soft: "#a0acbb",
    on_tone: "#0b0f14",
    tones: [
        "#52c68d", "#ff8087", "#e0b34a", "#dd93d8", "#58c6de", "#82b3f5", "#97a3b3",
    ],
};

impl Scheme {
    /// The colour of a tone.
    #[must_use]
    pub const fn tone(&self, tone: Tone) -> &'static str {
        self.tones[tone as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The relative luminance of WCAG 2.2.
    fn luminance(color: &str) -> f64 {
        let channel = |at: usize| {
            let value = u8::from_str_radix(&color[at..at + 2], 16).unwrap();
            let share = f64::from(value) / 255.0;
            if share <= 0.040_45 {
                share / 12.92
            } else {
                ((share + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(left: &str, right: &str) -> f64 {
        let (left, right) = (luminance(left), luminance(right));
        (left.max(right) + 0.05) / (left.min(right) + 0.05)
    }

    #[test]
    fn the_formula_knows_black_and_white() {
        assert!((contrast("#000000", "#ffffff") - 21.0).abs() < 0.001);
    }

    #[test]
    fn text_is_readable_on_its_ground() {
        for scheme in [LIGHT, DARK] {
            let grounds = [scheme.ground, scheme.panel];
            let texts = [scheme.ink, scheme.soft];
            let texts = texts.iter().chain(&scheme.tones);
            let mut pairs: Vec<(&str, &str)> = texts
                .flat_map(|text| grounds.map(|ground| (*text, ground)))
                .collect();
            pairs.extend(scheme.tones.map(|tone| (scheme.on_tone, tone)));
            for (text, ground) in pairs {
                let found = contrast(text, ground);
                assert!(found >= 4.5, "{text} on {ground}: {found:.2}");
            }
        }
    }
}
