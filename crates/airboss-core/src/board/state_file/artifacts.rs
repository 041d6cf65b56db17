//! What a task links: a list of objects, of paths, or lists by their kind.

use super::{keys, object};
use crate::board::link;
use crate::board::task::Artifact;
use crate::json::{Array, Draft, Edits, Node, Object};

/// One linked path and where it stands.
struct Linked<'text> {
    artifact: Artifact,
    node: Node<'text>,
    /// Its list and its position there; none when it is the value of a member by itself.
    stands: Option<(Array<'text>, usize)>,
}

/// Everything that the member links, in the order of the file.
pub(super) fn read(task: &Object<'_>) -> Vec<Artifact> {
    let linked = linked(task).into_iter();
    linked.map(|linked| linked.artifact).collect()
}

fn linked<'text>(task: &Object<'text>) -> Vec<Linked<'text>> {
    let Some(node) = task.get(keys::ARTIFACTS) else {
        return Vec::new();
    };
    let Some(lists) = node.object() else {
        return of_value(node, None);
    };
    let members = lists.members().iter();
    members
        // A directory is no artifact.
        .filter(|member| member.key != "base_path")
        .flat_map(|member| of_value(member.value, Some(&member.key)))
        .collect()
}

fn of_value<'text>(node: Node<'text>, key: Option<&str>) -> Vec<Linked<'text>> {
    let Some(array) = node.array() else {
        let artifact = of_item(node, key);
        return artifact
            .map(|artifact| Linked {
                artifact,
                node,
                stands: None,
            })
            .into_iter()
            .collect();
    };
    let items = array.items().iter().enumerate();
    items
        .filter_map(|(position, item)| {
            Some(Linked {
                artifact: of_item(*item, key)?,
                node: *item,
                stands: Some((array.clone(), position)),
            })
        })
        .collect()
}

fn of_item(node: Node<'_>, key: Option<&str>) -> Option<Artifact> {
    let said = |object: &Object<'_>, name| object::text(object, name);
    let (path, kind, summary) = match node.object() {
        Some(object) => (
            said(&object, "path")?,
            said(&object, "type"),
            said(&object, "summary").or_else(|| said(&object, "description")),
        ),
        None => (node.text()?.into_owned(), None, None),
    };
    let kind = kind.or_else(|| key.map(|key| singular(key).to_owned()));
    let kind = normal_kind(&path, kind.as_deref());
    Some(Artifact {
        path,
        kind,
        summary,
    })
}

/// `research_report` and `report` under `reports/` are research; without a word, the
/// directory says it.
fn normal_kind(path: &str, kind: Option<&str>) -> String {
    let by_directory = link::kind_of(path);
    match (kind, by_directory) {
        (Some("research_report" | "report"), Some("research")) => "research".to_owned(),
        (Some(kind), _) => kind.to_owned(),
        (None, Some(kind)) => kind.to_owned(),
        (None, None) => "other".to_owned(),
    }
}

fn singular(key: &str) -> &str {
    match key {
        "reports" => "research",
        "plans" => "plan",
        "summaries" => "summary",
        other => other,
    }
}

fn plural(kind: &str) -> String {
    match kind {
        "research" => "reports".to_owned(),
        "plan" => "plans".to_owned(),
        "summary" => "summaries".to_owned(),
        other => other.to_owned(),
    }
}

/// Links the artifact in the shape that the file has, or corrects what is said of it.
pub(super) fn put<'text>(edits: &mut Edits<'text>, task: &Object<'text>, wanted: &Artifact) {
    let linked = linked(task);
    let same = |linked: &&Linked<'_>| link::same(&linked.artifact.path, &wanted.path);
    match linked.iter().find(same) {
        Some(known) => correct(edits, known, wanted),
        None => add(edits, task, wanted),
    }
}

/// Takes the link out, as often as it is there.
pub(super) fn remove<'text>(edits: &mut Edits<'text>, task: &Object<'text>, path: &str) {
    let linked = linked(task).into_iter();
    for known in linked.filter(|known| link::same(&known.artifact.path, path)) {
        match known.stands {
            Some((array, position)) => edits.remove_item(&array, position),
            None => edits.replace(known.node, Draft::Array(Vec::new())),
        }
    }
}

fn correct<'text>(edits: &mut Edits<'text>, known: &Linked<'text>, wanted: &Artifact) {
    let Some(object) = known.node.object() else {
        return;
    };
    if known.artifact.kind != wanted.kind {
        edits.set(&object, "type", wanted.kind.as_str());
    }
    let Some(summary) = &wanted.summary else {
        return;
    };
    if known.artifact.summary.as_ref() != Some(summary) {
        let described = object.get("summary").is_none() && object.get("description").is_some();
        let key = if described { "description" } else { "summary" };
        edits.set(&object, key, summary.as_str());
    }
}

fn add<'text>(edits: &mut Edits<'text>, task: &Object<'text>, wanted: &Artifact) {
    let Some(node) = task.get(keys::ARTIFACTS) else {
        edits.set(task, keys::ARTIFACTS, Draft::array([draft(wanted)]));
        return;
    };
    if let Some(array) = node.array() {
        let item = like(array.items().last().copied(), wanted);
        edits.append(&array, item);
        return;
    }
    let Some(lists) = node.object() else {
        add_beside(edits, node, wanted);
        return;
    };
    let key = plural(&wanted.kind);
    let member = lists.get(&key).map(|node| (node, node.array()));
    match member {
        Some((_, Some(array))) => {
            let path = Draft::from(wanted.path.as_str());
            let objects = array
                .items()
                .last()
                .is_some_and(|item| item.object().is_some());
            edits.append(&array, if objects { draft(wanted) } else { path });
        }
        Some((node, None)) => add_beside(edits, node, wanted),
        None => edits.set(&lists, &key, Draft::array([wanted.path.as_str()])),
    }
}

/// A single path becomes a list of two; null becomes a list.
fn add_beside<'text>(edits: &mut Edits<'text>, node: Node<'text>, wanted: &Artifact) {
    let list = match node.text() {
        Some(path) => Draft::array([path.as_ref(), wanted.path.as_str()]),
        None => Draft::array([draft(wanted)]),
    };
    edits.replace(node, list);
}

/// A path where the list has paths, an object otherwise.
fn like(model: Option<Node<'_>>, wanted: &Artifact) -> Draft {
    match model {
        Some(model) if model.raw().starts_with('"') => Draft::from(wanted.path.as_str()),
        _ => draft(wanted),
    }
}

/// A new item.
pub(super) fn draft(artifact: &Artifact) -> Draft {
    let mut members = vec![
        ("path", Draft::from(artifact.path.as_str())),
        ("type", Draft::from(artifact.kind.as_str())),
    ];
    if let Some(summary) = &artifact.summary {
        members.push(("summary", Draft::from(summary.as_str())));
    }
    Draft::object(members)
}
