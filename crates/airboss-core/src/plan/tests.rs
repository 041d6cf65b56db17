//! Tests.
use super::*;
#[test]
fn founding_dump() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/founding");
    let mut names: Vec<_> = std::fs::read_dir(root)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    names.sort();
    for path in names {
        let plan = Plan::parse(&std::fs::read(&path).unwrap());
        eprintln!(
            "{} {:?} title={:?} out={:?} status={:?} crit={}",
            path.file_name().unwrap().display(),
            plan.dialect,
            plan.title,
            plan.output,
            plan.status.as_ref().map(|s| (s.status, &s.text)),
            plan.criteria.len()
        );
        for p in &plan.phases {
            eprintln!(
                "  {} {:?} {} L{} steps={} crit={} deps={:?} files={:?}",
                p.key,
                p.status,
                p.title,
                p.line,
                p.steps.len(),
                p.criteria.len(),
                p.dependencies.needs,
                p.files
            );
            for s in &p.steps {
                eprintln!(
                    "     {} L{} d={} {}",
                    s.id,
                    s.line,
                    s.details.len(),
                    &s.text.chars().take(60).collect::<String>()
                );
            }
        }
        for p in &plan.problems {
            eprintln!("  ! {:?} {} {:?} {}", p.severity, p.code, p.line, p.message);
        }
    }
}
