//! Values that are to be written.

use serde_json::Value;

use super::node::Node;
use super::style::Style;

/// A value that is to be written: it has an order, and takes its layout from where it goes.
#[derive(Clone, PartialEq, Debug)]
pub enum Draft {
    /// A string, a number, a truth value or null.
    Leaf(Value),
    /// An array.
    Array(Vec<Self>),
    /// An array that stays on one line, wherever it goes.
    Row(Vec<Self>),
    /// An object; its members are written in this order.
    Object(Vec<(String, Self)>),
}

impl Draft {
    /// Null.
    pub const NULL: Self = Self::Leaf(Value::Null);

    /// An object of these members.
    pub fn object<K: Into<String>>(members: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Object(
            members
                .into_iter()
                .map(|(key, value)| (key.into(), value))
                .collect(),
        )
    }

    /// An array of these items.
    pub fn array<T: Into<Self>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::Array(items.into_iter().map(Into::into).collect())
    }

    /// A whole new file: two blanks of indentation, and a line break at the end.
    #[must_use]
    pub fn file(&self) -> String {
        let mut text = self.render(&Style::of_new_file());
        text.push('\n');
        text
    }

    /// The text, when `style` is that of the value itself.
    pub(super) fn render(&self, style: &Style) -> String {
        let children: Vec<String> = match self {
            Self::Leaf(value) => return value.to_string(),
            Self::Array(items) => {
                let nested = style.nested();
                items.iter().map(|item| item.render(&nested)).collect()
            }
            Self::Row(items) => {
                let flat = style.flat();
                let items: Vec<String> = items.iter().map(|item| item.render(&flat)).collect();
                return format!("[{}]", flat.join(&items));
            }
            Self::Object(members) => {
                let nested = style.nested();
                members
                    .iter()
                    .map(|(key, value)| style.member(key, &value.render(&nested)))
                    .collect()
            }
        };
        let inner = style.join(&children);
        match self {
            Self::Object(_) => format!("{{{inner}}}"),
            _ => format!("[{inner}]"),
        }
    }

    /// Whether the text says this already, however it is spelled.
    pub(super) fn is(&self, node: Node<'_>) -> bool {
        let Some(found) = node.value::<Value>() else {
            return false;
        };
        match (self.to_value(), found) {
            // `2.0` is as good as `2`. Beyond 2^53 a float may stand for several integers.
            (Value::Number(wanted), Value::Number(found)) => {
                wanted == found
                    || wanted.as_f64().is_some_and(|wanted| {
                        wanted.abs() <= 9_007_199_254_740_992.0 && found.as_f64() == Some(wanted)
                    })
            }
            (wanted, found) => wanted == found,
        }
    }

    /// The same as a value, which has no order.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::Leaf(value) => value.clone(),
            Self::Array(items) | Self::Row(items) => items.iter().map(Self::to_value).collect(),
            Self::Object(members) => members
                .iter()
                .map(|(key, value)| (key.clone(), value.to_value()))
                .collect(),
        }
    }
}

impl From<Value> for Draft {
    fn from(value: Value) -> Self {
        match value {
            Value::Array(items) => Self::array(items),
            Value::Object(members) => {
                Self::object(members.into_iter().map(|(key, value)| (key, value.into())))
            }
            leaf => Self::Leaf(leaf),
        }
    }
}

impl From<&str> for Draft {
    fn from(text: &str) -> Self {
        Self::Leaf(text.into())
    }
}

impl From<String> for Draft {
    fn from(text: String) -> Self {
        Self::Leaf(text.into())
    }
}

impl From<bool> for Draft {
    fn from(flag: bool) -> Self {
        Self::Leaf(flag.into())
    }
}

impl From<u32> for Draft {
    fn from(number: u32) -> Self {
        Self::Leaf(number.into())
    }
}

impl From<u64> for Draft {
    fn from(number: u64) -> Self {
        Self::Leaf(number.into())
    }
}

impl From<usize> for Draft {
    fn from(number: usize) -> Self {
        Self::Leaf(number.into())
    }
}
