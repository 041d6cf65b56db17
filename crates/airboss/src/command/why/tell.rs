//! The story of a step in words: one sentence, then the details in the order of their weight.

use std::time::Duration;

use airboss_core::attempt::AttemptEnd;
use airboss_core::dispatch::Standing;
use airboss_core::operation::StepStatus;
use airboss_core::process::Exit;
use airboss_core::step::{STUCK_AFTER, StepState};
use airboss_core::text::tail;
use airboss_core::verdict::{
    ArtifactCheck, ArtifactFinding, ChangedFile, Evidence, GateExit, GateResult, Verdict,
};
use owo_colors::Style;

use super::Knowledge;
use super::story::{AttemptStory, Story};
use crate::page::Page;
use crate::report::{short_commit, verdict_sign, verdict_style};
use crate::words;

/// The end of a red gate's output is where its error is: so much of it is shown.
const OUTPUT_LINES: usize = 12;
/// An agent's last words are a claim: the beginning tells which.
const SAID_CHARACTERS: usize = 160;
/// An agent's newest reports; `--verbose` and `airboss log` have all of them.
const REPORTS_SHOWN: usize = 8;
/// Files named before the rest is only counted.
const FILES_MAX: usize = 8;
/// The column of labels inside an attempt.
const LABEL: usize = 8;

/// The column of `#1 ? unverified`.
const HEADLINE: usize = 15;

/// The whole story.
pub(super) fn tell(story: &Story, known: &Knowledge, width: usize, verbose: bool) -> String {
    let mut page = Page::new(width);
    page.sentence(&sentence(story, known), Style::new().bold());
    let plain = ("", Style::new());
    page.field(0, plain, 0, &story.description);
    let place = format!(
        "phase {}, {} · {}",
        story.phase, story.phase_title, story.plan
    );
    page.field(0, plain, 0, &place);
    if let Some(problem) = &story.plan_problem {
        page.gap();
        let first = problem.lines().next().unwrap_or_default();
        let text = format!("{first}; below is what was recorded when it last could be read");
        page.field(0, ("warning:", Style::new().yellow()), 8, &text);
    }
    held_back(&mut page, story);
    if let Some(question) = &story.question {
        // The sentence at the top has the reason of a waiting step.
        let is_said = story.state.is_waiting() && !question.contains('\n');
        if is_said {
            page.gap();
        } else {
            page.heading("It asks");
            page.quote(2, question);
        }
        let when = if story.state.is_waiting() {
            ""
        } else {
            "once this attempt has ended, "
        };
        let hint = format!("{when}`airboss answer {} TEXT` answers", story.id);
        page.field(0, ("hint:", Style::new().cyan()), 5, &hint);
    }
    attempts(&mut page, story, verbose);
    if story.only.is_none() {
        marks(&mut page, story);
        commit(&mut page, story, verbose);
    }
    page.finish()
}

/// The one sentence.
fn sentence(story: &Story, known: &Knowledge) -> String {
    let id = &story.id;
    if let Some(only) = story.only {
        return attempt_sentence(story, only);
    }
    let state = &story.state;
    if state.vanished {
        return format!("{id} is no longer in the plan; what happened to it stays recorded");
    }
    match state.status {
        StepStatus::Completed => return completed(story),
        StepStatus::Skipped => {
            let reason = state.skip_reason.as_deref();
            return format!(
                "{id} was skipped: {}",
                reason.unwrap_or("no reason was given")
            );
        }
        StepStatus::InProgress => return in_progress(story, known),
        StepStatus::Pending | StepStatus::Failed => {}
    }
    let standing = known.standing(id);
    let mut words = match standing {
        Some(standing) => format!("{id} {}", words::standing(standing, known.now)),
        None => format!("{id} is {}", state.status.word()),
    };
    match standing {
        Some(Standing::WaitsFor(_) | Standing::Blocked(_)) => {}
        Some(Standing::Ready { retry: false }) if state.answer.is_some() => {
            words.push_str(": it was answered; `airboss run` goes on");
        }
        Some(Standing::Ready { retry: false }) => {
            words.push_str(": nothing holds it back; `airboss run` starts it");
        }
        _ => {
            words.extend(reason(state).map(|reason| format!(": {reason}")));
        }
    }
    words
}

/// Why the newest attempt was not enough, in a line; its verdict stands in the sentence.
pub(super) fn reason(state: &StepState) -> Option<&str> {
    let judged = state.judgement.as_ref();
    let text = match (&state.error, judged) {
        (Some(error), _) if state.status == StepStatus::Failed => error,
        (_, Some(judgement)) => &judgement.reason,
        _ => return None,
    };
    let text = text.strip_prefix("failed: ").unwrap_or(text);
    text.lines().next()
}

fn completed(story: &Story) -> String {
    let id = &story.id;
    let state = &story.state;
    let notes = state.notes.as_deref();
    let mut words = if state.overridden {
        let notes = notes.map_or(String::new(), |notes| format!(" ({notes})"));
        format!("{id} is done because a person said so{notes}; no verdict backs it")
    } else {
        let notes = notes.unwrap_or("its evidence was verified");
        format!("{id} is done: {notes}")
    };
    if let Some(commit) = &story.commit.commit {
        words.extend(["; committed as ", short_commit(commit)]);
    } else if let Some(pending) = &story.commit.pending {
        words.extend(["; its commit waits: ", pending]);
    }
    words
}

fn in_progress(story: &Story, known: &Knowledge) -> String {
    let id = &story.id;
    let state = &story.state;
    let live = story
        .attempts
        .last()
        .filter(|told| Some(told.id) == state.attempt);
    let Some(attempt) = live else {
        let since = state.started_at.unwrap_or_default();
        let for_long = known.now.since(since);
        let stuck = if for_long > STUCK_AFTER {
            "; nothing moved for too long, so the next run takes it back"
        } else {
            ""
        };
        return format!(
            "{id} is in progress by hand for {}{stuck}",
            words::duration(for_long)
        );
    };
    let ran = attempt.duration().map(words::duration).unwrap_or_default();
    if !attempt.status.is_live() {
        return format!(
            "{id} is in progress: what attempt {} left is checked",
            attempt.number
        );
    }
    let doing = match &attempt.doing {
        Some(doing) => format!(": {doing}"),
        None => String::new(),
    };
    format!(
        "{id} is in progress: attempt {} ({}) for {ran}{doing}",
        attempt.number, attempt.agent
    )
}

fn attempt_sentence(story: &Story, only: airboss_core::id::AttemptId) -> String {
    let Some(attempt) = story.attempts.iter().find(|told| told.id == only) else {
        return format!("attempt {only} did not work on step {}", story.id);
    };
    let name = format!("attempt {} at step {}", attempt.number, story.id);
    match (&attempt.judgement, &attempt.doing) {
        (Some(judgement), _) => {
            let word = judgement.verdict.word();
            format!("{name} was judged {word}: {}", judgement.reason)
        }
        (None, Some(doing)) => format!("{name} is not over: {doing}"),
        (None, None) => format!("{name} has no verdict yet"),
    }
}

fn held_back(page: &mut Page, story: &Story) {
    if story.held_back_by.is_empty() {
        return;
    }
    page.heading(match story.standing {
        Some("blocked") => "Blocked by",
        _ => "Waits for",
    });
    let columns = story.held_back_by.iter().map(|step| step.id.as_str().len());
    let columns = columns.max().unwrap_or(0);
    for step in &story.held_back_by {
        let text = format!("{} ({})", step.why, step.description);
        page.field(2, (step.id.as_str(), Style::new()), columns, &text);
    }
}

fn attempts(page: &mut Page, story: &Story, verbose: bool) {
    if story.attempts.is_empty() {
        return;
    }
    if story.only.is_none() {
        page.heading(&match story.retries.max {
            Some(max) if story.retries.used > 0 => {
                format!("Attempts (retries {} of {max})", story.retries.used)
            }
            _ => "Attempts".to_owned(),
        });
    } else {
        page.gap();
    }
    for (place, attempt) in story.attempts.iter().enumerate() {
        headline(page, attempt);
        details(page, story, place, verbose);
    }
}

/// `#1 ✗ failed  demo, 0.1s, 2026-03-02 09:15:00: the reason`
fn headline(page: &mut Page, attempt: &AttemptStory) {
    let (sign, word, style) = match &attempt.judgement {
        Some(judgement) => (
            verdict_sign(judgement.verdict),
            judgement.verdict.word(),
            verdict_style(judgement.verdict),
        ),
        None if attempt.status.is_live() => ("▸", "running", Style::new().cyan()),
        None => ("▸", "unjudged", Style::new().cyan()),
    };
    let mut text = attempt.agent.clone();
    text.extend(
        attempt
            .duration()
            .map(|took| format!(", {}", words::duration(took))),
    );
    text.extend([", ", &words::instant(attempt.dispatched_at)]);
    // What a verified one rests on stands below it, what a waiting one asks above it.
    let reason = attempt
        .judgement
        .as_ref()
        .filter(|judgement| !matches!(judgement.verdict, Verdict::Verified | Verdict::Waiting))
        .map(|judgement| &judgement.reason);
    let reason = reason.or(attempt.doing.as_ref());
    text.extend(reason.map(|reason| format!(": {reason}")));
    let label = format!("#{} {sign} {word}", attempt.number);
    page.field(2, (&label, style), HEADLINE, &text);
}

/// What was claimed and what was found.
fn details(page: &mut Page, story: &Story, place: usize, verbose: bool) {
    let attempt = &story.attempts[place];
    let newest = place + 1 == story.attempts.len();
    let verified = attempt
        .judgement
        .as_ref()
        .is_some_and(|judgement| judgement.verdict == Verdict::Verified);
    if !attempt.batch.is_empty() {
        let text = format!("one agent was given {}", words::ids(&attempt.batch));
        fact(page, "batch", &text);
    }
    if let Some(reason) = &attempt.stop_requested {
        fact(page, "stopped", reason);
    }
    if let Some(end) = attempt.end.as_ref().filter(|end| !is_clean(end)) {
        fact(page, "process", &words::end(end));
    }
    claimed(page, attempt, verbose);
    if let Some(evidence) = &attempt.evidence {
        found(page, evidence, newest || verbose || !verified);
        for check in &evidence.artifacts {
            place_of(page, story, check);
            if newest || verbose {
                search(page, story, attempt, check);
            }
        }
    }
    if !attempt.denied.is_empty() {
        fact(page, "denied", &attempt.denied.join(", "));
    }
    if let Some(AttemptEnd::Seen { outcome }) = &attempt.end {
        if outcome.leaked > 0 {
            let killed = words::killed(outcome.leaked);
            fact(page, "leaked", &format!("after the agent's end {killed}"));
        }
        if outcome.survivors > 0 {
            let text = format!("{} could not be killed", outcome.survivors);
            fact(page, "survived", &text);
        }
        if outcome.bytes_dropped > 0 || outcome.lines_cut > 0 {
            let bytes = words::amount(outcome.bytes_dropped);
            fact(
                page,
                "output",
                &format!("{bytes} bytes of it were not kept"),
            );
        }
    }
    if !verified && !attempt.error_tail.trim().is_empty() {
        fact(page, "stderr", "");
        page.quote(LABEL + 6, last_lines(&attempt.error_tail));
    }
    // Where there is another attempt, it is the one that was waited for.
    let awaited = attempt.wake_at.filter(|_| newest);
    if let (Some(wake), Some(judgement)) = (awaited, &attempt.judgement) {
        let what = match judgement.verdict {
            Verdict::Limited => "parked until",
            _ => "again, not before",
        };
        fact(page, "then", &format!("{what} {}", words::instant(wake)));
    }
}

/// A clean exit says nothing that the verdict does not say.
fn is_clean(end: &AttemptEnd) -> bool {
    matches!(end, AttemptEnd::Seen { outcome }
        if outcome.stopped.is_none() && outcome.exit == Exit::Code { code: 0 })
}

fn fact(page: &mut Page, label: &str, text: &str) {
    page.field(6, (label, Style::new().dimmed()), LABEL, text);
}

fn claimed(page: &mut Page, attempt: &AttemptStory, verbose: bool) {
    let claimed = &attempt.claimed;
    let mut parts = Vec::new();
    if !claimed.files.is_empty() {
        parts.push(format!(
            "wrote {}",
            files(claimed.files.iter().map(String::as_str))
        ));
    }
    let earlier = match verbose {
        true => 0,
        false => claimed.reports.len().saturating_sub(REPORTS_SHOWN),
    };
    if earlier > 0 {
        parts.push(format!("reported {earlier} times before what follows"));
    }
    parts.extend(claimed.reports.iter().skip(earlier).map(|report| {
        let report = report.split_whitespace().collect::<Vec<_>>().join(" ");
        let most = if verbose { usize::MAX } else { SAID_CHARACTERS };
        format!("reported {}", words::cut(&report, most))
    }));
    let said = claimed.last_text.split_whitespace().collect::<Vec<_>>();
    if !said.is_empty() {
        parts.push(format!(
            "“{}”",
            words::cut(&said.join(" "), SAID_CHARACTERS)
        ));
    }
    // A failure that it admits is the verdict's own reason.
    let told = attempt
        .judgement
        .as_ref()
        .map(|judgement| &judgement.reason);
    let admits = |message: &str| told.is_some_and(|told| told.contains(message));
    let end = claimed.end.as_ref();
    if let Some(end) = end.filter(|end| !end.ok && !admits(&end.message)) {
        parts.push(format!("ended with {}: {}", end.reason, end.message));
    }
    if !parts.is_empty() {
        fact(page, "claimed", &parts.join("; "));
    }
}

fn found(page: &mut Page, evidence: &Evidence, gates_in_full: bool) {
    if let Some(trouble) = &evidence.trouble {
        fact(page, "trouble", trouble);
        return;
    }
    let artifacts: Vec<String> = evidence.artifacts.iter().map(artifact).collect();
    let changes: Vec<String> = evidence.changes.iter().map(change).collect();
    let mut parts = Vec::new();
    if changes.is_empty() {
        parts.push("no file of its own changed".to_owned());
    } else {
        parts.push(files(changes.iter().map(String::as_str)));
    }
    // An artifact that is present is among the changes.
    let weak = evidence.artifacts.iter().zip(&artifacts);
    parts.extend(
        weak.filter(|(check, _)| check.finding != ArtifactFinding::Present)
            .map(|(_, words)| words.clone()),
    );
    if evidence.findings_written {
        parts.push("its findings".to_owned());
    }
    if evidence.batch_claim == Some(false) {
        parts.push("no word that this step of the batch is done".to_owned());
    }
    fact(page, "found", &parts.join("; "));
    if !evidence.unowned.is_empty() {
        let all: Vec<String> = evidence
            .unowned
            .iter()
            .map(|file| format!("{} ({})", file.path, file.why))
            .collect();
        fact(page, "not its", &files(all.iter().map(String::as_str)));
    }
    for result in &evidence.gates {
        if gates_in_full || !result.is_green() {
            gate(page, result);
        }
    }
}

/// How an artifact came to its place, where that was not by its agent and in time.
fn place_of(page: &mut Page, story: &Story, check: &ArtifactCheck) {
    let path = &check.path;
    if let Some(salvage) = &check.salvaged {
        let told = story.attempts.iter().find(|it| it.id == salvage.attempt);
        let number = told.map_or_else(|| salvage.attempt.short(), |it| it.number.to_string());
        let at = words::instant(salvage.at);
        let text = format!("Airboss wrote {path} from the answer of attempt {number}, {at}");
        fact(page, "salvaged", &text);
    }
    if check.late {
        fact(
            page,
            "late",
            &format!("{path} was not there at the first look"),
        );
    }
}

/// What was found where an artifact is missing, and where to look further.
fn search(page: &mut Page, story: &Story, attempt: &AttemptStory, check: &ArtifactCheck) {
    let Some(search) = &check.search else {
        return;
    };
    let holds = match &search.beside {
        None => "its directory is not there".to_owned(),
        Some(names) if names.is_empty() => "its directory is empty".to_owned(),
        Some(names) => {
            let more = match search.more {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("its directory holds {}{more}", names.join(", "))
        }
    };
    let waited = match search.waited_ms {
        0 => String::new(),
        waited => {
            let waited = words::duration(Duration::from_millis(waited));
            format!("; it was waited for, {waited}")
        }
    };
    fact(
        page,
        "expected",
        &format!("{}; {holds}{waited}", check.path),
    );
    if !search.answer.is_empty() {
        let text = format!("not salvaged, for it {}", search.answer);
        fact(page, "answer", &text);
    }
    if let Some(tool) = &search.last_tool {
        fact(page, "did last", tool);
    }
    let name = format!("{}#{}", story.id, attempt.number);
    let text = format!("`airboss replay {name}` has all that it said and did");
    fact(page, "look", &text);
}

fn gate(page: &mut Page, result: &GateResult) {
    let took = words::duration(Duration::from_millis(result.duration_ms));
    let (sign, style) = if result.is_green() {
        ("✓", Style::new().green())
    } else {
        ("✗", Style::new().red())
    };
    let how = match &result.exit {
        GateExit::Code { code } => format!("exit {code}"),
        GateExit::Signal { signal } => format!("died of signal {signal}"),
        GateExit::TimedOut => "ran out of time".to_owned(),
        GateExit::Missing { message } => message.clone(),
    };
    let tree = match result.tree.get(..9) {
        Some(tree) => format!(" on tree {tree}"),
        None => String::new(),
    };
    let name = if result.name.contains(&result.command) {
        result.command.clone()
    } else {
        format!("{}: `{}`", result.name, result.command)
    };
    let text = format!("{name}: {how} after {took}{tree}");
    page.field(6, (&format!("gate {sign}"), style), LABEL, &text);
    if !result.is_green() {
        page.quote(LABEL + 8, last_lines(&result.output_tail));
    }
}

fn artifact(check: &ArtifactCheck) -> String {
    format!("{} {}", check.path, check.words())
}

fn change(change: &ChangedFile) -> String {
    let what = match (&change.before, &change.after) {
        (None, Some(_)) => " (new)",
        (Some(_), None) => " (deleted)",
        _ => "",
    };
    format!("{}{what}", change.path)
}

fn files<'a>(all: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = all.len().saturating_sub(FILES_MAX);
    let mut named = all.take(FILES_MAX).collect::<Vec<_>>().join(", ");
    if more > 0 {
        named.extend([" and ", &more.to_string(), " more"]);
    }
    named
}

fn last_lines(text: &str) -> &str {
    let text = text.trim_end();
    let begin = text
        .rmatch_indices('\n')
        .nth(OUTPUT_LINES - 1)
        .map_or(0, |(place, _)| place + 1);
    tail(&text[begin..], 16 * 1024)
}

fn marks(page: &mut Page, story: &Story) {
    if story.marks.is_empty() {
        return;
    }
    page.heading("By command");
    for mark in &story.marks {
        let who = if mark.person { "a person" } else { "airboss" };
        let forced = if mark.forced {
            ", against the rules"
        } else {
            ""
        };
        let text = mark
            .text
            .as_ref()
            .map_or(String::new(), |text| format!(": {text}"));
        let at = words::instant(mark.at);
        let line = format!("{} by {who}{forced}{text}", mark.what);
        page.field(2, (&at, Style::new().dimmed()), at.len(), &line);
    }
}

/// The first sentence names the commit; here is what it does not say.
fn commit(page: &mut Page, story: &Story, verbose: bool) {
    let commit = &story.commit;
    if commit.commit.is_some() && commit.left_out.is_empty() && !verbose {
        return;
    }
    let text = match (&commit.commit, &commit.pending) {
        (Some(made), _) => format!("{} (`git show {}`)", made, short_commit(made)),
        (None, Some(pending)) => format!("waits: {pending}"),
        (None, None) if commit.nothing => "there was nothing to commit".to_owned(),
        (None, None) => return,
    };
    page.heading("Commit");
    page.field(0, ("", Style::new()), 0, &text);
    for file in &commit.left_out {
        page.field(
            2,
            ("left out", Style::new().dimmed()),
            LABEL,
            &format!("{}: {}", file.path, file.why),
        );
    }
}
