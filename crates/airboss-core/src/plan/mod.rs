//! Plans: Markdown in, phases and steps out.
