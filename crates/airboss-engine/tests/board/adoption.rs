//! A board is taken as it is, and from then on its files agree.

use std::collections::BTreeMap;

use airboss_engine::board::{BoardError, Survey};

use crate::bench::Bench;
use crate::pairs;

#[test]
fn every_real_pair_is_adopted_and_then_equal() {
    let (mut boards, mut tasks, mut settled, mut left, mut changed) = (0, 0, 0, 0, 0);
    let mut lines = 0;
    let mut wrong = Vec::new();
    for pair in pairs() {
        let name = pair.file_name().unwrap().to_string_lossy().into_owned();
        let todo = fs_err::read(pair.join("TODO.md")).unwrap();
        let state = fs_err::read(pair.join("state.json")).unwrap();
        let bench = Bench::new(&[("TODO.md", &todo), ("state.json", &state)]);
        let survey = Survey::take(&bench.workspace, &bench.board, None);
        let survey = match survey {
            Ok(survey) => survey,
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        settled += survey.adopted.settled.len();
        left += survey.adopted.left.len();
        let quiet = survey.adopted.settled.is_empty();
        let (desk, done) = survey.carry_out(bench.workspace.clone(), None).unwrap();
        tasks += desk.view().unwrap().tasks.len();
        drop(desk);
        boards += 1;
        for pending in &done.settled.pending {
            wrong.push(format!("{name}: {} {}", pending.path, pending.reason));
        }
        for difference in bench.differences() {
            wrong.push(format!(
                "{name}: {} {}",
                difference.path, difference.message
            ));
        }
        let files = [("TODO.md", &todo), ("state.json", &state)];
        for (file, before) in files {
            let changed = changed_lines(before, &bench.read(file));
            let foreign = changed.iter().filter(|line| !is_owned(line));
            wrong.extend(foreign.map(|line| format!("{name}: {file} lost `{line}`")));
            lines += changed.len();
        }
        let same = bench.read("TODO.md") == todo && bench.read("state.json") == state;
        changed += usize::from(!same);
        if quiet && !same {
            wrong.push(format!(
                "{name}: nothing was settled, and yet a file changed"
            ));
        }
        let status = bench.git(&["status", "--porcelain"]);
        if !status.is_empty() {
            wrong.push(format!("{name}: not committed: {status}"));
        }
        let again = bench.settle(airboss_engine::board::Whole::Yes);
        if !again.written.is_empty() {
            wrong.push(format!("{name}: a second look wrote {:?}", again.written));
        }
    }
    println!(
        "{boards} boards, {tasks} tasks, {settled} disagreements settled, {left} left to a \
         person, {changed} boards changed, {lines} lines replaced, all of them owned"
    );
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn a_board_is_adopted_once() {
    let bench = Bench::new(&[("state.json", STATE)]);
    let (desk, done) = bench.adopt();
    assert_eq!(desk.view().unwrap().active().count(), 1);
    assert_eq!(done.settled.pending, []);
    let again = Survey::take(&bench.workspace, &bench.board, None).unwrap();
    let refused = again.carry_out(bench.workspace.clone(), None);
    assert!(matches!(refused, Err(BoardError::Refused(_))));
    // The entry that only state.json had stands in TODO.md now.
    assert!(String::from_utf8_lossy(&bench.read("TODO.md")).contains("### 7. Paint the fence"));
    assert_eq!(bench.differences(), []);
}

const STATE: &[u8] = br#"{
  "next_project_number": 8,
  "active_projects": [
    { "project_number": 7, "project_name": "paint_the_fence", "status": "planned" }
  ]
}
"#;

/// The lines of a text that are not in the new one any more, however often they stood there.
fn changed_lines(before: &[u8], after: &[u8]) -> Vec<String> {
    let lines = |bytes: &[u8]| -> BTreeMap<String, usize> {
        let mut counted = BTreeMap::new();
        for line in String::from_utf8_lossy(bytes).lines() {
            // A member that got a successor got a comma with it.
            let line = line.trim_end_matches(',').to_owned();
            *counted.entry(line).or_insert(0) += 1;
        }
        counted
    };
    let after = lines(after);
    let gone = lines(before).into_iter().flat_map(|(line, count)| {
        let lost = count.saturating_sub(after.get(&line).copied().unwrap_or(0));
        std::iter::repeat_n(line, lost)
    });
    gone.collect()
}

/// Whether a line holds a field that adopting a board may have to change.
fn is_owned(line: &str) -> bool {
    let owned = [
        "Status",
        "next_project_number",
        "\"status\"",
        "last_updated",
        // An empty list that gets its first task.
        "\"active_projects\": []",
    ];
    owned.iter().any(|field| line.contains(field))
}
