//! Reading JSON of which only the syntax is trusted.
//!
//! Agents release weekly and change the type of a field without notice. These
//! wrappers read what has the expected type and let anything else be absent, so
//! that one odd field never costs the whole line. They borrow from the line
//! where no escape stands in the way.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Answers every kind of value that is not of interest with the default.
macro_rules! otherwise_absent {
    ($($kind:ident),*) => { $(otherwise_absent!(@ $kind);)* };
    (@ bool) => { fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> { Ok(Self::Value::default()) } };
    (@ number) => {
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> { Ok(Self::Value::default()) }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> { Ok(Self::Value::default()) }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> { Ok(Self::Value::default()) }
    };
    (@ string) => { fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> { Ok(Self::Value::default()) } };
    (@ null) => { fn visit_unit<E>(self) -> Result<Self::Value, E> { Ok(Self::Value::default()) } };
    (@ list) => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
            while items.next_element::<IgnoredAny>()?.is_some() {}
            Ok(Self::Value::default())
        }
    };
    (@ object) => {
        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
            while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(Self::Value::default())
        }
    };
}

/// A string, if it is one.
#[derive(Debug, Default, Clone)]
pub(super) struct Text<'a>(Option<Cow<'a, str>>);

impl<'a> Text<'a> {
    /// The string, if there is one.
    pub(super) fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The string, or nothing.
    pub(super) fn as_str(&self) -> &str {
        self.get().unwrap_or_default()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsText;
        impl<'de> Visitor<'de> for AsText {
            type Value = Text<'de>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("anything")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Some(Cow::Borrowed(text))))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Some(Cow::Owned(text.to_owned()))))
            }
            otherwise_absent!(bool, number, null, list, object);
        }
        deserializer.deserialize_any(AsText)
    }
}

/// A number, if it is one.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Number(Option<f64>);

impl Number {
    /// The number as it is.
    pub(super) const fn get(self) -> Option<f64> {
        self.0
    }

    /// The number as a count; negative and fractional parts go.
    #[expect(
        clippy::cast_sign_loss,
        clippy::cast_possible_truncation,
        reason = "`as` saturates"
    )]
    pub(super) fn count(self) -> Option<u64> {
        self.0.map(|number| number as u64)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsNumber;
        impl<'de> Visitor<'de> for AsNumber {
            type Value = Number;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("anything")
            }
            #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
            fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Number(Some(number as f64)))
            }
            #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
            fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Number(Some(number as f64)))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
                Ok(Number(Some(number)))
            }
            otherwise_absent!(bool, string, null, list, object);
        }
        deserializer.deserialize_any(AsNumber)
    }
}

/// `true`, if it is that; anything else is `false`.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Flag(pub(super) bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsFlag;
        impl<'de> Visitor<'de> for AsFlag {
            type Value = Flag;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("anything")
            }
            fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
                Ok(Flag(flag))
            }
            otherwise_absent!(number, string, null, list, object);
        }
        deserializer.deserialize_any(AsFlag)
    }
}

/// An object, if it is one.
#[derive(Debug)]
pub(super) struct Object<T>(pub(super) Option<T>);

impl<T> Default for Object<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Object<T> {
    /// The object, if there is one.
    pub(super) const fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsObject<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for AsObject<T> {
            type Value = Object<T>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("anything")
            }
            fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(entries))
                    .map(|object| Object(Some(object)))
            }
            otherwise_absent!(bool, number, string, null, list);
        }
        deserializer.deserialize_any(AsObject(PhantomData))
    }
}

/// The objects and the first string of a list, or the one object or string in its place.
///
/// Lists in lists are read as one.
#[derive(Debug)]
pub(super) struct Items<'a, T> {
    /// The objects.
    pub(super) items: Vec<T>,
    /// The first string.
    pub(super) text: Text<'a>,
}

impl<T> Default for Items<'_, T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            text: Text(None),
        }
    }
}

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for Items<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsItems<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for AsItems<T> {
            type Value = Items<'de, T>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("anything")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Items {
                    items: Vec::new(),
                    text: Text(Some(Cow::Borrowed(text))),
                })
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Items {
                    items: Vec::new(),
                    text: Text(Some(Cow::Owned(text.to_owned()))),
                })
            }
            fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
                let item = T::deserialize(MapAccessDeserializer::new(entries))?;
                Ok(Items {
                    items: vec![item],
                    text: Text(None),
                })
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut all = Items::default();
                while let Some(mut element) = list.next_element::<Items<'de, T>>()? {
                    all.items.append(&mut element.items);
                    if all.text.0.is_none() {
                        all.text = element.text;
                    }
                }
                Ok(all)
            }
            otherwise_absent!(bool, number, null);
        }
        deserializer.deserialize_any(AsItems(PhantomData))
    }
}
