//! Where everything is on a terminal of any size. Pure, so that the mouse finds what was drawn.

use ratatui::layout::Rect;

use super::app::Panel;

/// From here on the panels stand in two columns.
const WIDE: u16 = 132;
/// Two columns of fewer rows would be too short to be read.
const TALL: u16 = 20;
/// Below this only the panel that has the focus is seen, and the names of the others.
const STACKED: u16 = 14;
/// From here on the header has all of its lines.
const HEADED: u16 = 20;

/// Where the parts of the main screen are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Screen {
    /// The header.
    pub header: Rect,
    /// The panels that are seen; the first row of each is its title.
    pub panels: Vec<(Panel, Rect)>,
    /// The names of all panels, where only one of them is seen.
    pub tabs: Option<Rect>,
    /// The last line.
    pub footer: Rect,
}

impl Screen {
    /// The rows of a panel below its title.
    #[must_use]
    pub fn rows(&self, panel: Panel) -> usize {
        let found = self.panels.iter().find(|(known, _)| *known == panel);
        found.map_or(0, |(_, area)| usize::from(area.height.saturating_sub(1)))
    }

    /// The panel at a place, and which of its visible rows.
    #[must_use]
    pub fn at(&self, column: u16, row: u16) -> Option<(Panel, Option<usize>)> {
        let inside = |area: &Rect| area.contains(ratatui::layout::Position { x: column, y: row });
        let (panel, area) = self.panels.iter().find(|(_, area)| inside(area))?;
        let line = (row - area.y).checked_sub(1);
        Some((*panel, line.map(usize::from)))
    }
}

/// The main screen. `wants` are the rows that each panel would fill.
#[must_use]
pub fn screen(size: Rect, focus: Panel, wants: [usize; Panel::ALL.len()]) -> Screen {
    let header = match size.height {
        0 => 0,
        1..STACKED => 1,
        STACKED..HEADED => 2,
        _ => 3,
    };
    let (header, rest) = split(size, header);
    let (middle, footer) = split(rest, rest.height.saturating_sub(1));
    let wants = wants.map(|rows| u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(1));
    let mut screen = Screen {
        header,
        panels: Vec::new(),
        tabs: None,
        footer,
    };
    if size.height < STACKED {
        let (tabs, panel) = split(middle, u16::from(middle.height > 2));
        screen.tabs = (tabs.height > 0).then_some(tabs);
        screen.panels.push((focus, panel));
    } else if size.width >= WIDE && size.height >= TALL {
        let left = size.width * 2 / 5;
        let one = Rect {
            width: left,
            ..middle
        };
        let other = Rect {
            x: middle.x + left + 2,
            width: middle.width.saturating_sub(left + 2),
            ..middle
        };
        let left = [Panel::Progress, Panel::Needs, Panel::Errors];
        let right = [Panel::Flying, Panel::Activity, Panel::Landed];
        stack(&mut screen.panels, one, &left, focus, &wants);
        stack(&mut screen.panels, other, &right, focus, &wants);
    } else {
        stack(&mut screen.panels, middle, &Panel::ALL, focus, &wants);
    }
    screen
}

/// The place of a detail view: everything but its title and the last line.
#[must_use]
pub fn body(size: Rect) -> Rect {
    let (_, rest) = split(size, size.height.min(2).min(size.height.saturating_sub(1)));
    split(rest, rest.height.saturating_sub(1)).0
}

fn split(area: Rect, height: u16) -> (Rect, Rect) {
    let height = height.min(area.height);
    (
        Rect { height, ..area },
        Rect {
            y: area.y + height,
            height: area.height - height,
            ..area
        },
    )
}

/// Gives each panel its title, then rows one by one to the one that has the least of what it is
/// due. The one with the focus is due twice as much, and what nobody wants is left to the last.
fn stack(
    panels: &mut Vec<(Panel, Rect)>,
    area: Rect,
    order: &[Panel],
    focus: Panel,
    wants: &[u16; Panel::ALL.len()],
) {
    let mut heights = vec![1_u16; order.len()];
    let mut left = area
        .height
        .saturating_sub(u16::try_from(order.len()).unwrap_or(u16::MAX));
    let due = |panel: Panel| if panel == focus { 2 } else { 1 };
    while left > 0 {
        let hungry = order.iter().zip(&heights).enumerate();
        let hungry = hungry.filter(|(_, (panel, height))| **height < wants[**panel as usize]);
        // The fewest rows for what it is due; of equals the first.
        let next = hungry.min_by_key(|(_, (panel, height))| **height * 2 / due(**panel));
        let Some((place, _)) = next else { break };
        heights[place] += 1;
        left -= 1;
    }
    // Titles do not jump about when rows come and go at the end.
    if let Some(last) = heights.last_mut() {
        *last += left;
    }
    let mut y = area.y;
    for (panel, height) in order.iter().zip(heights) {
        let height = height.min(area.bottom().saturating_sub(y));
        panels.push((*panel, Rect { y, height, ..area }));
        y += height;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_is_filled_and_nothing_overlaps() {
        for width in [0, 1, 40, 80, 131, 132, 200, 500] {
            for height in [0, 1, 2, 3, 10, 13, 14, 19, 20, 24, 60, 300] {
                for focus in Panel::ALL {
                    let size = Rect::new(0, 0, width, height);
                    let screen = screen(size, focus, [10_000, 64, 0, 3, 1, 0]);
                    let mut rows = screen.header.height + screen.footer.height;
                    rows += screen.tabs.map_or(0, |tabs| tabs.height);
                    for (_, area) in &screen.panels {
                        assert_eq!(area.intersection(size), *area, "{size:?}");
                        if area.x == 0 {
                            rows += area.height;
                        }
                    }
                    assert_eq!(rows, height, "{size:?} {screen:?}");
                    assert_eq!(body(size).intersection(size), body(size));
                }
            }
        }
    }
}
