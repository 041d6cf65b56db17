//! What a task waits for: a list of numbers, of texts, one number, or prose.

use super::object;
use crate::board::facts::Dependencies;
use crate::board::waits;
use crate::json::{Draft, Edits, Node, Object};

/// Reads the value; `None` when it says nothing.
pub(super) fn read(node: Node<'_>) -> Option<Dependencies> {
    if object::is_null(node) {
        return None;
    }
    let mut read = Dependencies::default();
    let mut prose = Vec::new();
    for item in items(node) {
        let said = said(item);
        prose.extend(said.prose);
        for number in said.numbers {
            if !read.numbers.contains(&number) {
                read.numbers.push(number);
            }
        }
    }
    read.prose = (!prose.is_empty()).then(|| prose.join("; "));
    Some(read)
}

/// Whether something in it is more than a number.
pub(super) fn has_words(node: Node<'_>) -> bool {
    let is_word = |item: &Node<'_>| !object::is_null(*item) && object::number(*item).is_none();
    items(node).iter().any(is_word)
}

/// Makes the member say this, item by item: what is right already keeps its words.
pub(super) fn write<'text>(
    edits: &mut Edits<'text>,
    task: &Object<'text>,
    key: &str,
    wanted: &Dependencies,
) {
    let node = task.get(key);
    let found = node.and_then(read).unwrap_or_default();
    let same_numbers = same_set(&found.numbers, &wanted.numbers);
    if same_numbers && found.prose == wanted.prose {
        return;
    }
    let keep_prose = found.prose == wanted.prose;
    let new_prose = wanted.prose.as_ref().filter(|_| !keep_prose);
    let Some(array) = node.and_then(Node::array) else {
        edits.set(task, key, draft(wanted));
        return;
    };
    let mut kept = Vec::new();
    for (position, item) in array.items().iter().enumerate() {
        let said = said(*item);
        let mut numbers = said.numbers.iter();
        let is_wanted = numbers.all(|number| wanted.numbers.contains(number));
        let says_nothing = said == Dependencies::default();
        if is_wanted && (said.prose.is_none() || keep_prose) && (!says_nothing || keep_prose) {
            kept.extend(said.numbers);
        } else {
            edits.remove_item(&array, position);
        }
    }
    let as_text =
        !array.items().is_empty() && array.items().iter().all(|item| item.raw().starts_with('"'));
    for number in wanted
        .numbers
        .iter()
        .filter(|number| !kept.contains(number))
    {
        if as_text {
            edits.append(&array, number.to_string());
        } else {
            edits.append(&array, *number);
        }
    }
    if let Some(prose) = new_prose {
        edits.append(&array, prose.clone());
    }
}

/// A new value.
pub(super) fn draft(dependencies: &Dependencies) -> Draft {
    let numbers = dependencies
        .numbers
        .iter()
        .map(|number| Draft::from(*number));
    let prose = dependencies
        .prose
        .iter()
        .map(|prose| Draft::from(prose.as_str()));
    Draft::Array(numbers.chain(prose).collect())
}

fn same_set(one: &[u32], other: &[u32]) -> bool {
    one.len() == other.len() && one.iter().all(|number| other.contains(number))
}

fn items(node: Node<'_>) -> Vec<Node<'_>> {
    match node.array() {
        Some(array) => array.items().to_vec(),
        None => vec![node],
    }
}

fn words_of(item: Node<'_>) -> String {
    item.text()
        .map_or_else(|| item.raw().to_owned(), std::borrow::Cow::into_owned)
}

/// What one item says: `51`, `"51"`, `"Task 51 (done)"`, `"Tasks 51, 52 and 53"`, `"none"`.
fn said(item: Node<'_>) -> Dependencies {
    match object::number(item) {
        Some(number) => Dependencies {
            numbers: vec![number],
            prose: None,
        },
        None if object::is_null(item) => Dependencies::default(),
        None => waits::dependencies(&words_of(item)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Document;

    #[test]
    fn every_shape_is_read() {
        let check = |json: &str, numbers: &[u32], prose: Option<&str>| {
            let document = Document::parse(json).unwrap();
            let read = read(document.root()).unwrap();
            assert_eq!(read.numbers, numbers, "{json}");
            assert_eq!(read.prose.as_deref(), prose, "{json}");
        };
        check("[]", &[], None);
        check("[4, 5, 4]", &[4, 5], None);
        check("7", &[7], None);
        check(r#""07""#, &[7], None);
        check(r#"["324", "OC_12"]"#, &[324, 12], None);
        check(
            r#"["Task 51 (done)", "tasks 52, 53 and 54"]"#,
            &[51, 52, 53, 54],
            None,
        );
        check(r#"["None", null, ""]"#, &[], None);
        check(r#"[3, "when it rains"]"#, &[3], Some("when it rains"));
        check(
            r#"["Tasks 4-6, when it rains"]"#,
            &[4, 5, 6],
            Some("when it rains"),
        );
    }
}
