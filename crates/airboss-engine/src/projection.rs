//! stub
use crate::store::Store;
use crate::workspace::Workspace;
pub fn settle(_store: &mut dyn Store, _workspace: &Workspace) -> Vec<String> {
    Vec::new()
}
