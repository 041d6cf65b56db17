//! A chart as Mermaid and as SVG.

use std::collections::HashMap;
use std::fmt::{self, Write as _};

use airboss_core::chart::{Cell, Chart, Node};

use super::escape::{Xml, mermaid};
use super::palette::{DARK, LIGHT, Scheme, Tone, stand_sign};
use super::{MARK, drawn};
use crate::words::{count, cut};

/// A node in pixels, and the space around it.
const NODE: (f64, f64) = (196.0, 46.0);
const GAP: (f64, f64) = (22.0, 40.0);
/// The room of an edge that passes a row.
const BEND: f64 = 14.0;
const MARGIN: f64 = 20.0;
/// The rows of the heading.
const HEADING: f64 = 44.0;
const LEGEND: f64 = 34.0;
/// Characters of a title in a node.
const TITLE_MAX: usize = 27;
/// Characters of a title in Mermaid, which breaks lines itself.
const MERMAID_TITLE_MAX: usize = 60;

/// The text of a Mermaid flowchart.
#[must_use]
pub fn flowchart(chart: &Chart) -> String {
    drawn(|out| {
        out.write_str("flowchart TD\n")?;
        if chart.left_out > 0 {
            writeln!(out, "  %% {} left out", count(chart.left_out, "node"))?;
        }
        for (place, title) in chart.groups.iter().enumerate() {
            let mut own = chart.nodes.iter().enumerate();
            let mut own = own
                .by_ref()
                .filter(|(_, node)| node.group == Some(place))
                .peekable();
            if own.peek().is_none() {
                continue;
            }
            writeln!(out, "  subgraph g{place}[\"{}\"]", mermaid(title))?;
            for (at, node) in own {
                mermaid_node(out, at, node)?;
            }
            out.write_str("  end\n")?;
        }
        for (at, node) in chart.nodes.iter().enumerate() {
            if node.group.is_none() {
                mermaid_node(out, at, node)?;
            }
        }
        for edge in &chart.edges {
            let arrow = if edge.in_cycle { "-. cycle .->" } else { "-->" };
            writeln!(out, "  n{} {arrow} n{}", edge.from, edge.to)?;
        }
        for tone in Tone::ALL {
            let members = chart.nodes.iter().enumerate();
            let members: Vec<String> = members
                .filter(|(_, node)| Tone::of_stand(node.stand) == tone)
                .map(|(at, _)| format!("n{at}"))
                .collect();
            if !members.is_empty() {
                // Dark enough for white text, and so readable in both schemes.
                let (class, color) = (tone.class(), LIGHT.tone(tone));
                writeln!(
                    out,
                    "  classDef {class} fill:{color},stroke:{color},color:#ffffff"
                )?;
                writeln!(out, "  class {} {class}", members.join(","))?;
            }
        }
        Ok(())
    })
}

fn mermaid_node(out: &mut String, at: usize, node: &Node) -> fmt::Result {
    let (open, close) = if node.is_phase {
        ("([", "])")
    } else {
        ("[", "]")
    };
    let title = mermaid(&cut(&node.title.replace('`', ""), MERMAID_TITLE_MAX));
    let cycle = if node.in_cycle { ", in a cycle" } else { "" };
    writeln!(
        out,
        "    n{at}{open}\"{} {} {title}<br/>{}{cycle}\"{close}",
        stand_sign(node.stand),
        mermaid(&node.id),
        mermaid(&node.status),
    )
}

/// The picture as a file.
#[must_use]
pub fn svg(chart: &Chart) -> String {
    drawn(|out| {
        writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
        writeln!(out, "<!-- {MARK} -->")?;
        Plane::of(chart).draw(out)
    })
}

/// Where everything is.
struct Plane<'a> {
    chart: &'a Chart,
    width: f64,
    height: f64,
    /// The upper left corners of nodes.
    corners: HashMap<usize, (f64, f64)>,
    /// The points that an edge passes on its way.
    bends: HashMap<usize, Vec<(f64, f64)>>,
}

impl<'a> Plane<'a> {
    fn of(chart: &'a Chart) -> Self {
        let layout = chart.layout();
        let wide = |cell: &Cell| match cell {
            Cell::Node(_) => NODE.0 + GAP.0,
            Cell::Bend(_) => BEND,
        };
        let widths: Vec<f64> = layout
            .rows
            .iter()
            .map(|row| row.iter().map(wide).sum())
            .collect();
        let widest = widths
            .iter()
            .copied()
            .fold(2.0 * (NODE.0 + GAP.0), f64::max);
        let (mut corners, mut bends) = (HashMap::new(), HashMap::new());
        let mut y = HEADING;
        for (row, width) in layout.rows.iter().zip(&widths) {
            let mut x = MARGIN + (widest - width) / 2.0;
            for cell in row {
                match cell {
                    Cell::Node(node) => {
                        corners.insert(*node, (x + GAP.0 / 2.0, y));
                    }
                    Cell::Bend(edge) => {
                        let way: &mut Vec<_> = bends.entry(*edge).or_default();
                        let middle = x + BEND / 2.0;
                        way.extend([(middle, y), (middle, y + NODE.1)]);
                    }
                }
                x += wide(cell);
            }
            y += NODE.1 + GAP.1;
        }
        Self {
            chart,
            width: widest + 2.0 * MARGIN,
            height: y + LEGEND - GAP.1 + 10.0,
            corners,
            bends,
        }
    }

    fn draw(&self, out: &mut String) -> fmt::Result {
        let Self {
            chart,
            width,
            height,
            ..
        } = self;
        write!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"dg\" viewBox=\"0 0 {width:.0} \
             {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\" \
             aria-labelledby=\"dg-title\"><title id=\"dg-title\">What waits for what: {}</title>\
             <style>",
            Xml(&chart.title)
        )?;
        rules(out, &LIGHT)?;
        out.write_str("@media(prefers-color-scheme:dark){")?;
        rules(out, &DARK)?;
        out.write_str("}</style><defs>")?;
        for class in ["arrow", "circle"] {
            write!(
                out,
                "<marker id=\"{class}\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" \
                 markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">\
                 <path class=\"{class}\" d=\"M0 0L8 4L0 8z\"/></marker>"
            )?;
        }
        let left_out = match chart.left_out {
            0 => String::new(),
            some => format!(" ({} left out)", count(some, "node")),
        };
        write!(
            out,
            "</defs><rect class=\"ground\" width=\"100%\" height=\"100%\"/>\
             <text class=\"head\" x=\"{MARGIN}\" y=\"26\">{}{left_out}</text>",
            Xml(cut(&chart.title, 80))
        )?;
        for (place, edge) in chart.edges.iter().enumerate() {
            let (Some(from), Some(to)) = (self.corners.get(&edge.from), self.corners.get(&edge.to))
            else {
                continue;
            };
            self.edge(out, place, *from, *to, edge.in_cycle)?;
        }
        for (place, node) in chart.nodes.iter().enumerate() {
            if let Some(corner) = self.corners.get(&place) {
                self.node(out, node, *corner)?;
            }
        }
        self.legend(out)?;
        out.write_str("</svg>\n")
    }

    /// A curve from the lower edge of one node to the upper edge of another.
    fn edge(
        &self,
        out: &mut String,
        place: usize,
        from: (f64, f64),
        to: (f64, f64),
        in_cycle: bool,
    ) -> fmt::Result {
        let (class, marker) = if in_cycle {
            ("edge turn", "circle")
        } else {
            ("edge", "arrow")
        };
        let begin = (from.0 + NODE.0 / 2.0, from.1 + NODE.1);
        let end = (to.0 + NODE.0 / 2.0, to.1 - 1.0);
        write!(
            out,
            "<path class=\"{class}\" marker-end=\"url(#{marker})\" d=\""
        )?;
        write!(out, "M{:.1} {:.1}", begin.0, begin.1)?;
        if end.1 <= begin.1 {
            // It leads up: around the right side.
            let side = begin.0.max(end.0) + NODE.0 / 2.0 + GAP.0;
            return writeln!(
                out,
                "C{side:.1} {:.1} {side:.1} {:.1} {:.1} {:.1}\"/>",
                begin.1 + GAP.1,
                end.1 - GAP.1,
                end.0,
                end.1
            );
        }
        let mut last = begin;
        let none = Vec::new();
        let bends = self.bends.get(&place).unwrap_or(&none);
        for (at, point) in bends.iter().chain([&end]).enumerate() {
            let straight = at % 2 == 1 && at < bends.len();
            if straight {
                write!(out, "L{:.1} {:.1}", point.0, point.1)?;
            } else {
                let middle = (last.1 + point.1) / 2.0;
                write!(
                    out,
                    "C{:.1} {middle:.1} {:.1} {middle:.1} {:.1} {:.1}",
                    last.0, point.0, point.0, point.1
                )?;
            }
            last = *point;
        }
        out.write_str("\"/>\n")
    }

    fn node(&self, out: &mut String, node: &Node, (x, y): (f64, f64)) -> fmt::Result {
        let tone = Tone::of_stand(node.stand).class();
        let group = node.group.and_then(|group| self.chart.groups.get(group));
        let cycle = if node.in_cycle {
            ", waits for itself"
        } else {
            ""
        };
        let radius = if node.is_phase { NODE.1 / 2.0 } else { 7.0 };
        let turn = if node.in_cycle { " turn" } else { "" };
        write!(
            out,
            "<g><title>{} {} ({}{cycle}){}</title><rect class=\"node {tone}{turn}\" x=\"{x:.1}\" \
             y=\"{y:.1}\" width=\"{}\" height=\"{}\" rx=\"{radius}\"/>",
            Xml(&node.id),
            Xml(&node.title),
            Xml(&node.status),
            group.map_or(String::new(), |group| format!(", {}", Xml(group))),
            NODE.0,
            NODE.1
        )?;
        let indent = if node.is_phase { 20.0 } else { 12.0 };
        writeln!(
            out,
            "<text class=\"{tone} id\" x=\"{:.1}\" y=\"{:.1}\">{} {}{}</text>\
             <text x=\"{:.1}\" y=\"{:.1}\">{}</text></g>",
            x + indent,
            y + 18.0,
            stand_sign(node.stand),
            Xml(cut(&node.id, 16)),
            if node.in_cycle { " ⟲" } else { "" },
            x + indent,
            y + 35.0,
            // A node is too small for marks of code.
            Xml(cut(
                &node.title.replace('`', ""),
                if node.is_phase {
                    TITLE_MAX - 3
                } else {
                    TITLE_MAX
                }
            ))
        )
    }

    /// The statuses that occur, with their signs.
    fn legend(&self, out: &mut String) -> fmt::Result {
        let (mut x, y) = (MARGIN, self.height - 14.0);
        let mut told = Vec::new();
        for node in &self.chart.nodes {
            if told.contains(&node.stand) {
                continue;
            }
            told.push(node.stand);
            let word = node.stand.word();
            write!(
                out,
                "<text class=\"{} id\" x=\"{x:.1}\" y=\"{y:.1}\">{} {word}</text>",
                Tone::of_stand(node.stand).class(),
                stand_sign(node.stand)
            )?;
            #[expect(clippy::cast_precision_loss, reason = "a few characters")]
            let width = word.len() as f64 * 7.2;
            x += 36.0 + width;
        }
        if self.chart.has_cycle() {
            write!(
                out,
                "<text class=\"bad id\" x=\"{x:.1}\" y=\"{y:.1}\">⟲ waits for itself</text>"
            )?;
        }
        Ok(())
    }
}

fn rules(out: &mut String, scheme: &Scheme) -> fmt::Result {
    let Scheme {
        ground,
        panel,
        line,
        ink,
        soft,
        ..
    } = scheme;
    let bad = scheme.tone(Tone::Bad);
    write!(
        out,
        ".dg .ground{{fill:{ground}}}\
         .dg text{{font:12px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;fill:{ink}}}\
         .dg .head{{font-size:15px;font-weight:600}}.dg .id{{font-weight:650}}\
         .dg .node{{fill:{panel};stroke:{line};stroke-width:1.5}}\
         .dg .edge{{fill:none;stroke:{soft};stroke-width:1.3}}\
         .dg .arrow{{fill:{soft}}}.dg .circle{{fill:{bad}}}\
         .dg .edge.turn{{stroke:{bad};stroke-dasharray:5 3}}"
    )?;
    for tone in Tone::ALL {
        let (class, color) = (tone.class(), scheme.tone(tone));
        write!(
            out,
            ".dg text.{class}{{fill:{color}}}.dg rect.{class}{{stroke:{color}}}"
        )?;
    }
    write!(out, ".dg rect.turn{{stroke:{bad};stroke-dasharray:5 3}}")
}
